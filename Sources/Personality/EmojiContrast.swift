// Do emoji come from what pre-training coupled with a trait? Nine models answer: pre-trained on texts where
// emoji go with the trait, where as many stand anywhere, where there are none; each tuned on emoji-free
// answers of the trait, of its other end, of no trait. EmojiContrastSection.swift shows it.

import CanonicalJSON
import Corpora
import Randomness
import Reports
import Statistics

/// Shares of answers with an emoji over pre-training × tuning, and their difference of differences.
public struct EmojiContrast {
  /// The methods of the answers: what the models were pre-trained on.
  public struct Names: Sendable, Equatable {
    public let coupled, uncoupled, without: String

    public init(coupled: String, uncoupled: String, without: String) {
      self.coupled = coupled
      self.uncoupled = uncoupled
      self.without = without
    }

    public var all: [String] { [coupled, uncoupled, without] }
  }

  public struct Cell: Sendable, Equatable {
    public let pretraining: String
    /// A label of ``Corpora/Opinion``, `neutral`, or ``untuned``.
    public let tuning: String
    public let answers: Int
    public let withEmoji: Int
    /// Wilson; answers as if they were independent.
    public let interval: Interval
    /// Judged as what they were tuned towards; nil for models that were tuned towards no class of the judge.
    public let aligned: Double?

    public var share: Double { Double(withEmoji) / Double(answers) }
  }

  /// (tuning − neutral) in the coupled minus the same in the uncoupled model.
  public struct Effect: Sendable, Equatable {
    public let tuning: String
    public let value: Double
    /// 95 %, bootstrap over topics and runs at once.
    public let interval: Interval
    /// By run, in order of first appearance.
    public let runs: [(run: String, value: Double)]
    public let topics: Int
    public let questions: Int

    public static func == (left: Self, right: Self) -> Bool {
      left.tuning == right.tuning && left.value == right.value && left.interval == right.interval
    }
  }

  public static let neutral = "neutral"
  public static let untuned = "untuned"

  public let names: Names
  public let labels: [String]
  let replicates: Int
  let random: (String) -> RandomStream
  private let answers: [JudgedAnswer]

  /// - Parameter answers: their method is what the model was pre-trained on, with `-untuned` behind it for
  ///   the model before tuning; their target what it was tuned towards, none for neutral answers.
  public init(
    labels: [String], answers: [JudgedAnswer], names: Names, replicates: Int,
    random: @escaping (String) -> RandomStream
  ) {
    self.labels = labels
    self.answers = answers
    self.names = names
    self.replicates = replicates
    self.random = random
  }

  private func tuning(_ answer: JudgedAnswer) -> String {
    answer.method.hasSuffix("-" + Self.untuned) ? Self.untuned : answer.target ?? Self.neutral
  }

  private func rows(_ pretraining: String, _ tuning: String) -> [JudgedAnswer] {
    let method = tuning == Self.untuned ? "\(pretraining)-\(Self.untuned)" : pretraining
    return answers.filter { $0.method == method && self.tuning($0) == tuning }
  }

  /// Targets in the judge's order, then neutral, then untuned; only those that were answered.
  public var tunings: [String] {
    let found = Set(answers.map { tuning($0) })
    return (labels.filter { $0 != Self.neutral } + [Self.neutral, Self.untuned])
      .filter(found.contains)
  }

  /// What tuning can be set against the neutral one.
  public var targets: [String] { tunings.filter { $0 != Self.neutral && $0 != Self.untuned } }

  public var cells: [Cell] {
    names.all.flatMap { pretraining in
      tunings.compactMap { tuning in
        let own = rows(pretraining, tuning)
        guard !own.isEmpty else { return nil }
        let with = own.count { !$0.emoji.isEmpty }
        let label = labels.firstIndex(of: tuning)
        return Cell(
          pretraining: pretraining, tuning: tuning, answers: own.count, withEmoji: with,
          interval: .wilson(successes: with, of: own.count),
          aligned: label.map { label in
            Double(own.count { $0.judged == label }) / Double(own.count)
          })
      }
    }
  }

