// Perplexity, variety and repetition as metrics. The definitions are in Corpora/TextStatistics.swift;
// here they get names, units, intervals and counts.

import CanonicalJSON
import Corpora
import Foundation
import LanguageModels
import Reports
import Statistics

struct QualityMeasure {
  private let documents: [Document]
  private let text: TextStatistics
  private let reference: TextStatistics?
  private let repetition: [Double?]
  private let loops: [Int]
  private let longestPeriod: Int

  init(documents: [Document], reference: [Document]?, longestPeriod: Int) {
    var numbering = WordNumbering()
    self.documents = documents
    // The reference first: its words get the same numbers whatever the corpus says.
    self.reference = reference.map { documents in
      TextStatistics(documents: documents.map { numbering.numbers(of: Words.split($0.text)) })
    }
    text = TextStatistics(documents: documents.map { numbering.numbers(of: Words.split($0.text)) })
    repetition = text.repetition(4)
    loops = text.longestLoops(longestPeriod: longestPeriod)
    self.longestPeriod = longestPeriod
  }

  /// Variety of the corpus and, under `reference_…`, of the reference cut to the same number of
  /// words, since these measures depend on the amount of text.
  var metrics: [Metric] {
    var metrics =
      Self.variety(text, repetition: repetition, loops: loops, prefix: "")
      + [Metric("documents", Double(documents.count), unit: "documents", count: documents.count)]
    guard let reference else { return metrics }
    let cut = reference.cut(to: text.tokenCount)
    metrics += Self.variety(
      cut, repetition: cut.repetition(4), loops: cut.longestLoops(longestPeriod: longestPeriod),
      prefix: "reference_")
    if let coverage = VocabularyCoverage(of: text, against: reference) {
      metrics.append(
        Metric(
          "vocabulary_coverage", coverage.types, unit: "share",
          count: Set(reference.documents.joined()).count))
      metrics.append(
        Metric("known_words", coverage.tokens, unit: "share", count: text.tokenCount))
    }
    return metrics
  }

  private static func variety(
    _ text: TextStatistics, repetition: [Double?], loops: [Int], prefix: String
  ) -> [Metric] {
    var metrics: [Metric] = []
    func add(_ name: String, _ value: Double?, _ unit: String, _ count: Int) {
      guard let value else { return }
      metrics.append(Metric(prefix + name, value, unit: unit, count: count))
    }
    func addMean(_ name: String, _ values: [Double], _ unit: String) {
      guard !values.isEmpty else { return }
      let summary = SampleSummary(values)
      let interval = summary.normalInterval()
      metrics.append(
        Metric(
          prefix + name, summary.mean, unit: unit, low: interval?.low, high: interval?.high,
          count: values.count))
    }
    for n in 1...3 {
      let count = text.documents.reduce(0) { $0 + max(0, $1.count - n + 1) }
      add("distinct_\(n)", text.distinct(n), "share", count)
      add("entropy_\(n)", text.entropy(n), "bits", count)
    }
    addMean("repetition_4", repetition.compactMap { $0 }, "share")
    let lengths = text.documents.map(\.count)
    addMean(
      "longest_loop",
      zip(loops, lengths).filter { $0.1 > 0 }.map { Double($0.0) / Double($0.1) }, "share")
    addMean("length", lengths.map(Double.init), "words")
    if let distribution = LengthDistribution(lengths) {
      let n = distribution.count
      add("length_median", distribution.median, "words", n)
      add("length_smallest", Double(distribution.smallest), "words", n)
      add("length_largest", Double(distribution.largest), "words", n)
    }
    return metrics
  }

  /// exp(Σ nll / Σ tokens) with its protocol, total and token count beside it.
  static func perplexity(
    _ likelihoods: [Likelihood], prefix: String = "", description: String
  ) -> [Metric] {
    let total = likelihoods.reduce(Likelihood(), +)
    guard let perplexity = total.perplexity else { return [] }
    let interval = Interval.ratio(
      likelihoods.map(\.negativeLogLikelihood), likelihoods.map { Double($0.tokens) })
    let at: KeyValuePairs<String, JSONValue> = ["protocol": .string(description)]
    return [
      Metric(
        prefix + "perplexity", perplexity, unit: "per token", low: interval.map { exp($0.low) },
        high: interval.map { exp($0.high) }, count: total.tokens, at: at,
        tolerance: 1e-3 * perplexity),
      Metric(
        prefix + "negative_log_likelihood", total.negativeLogLikelihood, unit: "nats",
        count: total.tokens, at: at, tolerance: 1e-3 * total.negativeLogLikelihood),
      Metric(prefix + "tokens", Double(total.tokens), unit: "tokens", count: total.tokens, at: at),
    ]
  }

  /// One JSON object per document.
  func lines(_ likelihoods: [Likelihood]?, _ gibberish: GibberishIndex?) -> [JSONValue] {
    documents.indices.map { row in
      var members: [(String, JSONValue)] = [
        ("id", .string(documents[row].id)), ("words", .integer(text.documents[row].count)),
        ("longest_loop", .integer(loops[row])),
      ]
      if let value = repetition[row] { members.append(("repetition_4", .number(value))) }
      if let value = gibberish?.values[row] { members.append(("gibberish", .number(value))) }
      if let likelihood = likelihoods?[row] {
        members.append(("tokens", .integer(likelihood.tokens)))
        members.append(("negative_log_likelihood", .number(likelihood.negativeLogLikelihood)))
      }
      return .object(JSONObject(members))
    }
  }
}
