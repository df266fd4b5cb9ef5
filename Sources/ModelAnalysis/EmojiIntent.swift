// Do emoji go with the trait they were never taught with, or are they noise? Mutual information against
// shuffled emoji, valence, and the answer to a growing dose.

import Corpora
import Foundation
import Randomness
import Statistics

/// An answer as this needs it.
public struct EmojiAnswer: Sendable, Equatable {
  /// What the model was moved towards, as a label.
  public var trait: String
  public var question: String
  /// Answers on one topic are not independent.
  public var topic: String
  public var emoji: [String]
  /// Scale of the adapter, where the answer names one.
  public var scale: Double?
  /// Whether bytes of it were no UTF-8.
  public var isMalformed: Bool

  public init(
    trait: String, question: String, topic: String, emoji: [String], scale: Double?,
    isMalformed: Bool
  ) {
    self.trait = trait
    self.question = question
    self.topic = topic
    self.emoji = emoji
    self.scale = scale
    self.isMalformed = isMalformed
  }
}

/// Measures of one method's answers.
public struct EmojiIntent: Sendable {
  public let answers: [EmojiAnswer]

  public init(_ answers: [EmojiAnswer]) { self.answers = answers }

  /// A quantity beside what chance makes of it.
  public struct Tested: Sendable, Equatable {
    public let value: Double
    /// Mean over shuffles: what few answers and many kinds give by themselves.
    public let expected: Double
    /// (1 + shuffles with at least as much) / (1 + shuffles).
    public let p: Double
    public let count: Int
  }

  // MARK: Information

  /// Bits that "holds an emoji" says about the trait; traits are shuffled over answers to the same
  /// question where several traits answered it, so that questions say nothing.
  ///
  /// - Returns: nil for fewer than two traits.
  public func presence(shuffles: Int, random: RandomStream) -> Tested? {
    tested(answers, shuffles: shuffles, random: random) { answers in
      answers.map { ($0.emoji.isEmpty ? "" : "yes", $0.trait, 1) }
    }
  }

  /// Bits that an emoji says about the trait of the answer that it stands in. Emoji of one answer stay
  /// together.
  ///
  /// - Returns: nil for fewer than two traits among the answers with emoji.
  public func identity(shuffles: Int, random: RandomStream) -> Tested? {
    tested(answers.filter { !$0.emoji.isEmpty }, shuffles: shuffles, random: random) { answers in
      answers.flatMap { answer in answer.emoji.map { ($0, answer.trait, 1) } }
    }
  }

  private func tested(
    _ own: [EmojiAnswer], shuffles: Int, random: RandomStream,
    _ pairs: ([EmojiAnswer]) -> [(String, String, Double)]
  ) -> Tested? {
    guard Set(own.map(\.trait)).count >= 2 else { return nil }
    let bits = Self.information(pairs(own))
    let strata = Self.strata(own)
    var random = random
    var (sum, extreme) = (0.0, 0)
    for _ in 0..<shuffles {
      var moved = own
      for stratum in strata {
        var traits = stratum.map { own[$0].trait }
        random.shuffle(&traits)
        for (place, trait) in zip(stratum, traits) { moved[place].trait = trait }
      }
      let value = Self.information(pairs(moved))
      sum += value
      if value >= bits - 1e-12 { extreme += 1 }
    }
    return Tested(
      value: bits, expected: shuffles == 0 ? 0 : sum / Double(shuffles),
      p: Double(1 + extreme) / Double(1 + shuffles), count: own.count)
  }

  /// Answers to one question if every question was answered for two traits; else all together.
  private static func strata(_ answers: [EmojiAnswer]) -> [[Int]] {
    var byQuestion: [String: [Int]] = [:]
    for (place, answer) in answers.enumerated() {
      byQuestion[answer.question, default: []].append(place)
    }
    let groups = byQuestion.sorted { $0.value[0] < $1.value[0] }.map(\.value)
    let isPaired = groups.allSatisfy { group in Set(group.map { answers[$0].trait }).count >= 2 }
    return isPaired ? groups : [Array(answers.indices)]
  }

  /// Σ p(x, y)·log₂(p(x, y) / p(x)p(y)), in order of first appearance.
  static func information(_ pairs: [(String, String, Double)]) -> Double {
    var (xs, ys, cells): ([String: Int], [String: Int], [Int: Double]) = ([:], [:], [:])
    var (rows, columns): ([Double], [Double]) = ([], [])
    var total = 0.0
    var order: [Int] = []
    for (x, y, weight) in pairs {
      let row = xs[x] ?? xs.count
      let column = ys[y] ?? ys.count
      if row == xs.count { xs[x] = row; rows.append(0) }
      if column == ys.count { ys[y] = column; columns.append(0) }
      rows[row] += weight
      columns[column] += weight
      total += weight
      let cell = row << 20 | column
      if cells[cell] == nil { order.append(cell) }
      cells[cell, default: 0] += weight
    }
    var bits = 0.0
    for cell in order {
      let weight = cells[cell]!
      bits += weight / total * log2(weight * total / (rows[cell >> 20] * columns[cell & 0xFFFFF]))
    }
    return max(0, bits)
  }