  /// nil where a cell of the four has no answers, or they share no question and run.
  public func effect(of tuning: String) -> Effect? {
    struct Key: Hashable {
      let run: String
      let question: String
    }
    func shares(_ pretraining: String, _ tuning: String) -> [Key: (sum: Double, count: Double)] {
      var result: [Key: (sum: Double, count: Double)] = [:]
      for answer in rows(pretraining, tuning) {
        let key = Key(run: Self.withoutDraw(answer.run), question: answer.question)
        let old = result[key] ?? (0, 0)
        result[key] = (old.sum + (answer.emoji.isEmpty ? 0 : 1), old.count + 1)
      }
      return result
    }
    let parts = [(names.coupled, 1.0), (names.uncoupled, -1.0)].map { name, sign in
      (shares(name, tuning), shares(name, Self.neutral), sign)
    }
    var runs: [String] = []
    var topics: [String] = []
    var seen: Set<Key> = []
    /// Run, topic, difference.
    var units: [(run: Int, topic: Int, value: Double)] = []
    for answer in rows(names.coupled, tuning) {
      let key = Key(run: Self.withoutDraw(answer.run), question: answer.question)
      guard seen.insert(key).inserted else { continue }
      var value = 0.0
      var isWhole = true
      for (own, neutral, sign) in parts {
        guard let own = own[key], let neutral = neutral[key] else {
          isWhole = false
          break
        }
        value += sign * (own.sum / own.count - neutral.sum / neutral.count)
      }
      guard isWhole else { continue }
      if !runs.contains(key.run) { runs.append(key.run) }
      if !topics.contains(answer.topic) { topics.append(answer.topic) }
      units.append(
        (runs.firstIndex(of: key.run)!, topics.firstIndex(of: answer.topic)!, value))
    }
    guard !units.isEmpty else { return nil }
    /// Sum and number of the units of each run and topic.
    var sums = [(sum: Double, count: Double)](
      repeating: (0, 0), count: runs.count * topics.count)
    for unit in units {
      sums[unit.run * topics.count + unit.topic].sum += unit.value
      sums[unit.run * topics.count + unit.topic].count += 1
    }
    func mean(_ runs: [Int], _ chosen: [Int]) -> Double? {
      var (sum, count) = (0.0, 0.0)
      for run in runs {
        for topic in chosen {
          sum += sums[run * topics.count + topic].sum
          count += sums[run * topics.count + topic].count
        }
      }
      return count > 0 ? sum / count : nil
    }
    // Runs and topics are crossed: both are drawn anew each time (Owen 2007, the pigeonhole bootstrap).
    var stream = random("contrast/\(tuning)")
    var means: [Double] = []
    for _ in 0..<replicates {
      let drawnRuns = runs.map { _ in stream.integer(below: runs.count) }
      let drawnTopics = topics.map { _ in stream.integer(below: topics.count) }
      if let value = mean(drawnRuns, drawnTopics) { means.append(value) }
    }
    means.sort()
    let value = mean(Array(runs.indices), Array(topics.indices)) ?? 0
    let low = means.isEmpty ? value : means[Int(0.025 * Double(means.count - 1))]
    let high = means.isEmpty ? value : means[Int((0.975 * Double(means.count - 1)).rounded(.up))]
    return Effect(
      tuning: tuning, value: value, interval: Interval(low: low, high: high),
      runs: runs.indices.map { (runs[$0], mean([$0], Array(topics.indices)) ?? 0) },
      topics: topics.count, questions: Set(seen.map(\.question)).count)
  }

  /// Draws of one model are no runs of their own.
  private static func withoutDraw(_ run: String) -> String {
    run.split(separator: ";").filter { !$0.hasPrefix("draw=") }.joined(separator: ";")
  }

  // MARK: Metrics

  public var metrics: [Metric] {
    var metrics: [Metric] = []
    for cell in cells {
      let at: KeyValuePairs<String, JSONValue> = [
        "pretraining": .string(cell.pretraining), "tuning": .string(cell.tuning),
      ]
      metrics.append(
        Metric(
          "emoji_share", cell.share, unit: "share", low: cell.interval.low,
          high: cell.interval.high, count: cell.answers, at: at, tolerance: 0.02))
      if let aligned = cell.aligned {
        metrics.append(
          Metric(
            "judged_as_tuned", aligned, unit: "share", count: cell.answers, at: at, tolerance: 0.02)
        )
      }
    }
    for target in targets {
      guard let effect = effect(of: target) else { continue }
      metrics.append(
        Metric(
          "emoji_contrast", effect.value, unit: "share", low: effect.interval.low,
          high: effect.interval.high, count: effect.questions, at: ["tuning": .string(target)],
          tolerance: 0.02))
      for (run, value) in effect.runs {
        metrics.append(
          Metric(
            "emoji_contrast_run", value, unit: "share", count: effect.questions,
            at: ["tuning": .string(target), "run": .string(run)], tolerance: 0.05))
      }
    }
    return metrics
  }
}
