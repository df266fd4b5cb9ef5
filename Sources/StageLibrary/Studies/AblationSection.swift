// What compare-ablations found: metrics, and a section of the report with its claim.

import CanonicalJSON
import Foundation
import ModelAnalysis
import Reports
import Statistics

struct AblationSection {
  private let items: AblationItems
  /// Nil where scores do not vary among random sets.
  private let result: DoubleDissociation?
  private let bias: String
  private let quality: String

  init(_ items: AblationItems, _ result: DoubleDissociation?, bias: String, quality: String) {
    self.items = items
    self.result = result
    self.bias = bias
    self.quality = quality
  }

  // MARK: Metrics

  var metrics: [Metric] {
    var metrics: [Metric] = []
    for (model, whole) in zip(items.models, items.whole) {
      func add(
        _ name: String, _ values: [AblationChange], _ at: KeyValuePairs<String, JSONValue>
      ) {
        for (score, values) in [("bias", values.map(\.bias)), ("quality", values.map(\.quality))] {
          let sorted = values.sorted()
          let isOne = sorted.count == 1
          var metric = Metric(
            name, values.reduce(0, +) / Double(values.count), unit: "score",
            low: isOne ? nil : quantile(0.025, ofSorted: sorted),
            high: isOne ? nil : quantile(0.975, ofSorted: sorted), count: values.count)
          metric.at = JSONObject(
            [("model", .string(model.name)), ("score", .string(score))]
              + at.map { ($0.key, $0.value) })
          metrics.append(metric)
        }
      }
      add("whole_model", [whole], [:])
      for (set, named, random) in [
        (UnitSet.biasOnly, model.biasOnly, model.randomForBias),
        (.qualityOnly, model.qualityOnly, model.randomForQuality),
      ] {
        add("change", [named], ["set": .string(set.rawValue)])
        add("random_change", random, ["set": .string(set.rawValue)])
      }
    }
    guard let result else { return metrics }
    for part in result.parts {
      for (set, pool) in [(UnitSet.biasOnly, part.bias), (.qualityOnly, part.quality)] {
        for (score, z, p) in [
          ("bias", pool.biasZ[0], pool.biasP), ("quality", pool.qualityZ[0], pool.qualityP),
        ] {
          let at: KeyValuePairs<String, JSONValue> = [
            "model": .string(part.name), "set": .string(set.rawValue), "score": .string(score),
          ]
          let count = pool.biasZ.count - 1
          metrics.append(
            Metric("effect", z, unit: "deviations of random sets", count: count, at: at))
          metrics.append(Metric("effect_p", p, unit: "probability", count: count, at: at))
        }
      }
    }
    let models = result.parts.count
    for (set, value, p) in [
      (UnitSet.biasOnly, result.biasContrast, result.biasContrastP),
      (.qualityOnly, result.qualityContrast, result.qualityContrastP),
    ] {
      let at: KeyValuePairs<String, JSONValue> = ["set": .string(set.rawValue)]
      metrics.append(
        Metric("own_minus_other", value, unit: "deviations of random sets", count: models, at: at))
      metrics.append(Metric("own_minus_other_p", p, unit: "probability", count: models, at: at))
    }
    metrics.append(
      Metric(
        "interaction", result.interaction, unit: "deviations of random sets",
        low: result.interval.low, high: result.interval.high, count: models))
    metrics.append(
      Metric(
        "interaction_p", result.p, unit: "probability", count: result.exchanges,
        at: ["exchanges": .string(result.isExact ? "all" : "drawn")]))
    if let between = result.betweenModels {
      metrics.append(
        Metric(
          "interaction_between_models", result.interaction, unit: "deviations of random sets",
          low: between.low, high: between.high, count: models))
    }
    return metrics
  }

  // MARK: Claim

  private static let statement =
    "Neurons behind bias are not those behind quality: taking out one kind moves its own score more "
    + "(our test of section 5's claim)"

