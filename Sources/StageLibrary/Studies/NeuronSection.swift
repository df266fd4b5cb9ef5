// The report section of attribute-neurons: which units go with which score, how many would by chance, and
// what may be said about the overlap.

import Foundation
import ModelAnalysis
import Reports
import Statistics

struct NeuronSection {
  private let findings: [NeuronFindings]
  private let layout: UnitLayout
  private let chains: Int
  private let versions: Int

  init(_ findings: [NeuronFindings], layout: UnitLayout, versions: NeuronVersions) {
    self.findings = findings
    self.layout = layout
    chains = versions.chains.count
    self.versions = versions.versions.count
  }

  private var weights: NeuronFindings { findings[0] }

  var section: ReportSection {
    var blocks: [ReportSection.Block] = [.text(method)]
    for finding in findings {
      if let obstacle = finding.attribution.obstacle {
        blocks.append(.text("\(measureName(finding, true)): \(obstacle)."))
      }
      blocks += figures(finding).map { .figure($0) }
      blocks.append(.table(countTable(finding)))
      blocks.append(.table(overlapTable(finding)))
    }
    blocks.append(.claims([claim]))
    return ReportSection(
      id: "neurons", title: "Units behind bias and quality", order: 600, summary: claim.evidence,
      blocks: blocks)
  }

  // MARK: Words

  private var method: String {
    let settings = weights.settings
    let form =
      settings.form == .levels
      ? "values over all versions" : "changes from one version of a chain to the next"
    return "\(layout.count) units (\(layout)), \(versions) versions in \(chains) "
      + "\(chains == 1 ? "chain" : "chains"). Each unit is regressed on the scores by least squares, "
      + "\(form), with errors after Newey and West (\(settings.lags) "
      + "\(settings.lags == 1 ? "lag" : "lags"), never across chains). "
      + (settings.form == .levels
        ? "Levels of independent random walks correlate: such p values say little by themselves. "
        : "")
      + "A unit goes with a score; that it causes it is another question, which ablation asks."
  }

  private func measureName(_ finding: NeuronFindings, _ capital: Bool) -> String {
    finding.measure == .weight
      ? (capital ? "Mean weights" : "mean weight")
      : (capital ? "Mean activations" : "mean activation")
  }

  /// The overlap read against chance: the null that keeps the course in time where there is one.
  struct Reading {
    enum Kind { case more, fewer, chance }
    let kind: Kind
    let overlap: UnitOverlap
    let expected: Double
    /// Of the middle 95 % of the null, in units.
    let interval: Interval?
    /// Two-sided.
    let p: Double
    let null: String
    /// What sets drawn independently would share; nil where that is the null.
    let independent: Double?

    /// "nearly independent" …
    var words: String {
      switch kind {
      case .more: "overlap more than chance"
      case .fewer: "lie apart more than chance"
      case .chance: "are nearly independent (which is not the same as distinct)"
      }
    }
  }

  static func reading(_ finding: NeuronFindings, _ index: Int) -> Reading {
    let overlap = finding.overlaps[index]
    let chance = Hypergeometric(
      population: finding.layout.count, first: overlap.biasCount, second: overlap.qualityCount)
    var (more, fewer) = (chance.tail(atLeast: overlap.both), chance.tail(atMost: overlap.both))
    var expected = chance.mean
    var interval: Interval?
    var name = "independent draws"
    if let null = finding.nulls.first {
      let draws = null.overlaps[index]
      more = UnitNull.p(draws, atLeast: overlap.both)
      fewer = UnitNull.p(draws, atMost: overlap.both)
      let sorted = draws.map(Double.init).sorted()
      expected = sorted.reduce(0, +) / Double(sorted.count)
      interval = Interval(
        low: quantile(0.025, ofSorted: sorted), high: quantile(0.975, ofSorted: sorted))
      name = nullName(null)
    }
    let p = min(1, 2 * min(more, fewer))
    let kind: Reading.Kind = p >= 0.05 ? .chance : more < fewer ? .more : .fewer
    return Reading(
      kind: kind, overlap: overlap, expected: expected, interval: interval, p: p, null: name,
      independent: finding.nulls.isEmpty ? nil : chance.mean)
  }

