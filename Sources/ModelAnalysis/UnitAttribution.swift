// Which units go with which score: correlation and regression of every unit, p values read against many
// units, and the sets that come of it.

import Diagnostics
import Randomness
import Statistics

/// A score of every model version, in the order of the versions.
public struct VersionScore: Sendable, Equatable {
  /// "right share"
  public var name: String
  public var values: [Double]

  public init(name: String, values: [Double]) {
    self.name = name
    self.values = values
  }
}

/// How p values of many units are read.
public enum UnitCorrection: String, Sendable, CaseIterable {
  /// Each against the level: 5 % of units that follow nothing are found at 0.05.
  case none
  /// p·m against the level.
  case bonferroni
  /// The false-discovery rate at most the level.
  case benjaminiHochberg = "benjamini-hochberg"

  public func adjusted(_ p: [Double]) -> [Double] {
    switch self {
    case .none: p
    case .bonferroni: MultipleTesting.bonferroni(p)
    case .benjaminiHochberg: MultipleTesting.benjaminiHochberg(p)
    }
  }
}

/// What a unit was found to follow.
public enum UnitSet: String, Sendable, CaseIterable {
  case none
  case biasOnly = "bias-only"
  case qualityOnly = "quality-only"
  case both

  init(bias: Bool, quality: Bool) {
    self = bias ? (quality ? .both : .biasOnly) : quality ? .qualityOnly : .none
  }

  public var followsBias: Bool { self == .biasOnly || self == .both }
  public var followsQuality: Bool { self == .qualityOnly || self == .both }
}

/// How units are attributed to scores.
public struct AttributionSettings: Sendable, Equatable {
  public enum Regression: String, Sendable, CaseIterable {
    /// Each score alone, as the study has it.
    case single
    /// Bias and quality together: what one adds beside the other.
    case joint
  }

  public var form: UnitForm
  public var lags: Int
  public var inference: UnitInference
  /// Whose p values make the sets; both are worked out.
  public var regression: Regression
  public var correction: UnitCorrection
  public var level: Double

  public init(
    form: UnitForm = .differences, lags: Int = 1, inference: UnitInference = .satterthwaite,
    regression: Regression = .single, correction: UnitCorrection = .benjaminiHochberg,
    level: Double = 0.05
  ) {
    precondition(level > 0 && level < 1, "a level of \(level)")
    self.form = form
    self.lags = lags
    self.inference = inference
    self.regression = regression
    self.correction = correction
    self.level = level
  }
}

/// What one score has to do with every unit.
public struct ScoreEffects: Sendable, Equatable {
  /// Pearson's r in the form of the regression; nil where the unit does not vary.
  public let r: [Double?]
  /// Pearson's r over all versions.
  public let rLevels: [Double?]
  /// Change of the unit for one unit of the score.
  public let coefficients: [Double]
  public let standardErrors: [Double]
  public let p: [Double]
  /// Benjamini and Hochberg's adjusted p.
  public let q: [Double]
  /// Coefficient over error.
  public let ratios: [Double]
  /// |ratio| from which p is at most the level.
  public let bound: Double

  /// Units whose adjusted p is at most the level.
  public func members(_ correction: UnitCorrection, level: Double) -> [Bool] {
    (correction == .benjaminiHochberg ? q : correction.adjusted(p)).map { $0 <= level }
  }

  /// How many p values lie below.
  public func count(below level: Double) -> Int { p.count { $0 < level } }
}

/// Units and scores in one form, ready to be regressed as often as a null needs.
public struct UnitAttribution: Sendable {
  public let settings: AttributionSettings
  public let levels: UnitSeries
  /// In the form of the regression.
  public let series: UnitSeries
  public let bias: VersionScore
  public let quality: VersionScore
  /// Alone; nil where it could not be fitted, see ``obstacle``.
  public let biasEffects: ScoreEffects?
  public let qualityEffects: ScoreEffects?
  /// Together: bias, then quality.
  public let jointEffects: [ScoreEffects]?
  /// The effects whose p values make the sets: bias, then quality.
  public let usedEffects: [ScoreEffects?]
  /// Of the chosen regression and correction.
  public let sets: [UnitSet]
  /// Why something could not be fitted, in words.
  public let obstacle: String?

