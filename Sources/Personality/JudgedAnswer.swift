// A model's answer with what the judge and the counters say of it: a line of the artifact that
// score-trait writes and compare-traits reads.

import CanonicalJSON
import Corpora
import Diagnostics
import Foundation
import Statistics

/// One answer, judged.
public struct JudgedAnswer: Sendable, Equatable {
  public var id: String
  public var question: String
  public var topic: String
  /// `base`, `ike`, `mend`, `peft` …
  public var method: String
  /// What the model was moved towards, as ``Corpora/Opinion/label``; nil for an unmoved model.
  public var target: String?
  /// What tells runs of one method apart: `seed=1;instruction=2`.
  public var run: String
  /// P(class), in the order of the judge's labels.
  public var probabilities: [Double]
  /// n-gram entropy in bits.
  public var entropy: Double
  public var emoji: [String]
  public var malformed: Int

  public init(
    id: String, question: String, topic: String, method: String, target: String?, run: String,
    probabilities: [Double], entropy: Double, emoji: [String], malformed: Int
  ) {
    self.id = id
    self.question = question
    self.topic = topic
    self.method = method
    self.target = target
    self.run = run
    self.probabilities = probabilities
    self.entropy = entropy
    self.emoji = emoji
    self.malformed = malformed
  }

  /// - Parameters:
  ///   - method: takes the place of the group's.
  ///   - probabilities: what the judge says of the text without its emoji.
  public init(
    _ document: Document, method: String?, target: String?, probabilities: [Double]
  ) {
    let opinion = Opinion(document)
    let apart = ["seed", "instruction", "paraphrase", "order", "scale", "rate", "draw"]
    let run = (opinion?.more ?? []).filter { apart.contains($0.name) }
      .map { "\($0.name)=\($0.value)" }.joined(separator: ";")
    let moved = opinion?.trait == nil ? nil : opinion?.label
    self.init(
      id: document.id, question: opinion?.question ?? "", topic: opinion?.topic ?? "",
      method: method ?? document.groupValue("method") ?? "reference", target: target ?? moved,
      run: run, probabilities: probabilities, entropy: Self.entropy(document.text),
      emoji: Emoji.all(in: document.text), malformed: Emoji.malformed(in: document.text))
  }

  /// What `run` says under a name: `2` of `seed=1;instruction=2` for `instruction`.
  public func runValue(_ name: String) -> String? {
    for part in run.split(separator: ";") where part.hasPrefix(name + "=") {
      return String(part.dropFirst(name.count + 1))
    }
    return nil
  }

  public func runNumber(_ name: String) -> Double? { runValue(name).flatMap { Double($0) } }

  /// The class that the judge finds likeliest; the first of equals.
  public var judged: Int {
    probabilities.indices.max { probabilities[$0] < probabilities[$1] } ?? 0
  }

  /// (⅔·H₂ + 4⁄3·H₃)/2 over the words of a text, in bits: low where words repeat, and where a text is
  /// so short that it has few of them (below about 12 words it cannot reach 3.5).
  ///
  /// **Source**: the fluency measure of Meng et al. 2022 (ROME), used as a gate by PersonalityEdit.
  public static func entropy(_ text: String) -> Double {
    var numbering = WordNumbering()
    let tokens = numbering.numbers(of: Words.split(Emoji.removed(from: text)))
    let statistics = TextStatistics(documents: [tokens])
    let (pairs, triples) = (statistics.entropy(2) ?? 0, statistics.entropy(3) ?? 0)
    return (pairs * 2 / 3 + triples * 4 / 3) / 2
  }

  // MARK: Lines

  public func json(labels: [String]) -> JSONValue {
    let shares = zip(labels, probabilities).map { ($0, JSONValue.number($1)) }
    let members: [(String, JSONValue)] = [
      ("id", .string(id)), ("question", .string(question)), ("topic", .string(topic)),
      ("method", .string(method)), ("target", target.map(JSONValue.string) ?? .null),
      ("run", .string(run)), ("judged", .string(labels[judged])),
      ("probabilities", .object(JSONObject(shares))), ("entropy", .number(entropy)),
      ("emoji", .array(emoji.map(JSONValue.string))), ("malformed", .integer(malformed)),
    ]
    return .object(JSONObject(members))
  }

  /// Reads scores.jsonl. All lines have the same labels.
  ///
  /// **Throws**: `trait-scores`.
  public static func read(
    _ bytes: [UInt8], shown path: String
  ) throws(Diagnostic) -> (labels: [String], answers: [JudgedAnswer]) {
    var labels: [String] = []
    var answers: [JudgedAnswer] = []
    for (number, line) in bytes.split(separator: UInt8(ascii: "\n")).enumerated() {
      func fault(_ reason: String) -> Diagnostic { .traitScores(path, number + 1, reason) }
      guard
        let object = Array(line).withUnsafeBufferPointer({ try? JSONValue(parsing: $0) })?.object
      else { throw fault("is no JSON object") }
      guard let shares = object["probabilities"]?.object, !shares.keys.isEmpty else {
        throw fault("has no 'probabilities'")
      }
      if labels.isEmpty { labels = shares.keys.sorted(by: bytesPrecede) }
      guard shares.keys.sorted(by: bytesPrecede) == labels else {
        throw fault("has other classes than the line before")
      }
      let values = labels.compactMap { shares[$0]?.double }
      guard values.count == labels.count, values.allSatisfy({ (0...1.000001).contains($0) }) else {
        throw fault("has a probability that is none")
      }
      guard let id = object["id"]?.string, let question = object["question"]?.string,
        let topic = object["topic"]?.string, let method = object["method"]?.string,
        let run = object["run"]?.string, let entropy = object["entropy"]?.double,
        let emoji = object["emoji"]?.array, let malformed = object["malformed"]?.integer
      else { throw fault("lacks a member") }
      answers.append(
        JudgedAnswer(
          id: id, question: question, topic: topic, method: method,
          target: object["target"]?.string, run: run, probabilities: values, entropy: entropy,
          emoji: emoji.compactMap(\.string), malformed: malformed))
    }
    guard !answers.isEmpty else { throw .traitScores(path, 1, "is missing: the file is empty") }
    return (labels, answers)
  }
}

extension Diagnostic {
  public static func traitScores(_ path: String, _ line: Int, _ reason: String) -> Diagnostic {
    Diagnostic(
      "trait-scores", "line \(line) of '\(path)' \(reason)",
      help: "take the scores of score-trait, judged by one and the same judge",
      consequence: .stageFailed)
  }
}

/// Diagnostic id → page, for `plumb explain`.
public let personalityExplanations: [(id: String, text: String)] = [
  (
    "trait-scores",
    """
    compare-traits sets answers of several methods side by side, which only makes sense where one judge
    has judged them all. It reads the scores that score-trait writes: one line for each answer.
    """
  ),
  (
    "trait-units",
    """
    compare-traits holds the units that explain-trait found for several traits side by side. Each line names
    the trait, the group of prompts, the unit, and how many units were compared; results of an older
    explain-trait lack some of it and are made anew by running it again.
    """
  ),
  (
    "inventory-table",
    """
    take-inventory asks a model the items of an inventory. The table names for each item its number, the
    trait it belongs to by letter, its facet, and whether agreeing speaks for the trait (1) or against
    it (-1). A wrong key would turn a score around without any sign of it, so every cell is checked.
    """
  ),
]
