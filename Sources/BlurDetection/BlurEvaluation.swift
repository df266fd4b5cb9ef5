// What verdicts are worth against labels: how many are right, how well they rank, whether the
// probability means what it says, how often nothing could be told.

import Foundation
import Randomness
import Statistics

/// A verdict and what is known about its frame.
public struct JudgedFrame: Sendable, Equatable {
  public enum Truth: String, Sendable, CaseIterable {
    case sharp, blurred
    /// Nobody could tell (night, overexposed): "cannot tell" is right.
    case indeterminate
    /// The file is broken: a corrupt state is right.
    case corrupt
  }

  public var camera: String
  public var name: String
  public var truth: Truth
  /// Type of blur; "none" for sharp ones.
  public var blur: String
  public var light: String
  public var decision: BlurDecision

  public init(
    camera: String, name: String, truth: Truth, blur: String, light: String, decision: BlurDecision
  ) {
    self.camera = camera
    self.name = name
    self.truth = truth
    self.blur = blur
    self.light = light
    self.decision = decision
  }

  /// One of the two that are told apart.
  public var isTold: Bool { truth == .sharp || truth == .blurred }
  var isBlurred: Bool { truth == .blurred }
  /// Right if something had to be said.
  var isRight: Bool { decision.leaning == isBlurred }
}

/// A share with its counts and Wilson's 95 % interval.
public struct Share: Sendable, Equatable {
  public let successes: Int
  public let count: Int

  public init(_ successes: Int, of count: Int) {
    self.successes = successes
    self.count = count
  }

  public var value: Double { count == 0 ? 0 : Double(successes) / Double(count) }
  public var interval: Interval? {
    count == 0 ? nil : .wilson(successes: successes, of: count)
  }
}

/// Figures of one method on one set of frames.
public struct BlurEvaluation: Sendable {
  /// Frames that are sharp or blurred, in the lights that count.
  public let frames: [JudgedFrame]
  /// Right, of all frames; where the gates say "cannot tell" the probability is taken at its word, a
  /// frame of which nothing was measured is wrong.
  public let accuracy: Share
  /// Right, of the frames about which something is said.
  public let decidedAccuracy: Share
  /// Something is said, of all frames.
  public let coverage: Share
  /// Right and said, of all frames: "cannot tell" counts as wrong.
  public let strictAccuracy: Share
  public let auroc: Double?
  public let brier: Double?
  public let reliability: [ReliabilityBin]
  /// Said with a confidence above 0.9: right ones.
  public let confidentAccuracy: Share
  /// Said with a confidence above 0.9, of all frames.
  public let confidentCoverage: Share

  public static let confident = 0.9

  public init(_ frames: [JudgedFrame]) {
    self.frames = frames.filter(\.isTold)
    let frames = self.frames
    let decided = frames.filter { $0.decision.state.isBlurred != nil }
    func right(_ frames: [JudgedFrame]) -> Int {
      frames.count { $0.decision.state.isBlurred == $0.isBlurred }
    }
    accuracy = Share(frames.count(where: \.isRight), of: frames.count)
    decidedAccuracy = Share(right(decided), of: decided.count)
    coverage = Share(decided.count, of: frames.count)
    strictAccuracy = Share(right(decided), of: frames.count)
    let confident = decided.filter { ($0.decision.confidence ?? 0) > Self.confident }
    confidentAccuracy = Share(right(confident), of: confident.count)
    confidentCoverage = Share(confident.count, of: frames.count)
    auroc = Self.auroc(frames)
    let weighed = frames.compactMap { frame in
      frame.decision.probability.map { ($0, frame.isBlurred) }
    }
    brier =
      weighed.isEmpty
      ? nil
      : weighed.reduce(0) { $0 + ($1.0 - ($1.1 ? 1 : 0)) * ($1.0 - ($1.1 ? 1 : 0)) }
        / Double(weighed.count)
    reliability = ReliabilityBin.bins(weighed)
  }

  /// How many verdicts with a confidence above 0.9 are wrong.
  public var confidentErrors: Int { confidentAccuracy.count - confidentAccuracy.successes }

  /// 95 % upper bound of the share of wrong verdicts among the confident ones: 3/n where none is
  /// (the rule of three), else the upper end of Wilson's interval.
  public var confidentErrorBound: Double? {
    let n = confidentAccuracy.count
    guard n > 0 else { return nil }
    if confidentErrors == 0 { return min(1, 3 / Double(n)) }
    return Interval.wilson(successes: confidentErrors, of: n).high
  }

  /// Probability that a blurred frame ranks above a sharp one; ties count half. Frames of which nothing
  /// was measured lie between: they rank by nothing.
  ///
  /// - Returns: nil unless both kinds are there.
  public static func auroc(_ frames: [JudgedFrame]) -> Double? {
    let scores = frames.compactMap(\.decision.score).sorted()
    let middle = scores.isEmpty ? 0 : scores[scores.count / 2]
    return auroc(frames.map { ($0.decision.score ?? middle, $0.isBlurred) })
  }

