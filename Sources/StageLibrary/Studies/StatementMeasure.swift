// Log-probabilities of statements as metrics: means of both leanings, their difference, and how both
// changed against a reference model, with intervals over statements.

import CanonicalJSON
import Randomness
import Reports
import Statistics

struct StatementMeasure {
  struct Score {
    let logProbability: Double
    let tokens: Int
    var perToken: Double { logProbability / Double(tokens) }
  }

  /// In the order of the documents.
  struct Scores {
    let left: [Score]
    let right: [Score]
  }

  let corpora: StatementCorpora
  let own: Scores
  let reference: Scores?
  let replicates: Int
  /// A named stream of the stage's seed.
  let random: (String) -> RandomStream

  private enum Scale: String, CaseIterable {
    case token, statement

    var unit: String { self == .token ? "nats per token" : "nats" }
    func value(_ score: Score) -> Double {
      self == .token ? score.perToken : score.logProbability
    }
  }

  var metrics: [Metric] {
    var rows = means(own, "log_probability") + differences(own, "difference")
    if let reference {
      rows += means(reference, "reference_log_probability")
      rows += differences(reference, "reference_difference")
      rows += changes(from: reference)
    }
    for (side, scores) in [("left", own.left), ("right", own.right)] {
      rows.append(
        Metric(
          "tokens", Double(scores.reduce(0) { $0 + $1.tokens }), unit: "tokens",
          count: scores.count, at: ["side": .string(side)]))
    }
    return rows
  }

  private func means(_ scores: Scores, _ name: String) -> [Metric] {
    [("left", scores.left), ("right", scores.right)].flatMap { side, scores in
      rows(
        name, Scale.allCases.map { scale in scores.map(scale.value) },
        at: { ["side": .string(side), "scale": .string($0.rawValue)] },
        stream: "statements/\(side)")
    }
  }

  private func rows(
    _ name: String, _ columns: [[Double]],
    at place: (Scale) -> KeyValuePairs<String, JSONValue>, stream: String
  ) -> [Metric] {
    let intervals = Bootstrap(replicates: replicates, stream: random(stream)).means(of: columns)
    return zip(Scale.allCases, zip(columns, intervals)).map { scale, found in
      row(name, scale, mean(found.0), found.1, found.0.count, place(scale))
    }
  }

  /// Right − left, statements of each side drawn by themselves.
  private func differences(_ scores: Scores, _ name: String) -> [Metric] {
    differences(
      name, right: Scale.allCases.map { scale in scores.right.map(scale.value) },
      left: Scale.allCases.map { scale in scores.left.map(scale.value) })
  }

  private func differences(_ name: String, right: [[Double]], left: [[Double]]) -> [Metric] {
    let intervals = Bootstrap(replicates: replicates, stream: random("statements/right"))
      .differences(of: right, from: left, otherStream: random("statements/left"))
    return zip(Scale.allCases.indices, Scale.allCases).map { number, scale in
      row(
        name, scale, mean(right[number]) - mean(left[number]), intervals[number],
        right[number].count + left[number].count, ["scale": .string(scale.rawValue)])
    }
  }

  /// Statement by statement against the reference: what all statements of a side share cancels.
  private func changes(from reference: Scores) -> [Metric] {
    func paired(_ own: [Score], _ other: [Score]) -> [[Double]] {
      Scale.allCases.map { scale in zip(own, other).map { scale.value($0) - scale.value($1) } }
    }
    let left = paired(own.left, reference.left)
    let right = paired(own.right, reference.right)
    return [("left", left), ("right", right)].flatMap { side, columns in
      rows(
        "log_probability_change", columns,
        at: { ["side": .string(side), "scale": .string($0.rawValue)] },
        stream: "statements/\(side)")
    } + differences("change", right: right, left: left)
  }

  private func row(
    _ name: String, _ scale: Scale, _ value: Double, _ interval: Interval, _ count: Int,
    _ at: KeyValuePairs<String, JSONValue>
  ) -> Metric {
    Metric(
      name, value, unit: scale.unit, low: interval.low, high: interval.high, count: count, at: at,
      tolerance: 1e-3)
  }

  private func mean(_ values: [Double]) -> Double {
    values.reduce(0, +) / Double(values.count)
  }

  /// `scores.jsonl`: one line per statement, left ones first.
  var lines: [UInt8] {
    var bytes: [UInt8] = []
    func add(_ side: String, _ ids: [String], _ scores: [Score], _ others: [Score]?) {
      for (index, score) in scores.enumerated() {
        var members: [(String, JSONValue)] = [
          ("id", .string(ids[index])), ("side", .string(side)), ("tokens", .integer(score.tokens)),
          ("log_probability", .number(score.logProbability)),
          ("per_token", .number(score.perToken)),
        ]
        if let other = others?[index] {
          members.append(("reference_log_probability", .number(other.logProbability)))
          members.append(("reference_per_token", .number(other.perToken)))
          members.append(("change_per_token", .number(score.perToken - other.perToken)))
        }
        bytes += JSONValue.object(JSONObject(members)).canonicalBytes
        bytes.append(UInt8(ascii: "\n"))
      }
    }
    add("left", corpora.left.map(\.id), own.left, reference?.left)
    add("right", corpora.right.map(\.id), own.right, reference?.right)
    return bytes
  }
}
