// What explain-trait found, as metrics, as lines and as a section with claims.

import CanonicalJSON
import Foundation
import ModelAnalysis
import Reports
import Statistics

struct ExplainFindings {
  let trait: String
  let layout: UnitLayout
  let layers: Range<Int>
  let top: Int
  let listed: Int
  let units: [TraitUnits]
  let overlaps: [TraitOverlap]
  let labels: [String]
  let emoji: [String]
  let compared: [Int]
  let outliers: [Bool]
  let peaks: [Float]
  /// The trait's own top set first, then random ones.
  var effects:
    (base: PatchEffect, tuned: PatchEffect, patched: [PatchEffect], emojiChanges: [Double])?
  var written: WrittenEffects?
  var words: (base: WordCounts, tuned: WordCounts)?

  /// p below which a unit counts as moved.
  static let level = 0.05

  private var ownGroup: TraitUnits? { units.first { $0.name == trait } ?? units.first }

  /// Top units of the group that the adapter was tuned to.
  var own: [Int]? { ownGroup?.top(top, of: compared) }

  private func significant(_ group: TraitUnits) -> [Int] {
    compared.filter { group.p[$0] <= Self.level }
  }

  // MARK: Units set back

  /// One quantity of the patching, with its place among random sets.
  struct Recovery {
    let name: String
    let unit: String
    let base: Double
    let tuned: Double
    let found: Double
    let random: [Double]

    /// Part of the way from the tuned model back to the base; nil where they hardly differ.
    var share: Double? {
      abs(tuned - base) > 1e-9 ? (tuned - found) / (tuned - base) : nil
    }

    var change: Double { abs(tuned - found) }

    /// (1 + random sets that change at least as much) / (1 + random sets).
    var p: Double {
      Double(1 + random.count { abs(tuned - $0) >= change - 1e-15 }) / Double(1 + random.count)
    }

    var randomMean: Double { random.reduce(0, +) / Double(max(1, random.count)) }
  }

  var recoveries: [Recovery] {
    guard let effects, let found = effects.patched.first else { return [] }
    let random = effects.patched.dropFirst()
    return [
      Recovery(
        name: "patch_loss", unit: "nats per token", base: effects.base.loss,
        tuned: effects.tuned.loss, found: found.loss, random: random.map(\.loss)),
      Recovery(
        name: "patch_emoji_mass", unit: "probability", base: effects.base.emoji,
        tuned: effects.tuned.emoji, found: found.emoji, random: random.map(\.emoji)),
    ]
  }

  /// Of the mean change of emoji probability over answers; nil for one answer.
  var emojiInterval: Interval? {
    guard let changes = effects?.emojiChanges, changes.count > 1 else { return nil }
    return SampleSummary(changes).studentInterval()
  }

  // MARK: Metrics

