// Double dissociation: do units that follow bias move leaning more than quality when they are taken out,
// and units that follow quality the reverse, against equally many units drawn at random?

import Randomness
import Statistics

/// How far scores moved from those of the whole model.
public struct AblationChange: Sendable, Equatable {
  public var bias: Double
  public var quality: Double

  public init(bias: Double, quality: Double) {
    self.bias = bias
    self.quality = quality
  }
}

/// All ablations of one model.
public struct AblatedModel: Sendable, Equatable {
  /// Its coordinates, for messages.
  public var name: String
  public var biasOnly: AblationChange
  public var qualityOnly: AblationChange
  /// Random sets with as many units of each layer as bias-only.
  public var randomForBias: [AblationChange]
  public var randomForQuality: [AblationChange]

  public init(
    name: String, biasOnly: AblationChange, qualityOnly: AblationChange,
    randomForBias: [AblationChange], randomForQuality: [AblationChange]
  ) {
    self.name = name
    self.biasOnly = biasOnly
    self.qualityOnly = qualityOnly
    self.randomForBias = randomForBias
    self.randomForQuality = randomForQuality
  }
}

/// A named set among its random sets: z scores and the contrast of their sizes.
///
/// z = (change − mean of the other sets) / standard deviation of the other sets, where the others are
/// all but the set itself. Under the hypothesis that the named set is a random one, each of the n + 1
/// is as likely to be it.
public struct AblationPool: Sendable, Equatable {
  /// The named set first, then the random ones.
  public let biasZ: [Double]
  public let qualityZ: [Double]

  /// - Returns: nil with fewer than two random sets, or where scores do not vary among them.
  init?(_ named: AblationChange, _ others: [AblationChange]) {
    let pool = [named] + others
    guard let bias = Self.scores(pool.map(\.bias)), let quality = Self.scores(pool.map(\.quality))
    else { return nil }
    biasZ = bias
    qualityZ = quality
  }

  /// |z of bias| − |z of quality| of each set.
  public var contrasts: [Double] { zip(biasZ, qualityZ).map { abs($0) - abs($1) } }

  /// Share of sets whose value is at least the named one's.
  static func p(_ values: [Double]) -> Double {
    Double(values.count { $0 >= values[0] }) / Double(values.count)
  }

  /// Two-sided p of the named set's change of bias alone, and of quality.
  public var biasP: Double { Self.p(biasZ.map { abs($0) }) }
  public var qualityP: Double { Self.p(qualityZ.map { abs($0) }) }

  private static func scores(_ values: [Double]) -> [Double]? {
    guard values.count >= 3 else { return nil }
    var scores: [Double] = []
    for index in values.indices {
      let others = values.indices.filter { $0 != index }.map { values[$0] }
      // Rounding of the mean must not pass for a spread.
      guard others.contains(where: { $0 != others[0] }) else { return nil }
      let summary = SampleSummary(others)
      guard let deviation = summary.deviation, deviation > 0 else { return nil }
      scores.append((values[index] - summary.mean) / deviation)
    }
    return scores
  }
}

/// The interaction of set and score over one or several models.
public struct DoubleDissociation: Sendable, Equatable {
  public struct Part: Sendable, Equatable {
    public let name: String
    public let bias: AblationPool
    public let quality: AblationPool
    /// (|z bias| − |z quality|) of bias-only plus (|z quality| − |z bias|) of quality-only.
    public var interaction: Double { bias.contrasts[0] - quality.contrasts[0] }
  }

  public let parts: [Part]
  /// Mean over models of bias-only's |z bias| − |z quality|: positive if these units move leaning more.
  public let biasContrast: Double
  public let biasContrastP: Double
  /// Mean over models of quality-only's |z quality| − |z bias|.
  public let qualityContrast: Double
  public let qualityContrastP: Double
  /// Sum of both, in standard deviations of random sets.
  public let interaction: Double
  /// One-sided, by exchange of the named sets with their random sets.
  public let p: Double
  /// Shifts of the interaction that exchange does not refuse at 5 %, two-sided.
  public let interval: Interval
  /// Over models, Student's; nil for one.
  public let betweenModels: Interval?
  /// Whether every exchange was counted, and how many.
  public let isExact: Bool
  public let exchanges: Int

  public static let exactLimit = 200_000
  public static let draws = 20_000

  /// - Parameter models: at least one.
  /// - Returns: nil where a model's scores do not vary among its random sets, or it has fewer than two.
  public init?(_ models: [AblatedModel], random: RandomStream) {
    var parts: [Part] = []
    for model in models {
      guard let bias = AblationPool(model.biasOnly, model.randomForBias),
        let quality = AblationPool(model.qualityOnly, model.randomForQuality)
      else { return nil }
      parts.append(Part(name: model.name, bias: bias, quality: quality))
    }
    guard !parts.isEmpty else { return nil }
    self.parts = parts
    let count = Double(parts.count)
    biasContrast = parts.reduce(0) { $0 + $1.bias.contrasts[0] } / count
    qualityContrast = -parts.reduce(0) { $0 + $1.quality.contrasts[0] } / count
    let observed = biasContrast + qualityContrast
    interaction = observed
    let pools = parts.map { [$0.bias.contrasts, $0.quality.contrasts.map { -$0 }] }
    biasContrastP = Self.exchanged(pools.map { [$0[0]] }, random).p
    qualityContrastP = Self.exchanged(pools.map { [$0[1]] }, random).p
    let exchanged = Self.exchanged(pools, random)
    p = exchanged.p
    isExact = exchanged.isExact
    exchanges = exchanged.values.count
    let sorted = exchanged.values.sorted()
    interval = Interval(
      low: observed - quantile(0.975, ofSorted: sorted),
      high: observed - quantile(0.025, ofSorted: sorted))
    betweenModels =
      parts.count < 2 ? nil : SampleSummary(parts.map(\.interaction)).studentInterval()
  }

  /// Means over models of sums over pools, with every set (or a drawn one) in the place of the first.
  private static func exchanged(
    _ pools: [[[Double]]], _ random: RandomStream
  ) -> (values: [Double], p: Double, isExact: Bool) {
    let flat = pools.flatMap { $0 }
    let count = Double(pools.count)
    var ways = 1
    for pool in flat { ways = min(exactLimit + 1, ways * pool.count) }
    let isExact = ways <= exactLimit
    var values: [Double] = []
    if isExact {
      values = [0]
      for pool in flat { values = values.flatMap { sum in pool.map { sum + $0 } } }
    } else {
      var random = random
      values = [flat.reduce(0) { $0 + $1[0] }]
      for _ in 0..<draws {
        values.append(flat.reduce(0) { $0 + $1[random.integer(below: $1.count)] })
      }
    }
    values = values.map { $0 / count }
    // The first is the observed one; sums of the same numbers may differ in their last bits.
    let bound = values[0] - 1e-12 * max(1, abs(values[0]))
    return (values, Double(values.count { $0 >= bound }) / Double(values.count), isExact)
  }
}
