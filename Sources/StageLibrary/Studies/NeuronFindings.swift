// Everything attribute-neurons finds about one measure: the attribution in the chosen form, the same in
// the other form, sets under each correction, and what the nulls say.

import CanonicalJSON
import Diagnostics
import ModelAnalysis
import Randomness
import Reports
import Statistics

struct NeuronFindings {
  let measure: NeuronTable.Measure
  let layout: UnitLayout
  let attribution: UnitAttribution
  /// In the form that was not chosen.
  let other: UnitAttribution
  /// The chosen correction first, then none, if that is another.
  let overlaps: [UnitOverlap]
  let nulls: [UnitNull]

  init(
    _ measure: NeuronTable.Measure, _ series: UnitSeries, bias: VersionScore,
    quality: VersionScore, settings: AttributionSettings, draws: Int, layout: UnitLayout,
    random: (String) -> RandomStream, progress: (Int, Int) throws(Diagnostic) -> Void
  ) throws(Diagnostic) {
    self.measure = measure
    self.layout = layout
    attribution = UnitAttribution(series, bias: bias, quality: quality, settings: settings)
    var otherSettings = settings
    otherSettings.form = settings.form == .levels ? .differences : .levels
    other = UnitAttribution(series, bias: bias, quality: quality, settings: otherSettings)
    var corrections = [settings.correction]
    if settings.correction != .none { corrections.append(.none) }
    overlaps = corrections.map(attribution.overlap)
    var nulls: [UnitNull] = []
    let kinds = draws > 0 ? UnitNullKind.allCases : []
    for (index, kind) in kinds.enumerated() {
      let null = try attribution.null(
        kind, draws: draws, overlaps: overlaps,
        random: random("null/\(measure.rawValue)/\(kind.rawValue)")
      ) { (done: Int) throws(Diagnostic) in
        try progress(index * draws + done, kinds.count * draws)
      }
      if let null { nulls.append(null) }
    }
    self.nulls = nulls
  }

  var settings: AttributionSettings { attribution.settings }

  static func name(_ correction: UnitCorrection, level: Double) -> String {
    let bound = Format.level(level)
    switch correction {
    case .none: return "p ≤ \(bound)"
    case .bonferroni: return "Bonferroni \(bound)"
    case .benjaminiHochberg: return "false-discovery rate \(bound)"
    }
  }

  /// Thresholds of the study's tables, in the order of strictness.
  static let levels = [0.05, 0.01, 0.001]

  /// Units with p below each of `levels`, then those that pass Bonferroni and Benjamini–Hochberg.
  func counts(_ attribution: UnitAttribution, quality: Bool) -> [Int]? {
    let used = attribution.usedEffects[quality ? 1 : 0]
    guard let effects = used else { return nil }
    let level = settings.level
    return Self.levels.map { effects.count(below: $0) }
      + [UnitCorrection.bonferroni, .benjaminiHochberg].map { correction in
        effects.members(correction, level: level).count { $0 }
      }
  }

  var countNames: [String] {
    Self.levels.map { "p < \(Format.level($0))" }
      + [UnitCorrection.bonferroni, .benjaminiHochberg].map {
        Self.name($0, level: settings.level)
      }
  }

  /// Share of units whose coefficient has the sign of Pearson's r over all versions.
  func signAgreement(quality: Bool) -> Double? {
    guard let effects = quality ? attribution.qualityEffects : attribution.biasEffects else {
      return nil
    }
    var (same, all) = (0, 0)
    for (coefficient, r) in zip(effects.coefficients, effects.rLevels) {
      guard let r, coefficient != 0 else { continue }
      all += 1
      if (coefficient > 0) == (r > 0) { same += 1 }
    }
    return all == 0 ? nil : Double(same) / Double(all)
  }

  /// Members of each layer in the chosen sets.
  func layerCounts(_ members: [Bool]) -> [Int] {
    (0..<layout.layers).map { layer in
      members[layer * layout.width..<(layer + 1) * layout.width].count { $0 }
    }
  }
}
