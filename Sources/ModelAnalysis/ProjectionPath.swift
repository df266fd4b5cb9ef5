// The way of the weights through a study: points that are read parameter by parameter, so that a path
// of any length needs the memory of two parameters.

import Diagnostics
import LanguageModels
import ModelFiles
import Tensors

/// θ at one place of a path, wherever its numbers are.
public struct WeightPoint: Sendable {
  /// Reads the parameter with this number of the table.
  typealias Reader = (Parameter, Int, UnsafeMutableBufferPointer<Float>) throws(Diagnostic) -> Void

  /// Files are mapped as long as their reader lives, so that a long path is not resident as a whole.
  let open: @Sendable () throws(Diagnostic) -> Reader

  /// A model folder, or a snapshot of one as a checkpoint.
  ///
  /// - Parameters:
  ///   - files: logical name → path, as `LanguageModel.init(files:)`.
  ///   - specification: of the path's models.
  ///
  /// **Throws**: the diagnostics of `Checkpoint`, where a tensor is missing or of another shape.
  public init(
    files: [String: String], of specification: ModelSpecification
  ) throws(Diagnostic) {
    let layout = specification.family.layout
    _ = try Checkpoint(files: files).match(layout)
    open = { () throws(Diagnostic) -> Reader in
      let matched = try Checkpoint(files: files).match(layout)
      return { _, number, target throws(Diagnostic) in try matched.read(number, into: target) }
    }
  }

  /// A model in memory; `model` must not change while the point is in use.
  public init(_ model: LanguageModel) {
    open = {
      { parameter, _, target in model.read(parameter.role, into: Self.tensor(parameter, target)) }
    }
  }

  /// A frozen model with an adapter, as if it were merged.
  public init(_ base: LanguageModel, _ adapter: LowRankAdapter) {
    open = {
      { parameter, _, target in
        let tensor = Self.tensor(parameter, target)
        base.read(parameter.role, into: tensor)
        if parameter.isLinearWeight,
          let lowRank = adapter.lowRank(module: parameter.module, gradients: nil)
        {
          lowRank.addProduct(to: tensor)
        }
      }
    }
  }

  private static func tensor(
    _ parameter: Parameter, _ target: UnsafeMutableBufferPointer<Float>
  ) -> Tensor {
    Tensor(
      target.baseAddress!, rows: parameter.shape.rows, columns: parameter.shape.columns)
  }
}

/// Points in order, cut into the generations of a study.
public struct ProjectionPath: Sendable {
  public private(set) var points: [WeightPoint]
  /// The point where each generation ends; it begins where the one before ends.
  public private(set) var ends: [Int] = []

  public init(from start: WeightPoint) { points = [start] }

  /// Adds a generation.
  ///
  /// - Parameter steps: points on the way, stored while it was trained; may be none.
  public mutating func add(through steps: [WeightPoint] = [], to end: WeightPoint) {
    points += steps + [end]
    ends.append(points.count - 1)
  }

  public var generationCount: Int { ends.count }
  func start(of generation: Int) -> Int { generation == 0 ? 0 : ends[generation - 1] }
}
