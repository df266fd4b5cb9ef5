// Weights at some steps of a training run: where the way from a model to the next bends, its projection
// on a bias is taken piece by piece (ModelAnalysis). Each file is a model.safetensors of its step.

import CanonicalJSON
import Diagnostics
import Foundation
import ModelFiles

/// The points that a run kept on its way, without its beginning and its end.
public struct TrainingPath: Sendable {
  public struct Step: Sendable, Equatable {
    /// Optimizer steps taken.
    public let number: Int
    /// Absolute path.
    public let file: String
  }

  /// Ascending.
  public let steps: [Step]
  /// Steps of the whole run.
  public let totalSteps: Int

  public static let indexName = "path.json"

  public static func fileName(_ step: Int) -> String {
    let digits = String(step)
    return "step-" + String(repeating: "0", count: max(0, 6 - digits.utf8.count)) + digits
      + ".safetensors"
  }

  /// Reads a folder.
  ///
  /// - Parameter files: logical name → path.
  ///
  /// **Throws**: `training-path`.
  public init(files: [String: String]) throws(Diagnostic) {
    guard let index = files[Self.indexName] else { throw .trainingPath("has no path.json") }
    let value = try JSONValue(
      parsing: SourceText(path: Self.indexName, bytes: MappedFile(at: index).copy()))
    guard let total = value["total_steps"]?.integer, let rows = value["steps"]?.array else {
      throw .trainingPath("has no steps in its path.json")
    }
    var steps: [Step] = []
    for row in rows {
      guard let number = row.integer, number > (steps.last?.number ?? 0), number < total else {
        throw .trainingPath("lists steps that do not ascend within the run")
      }
      guard let file = files[Self.fileName(number)] else {
        throw .trainingPath("lacks the file of step \(number)")
      }
      steps.append(Step(number: number, file: file))
    }
    self.steps = steps
    totalSteps = total
  }

  /// Steps that cut a run into `count` + 1 pieces of about the same length; fewer if it is short.
  public static func places(_ count: Int, of total: Int) -> [Int] {
    guard count > 0, total > 1 else { return [] }
    guard count < total - 1 else { return Array(1..<total) }
    return (1...count).map { Int((Double($0) * Double(total) / Double(count + 1)).rounded()) }
  }

  /// Makes a path of the files that a run kept: they stay where they are as well, so that a stage which
  /// is stopped after this can go on.
  ///
  /// **Throws**: `training-path`, `file-unwritable`.
  public static func write(
    _ steps: [Int], of total: Int, from source: String, to folder: String
  ) throws(Diagnostic) {
    for step in steps {
      let name = fileName(step)
      let (from, to) = (source + "/" + name, folder + "/" + name)
      do {
        try FileManager.default.linkItem(atPath: from, toPath: to)
      } catch {
        do {
          try FileManager.default.copyItem(atPath: from, toPath: to)
        } catch { throw .trainingPath("lacks the file of step \(step)") }
      }
    }
    let value = JSONValue.object([
      "steps": .array(steps.map { .integer($0) }), "total_steps": .integer(total),
    ])
    try AtomicFile.write(Array(value.indentedText.utf8), to: folder + "/" + indexName)
  }
}

extension Trainer {
  /// Writes the model's weights as they are now into an existing folder.
  ///
  /// - Precondition: the model itself is trained.
  ///
  /// **Throws**: `file-unwritable`.
  public func keepWeights(in folder: String) throws(Diagnostic) {
    precondition(adapter == nil, "a path of weights is of a model that is trained itself")
    try model.writeWeights(to: folder + "/" + TrainingPath.fileName(state.step))
  }
}

extension Diagnostic {
  static func trainingPath(_ what: String) -> Diagnostic {
    Diagnostic(
      "training-path", "the path of a training run \(what)",
      help: "make it again with fine-tune and 'snapshots'", consequence: .stageFailed)
  }
}
