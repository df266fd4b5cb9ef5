// An adapter made part of the weights, and sums of adapters.

import Diagnostics
import Kernels
import ModelFiles
import Networks
import Tensors

extension LowRankAdapter {
  /// The base with s·B·A added to each adapted weight, all in single precision. A quantised base is
  /// expanded first: the sum stands on the numbers that the adapter was trained beside. Beside the
  /// unmerged adapter, outputs differ by rounding only (about 10⁻⁶ of their size).
  public func merged(into base: LanguageModel) -> LanguageModel {
    let model = LanguageModel(empty: base.specification)
    for parameter in model.table.parameters {
      let target = model.weights[parameter.region]
      base.read(parameter.role, into: target)
      if parameter.isLinearWeight,
        let lowRank = lowRank(module: parameter.module, gradients: nil)
      {
        lowRank.addProduct(to: target)
      }
    }
    return model
  }

  /// Σ wᵢ·adapterᵢ, exactly: ranks add up (peft's `cat`), factors and scales go into B.
  ///
  /// - Parameter table: of the base model, which must be that of all of them.
  ///
  /// **Throws**: `adapter-target`.
  public static func weightedSum(
    _ terms: [(adapter: LowRankAdapter, weight: Double)], for table: ParameterTable
  ) throws(Diagnostic) -> LowRankAdapter {
    precondition(!terms.isEmpty, "a sum of no adapters")
    var targets: Set<String> = []
    var ranks: [(path: String, rank: Int)] = []
    for parameter in table.parameters where parameter.isLinearWeight {
      let parts = terms.compactMap { $0.adapter.module(parameter.module) }
      guard !parts.isEmpty else { continue }
      let path = table.modulePath(parameter)
      targets.insert(path)
      ranks.append((path, parts.reduce(0) { $0 + $1.rank }))
    }
    let usual = ranks.map(\.rank).max() ?? 1
    // With α = r everywhere the scale is 1.
    var configuration = LowRankConfiguration(
      rank: usual, alpha: Double(usual), targets: targets.sorted())
    for (path, rank) in ranks where rank != usual {
      configuration.rankExceptions.append(.init(path, rank))
      configuration.alphaExceptions.append(.init(path, Double(rank)))
    }
    let sum = try LowRankAdapter(empty: configuration, for: table)
    for module in sum.modules {
      let target = sum.lowRank(module: module.name, gradients: nil)!
      var first = 0
      for (adapter, weight) in terms {
        guard let part = adapter.lowRank(module: module.name, gradients: nil) else { continue }
        let range = first..<first + part.rank
        target.a.slice(rows: range).copy(from: part.a)
        let b = target.b.slice(columns: range)
        b.copy(from: part.b)
        for row in 0..<b.rows {
          Kernels.scale(b.row(row), by: Float(weight * Double(part.scale)), b.columns)
        }
        first = range.upperBound
      }
    }
    return sum
  }

  func module(_ name: String) -> Module? { modules.first { $0.name == name } }
}