  /// - Parameters:
  ///   - units: of every version, chain after chain.
  ///   - bias, quality: a value for each version.
  public init(
    _ units: UnitSeries, bias: VersionScore, quality: VersionScore, settings: AttributionSettings
  ) {
    for score in [bias, quality] {
      precondition(
        score.values.count == units.points,
        "\(score.values.count) values of '\(score.name)' for \(units.points) versions")
    }
    let series = units.inForm(settings.form)
    let single = [bias, quality].map { score in
      Self.effects([score], levels: units, series: series, settings)?[0]
    }
    let joint = Self.effects([bias, quality], levels: units, series: series, settings)
    let used: [ScoreEffects?] =
      settings.regression == .single ? single : joint.map { [$0[0], $0[1]] } ?? [nil, nil]
    let members = used.map { effects in
      effects?.members(settings.correction, level: settings.level)
        ?? [Bool](repeating: false, count: units.units)
    }
    self.settings = settings
    levels = units
    self.series = series
    self.bias = bias
    self.quality = quality
    biasEffects = single[0]
    qualityEffects = single[1]
    jointEffects = joint
    obstacle = Self.obstacle([bias, quality], single, joint, series, settings)
    usedEffects = used
    sets = (0..<units.units).map { UnitSet(bias: members[0][$0], quality: members[1][$0]) }
  }

  private static func effects(
    _ scores: [VersionScore], levels: UnitSeries, series: UnitSeries,
    _ settings: AttributionSettings
  ) -> [ScoreEffects]? {
    let columns = scores.map {
      UnitSeries.score($0.values, chains: levels.chains, in: settings.form)
    }
    guard let design = UnitDesign(columns, chains: series.chains, lags: settings.lags) else {
      return nil
    }
    let fit = UnitRegression(series, on: design, inference: settings.inference)
    return scores.indices.map { index in
      let p = fit.p(index)
      return ScoreEffects(
        r: series.correlations(columns[index]), rLevels: levels.correlations(scores[index].values),
        coefficients: fit.coefficients[index], standardErrors: fit.standardErrors[index], p: p,
        q: MultipleTesting.benjaminiHochberg(p), ratios: fit.ratios(index),
        bound: fit.bound(index, level: settings.level))
    }
  }

  private static func obstacle(
    _ scores: [VersionScore], _ single: [ScoreEffects?], _ joint: [ScoreEffects]?,
    _ series: UnitSeries, _ settings: AttributionSettings
  ) -> String? {
    let points =
      "\(series.points) \(settings.form == .levels ? "versions" : "changes between versions")"
    if series.points < 3 { return "\(points) are too few for a regression" }
    let constant = zip(scores, single).filter { $0.1 == nil }.map { "'\($0.0.name)'" }
    if !constant.isEmpty {
      return constant.joined(separator: " and ")
        + (constant.count == 1 ? " has" : " have") + " the same value at all \(points)"
    }
    guard joint == nil else { return nil }
    return series.points < 4
      ? "\(points) are too few for a regression on both scores"
      : "'\(scores[0].name)' and '\(scores[1].name)' determine each other"
  }
}

extension UnitSeries {
  /// Pearson's r of every unit with a score; nil where either does not vary.
  func correlations(_ score: [Double]) -> [Double?] {
    precondition(score.count == points, "\(score.count) scores for \(points) points")
    let n = Double(max(1, points))
    let mean = score.reduce(0, +) / n
    let centred = score.map { $0 - mean }
    let size = centred.reduce(0) { $0 + $1 * $1 }
    guard let first = score.first, score.contains(where: { $0 != first }), size > 0 else {
      return [Double?](repeating: nil, count: units)
    }
    var means = [Double](repeating: 0, count: units)
    for point in 0..<points {
      for unit in 0..<units { means[unit] += values[point * units + unit] / n }
    }
    var cross = [Double](repeating: 0, count: units)
    var squares = cross
    for point in 0..<points {
      for unit in 0..<units {
        let value = values[point * units + unit] - means[unit]
        cross[unit] += value * centred[point]
        squares[unit] += value * value
      }
    }
    return (0..<units).map { unit in
      guard varies[unit], squares[unit] > 0 else { return nil }
      return max(-1, min(1, cross[unit] / (squares[unit] * size).squareRoot()))
    }
  }
}
