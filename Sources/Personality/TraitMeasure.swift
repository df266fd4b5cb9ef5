// How far answers express a trait, as metrics: alignment beside what chance and the base give, coherence,
// leakage into other traits, emoji. Definitions follow the study where it gives them.

import CanonicalJSON
import Corpora
import Randomness
import Reports
import Statistics

/// Figures of the answers of one method towards one trait.
public struct TraitMeasure {
  public let labels: [String]
  public let leastEntropy: Double
  public let replicates: Int
  /// A named stream of the stage's seed.
  public let random: (String) -> RandomStream

  public init(
    labels: [String], leastEntropy: Double, replicates: Int,
    random: @escaping (String) -> RandomStream
  ) {
    self.labels = labels
    self.leastEntropy = leastEntropy
    self.replicates = replicates
    self.random = random
  }

  /// Per method and target; an unmoved model is measured against every class.
  public func metrics(_ answers: [JudgedAnswer], base: [JudgedAnswer]) -> [Metric] {
    var cells: [(method: String, target: String?)] = []
    for answer in answers where !cells.contains(where: { $0 == (answer.method, answer.target) }) {
      cells.append((answer.method, answer.target))
    }
    var metrics: [Metric] = []
    for cell in cells {
      let own = answers.filter { $0.method == cell.method && $0.target == cell.target }
      for target in cell.target.map({ [$0] }) ?? labels {
        metrics += alignment(own, target, base: base)
      }
      metrics += texts(own, cell.target)
    }
    return metrics
  }

  private func at(_ answer: JudgedAnswer, _ target: String?) -> KeyValuePairs<String, JSONValue> {
    ["method": .string(answer.method), "trait": .string(target ?? "none")]
  }

  // MARK: Alignment

  private func alignment(
    _ answers: [JudgedAnswer], _ target: String, base: [JudgedAnswer]
  ) -> [Metric] {
    guard let number = labels.firstIndex(of: target), let first = answers.first else { return [] }
    let aligned = answers.map { $0.judged == number ? 1.0 : 0 }
    let coherent = zip(answers, aligned).map { $0.entropy >= leastEntropy ? $1 : 0 }
    let shares = answers.map { $0.probabilities[number] }
    let ends = bootstrap("answers").means(
      of: [aligned, coherent, shares], clusters: Self.clusters(answers))
    let place = at(first, target)
    func row(_ name: String, _ values: [Double], _ interval: Interval) -> Metric {
      Metric(
        name, SampleSummary(values).mean, unit: "share", low: interval.low, high: interval.high,
        count: values.count, at: place, tolerance: 0.02)
    }
    var metrics = [
      row("trait_alignment", aligned, ends[0]),
      row("trait_alignment_coherent", coherent, ends[1]),
      row("target_probability", shares, ends[2]),
      Metric("chance", 1 / Double(labels.count), unit: "share", count: answers.count, at: place),
    ]
    // What the unmoved model's answers to the same questions are judged as.
    var before: [String: JudgedAnswer] = [:]
    for answer in base where before[answer.question] == nil { before[answer.question] = answer }
    let pairs = answers.indices.filter { before[answers[$0].question] != nil }
    if !pairs.isEmpty {
      let old = pairs.map { before[answers[$0].question]!.judged == number ? 1.0 : 0 }
      let change = zip(pairs, old).map { aligned[$0] - $1 }
      let moved = pairs.map {
        shares[$0] - before[answers[$0].question]!.probabilities[number]
      }
      let ends = bootstrap("pairs").means(
        of: [old, change, moved], clusters: Self.clusters(pairs.map { answers[$0] }))
      metrics += [
        row("base_trait_alignment", old, ends[0]), row("trait_alignment_change", change, ends[1]),
        row("target_probability_change", moved, ends[2]),
      ]
    }
    for (other, label) in labels.enumerated() {
      metrics.append(
        Metric(
          "judged_share",
          Double(answers.count { $0.judged == other }) / Double(answers.count), unit: "share",
          count: answers.count,
          at: [
            "method": .string(first.method), "trait": .string(target), "judged": .string(label),
          ]))
    }
    return metrics
  }

  // MARK: Texts

  private func texts(_ answers: [JudgedAnswer], _ target: String?) -> [Metric] {
    guard let first = answers.first else { return [] }
    let place = at(first, target)
    let n = answers.count
    let with = answers.count { !$0.emoji.isEmpty }
    let share = Interval.wilson(successes: with, of: n)
    let incoherent = answers.count { $0.entropy < leastEntropy }
    let gate = Interval.wilson(successes: incoherent, of: n)
    let all = answers.flatMap(\.emoji)
    let valences = all.compactMap { Emoji.valence($0) }
    var metrics = [
      Metric(
        "emoji_share", Double(with) / Double(n), unit: "share", low: share.low, high: share.high,
        count: n, at: place),
      Metric("emoji_per_answer", Double(all.count) / Double(n), unit: "emoji", count: n, at: place),
      Metric("emoji_distinct", Double(Set(all).count), unit: "emoji", count: n, at: place),
      Metric(
        "malformed_answers", Double(answers.count { $0.malformed > 0 }), unit: "answers", count: n,
        at: place),
      Metric(
        "incoherent_share", Double(incoherent) / Double(n), unit: "share", low: gate.low,
        high: gate.high, count: n, at: place),
      Metric(
        "ngram_entropy", SampleSummary(answers.map(\.entropy)).mean, unit: "bits", count: n,
        at: place),
    ]
    if !valences.isEmpty {
      metrics.append(
        Metric(
          "emoji_valence", Double(valences.reduce(0, +)) / Double(valences.count),
          count: valences.count, at: place))
    }
    var counts: [String: Int] = [:]
    for emoji in all { counts[emoji, default: 0] += 1 }
    let top = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(10)
    for (emoji, count) in top {
      metrics.append(
        Metric(
          "emoji_top", Double(count), unit: "emoji", count: all.count,
          at: [
            "method": .string(first.method), "trait": .string(target ?? "none"),
            "emoji": .string(emoji),
          ]))
    }
    return metrics
  }

  private func bootstrap(_ name: String) -> Bootstrap {
    Bootstrap(replicates: replicates, stream: random("trait/\(name)"))
  }

  /// Answers on one topic are not independent.
  static func clusters(_ answers: [JudgedAnswer]) -> [Int] {
    var place: [String: Int] = [:]
    return answers.map { answer in
      let key = answer.topic.isEmpty ? "id/\(answer.id)" : answer.topic
      if let known = place[key] { return known }
      place[key] = place.count
      return place.count - 1
    }
  }
}