  private static func nullName(_ null: UnitNull) -> String {
    null.kind == .exchange ? "scores exchanged between chains" : "scores shifted within chains"
  }

  // MARK: Claim

  private static let statement =
    "Different neurons stand behind political bias and text quality (section 5; 3,243 and 1,033 of "
    + "9,216, 389 in both)"

  /// Of the weights, as in the study; by the sets at p ≤ level, unless the correction leaves both.
  var claim: Claim {
    let id = "neurons-differ"
    let finding = weights
    let full = finding.overlaps.indices.first {
      finding.overlaps[$0].biasCount > 0 && finding.overlaps[$0].qualityCount > 0
    }
    if finding.attribution.usedEffects.contains(where: { $0 == nil }) {
      return .notTestable(
        id: id, statement: Self.statement,
        because: "The regression is not possible: \(finding.attribution.obstacle ?? "no points").")
    }
    guard let index = full else {
      let counts = finding.overlaps.last!
      return Claim(
        id: id, statement: Self.statement, verdict: .unclear,
        evidence:
          "\(counts.biasCount) units go with bias and \(counts.qualityCount) with quality at "
          + "p ≤ \(Format.level(finding.settings.level)): there are no two sets to compare.",
        chains: chains)
    }
    let reading = Self.reading(finding, index)
    let level = finding.settings.level
    let beyond = beyondChance(finding)
    let threshold = NeuronFindings.name(reading.overlap.correction, level: level)
    var evidence =
      "At \(threshold), \(reading.overlap.biasCount) of \(layout.count) mean weights go with bias, "
      + "\(reading.overlap.qualityCount) with quality, \(reading.overlap.both) with both; "
      + "\(Format.figure(reading.expected)) would by chance (\(reading.null)"
    if let interval = reading.interval {
      evidence +=
        ", 95 % of draws \(Format.figure(interval.low)) to \(Format.figure(interval.high))"
    }
    if let independent = reading.independent {
      evidence += "; sets drawn independently would share \(Format.figure(independent))"
    }
    evidence += "): the sets \(reading.words)."
    if let beyond { evidence += " " + beyond.words }
    if chains < 6 { evidence += " Descriptive: \(chains) \(chains == 1 ? "chain" : "chains")." }
    let verdict: Claim.Verdict =
      reading.kind == .more
      ? .opposite : chains < 6 || !(beyond?.isClear ?? false) ? .unclear : .reproduced
    return Claim(
      id: id, statement: Self.statement, verdict: verdict, evidence: evidence,
      effect: Double(reading.overlap.both) - reading.expected,
      low: reading.interval.map { Double(reading.overlap.both) - $0.high },
      high: reading.interval.map { Double(reading.overlap.both) - $0.low }, p: reading.p,
      chains: chains)
  }

  /// Whether both scores find more units than moved scores do.
  private func beyondChance(_ finding: NeuronFindings) -> (isClear: Bool, words: String)? {
    guard let null = finding.nulls.first else { return nil }
    let observed = finding.usedCounts
    let p = [
      UnitNull.p(null.biasCounts, atLeast: observed[0]),
      UnitNull.p(null.qualityCounts, atLeast: observed[1]),
    ]
    func mean(_ draws: [Int]) -> String {
      Format.fixed(Double(draws.reduce(0, +)) / Double(draws.count), 0)
    }
    let isClear = p.allSatisfy { $0 < 0.05 }
    let words =
      "\(observed[0]) and \(observed[1]) units at p ≤ \(Format.level(finding.settings.level)) stand "
      + "against \(mean(null.biasCounts)) and \(mean(null.qualityCounts)) with "
      + "\(Self.nullName(null)) (p = \(Format.figure(p[0])) and \(Format.figure(p[1])))"
      + (isClear ? "." : ": not clearly more than chance.")
    return (isClear, words)
  }