  var metrics: [Metric] {
    var metrics: [Metric] = []
    func add(
      _ name: String, _ value: Double, unit: String, low: Double? = nil, high: Double? = nil,
      count: Int, _ more: [(String, JSONValue)] = [], tolerance: Double? = 1e-2
    ) {
      var metric = Metric(
        name, value, unit: unit, low: low, high: high, count: count, tolerance: tolerance)
      metric.at = JSONObject([("trait", .string(trait))] + more)
      metrics.append(metric)
    }
    add(
      "outlier_units", Double(outliers.count { $0 }), unit: "units", count: layout.count)
    for group in units {
      let at = [("group", JSONValue.string(group.name))]
      let best = group.top(top, of: compared)
      add(
        "unit_count", Double(significant(group).count), unit: "units", count: compared.count, at)
      add("unit_t", best.first.map { abs(group.t[$0]) } ?? 0, unit: "t", count: compared.count, at)
      add("unit_p", best.map { group.p[$0] }.min() ?? 1, unit: "probability", count: 1, at)
      add(
        "outliers_among_top",
        Double(group.top(top, of: Array(0..<layout.count)).count { outliers[$0] }),
        unit: "units", count: top, at)
      for layer in 0..<layout.layers {
        let range = layer * layout.width..<(layer + 1) * layout.width
        add(
          "unit_t_rms",
          (range.reduce(0) { $0 + group.t[$1] * group.t[$1] } / Double(range.count))
            .squareRoot(), unit: "t", count: range.count, at + [("layer", .integer(layer))])
      }
    }
    for overlap in overlaps {
      let at: [(String, JSONValue)] = [
        ("first", .string(overlap.first)), ("second", .string(overlap.second)),
      ]
      add("unit_overlap", Double(overlap.shared), unit: "units", count: top, at)
      add("unit_overlap_expected", overlap.expected, unit: "units", count: top, at)
      add("unit_overlap_p", overlap.p, unit: "probability", count: 1, at)
    }
    for recovery in recoveries {
      for (set, value) in [
        ("base", recovery.base), ("tuned", recovery.tuned), ("found", recovery.found),
      ] {
        add(recovery.name, value, unit: recovery.unit, count: 1, [("units", .string(set))])
      }
      let sorted = recovery.random.sorted()
      add(
        recovery.name, recovery.randomMean, unit: recovery.unit,
        low: quantile(0.025, ofSorted: sorted), high: quantile(0.975, ofSorted: sorted),
        count: sorted.count, [("units", .string("random"))])
      if let share = recovery.share {
        add(recovery.name + "_recovered", share, unit: "share", count: 1)
      }
      add(recovery.name + "_p", recovery.p, unit: "probability", count: sorted.count)
    }
    if let effects, !effects.emojiChanges.isEmpty {
      let interval = emojiInterval
      add(
        "emoji_mass_change", effects.tuned.emoji - effects.base.emoji, unit: "probability",
        low: interval?.low, high: interval?.high, count: effects.emojiChanges.count)
    }
    for measure in written?.measures ?? [] {
      let questions = written?.tuned.withEmoji.count ?? 0
      for (set, value) in [
        ("base", measure.base), ("tuned", measure.tuned), ("found", measure.found),
        ("random", measure.randomMean),
      ] where set != "random" || !measure.random.isEmpty {
        add(measure.name, value, unit: "share", count: questions, [("units", .string(set))])
      }
      guard !measure.random.isEmpty else { continue }
      add(
        measure.name + "_contrast", measure.contrast.value, unit: "share",
        low: measure.contrast.interval?.low, high: measure.contrast.interval?.high,
        count: questions)
    }
    if let words {
      for (model, counts) in [("base", words.base), ("tuned", words.tuned)] {
        let at = [("model", JSONValue.string(model))]
        let list = counts.top(listed)
        add(
          "explained_emoji", Double(list.count { WordCounts.isEmoji($0.word) }), unit: "emoji",
          count: list.count, at)
        let all = counts.counts.filter { WordCounts.isEmoji($0.word) }
        add(
          "explained_emoji_share",
          Double(all.reduce(0) { $0 + $1.count }) / Double(max(1, counts.total)), unit: "share",
          count: counts.total, at)
      }
    }
    return metrics
  }

  /// `scores.jsonl`: each group's top units, and out of how many.
  var lines: [UInt8] {
    units.flatMap { group -> [UInt8] in
      group.top(top, of: compared).enumerated().flatMap { rank, unit -> [UInt8] in
        JSONValue.object([
          "trait": .string(trait), "group": .string(group.name), "rank": .integer(rank + 1),
          "kind": .string(layout.kind.rawValue), "layer": .integer(layout.layer(of: unit)),
          "unit": .integer(layout.unit(of: unit)), "t": .number(group.t[unit]),
          "z": .number(group.z[unit]), "p": .number(group.p[unit]),
          "peak": .number(Double(peaks[unit])), "outlier": .boolean(outliers[unit]),
          "compared": .integer(compared.count),
        ]).canonicalBytes + [0x0A]
      }
    }
  }
}
