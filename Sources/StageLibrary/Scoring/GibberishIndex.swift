// The study's index of text quality: how far each sentence is from noise, by a classifier of four
// classes, averaged over sentences and then over documents.

import CanonicalJSON
import Corpora
import Diagnostics
import Reports
import Statistics

struct GibberishIndex {
  /// What a sentence is worth.
  enum Rule: String {
    /// Level of the winning class × its probability, as the study's released code has it.
    case release
    /// Σ level·P(level).
    case expectation
  }

  /// Mean over the sentences of each document; nil for one without a sentence.
  let values: [Double?]
  /// Sentences of each document.
  let sentences: [Int]
  /// Share of all sentences in each class, by level.
  let shares: [Double]
  let rule: Rule

  init(values: [Double?], sentences: [Int], shares: [Double], rule: Rule) {
    self.values = values
    self.sentences = sentences
    self.shares = shares
    self.rule = rule
  }

  /// - Parameters:
  ///   - leastWords: shorter pieces between full stops are not counted.
  ///
  /// **Throws**: `gibberish-classes`, and what the classifier throws.
  init(
    _ documents: [Document], _ classifier: any TextClassifier, rule: Rule, leastWords: Int,
    log: (String) -> Void, progress: (_ done: Int, _ total: Int) throws(Diagnostic) -> Void
  ) throws(Diagnostic) {
    let levels = try Self.levels(of: classifier.labels)
    self.rule = rule
    var pieces: [String] = []
    var owner: [Int] = []
    for (row, document) in documents.enumerated() {
      for sentence in Corpus.sentences(of: document.text)
      where sentence.split(separator: " ").count >= leastWords {
        pieces.append(sentence)
        owner.append(row)
      }
    }
    let total = pieces.count
    let probabilities = try classifier.probabilities(of: pieces, log: log) {
      (done: Int) throws(Diagnostic) in try progress(done, total)
    }
    var sums = [Double](repeating: 0, count: documents.count)
    var counts = [Int](repeating: 0, count: documents.count)
    var shares = [Double](repeating: 0, count: levels.count)
    for (row, p) in zip(owner, probabilities) {
      let winner = argmax(p)
      counts[row] += 1
      shares[levels[winner]] += 1 / Double(total)
      switch rule {
      case .release: sums[row] += Double(levels[winner]) * p[winner]
      case .expectation: for index in p.indices { sums[row] += Double(levels[index]) * p[index] }
      }
    }
    values = zip(sums, counts).map { $1 == 0 ? nil : $0 / Double($1) }
    sentences = counts
    self.shares = shares
  }

  /// The level of each class, by its name.
  ///
  /// **Throws**: `gibberish-classes` where the names are not the four.
  static func levels(of labels: [String]) throws(Diagnostic) -> [Int] {
    var levels: [Int] = []
    for label in labels {
      guard let known = GibberishClass.allCases.first(where: { bytesEqual($0.label, label) })
      else { throw .gibberishClasses(labels) }
      levels.append(known.rawValue)
    }
    guard levels.count == GibberishClass.allCases.count else { throw .gibberishClasses(labels) }
    return levels
  }

  /// - Parameter prefix: such as `reference_`.
  func metrics(prefix: String = "") -> [Metric] {
    let known = values.compactMap { $0 }
    guard !known.isEmpty else { return [] }
    let summary = SampleSummary(known)
    let interval = summary.normalInterval()
    let all = sentences.reduce(0, +)
    return [
      Metric(
        prefix + "gibberish_index", summary.mean, unit: "level, 0 noise to 3 clean",
        low: interval?.low, high: interval?.high, count: known.count,
        at: ["rule": .string(rule.rawValue)]),
      Metric(prefix + "gibberish_sentences", Double(all), unit: "sentences", count: values.count),
    ]
      + GibberishClass.allCases.map {
        Metric(
          prefix + "sentence_share", shares[$0.rawValue], unit: "share", count: all,
          at: ["class": .string($0.label)])
      }
  }
}

extension Diagnostic {
  static func gibberishClasses(_ labels: [String]) -> Diagnostic {
    let wanted = GibberishClass.allCases.map(\.label).joined(separator: ", ")
    return Diagnostic(
      "gibberish-classes",
      "the classifier at the input 'gibberish' tells apart \(labels.joined(separator: ", ")), not "
        + wanted,
      help: "train it on a corpus from compose-gibberish", consequence: .stageFailed)
  }
}
