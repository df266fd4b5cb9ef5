// Methods side by side: alignment by method and trait, tuning minus prompting question by question, spread
// over the axes of each method, emoji against the trait. TraitSection.swift makes a section of it.

import CanonicalJSON
import Corpora
import Foundation
import Randomness
import Reports
import Statistics

/// Answers of several methods, judged by one judge.
public struct TraitComparison {
  public let labels: [String]
  public let answers: [JudgedAnswer]
  public let leastEntropy: Double
  public let replicates: Int
  let random: (String) -> RandomStream

  public init(
    labels: [String], answers: [JudgedAnswer], leastEntropy: Double, replicates: Int,
    random: @escaping (String) -> RandomStream
  ) {
    self.labels = labels
    self.answers = answers
    self.leastEntropy = leastEntropy
    self.replicates = replicates
    self.random = random
  }

  /// Methods in order of first appearance.
  public var methods: [String] { Self.unique(answers.map(\.method)) }

  /// Targets that some method was moved towards, in the judge's order.
  public var targets: [String] {
    let found = Set(answers.compactMap(\.target))
    return labels.filter(found.contains)
  }

  /// Answers of a method towards a trait; those of an unmoved model count for every trait.
  public func cell(_ method: String, _ target: String) -> [JudgedAnswer] {
    answers.filter { $0.method == method && ($0.target ?? target) == target }
  }

  func aligned(_ answer: JudgedAnswer, _ target: String) -> Double {
    labels[answer.judged] == target ? 1 : 0
  }

  // MARK: Paired difference of two methods

  /// `method − other` over the questions that both answered; several runs of a question are averaged.
  public struct Pair: Sendable {
    public let target: String
    public let questions: Int
    public let topics: Int
    public let difference: Double
    public let low: Double
    public let high: Double
    /// Sign flips of whole topics.
    public let p: Double
    public var adjustedP: Double
  }

  /// Trait by trait, Holm over traits.
  public func paired(_ method: String, minus other: String) -> [Pair] {
    var pairs: [Pair] = []
    for target in targets {
      let own = means(cell(method, target), target)
      let base = means(cell(other, target), target)
      let rows = own.compactMap { key, value in
        base[key].map { (key: key, difference: value.mean - $0.mean, topic: value.topic) }
      }.sorted { bytesPrecede($0.key, $1.key) }
      guard rows.count >= 2 else { continue }
      let topics = Self.unique(rows.map(\.topic))
      let clusters = rows.map { row in topics.firstIndex(of: row.topic)! }
      let differences = rows.map(\.difference)
      let interval = Bootstrap(replicates: replicates, stream: random("compare/pairs"))
        .means(of: [differences], clusters: clusters)[0]
      // Sums, not means: topics with more questions weigh more, as they do in the mean.
      let sums = topics.indices.map { topic in
        zip(clusters, differences).reduce(0) { $0 + ($1.0 == topic ? $1.1 : 0) }
      }
      let test = SignFlipTest(sums, draws: 20_000, random: random("compare/flips"))
      pairs.append(
        Pair(
          target: target, questions: rows.count, topics: topics.count,
          difference: SampleSummary(differences).mean, low: interval.low, high: interval.high,
          p: test?.p ?? 1, adjustedP: 1))
    }
    let adjusted = MultipleTesting.holm(pairs.map(\.p))
    for index in pairs.indices { pairs[index].adjustedP = adjusted[index] }
    return pairs
  }

  private func means(
    _ answers: [JudgedAnswer], _ target: String
  ) -> [String: (mean: Double, topic: String)] {
    var sums: [String: (sum: Double, count: Double, topic: String)] = [:]
    for answer in answers {
      var entry = sums[answer.question] ?? (0, 0, answer.topic)
      entry.sum += aligned(answer, target)
      entry.count += 1
      sums[answer.question] = entry
    }
    return sums.mapValues { ($0.sum / $0.count, $0.topic) }
  }