  // MARK: Tables

  private func countTable(_ finding: NeuronFindings) -> ReportTable {
    let names = finding.countNames
    let expected = NeuronFindings.levels.map {
      Format.fixed($0 * Double(layout.count), 0)
    }
    var rows: [[String]] = []
    for (score, quality) in [("bias", false), ("quality", true)] {
      for form in [finding.attribution, finding.other] {
        let counts = finding.counts(form, quality: quality)
        rows.append(
          [score, form.settings.form.rawValue]
            + names.indices.map { index in counts.map { "\($0[index])" } ?? "–" })
      }
      for null in finding.nulls {
        let draws = (quality ? null.qualityCounts : null.biasCounts).map(Double.init).sorted()
        let middle = Format.fixed(draws.reduce(0, +) / Double(draws.count), 0)
        let ends = [0.025, 0.975].map { Format.fixed(quantile($0, ofSorted: draws), 0) }
        rows.append(
          [score, Self.nullName(null), "\(middle) (\(ends[0])–\(ends[1]))"]
            + [String](repeating: "", count: names.count - 1))
      }
    }
    rows.append(["neither", "false positives expected"] + expected + ["≤ 0.05", ""])
    var signs = ""
    for (score, quality) in [("bias", false), ("quality", true)] {
      if let share = finding.signAgreement(quality: quality) {
        signs += " The coefficient has the sign of Pearson's r over all versions for "
        signs += "\(Format.fixed(100 * share, 1)) % of the units (\(score))."
      }
    }
    return ReportTable(
      caption: "Units by \(measureName(finding, false)) that pass a threshold, of \(layout.count). "
        + "Moved scores at p ≤ \(Format.level(finding.settings.level)): mean and middle 95 % of "
        + "\(finding.nulls.first.map { "\($0.biasCounts.count)" } ?? "no") draws.\(signs)",
      columns: [.init("Score"), .init("Regression")]
        + names.map { .init($0, unit: "units", isNumber: true) }, rows: rows)
  }

  private func overlapTable(_ finding: NeuronFindings) -> ReportTable {
    var rows: [[String]] = []
    for (index, overlap) in finding.overlaps.enumerated() {
      let name = NeuronFindings.name(overlap.correction, level: finding.settings.level)
      let chance = Hypergeometric(
        population: layout.count, first: overlap.biasCount, second: overlap.qualityCount)
      let counts = ["\(overlap.biasCount)", "\(overlap.qualityCount)", "\(overlap.both)"]
      rows.append(
        [
          name, "independent draws of units",
        ] + counts + [
          Format.figure(chance.mean), Format.figure(chance.tail(atLeast: overlap.both)),
          Format.figure(chance.tail(atMost: overlap.both)),
        ])
      for null in finding.nulls {
        for (moved, draws) in [
          ("quality", null.overlaps[index]), ("both scores together", null.pairedOverlaps[index]),
        ] {
          let mean = Double(draws.reduce(0, +)) / Double(draws.count)
          rows.append(
            [name, "\(Self.nullName(null)): \(moved)"] + counts + [
              Format.figure(mean), Format.figure(UnitNull.p(draws, atLeast: overlap.both)),
              Format.figure(UnitNull.p(draws, atMost: overlap.both)),
            ])
        }
      }
    }
    return ReportTable(
      caption:
        "Overlap of the sets by \(measureName(finding, false)). Moved scores keep their course "
        + "in time and the sizes of the sets; where both are moved together, units that follow neither "
        + "still overlap as far as the scores resemble each other.",
      columns: [
        .init("Sets"), .init("Chance"), .init("Bias", unit: "units", isNumber: true),
        .init("Quality", unit: "units", isNumber: true),
        .init("Both", unit: "units", isNumber: true),
        .init("Expected", unit: "units", isNumber: true), .init("p, as many", isNumber: true),
        .init("p, as few", isNumber: true),
      ], rows: rows)
  }

