// The mean weight of every unit: one number for each, over the parameters of the feed-forward part that
// belong to it.

import LanguageModels
import Tensors

/// Which parameters of the feed-forward part are averaged.
public enum UnitParameters: String, Sendable, CaseIterable {
  /// All that read from or write to the unit.
  case all
  /// Those of the first matrices alone.
  case up
  /// Those of the last matrix alone, with its bias.
  case down
}

extension UnitLayout {
  /// The mean over the parameters of each unit.
  ///
  /// With up `[F, C]` (GPT-2's `c_fc`), gate `[F, C]` (Llama only) and down `[C, F]` (`c_proj`):
  ///
  /// - residual channel i: column i of up and gate, row i of down, entry i of down's bias; 2·F + 1
  ///   numbers in GPT-2, 3·F in a Llama without biases. Biases of up and gate belong to no channel.
  /// - hidden unit j: row j of up and gate, entry j of their biases, column j of down; 2·C + 1 numbers
  ///   in GPT-2, 3·C in a Llama without biases. Down's bias belongs to no hidden unit.
  ///
  /// - Returns: one mean per unit, summed in double precision in a fixed order.
  public func meanWeights(
    of model: LanguageModel, parameters: UnitParameters = .all
  ) -> [Double] {
    precondition(
      self == UnitLayout(kind, of: model.specification),
      "\(self) are not those of \(UnitLayout(kind, of: model.specification))")
    let model = model.expanded()
    var means = [Double](repeating: 0, count: count)
    for layer in 0..<layers {
      var sums = [Double](repeating: 0, count: width)
      var terms = 0
      for (part, byColumn) in parts(parameters) {
        let role = ParameterRole.block(layer, part)
        guard model.table.contains(role) else { continue }
        terms += add(model.tensor(role), byColumn: byColumn, to: &sums)
      }
      for unit in 0..<width { means[layer * width + unit] = sums[unit] / Double(terms) }
    }
    return means
  }

  /// What belongs to a unit: its column or its row; a bias is a matrix of one row.
  private func parts(
    _ parameters: UnitParameters
  ) -> [(ParameterRole.InBlock, byColumn: Bool)] {
    let isResidual = kind == .residual
    var up: [(ParameterRole.InBlock, byColumn: Bool)] = [
      (.upWeight, isResidual), (.gateWeight, isResidual),
    ]
    var down: [(ParameterRole.InBlock, byColumn: Bool)] = [(.downWeight, !isResidual)]
    if isResidual {
      down.append((.downBias, true))
    } else {
      up += [(.upBias, true), (.gateBias, true)]
    }
    return (parameters == .down ? [] : up) + (parameters == .up ? [] : down)
  }

  /// Adds sums of columns or of rows.
  ///
  /// - Returns: how many numbers each sum got.
  private func add(_ tensor: Tensor, byColumn: Bool, to sums: inout [Double]) -> Int {
    if byColumn {
      precondition(tensor.columns == width, "\(tensor.shape) has no column for each of \(self)")
      for row in 0..<tensor.rows {
        let values = tensor.row(row)
        for column in 0..<width { sums[column] += Double(values[column]) }
      }
      return tensor.rows
    }
    precondition(tensor.rows == width, "\(tensor.shape) has no row for each of \(self)")
    for row in 0..<width {
      let values = tensor.row(row)
      var sum = 0.0
      for column in 0..<tensor.columns { sum += Double(values[column]) }
      sums[row] += sum
    }
    return tensor.columns
  }
}