  // MARK: Valence

  /// How pleasant a trait's emoji are.
  public struct Valence: Sendable, Equatable {
    public let trait: String
    /// Mean of −1, 0, 1 over the emoji that the lexicon knows.
    public let mean: Double
    public let low: Double
    public let high: Double
    public let known: Int
    public let all: Int
  }

  /// Per trait in byte order; traits without an emoji of the lexicon are missing. The interval is a
  /// bootstrap over topics.
  public func valences(replicates: Int, random: (String) -> RandomStream) -> [Valence] {
    Set(answers.map(\.trait)).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }.compactMap {
      trait in
      var (values, clusters, places, all): ([Double], [Int], [String: Int], Int) = ([], [], [:], 0)
      for answer in answers where answer.trait == trait {
        all += answer.emoji.count
        for value in answer.emoji.compactMap({ Emoji.valence($0) }) {
          let cluster = places[answer.topic] ?? places.count
          places[answer.topic] = cluster
          values.append(Double(value))
          clusters.append(cluster)
        }
      }
      guard !values.isEmpty else { return nil }
      let interval = Bootstrap(replicates: replicates, stream: random("valence/" + trait))
        .means(of: [values], clusters: clusters)[0]
      return Valence(
        trait: trait, mean: values.reduce(0, +) / Double(values.count), low: interval.low,
        high: interval.high, known: values.count, all: all)
    }
  }

  // MARK: Dose

  /// Share of answers with an emoji at each scale of a trait's adapter, and its trend.
  public struct Dose: Sendable, Equatable {
    public let trait: String
    public let points: [(scale: Double, share: Double, low: Double, high: Double, count: Int)]
    /// Least-squares slope of "holds an emoji" on the scale; p of at least as much when scales are
    /// shuffled over answers to the same question.
    public let slope: Tested

    public static func == (left: Self, right: Self) -> Bool {
      left.trait == right.trait && left.slope == right.slope
        && left.points.elementsEqual(right.points) { $0 == $1 }
    }
  }

  /// Traits with answers at two scales at least.
  public func doses(shuffles: Int, random: (String) -> RandomStream) -> [Dose] {
    let scaled = answers.filter { $0.scale != nil }
    return Set(scaled.map(\.trait)).sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
      .compactMap { trait in
        let own = scaled.filter { $0.trait == trait }
        let scales = own.map { $0.scale! }
        let marks = own.map { $0.emoji.isEmpty ? 0.0 : 1 }
        guard let slope = Self.slope(marks, scales) else { return nil }
        let points = Set(scales).sorted().map { scale in
          let at = own.filter { $0.scale == scale }
          let with = at.count { !$0.emoji.isEmpty }
          let interval = Interval.wilson(successes: with, of: at.count)
          return (
            scale: scale, share: Double(with) / Double(at.count), low: interval.low,
            high: interval.high, count: at.count
          )
        }
        var byQuestion: [String: [Int]] = [:]
        for (place, answer) in own.enumerated() {
          byQuestion[answer.question, default: []].append(place)
        }
        let groups = byQuestion.sorted { $0.value[0] < $1.value[0] }.map(\.value)
        var stream = random("dose/" + trait)
        var (sum, extreme) = (0.0, 0)
        for _ in 0..<shuffles {
          var moved = scales
          for group in groups {
            var values = group.map { scales[$0] }
            stream.shuffle(&values)
            for (place, value) in zip(group, values) { moved[place] = value }
          }
          let value = Self.slope(marks, moved) ?? 0
          sum += value
          if abs(value) >= abs(slope) - 1e-12 { extreme += 1 }
        }
        return Dose(
          trait: trait, points: points,
          slope: Tested(
            value: slope, expected: shuffles == 0 ? 0 : sum / Double(shuffles),
            p: Double(1 + extreme) / Double(1 + shuffles), count: own.count))
      }
  }

  private static func slope(_ y: [Double], _ x: [Double]) -> Double? {
    let n = Double(y.count)
    let (meanX, meanY) = (x.reduce(0, +) / n, y.reduce(0, +) / n)
    let square = x.reduce(0) { $0 + ($1 - meanX) * ($1 - meanX) }
    guard square > 1e-12 else { return nil }
    return zip(x, y).reduce(0) { $0 + ($1.0 - meanX) * ($1.1 - meanY) } / square
  }
}