  var claim: Claim {
    let id = "neurons-dissociate"
    guard let result else {
      return .notTestable(
        id: id, statement: Self.statement,
        because:
          "'\(bias)' or '\(quality)' does not vary among the random sets, so there is nothing "
          + "to measure an effect by; write more documents, or take out more units.")
    }
    let randomSets = result.parts.map { min($0.bias.biasZ.count, $0.quality.biasZ.count) - 1 }
      .min()!
    let isShown =
      result.p < 0.05 && result.biasContrast > 0 && result.qualityContrast > 0 && randomSets >= 19
    let isOpposite = result.interval.high < 0
    let models = result.parts.count
    var evidence =
      "In deviations of random sets of the same layers, bias-only units move \(bias) "
      + "\(Format.signed(result.biasContrast, 2)) more than \(quality) (p = "
      + "\(Format.figure(result.biasContrastP))), quality-only units \(quality) "
      + "\(Format.signed(result.qualityContrast, 2)) more than \(bias) (p = "
      + "\(Format.figure(result.qualityContrastP))); interaction "
      + "\(Format.signed(result.interaction, 2)), 95 % interval by exchange "
      + "\(Format.signed(result.interval.low, 2)) to \(Format.signed(result.interval.high, 2)), p = "
      + "\(Format.figure(result.p)), \(models) \(models == 1 ? "model" : "models"): "
    evidence +=
      isShown
      ? "a double dissociation."
      : isOpposite ? "the reverse of a dissociation." : "no double dissociation is shown."
    if randomSets < 20 {
      evidence +=
        " \(randomSets) random sets are few: p cannot be below 1/\(randomSets + 1) for a "
        + "set alone."
    }
    if models == 1 { evidence += " One model says nothing about the next." }
    return Claim(
      id: id, statement: Self.statement,
      verdict: isShown ? .reproduced : isOpposite ? .opposite : .unclear, evidence: evidence,
      effect: result.interaction, low: result.interval.low, high: result.interval.high, p: result.p,
      chains: models)
  }

  // MARK: Section

  var section: ReportSection {
    var blocks: [ReportSection.Block] = [
      .text(
        "Units are taken out of the feed-forward parts of a model, which then writes the same "
          + "documents again. A named set counts by how far it moves a score beyond random sets with "
          + "as many units in each layer: z = (change − mean of random sets) / their standard "
          + "deviation. The interaction is |z \(bias)| − |z \(quality)| of bias-only plus the reverse "
          + "of quality-only; p is the share of exchanges of named and random sets that give as much."
      )
    ]
    if let result { blocks.append(.figure(figure(result))) }
    blocks.append(.table(table))
    blocks.append(.claims([claim]))
    return ReportSection(
      id: "ablations", title: "Without these units", order: 610, summary: claim.evidence,
      blocks: blocks)
  }

  private func figure(_ result: DoubleDissociation) -> Figure {
    func points(_ pools: [AblationPool], named: Bool) -> [Figure.Point] {
      pools.flatMap { pool in
        pool.biasZ.indices.filter { ($0 == 0) == named }.map {
          .init(x: abs(pool.biasZ[$0]), y: abs(pool.qualityZ[$0]))
        }
      }
    }
    let biasPools = result.parts.map(\.bias)
    let qualityPools = result.parts.map(\.quality)
    let random = biasPools.reduce(0) { $0 + $1.biasZ.count - 1 }
    return Figure(
      .scatter, id: "ablation-effects", title: "Effects of taking units out",
      xLabel: "|z| of \(bias) (deviations of random sets)",
      yLabel: "|z| of \(quality) (deviations of random sets)",
      series: [
        .init(name: "random, as bias-only", points: points(biasPools, named: false)),
        .init(name: "random, as quality-only", points: points(qualityPools, named: false)),
        .init(name: "bias-only", points: points(biasPools, named: true)),
        .init(name: "quality-only", points: points(qualityPools, named: true)),
      ],
      caption: "\(result.parts.count) \(result.parts.count == 1 ? "model" : "models"), \(random) "
        + "random sets like bias-only. A double dissociation puts bias-only to the right and below, "
        + "quality-only to the left and above the random sets.", include: [0])
  }

  private var table: ReportTable {
    var rows: [[String]] = []
    for (index, model) in items.models.enumerated() {
      let part = result?.parts[index]
      for (set, named, random, pool) in [
        (UnitSet.biasOnly, model.biasOnly, model.randomForBias, part?.bias),
        (.qualityOnly, model.qualityOnly, model.randomForQuality, part?.quality),
      ] {
        func cells(
          _ named: Double, _ random: [Double], _ z: Double?, _ p: Double?
        ) -> [String] {
          let summary = SampleSummary(random)
          return [
            Format.signed(named, 4),
            Format.signed(summary.mean, 4) + " ± " + Format.fixed(summary.deviation ?? 0, 4),
            z.map { Format.signed($0, 2) } ?? "–", p.map { Format.figure($0) } ?? "–",
          ]
        }
        rows.append(
          [model.name, set.rawValue]
            + cells(named.bias, random.map(\.bias), pool?.biasZ[0], pool?.biasP)
            + cells(named.quality, random.map(\.quality), pool?.qualityZ[0], pool?.qualityP))
      }
    }
    let counts = items.models.map(\.randomForBias.count)
    return ReportTable(
      caption: "Changes against the whole model; random: mean ± standard deviation over "
        + "\(counts.min() ?? 0) sets or more of the same layers.",
      columns: [.init("Model"), .init("Set")]
        + [bias, quality].flatMap { score -> [ReportTable.Column] in
          [
            .init("Change of \(score)", isNumber: true), .init("Random", isNumber: true),
            .init("z", isNumber: true), .init("p", isNumber: true),
          ]
        }, rows: rows)
  }
}
