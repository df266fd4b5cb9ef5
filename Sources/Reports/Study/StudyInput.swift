// What a drift report is made of, and how items of list inputs find their place: each carries the
// coordinates of the instance that made it. StudyTable.swift sorts them, StudyReport.swift writes.

import CanonicalJSON
import Diagnostics

/// Everything a report shows; it is a pure function of this.
public struct StudyInput: Sendable {
  /// Something with the coordinates of the instance that made it.
  public struct Item<Content: Sendable>: Sendable {
    public let coordinates: JSONObject
    public let content: Content

    public init(_ coordinates: JSONObject, _ content: Content) {
      self.coordinates = coordinates
      self.content = content
    }
  }

  /// A text by its document id.
  public struct Sample: Sendable, Equatable {
    public let id: String
    public let text: String

    public init(id: String, text: String) {
      self.id = id
      self.text = text
    }
  }

  /// Which matrix axis plays which part; empty where there is none.
  public struct Axes: Sendable {
    public var x: String
    public var series: String
    public var replicate: String

    public init(x: String, series: String, replicate: String) {
      self.x = x
      self.series = series
      self.replicate = replicate
    }
  }

  public var title: String
  public var summary: String
  public var axes: Axes
  /// The class whose share the summary follows.
  public var target: String
  /// Prompts whose continuations are shown side by side.
  public var shownPrompts: Int
  public var bias: [Item<[Metric]>]
  public var quality: [Item<[Metric]>] = []
  public var classifier: [Metric] = []
  public var samples: [Item<[Sample]>] = []
  public var history: [Item<[TrainingStep]>] = []
  /// Of audit-judge, one for each judge.
  public var audits: [Item<[Metric]>] = []
  /// Of score-bias on continuations of the benchmark; the base model's has no place along x.
  public var benchmark: [Item<[Metric]>] = []
  /// What analyses add after the report's own parts.
  public var sections: [ReportSection] = []

  public init(
    title: String, summary: String, axes: Axes, target: String, shownPrompts: Int = 2,
    bias: [Item<[Metric]>] = []
  ) {
    self.title = title
    self.summary = summary
    self.axes = axes
    self.target = target
    self.shownPrompts = shownPrompts
    self.bias = bias
  }
}

/// A line of a training history.
public struct TrainingStep: Sendable, Equatable {
  public let step: Int
  public let loss: Double

  public init(step: Int, loss: Double) {
    self.step = step
    self.loss = loss
  }

  /// Reads `history.jsonl`.
  ///
  /// **Throws**: `history-malformed` with the line.
  public static func read(_ bytes: [UInt8]) throws(Diagnostic) -> [TrainingStep] {
    var steps: [TrainingStep] = []
    let lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() where !line.isEmpty {
      let value: JSONValue
      do {
        value = try Array(line).withUnsafeBufferPointer { bytes throws(JSONFault) in
          try JSONValue(parsing: bytes)
        }
      } catch {
        throw .historyMalformed(index + 1, "is not valid JSON: \(error.reason)")
      }
      guard let step = value["step"]?.integer, step >= 0 else {
        throw .historyMalformed(index + 1, "has no step")
      }
      guard let loss = value["loss"]?.double else {
        throw .historyMalformed(index + 1, "has no loss")
      }
      steps.append(TrainingStep(step: step, loss: loss))
    }
    return steps
  }
}

/// A coordinate as people read it.
func shown(_ value: JSONValue?) -> String {
  switch value {
  case .string(let text)?: text
  case .null?, nil: ""
  case let value?: value.canonicalText
  }
}
