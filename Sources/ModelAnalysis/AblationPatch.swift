// Takes units out of a model's weights; the result is an ordinary model.

import Diagnostics
import LanguageModels
import ModelFiles
import Tensors

/// What takes the place of a unit's contribution.
public enum AblationMethod: Sendable, Equatable {
  case zero
  /// The unit's mean over a corpus.
  ///
  /// - Parameter inner: mean of each inner unit behind the activation function, `L·F`.
  case mean(inner: [Double])
}

extension LanguageModel {
  /// A copy in which chosen units of the feed-forward parts write nothing, or their mean.
  ///
  /// The feed-forward part of layer l writes y = W·h + b into the residual stream, h its inner units.
  ///
  /// - A **residual** unit i is what y holds in channel i. Zeroed: row i of W and entry i of b are 0, so
  ///   that the part leaves channel i as it was. Mean: row i of W is 0, bᵢ = Σⱼ Wᵢⱼ·mean(hⱼ) + bᵢ.
  /// - A **hidden** unit j is hⱼ. Zeroed: column j of W is 0. Mean: column j is 0 and b grows by
  ///   W₍·ⱼ₎·mean(hⱼ).
  ///
  /// What reads from the unit stays as it is: later parts still read channel i.
  ///
  /// - Parameter units: places in the layout's order.
  ///
  /// **Throws**: `ablation-model` where the layout is of another model; `ablation-bias` for means in a
  /// family whose files have no bias there.
  public func ablating(
    _ units: [Int], of layout: UnitLayout, method: AblationMethod
  ) throws(Diagnostic) -> LanguageModel {
    let own = UnitLayout(layout.kind, of: specification)
    guard own == layout else {
      throw .ablationModel(layout.description, model: own.description)
    }
    var needsBias = false
    if case .mean(let inner) = method {
      needsBias = !units.isEmpty
      precondition(
        inner.count == specification.layers * specification.block.inner,
        "\(inner.count) means of inner units")
    }
    let copy = LanguageModel(
      try specification(withBias: needsBias), copying: self, seed: 0)
    var chosen = [[Int]](repeating: [], count: layout.layers)
    for unit in units { chosen[layout.layer(of: unit)].append(layout.unit(of: unit)) }
    let width = specification.block.inner
    for (layer, units) in chosen.enumerated() where !units.isEmpty {
      let down = copy.tensor(.block(layer, .downWeight))
      let biasRole = ParameterRole.block(layer, .downBias)
      let bias = copy.table.contains(biasRole) ? copy.tensor(biasRole) : nil
      let inner: ArraySlice<Double>? =
        if case .mean(let inner) = method { inner[layer * width..<(layer + 1) * width] } else {
          nil
        }
      switch layout.kind {
      case .residual: Self.ablateRows(units, down, bias, inner)
      case .hidden: Self.ablateColumns(units, down, bias, inner)
      }
    }
    return copy
  }

  private static func ablateRows(
    _ rows: [Int], _ down: Tensor, _ bias: Tensor?, _ inner: ArraySlice<Double>?
  ) {
    for row in rows {
      var mean = 0.0
      if let inner, let bias {
        mean = Double(bias.data[row])
        for column in 0..<down.columns {
          mean += Double(down[row, column]) * inner[inner.startIndex + column]
        }
      }
      for column in 0..<down.columns { down[row, column] = 0 }
      bias?.data[row] = Float(mean)
    }
  }

  private static func ablateColumns(
    _ columns: [Int], _ down: Tensor, _ bias: Tensor?, _ inner: ArraySlice<Double>?
  ) {
    for row in 0..<down.rows {
      var change = 0.0
      for column in columns {
        if let inner { change += Double(down[row, column]) * inner[inner.startIndex + column] }
        down[row, column] = 0
      }
      if inner != nil { bias?.data[row] += Float(change) }
    }
  }

  /// The same sizes, with biases in the feed-forward parts if they are needed.
  private func specification(withBias needsBias: Bool) throws(Diagnostic) -> ModelSpecification {
    guard needsBias, !table.contains(.block(0, .downBias)) else { return specification }
    guard case .llama(var configuration) = specification.family, configuration.family == .llama
    else { throw .ablationBias(specification.family.familyName) }
    configuration.hasFeedForwardBias = true
    return ModelSpecification(configuration)
  }
}
