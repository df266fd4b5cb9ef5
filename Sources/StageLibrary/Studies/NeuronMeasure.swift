// What attribute-neurons found, as metrics.

import CanonicalJSON
import ModelAnalysis
import Reports
import Statistics

extension NeuronFindings {
  var metrics: [Metric] { countMetrics + overlapMetrics + nullMetrics + layerMetrics }

  private func at(_ members: [(String, JSONValue)]) -> JSONObject {
    JSONObject([("measure", .string(measure.rawValue))] + members)
  }

  private func metric(
    _ name: String, _ value: Double, unit: String = "units", low: Double? = nil,
    high: Double? = nil, count: Int? = nil, _ members: [(String, JSONValue)]
  ) -> Metric {
    var metric = Metric(
      name, value, unit: unit, low: low, high: high, count: count ?? attribution.series.units)
    metric.at = at(members)
    return metric
  }

  /// How many units pass each threshold, in both forms, beside what chance alone would give.
  private var countMetrics: [Metric] {
    var metrics = [
      metric("units", Double(layout.count), []),
      metric("versions", Double(attribution.levels.points), unit: "models", []),
      metric("chains", Double(attribution.levels.chains.count), unit: "chains", []),
      metric("points", Double(attribution.series.points), unit: "points", []),
    ]
    for (index, score) in ["bias", "quality"].enumerated() {
      for form in [attribution, other] {
        guard let counts = counts(form, quality: index == 1) else { continue }
        for (name, count) in zip(countNames, counts) {
          metrics.append(
            metric(
              "unit_count", Double(count),
              [
                ("score", .string(score)), ("form", .string(form.settings.form.rawValue)),
                ("threshold", .string(name)),
              ]))
        }
      }
      if let share = signAgreement(quality: index == 1) {
        metrics.append(
          metric("sign_agreement", share, unit: "share", [("score", .string(score))]))
      }
    }
    for level in Self.levels {
      metrics.append(
        metric(
          "false_positives_expected", level * Double(layout.count),
          [("threshold", .string("p < \(Format.level(level))"))]))
    }
    return metrics
  }

  private var overlapMetrics: [Metric] {
    overlaps.flatMap { overlap -> [Metric] in
      let at: [(String, JSONValue)] = [
        ("threshold", .string(Self.name(overlap.correction, level: settings.level)))
      ]
      let chance = Hypergeometric(
        population: layout.count, first: overlap.biasCount, second: overlap.qualityCount)
      return [
        metric("bias_units", Double(overlap.biasCount), at),
        metric("quality_units", Double(overlap.qualityCount), at),
        metric("units_in_both", Double(overlap.both), at),
        metric("units_in_both_expected", chance.mean, at),
        metric("overlap_p_more", chance.tail(atLeast: overlap.both), unit: "probability", at),
        metric("overlap_p_fewer", chance.tail(atMost: overlap.both), unit: "probability", at),
        metric("jaccard", overlap.jaccard, unit: "share", at),
      ]
    }
  }

  /// Means of the nulls with the middle 95 % of their draws.
  private var nullMetrics: [Metric] {
    func summary(_ name: String, _ draws: [Int], _ at: [(String, JSONValue)]) -> Metric {
      let sorted = draws.map(Double.init).sorted()
      return metric(
        name, sorted.reduce(0, +) / Double(sorted.count), low: quantile(0.025, ofSorted: sorted),
        high: quantile(0.975, ofSorted: sorted), count: draws.count, at)
    }
    var metrics: [Metric] = []
    for null in nulls {
      let kind: (String, JSONValue) = ("null", .string(null.kind.rawValue))
      let observed = usedCounts
      for (index, draws) in [null.biasCounts, null.qualityCounts].enumerated() {
        let score: (String, JSONValue) = ("score", .string(index == 0 ? "bias" : "quality"))
        metrics.append(summary("null_unit_count", draws, [kind, score]))
        metrics.append(
          metric(
            "null_unit_count_p", UnitNull.p(draws, atLeast: observed[index]), unit: "probability",
            count: draws.count, [kind, score]))
      }
      for (index, overlap) in overlaps.enumerated() {
        let threshold: (String, JSONValue) = (
          "threshold", .string(Self.name(overlap.correction, level: settings.level))
        )
        for (moved, draws) in [
          ("quality", null.overlaps[index]), ("both", null.pairedOverlaps[index]),
        ] {
          let place = [kind, ("moved", .string(moved)), threshold]
          metrics.append(summary("null_units_in_both", draws, place))
          metrics.append(
            metric(
              "null_overlap_p_more", UnitNull.p(draws, atLeast: overlap.both),
              unit: "probability", count: draws.count, place))
          metrics.append(
            metric(
              "null_overlap_p_fewer", UnitNull.p(draws, atMost: overlap.both),
              unit: "probability", count: draws.count, place))
        }
      }
    }
    return metrics
  }

  /// Units with p at most the level, without correction: what the nulls count.
  var usedCounts: [Int] {
    attribution.usedEffects.map { effects in
      guard let effects else { return 0 }
      return effects.ratios.count { abs($0) >= effects.bound }
    }
  }

  private var layerMetrics: [Metric] {
    guard let chosen = overlaps.first else { return [] }
    return [("bias", chosen.bias), ("quality", chosen.quality)].flatMap { score, members in
      layerCounts(members).enumerated().map { layer, count in
        metric(
          "layer_units", Double(count), count: layout.width,
          [("score", .string(score)), ("layer", .integer(layer))])
      }
    }
  }
}
