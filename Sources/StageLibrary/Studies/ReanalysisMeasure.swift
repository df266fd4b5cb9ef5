// What released tables say, as metrics and as a section of a report.

import CanonicalJSON
import Foundation
import Reports
import Statistics

struct ReanalysisMeasure {
  let classes: [String]
  /// Number of the class that is followed.
  let target: Int
  let setups: [ReleasedScores]
  let neurons: ReleasedNeurons?
  let thresholds: [Double]
  let ties: ReleasedScores.Ties

  /// The declared thresholds, and Bonferroni's at 5 %.
  private func sets(_ neurons: ReleasedNeurons) -> [(name: String, sets: ReleasedNeurons.Sets)] {
    thresholds.map { ("p < \(Format.figure($0))", neurons.sets(below: $0)) }
      + [("Bonferroni 0.05", neurons.sets(below: 0.05 / Double(neurons.count)))]
  }

  // MARK: Metrics

  var metrics: [Metric] {
    var rows: [Metric] = []
    for setup in setups {
      for generation in setup.generations {
        let place: [(String, JSONValue)] = [
          ("setup", .string(setup.setup)), ("generation", .integer(generation.number)),
        ]
        for (label, name) in classes.enumerated() {
          let interval = generation.interval(label)
          var row = Metric(
            "share", generation.share(label), unit: "share", low: interval?.low,
            high: interval?.high, count: generation.count)
          row.at = JSONObject(place + [("class", .string(name))])
          rows.append(row)
        }
        var tied = Metric(
          "ties", Double(generation.ties), unit: "documents", count: generation.count)
        tied.at = JSONObject(place)
        rows.append(tied)
      }
      for (label, name) in classes.enumerated() {
        guard let trend = setup.trend(label) else { continue }
        let at: KeyValuePairs<String, JSONValue> = [
          "setup": .string(setup.setup), "class": .string(name),
        ]
        let count = setup.generations.count
        rows.append(
          Metric(
            "slope", trend.coefficients[1], unit: "share per generation", count: count, at: at))
        rows.append(Metric("slope_p", trend.p(1), count: count, at: at))
      }
    }
    if let neurons { rows += self.rows(neurons) }
    return rows
  }

  private func rows(_ neurons: ReleasedNeurons) -> [Metric] {
    var rows: [Metric] = []
    for (name, sets) in sets(neurons) {
      func row(_ metric: String, _ value: Double, unit: String = "") {
        rows.append(
          Metric(
            metric, value, unit: unit, count: neurons.count,
            at: ["threshold": .number(sets.threshold), "name": .string(name)]))
      }
      row("bias_neurons", Double(sets.bias), unit: "neurons")
      row("quality_neurons", Double(sets.quality), unit: "neurons")
      row("overlap", Double(sets.both), unit: "neurons")
      row("overlap_by_chance", sets.chance.mean, unit: "neurons")
      row("overlap_p_at_least", sets.atLeast)
      row("overlap_p_at_most", sets.atMost)
      row("jaccard", sets.jaccard)
    }
    for (side, name) in ReleasedNeurons.sides.enumerated() {
      if neurons.missing(side) > 0 {
        rows.append(
          Metric(
            "without_p", Double(neurons.missing(side)), unit: "neurons", count: neurons.count,
            at: ["side": .string(name)]))
      }
      if let (agreeing, of) = neurons.signAgreement(side) {
        rows.append(
          Metric(
            "sign_agreement", Double(agreeing), unit: "neurons", count: of,
            at: ["side": .string(name)]))
      }
      for row in neurons.byLayer(side, below: thresholds.first ?? 0.05) {
        rows.append(
          Metric(
            "neurons_by_layer", Double(row.count), unit: "neurons", count: row.of,
            at: ["side": .string(name), "layer": .integer(row.layer)]))
      }
    }
    return rows
  }

  // MARK: Section