  // MARK: Figures

  private func figures(_ finding: NeuronFindings) -> [Figure] {
    guard let bias = finding.attribution.biasEffects,
      let quality = finding.attribution.qualityEffects
    else { return [] }
    let used = finding.attribution.usedEffects.compactMap { $0 }
    guard used.count == 2 else { return [] }
    let name = finding.measure.rawValue
    let form = finding.settings.form == .levels ? "levels" : "changes"
    let sets = finding.attribution.sets
    func series(_ value: (Int) -> (x: Double, y: Double)?) -> [Figure.Series] {
      UnitSet.allCases.compactMap { set in
        let points = sets.indices.filter { sets[$0] == set }.compactMap(value)
        return points.isEmpty
          ? nil : Figure.Series(binned: points, name: set == .none ? "neither" : set.rawValue)
      }
    }
    let threshold = NeuronFindings.name(
      finding.settings.correction, level: finding.settings.level)
    let correlations = Figure(
      .scatter, id: "\(name)-correlations", title: "Correlation of each unit's \(name)",
      xLabel: "Pearson's r with \(finding.attribution.bias.name) (\(form))",
      yLabel: "Pearson's r with \(finding.attribution.quality.name) (\(form))",
      series: series { unit in
        guard let x = bias.r[unit], let y = quality.r[unit] else { return nil }
        return (x, y)
      },
      caption: "One point for each of \(layout.count) units, neighbours drawn as one larger point; "
        + "n = \(finding.attribution.series.points) \(form). Sets at \(threshold).",
      references: [.init(name: "", y: 0), .init(name: "", x: 0)])
    let bonferroni = finding.settings.level / Double(layout.count)
    // A p of 0 has no place on a logarithmic axis.
    func size(_ p: Double) -> Double { -log10(max(p, 1e-30)) }
    let line = size(bonferroni)
    let significance = Figure(
      .scatter, id: "\(name)-significance", title: "Significance of each unit's \(name)",
      xLabel: "−log₁₀ p with \(finding.attribution.bias.name)",
      yLabel: "−log₁₀ p with \(finding.attribution.quality.name)",
      series: series { (size(used[0].p[$0]), size(used[1].p[$0])) },
      caption: "One point for each of \(layout.count) units, neighbours drawn as one larger point. "
        + "Lines: Bonferroni, \(Format.level(finding.settings.level)) / \(layout.count) = "
        + "\(Format.figure(bonferroni)), and p = \(Format.level(finding.settings.level)).",
      references: [
        .init(name: "Bonferroni", y: line), .init(name: "", x: line),
        .init(
          name: "p = \(Format.level(finding.settings.level))", y: size(finding.settings.level)),
        .init(name: "", x: size(finding.settings.level)),
      ], include: [0])
    let shown = finding.overlaps.last!
    let layers = Figure(
      .bars, id: "\(name)-layers", title: "Units of each layer by \(name)",
      xLabel: "layer, counted from 0", yLabel: "units",
      categories: (0..<layout.layers).map { "\($0)" },
      series: [("bias", shown.bias), ("quality", shown.quality)].map { name, members in
        Figure.Series(
          name: name,
          points: finding.layerCounts(members).enumerated().map {
            .init(x: Double($0), y: Double($1))
          })
      },
      caption: "At \(NeuronFindings.name(shown.correction, level: finding.settings.level)), of "
        + "\(layout.width) units a layer; chance alone gives "
        + "\(Format.figure(finding.settings.level * Double(layout.width))).",
      references: shown.correction == .none
        ? [
          .init(
            name: "false positives expected", y: finding.settings.level * Double(layout.width))
        ] : [], include: [0])
    return [correlations, significance, layers]
  }
}