  // MARK: Spread

  /// Where the spread of alignment comes from, on the same axes for every method.
  public struct Spread: Sendable {
    public let method: String
    public let target: String
    public let runs: Int
    /// Variance components of the 0/1 alignment; negative estimates are set to 0.
    public let betweenRuns: Double
    public let betweenForms: Double
    public let betweenTopics: Double
    public let rest: Double
    /// Standard deviation of alignment over runs; nil for one run.
    public let runDeviation: Double?
  }

  /// One-way estimates axis by axis (method of moments): (MS between − MS within)/n₀.
  ///
  /// **Source**: Searle, Casella & McCulloch 1992, *Variance Components*, § 3.6.
  public func spreads() -> [Spread] {
    methods.flatMap { method in
      targets.compactMap { target -> Spread? in
        let own = cell(method, target)
        guard own.count >= 2 else { return nil }
        let values = own.map { aligned($0, target) }
        let runs = Self.unique(own.map(\.run))
        let perRun = runs.map { run in
          SampleSummary(zip(own, values).filter { $0.0.run == run }.map(\.1)).mean
        }
        let total = pow(SampleSummary(values).deviation ?? 0, 2)
        let run = Self.component(values, own.map(\.run))
        let form = Self.component(
          values, own.map { String(OpinionQuestions.match($0.question)?.form ?? -1) })
        let topic = Self.component(values, own.map(\.topic))
        return Spread(
          method: method, target: target, runs: runs.count, betweenRuns: run,
          betweenForms: form, betweenTopics: topic, rest: max(0, total - run - form - topic),
          runDeviation: SampleSummary(perRun).deviation)
      }
    }
  }

  /// How much more alignment varies over the runs of one method than over those of another: ratio of
  /// standard deviations, pooled over the targets that both were run towards at least twice, on the
  /// questions that all these runs share (fewer questions would vary more by themselves).
  public func irregularity(_ method: String, over other: String) -> DeviationRatio? {
    var (own, base): ([[Double]], [[Double]]) = ([], [])
    for target in targets {
      let runs = Self.byRun(cell(method, target))
      let others = Self.byRun(cell(other, target))
      guard runs.count >= 2, others.count >= 2 else { continue }
      let shared = (runs + others).map { Set($0.map(\.question)) }.reduce(nil) {
        $0?.intersection($1) ?? $1
      }
      guard let shared, !shared.isEmpty else { continue }
      func alignments(_ runs: [[JudgedAnswer]]) -> [Double] {
        runs.map { run in
          SampleSummary(
            run.filter { shared.contains($0.question) }.map { aligned($0, target) }
          ).mean
        }
      }
      own.append(alignments(runs))
      base.append(alignments(others))
    }
    return DeviationRatio(own, over: base)
  }

  private static func byRun(_ answers: [JudgedAnswer]) -> [[JudgedAnswer]] {
    unique(answers.map(\.run)).map { run in answers.filter { $0.run == run } }
  }

  static func component(_ values: [Double], _ groups: [String]) -> Double {
    let names = unique(groups)
    let n = Double(values.count)
    guard names.count >= 2, values.count > names.count else { return 0 }
    let mean = values.reduce(0, +) / n
    var (between, within, squares) = (0.0, 0.0, 0.0)
    for name in names {
      let own = zip(groups, values).filter { $0.0 == name }.map(\.1)
      let size = Double(own.count)
      let middle = own.reduce(0, +) / size
      between += size * (middle - mean) * (middle - mean)
      within += own.reduce(0) { $0 + ($1 - middle) * ($1 - middle) }
      squares += size * size
    }
    let k = Double(names.count)
    let size = (n - squares / n) / (k - 1)
    return max(0, (between / (k - 1) - within / (n - k)) / size)
  }

  // MARK: Emoji