  var section: ReportSection {
    var blocks: [ReportSection.Block] = []
    if let neurons { blocks.append(.claims([claim(neurons)])) }
    let order = [target] + classes.indices.filter { $0 != target }
    blocks += order.enumerated().map { .figure(shares($1, number: $0)) }
    blocks.append(.table(trends))
    if let neurons {
      blocks += [
        .figure(correlations(neurons)), .figure(pValues(neurons)), .figure(layers(neurons)),
        .table(counts(neurons)),
      ]
    }
    return ReportSection(
      id: "reanalysis", title: "The released tables, recomputed", order: 300,
      summary:
        "Computed from tables that others released, not from runs of this program. One chain per setup: "
        + "nothing here says how another seed would come out.",
      blocks: blocks)
  }

  private var tieWords: String {
    let tied = setups.flatMap(\.generations).reduce(0) { $0 + $1.ties }
    let rule =
      switch ties {
      case .first: "go to the class listed first"
      case .split: "are split evenly"
      case .skip: "are left out"
      }
    return tied == 0 ? "No ties." : "\(Format.count(tied)) ties \(rule)."
  }

  private func shares(_ label: Int, number: Int) -> Figure {
    let counts = setups.flatMap(\.generations).map(\.count)
    let n = "\(Format.count(counts.min() ?? 0)) to \(Format.count(counts.max() ?? 0))"
    return Figure(
      id: "share-\(number)", title: "Articles judged \(classes[label])", xLabel: "generation",
      yLabel: "share of articles (%)",
      series: setups.map { setup in
        .init(
          name: setup.setup,
          points: setup.generations.map { generation in
            let interval = generation.interval(label)
            return .init(
              x: Double(generation.number), y: 100 * generation.share(label),
              low: interval.map { 100 * $0.low }, high: interval.map { 100 * $0.high })
          })
      },
      caption:
        "Share of articles whose highest score is \(classes[label]). Bands: 95 % Wilson intervals "
        + "over articles, within one chain. n = \(n) articles per point. \(tieWords)", wholeX: true)
  }

  private var trends: ReportTable {
    var rows: [[String]] = []
    for setup in setups {
      guard let first = setup.generations.first, let last = setup.generations.last else { continue }
      for (label, name) in classes.enumerated() {
        let trend = setup.trend(label)
        rows.append([
          setup.setup, name, Format.fixed(100 * first.share(label), 1),
          Format.fixed(100 * last.share(label), 1),
          Format.signed(100 * (last.share(label) - first.share(label)), 1),
          trend.map { Format.signed(100 * $0.coefficients[1], 2) } ?? "–",
          trend.map { Format.probability($0.p(1)) } ?? "–", String(setup.generations.count),
        ])
      }
    }
    return ReportTable(
      caption:
        "Shares at the first and last generation and a straight line through all, its p from "
        + "Newey–West errors with one lag: over the generations of one chain, which is no test over "
        + "chains.",
      columns: [
        .init("setup"), .init("class"), .init("first", unit: "%", isNumber: true),
        .init("last", unit: "%", isNumber: true), .init("change", unit: "points", isNumber: true),
        .init("slope", unit: "points per generation", isNumber: true),
        .init("p within chain", isNumber: true), .init("generations", isNumber: true),
      ], rows: rows)
  }

  // MARK: Neurons

  private func claim(_ neurons: ReleasedNeurons) -> Claim {
    let statement =
      "Bias and quality depend on different neurons (section 6: 3,243 and 1,033 of 9,216 at p < 0.05, "
      + "389 in both)"
    let sets = neurons.sets(below: thresholds.first ?? 0.05)
    guard sets.bias > 0, sets.quality > 0 else {
      return .notTestable(
        id: "neurons-differ", statement: statement,
        because: "No unit is below the threshold on one of the sides.")
    }
    var verdict = Claim.Verdict.unclear
    var words = "nearly independent, which is not the same as distinct"
    if sets.atMost < 0.025 { (verdict, words) = (.reproduced, "less than chance: distinct") }
    if sets.atLeast < 0.025 { (verdict, words) = (.opposite, "more than chance: related") }
    return Claim(
      id: "neurons-differ", statement: statement, verdict: verdict,
      evidence: "Released tables: \(Format.count(sets.bias)) and \(Format.count(sets.quality)) of "
        + "\(Format.count(neurons.count)) units at p < \(Format.figure(sets.threshold)), "
        + "\(Format.count(sets.both)) in both, against \(Format.fixed(sets.chance.mean, 1)) for "
        + "independent sets (hypergeometric; units are not independent, so p is too small): \(words).",
      effect: Double(sets.both) - sets.chance.mean, p: min(1, 2 * min(sets.atLeast, sets.atMost)))
  }

