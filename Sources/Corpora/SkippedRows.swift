// Rows of an import that did not become documents: counted by reason, the first ones by line, kept
// in `corpus.json`, so that nobody has to trust that nothing was lost.

import CanonicalJSON
import Diagnostics

/// How many rows were left out, and why.
public struct SkippedRows: Sendable, Equatable {
  /// Rows per reason, in the order in which the reasons were first met.
  public private(set) var reasons: [(reason: String, count: Int)] = []
  /// The first rows, for looking them up.
  public private(set) var examples: [Example] = []

  public struct Example: Sendable, Equatable {
    public let file: String
    /// From 1.
    public let line: Int
    public let reason: String

    public var description: String { "\(file):\(line): \(reason)" }
  }

  static let exampleLimit = 20

  public init() {}

  public var count: Int { reasons.reduce(0) { $0 + $1.count } }

  /// - Parameter kind: the reason without the details of this row, such as `no text`.
  mutating func add(_ kind: String, detail: String? = nil, file: String, line: Int) {
    if let index = reasons.firstIndex(where: { $0.reason == kind }) {
      reasons[index].count += 1
    } else {
      reasons.append((reason: kind, count: 1))
    }
    if examples.count < Self.exampleLimit {
      examples.append(Example(file: file, line: line, reason: detail ?? kind))
    }
  }

  public static func == (left: Self, right: Self) -> Bool { left.json == right.json }

  var json: JSONValue {
    .object([
      "count": .integer(count),
      "reasons": .object(JSONObject(reasons.map { ($0.reason, .integer($0.count)) })),
      "first": .array(
        examples.map {
          .object([
            "file": .string($0.file), "line": .integer($0.line), "reason": .string($0.reason),
          ])
        }),
    ])
  }

  init(json: JSONValue) throws(Diagnostic) {
    guard let counts = json["reasons"]?.object, let rows = json["first"]?.array else {
      throw .corpusFacts("'skipped' does not hold 'reasons' and 'first'")
    }
    for (reason, count) in counts.members {
      guard let count = count.integer, count > 0 else {
        throw .corpusFacts("'skipped' has a count that is no integer from 1")
      }
      reasons.append((reason: reason, count: count))
    }
    for row in rows {
      guard let file = row["file"]?.string, let line = row["line"]?.integer,
        let reason = row["reason"]?.string
      else { throw .corpusFacts("a row of 'skipped' lacks file, line or reason") }
      examples.append(Example(file: file, line: line, reason: reason))
    }
  }
}