  /// By ranks.
  static func auroc(_ rows: [(score: Double, isBlurred: Bool)]) -> Double? {
    let positives = rows.count { $0.isBlurred }
    let negatives = rows.count - positives
    guard positives > 0, negatives > 0 else { return nil }
    let sorted = rows.sorted { $0.score < $1.score }
    var rankSum = 0.0
    var start = 0
    while start < sorted.count {
      var end = start
      while end < sorted.count, sorted[end].score == sorted[start].score { end += 1 }
      let rank = Double(start + end + 1) / 2
      rankSum += rank * Double(sorted[start..<end].count { $0.isBlurred })
      start = end
    }
    let p = Double(positives)
    return (rankSum - p * (p + 1) / 2) / (p * Double(negatives))
  }

  /// 95 % interval of the AUROC: frames are drawn again within each camera and each label.
  public static func aurocInterval(
    _ frames: [JudgedFrame], replicates: Int, stream: RandomStream
  ) -> Interval? {
    let rows = frames.filter(\.isTold)
    guard let value = auroc(rows) else { return nil }
    let scores = rows.compactMap(\.decision.score).sorted()
    let middle = scores.isEmpty ? 0 : scores[scores.count / 2]
    var groups: [(key: String, members: [Int])] = []
    for (index, row) in rows.enumerated() {
      let key = row.camera + "\u{0}" + row.truth.rawValue
      if let at = groups.firstIndex(where: { $0.key == key }) {
        groups[at].members.append(index)
      } else {
        groups.append((key, [index]))
      }
    }
    var stream = stream
    var draws: [Double] = []
    for _ in 0..<replicates {
      var drawn: [(score: Double, isBlurred: Bool)] = []
      drawn.reserveCapacity(rows.count)
      for group in groups {
        for _ in group.members {
          let row = rows[group.members[stream.integer(below: group.members.count)]]
          drawn.append((row.decision.score ?? middle, row.isBlurred))
        }
      }
      if let value = auroc(drawn) { draws.append(value) }
    }
    draws.sort()
    guard !draws.isEmpty else { return nil }
    return Interval(
      low: min(value, Statistics.quantile(0.025, ofSorted: draws)),
      high: max(value, Statistics.quantile(0.975, ofSorted: draws)))
  }
}

/// Frames whose probability lies in one range.
public struct ReliabilityBin: Sendable, Equatable {
  public let low: Double
  public let high: Double
  public let count: Int
  public let meanProbability: Double
  /// Share that is blurred.
  public let blurred: Share

  static func bins(_ rows: [(Double, Bool)], count: Int = 5) -> [ReliabilityBin] {
    (0..<count).compactMap { bin in
      let inside = rows.filter { min(count - 1, Int($0.0 * Double(count))) == bin }
      guard !inside.isEmpty else { return nil }
      return ReliabilityBin(
        low: Double(bin) / Double(count), high: Double(bin + 1) / Double(count),
        count: inside.count,
        meanProbability: inside.reduce(0) { $0 + $1.0 } / Double(inside.count),
        blurred: Share(inside.count { $0.1 }, of: inside.count))
    }
  }
}

/// Two methods on the same frames of the same cameras.
public struct PairedComparison: Sendable {
  /// Mean of right − right, over frames.
  public let difference: Double
  public let interval: Interval
  /// Frames that only the first, and only the second, has right.
  public let onlyFirst: Int
  public let onlySecond: Int
  public let count: Int
  /// By camera, in order of first appearance.
  public let cameras: [(name: String, difference: Double)]

  /// - Parameters:
  ///   - first: frames of both lists are matched by camera and name; others are left out.
  public init?(
    _ first: [JudgedFrame], _ second: [JudgedFrame], replicates: Int, stream: RandomStream
  ) {
    struct Key: Hashable {
      let camera: String
      let name: String
    }
    let others = Dictionary(
      second.map { (Key(camera: $0.camera, name: $0.name), $0) }, uniquingKeysWith: { a, _ in a })
    var groups: [(camera: String, values: [Double])] = []
    for frame in first where frame.isTold {
      guard let other = others[Key(camera: frame.camera, name: frame.name)] else { continue }
      let value = (frame.isRight ? 1.0 : 0) - (other.isRight ? 1 : 0)
      if let at = groups.firstIndex(where: { $0.camera == frame.camera }) {
        groups[at].values.append(value)
      } else {
        groups.append((frame.camera, [value]))
      }
    }
    let all = groups.flatMap(\.values)
    guard !all.isEmpty else { return nil }
    count = all.count
    difference = all.reduce(0, +) / Double(all.count)
    onlyFirst = all.count { $0 > 0 }
    onlySecond = all.count { $0 < 0 }
    cameras = groups.map { ($0.camera, $0.values.reduce(0, +) / Double($0.values.count)) }
    var stream = stream
    var draws: [Double] = []
    for _ in 0..<replicates {
      var sum = 0.0
      for group in groups {
        for _ in group.values {
          sum += group.values[stream.integer(below: group.values.count)]
        }
      }
      draws.append(sum / Double(all.count))
    }
    draws.sort()
    interval = Interval(
      low: min(difference, Statistics.quantile(0.025, ofSorted: draws)),
      high: max(difference, Statistics.quantile(0.975, ofSorted: draws)))
  }
}