  private func pairs(_ values: [[Double?]]) -> [(x: Double, y: Double)] {
    zip(values[0], values[1]).compactMap { x, y in x.flatMap { x in y.map { (x, $0) } } }
  }

  private func correlations(_ neurons: ReleasedNeurons) -> Figure {
    Figure(
      .scatter, id: "neuron-r", title: "Each neuron’s correlations",
      xLabel: "r with the bias", yLabel: "r with the quality",
      series: [Figure.Series(binned: pairs(neurons.r), name: "neurons")],
      caption:
        "Pearson’s r of each unit with bias and with quality. n = \(Format.count(neurons.count)) "
        + "units; where there are many, a mark stands for all units of a cell and grows with their "
        + "number.", references: [.init(name: "", y: 0), .init(name: "", x: 0)])
  }

  private func pValues(_ neurons: ReleasedNeurons) -> Figure {
    // A p of 0 has no place on a logarithmic axis: the smallest one shown stands for all below.
    let points = pairs(neurons.p).map { (x: log10(max(1e-12, $0.x)), y: log10(max(1e-12, $0.y))) }
    let series = Figure.Series(binned: points, name: "neurons")
    let threshold = thresholds.first ?? 0.05
    return Figure(
      .scatter, id: "neuron-p", title: "Each neuron’s p values", xLabel: "p for the bias",
      yLabel: "p for the quality", xScale: .log, yScale: .log,
      series: [
        .init(
          name: series.name,
          points: series.points.map {
            .init(x: pow(10, $0.x), y: pow(10, $0.y), count: $0.count)
          })
      ],
      caption: "p values as released; those below 1e-12 are drawn there. n = "
        + "\(Format.count(neurons.count)) units, binned where there are many.",
      references: [
        .init(name: "p = \(Format.figure(threshold))", y: threshold), .init(name: "", x: threshold),
      ])
  }

  private func layers(_ neurons: ReleasedNeurons) -> Figure {
    let threshold = thresholds.first ?? 0.05
    let layers = Set(neurons.layers).sorted()
    return Figure(
      .bars, id: "neuron-layers", title: "Neurons by layer", xLabel: "layer",
      yLabel: "neurons below p = \(Format.figure(threshold))",
      categories: layers.map(String.init),
      series: ReleasedNeurons.sides.enumerated().map { side, name in
        .init(
          name: name,
          points: neurons.byLayer(side, below: threshold).enumerated().map {
            .init(x: Double($0), y: Double($1.count))
          })
      },
      caption: "Units below the threshold in each layer, not adjusted: 5 % of all units would be "
        + "\(Format.count(neurons.count / 20)). No interval: counts of one table.")
  }

  private func counts(_ neurons: ReleasedNeurons) -> ReportTable {
    ReportTable(
      caption:
        "Units below each threshold and their overlap, against independent sets of the same sizes "
        + "(hypergeometric). Overlap near chance means nearly independent, not distinct. n = "
        + "\(Format.count(neurons.count)) units.",
      columns: [
        .init("threshold"), .init("bias", isNumber: true), .init("quality", isNumber: true),
        .init("both", isNumber: true), .init("by chance", isNumber: true),
        .init("p as many", isNumber: true), .init("p as few", isNumber: true),
        .init("Jaccard", isNumber: true),
      ],
      rows: sets(neurons).map { name, sets in
        [
          name, Format.count(sets.bias), Format.count(sets.quality), Format.count(sets.both),
          Format.fixed(sets.chance.mean, 1), Format.probability(sets.atLeast),
          Format.probability(sets.atMost), Format.fixed(sets.jaccard, 3),
        ]
      })
  }
}