  /// Mutual information in bits between "holds an emoji" and the target over a method's answers, and its
  /// mean and p over shuffled emoji.
  public func emojiInformation(
    _ method: String, shuffles: Int = 1000
  ) -> (bits: Double, shuffled: Double, p: Double, count: Int)? {
    let own = answers.filter { $0.method == method && $0.target != nil }
    let targets = own.compactMap { $0.target.flatMap { labels.firstIndex(of: $0) } }
    guard own.count >= 2, targets.count == own.count, Set(targets).count >= 2 else { return nil }
    var marks = own.map { $0.emoji.isEmpty ? 0 : 1 }
    let bits = Self.information(marks, targets, labels.count)
    var stream = random("compare/emoji")
    var (sum, extreme) = (0.0, 0)
    for _ in 0..<shuffles {
      stream.shuffle(&marks)
      let value = Self.information(marks, targets, labels.count)
      sum += value
      if value >= bits - 1e-12 { extreme += 1 }
    }
    return (
      bits, sum / Double(shuffles), Double(extreme + 1) / Double(shuffles + 1), own.count
    )
  }

  static func information(_ marks: [Int], _ classes: [Int], _ classCount: Int) -> Double {
    let n = Double(marks.count)
    var cells = [Double](repeating: 0, count: 2 * classCount)
    for (mark, label) in zip(marks, classes) { cells[mark * classCount + label] += 1 }
    var bits = 0.0
    for mark in 0..<2 {
      let row = cells[(mark * classCount)..<((mark + 1) * classCount)].reduce(0, +)
      for label in 0..<classCount {
        let cell = cells[mark * classCount + label]
        let column = cells[label] + cells[classCount + label]
        if cell > 0 { bits += cell / n * log2(cell * n / (row * column)) }
      }
    }
    return max(0, bits)
  }

  // MARK: Dose

  /// Answers at one scale of an adapter.
  public struct Dose: Sendable, Equatable {
    public let scale: Double
    /// Share judged as the trait, with Wilson's interval.
    public let alignment: Double
    public let alignmentInterval: Interval
    public let emoji: Double
    public let emojiInterval: Interval
    public let count: Int
  }

  /// Alignment and share of answers with emoji by the scale of one tuned adapter, in ascending order. Other
  /// methods name a scale, too, and have no part in it. Where the series lacks 0 or 1, the unmoved and
  /// the tuned model's answers to its questions stand there.
  ///
  /// - Parameter dosed: name of the method whose runs have other scales; without one, the runs of
  ///   `tuned` are the series.
  public func doses(_ target: String, tuned: String, dosed: String, base: String) -> [Dose] {
    let own = answers.filter { $0.method == tuned && $0.target == target }
    let varied = answers.filter { $0.method == dosed && $0.target == target }
    let series = varied.isEmpty ? own : varied
    let asked = Set(series.map(\.question))
    var scales: [Double: [JudgedAnswer]] = [:]
    for answer in series {
      if let scale = answer.runNumber("scale") { scales[scale, default: []].append(answer) }
    }
    func complete(_ scale: Double, _ rows: [JudgedAnswer]) {
      let shared = rows.filter { asked.contains($0.question) }
      if scales[scale] == nil, !shared.isEmpty { scales[scale] = shared }
    }
    complete(0, answers.filter { $0.method == base })
    complete(1, own.filter { ($0.runNumber("scale") ?? 1) == 1 })
    return scales.sorted { $0.key < $1.key }.map { scale, rows in
      let judged = rows.count { aligned($0, target) == 1 }
      let held = rows.count { !$0.emoji.isEmpty }
      let n = Double(rows.count)
      return Dose(
        scale: scale, alignment: Double(judged) / n,
        alignmentInterval: .wilson(successes: judged, of: rows.count), emoji: Double(held) / n,
        emojiInterval: .wilson(successes: held, of: rows.count), count: rows.count)
    }
  }

  static func unique(_ items: [String]) -> [String] {
    var seen: Set<String> = []
    return items.filter { seen.insert($0).inserted }
  }
}
