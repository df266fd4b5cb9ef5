// The factorial as a section of a report: which causes move the mean, which narrow the density, how well
// the closed forms are met, and the study's two pictures of densities.

import Estimation
import Foundation
import Reports

struct EstimationSection {
  let cells: [EstimationCell]

  /// - Parameter cells: each place once.
  init(_ cells: [EstimationCell]) {
    self.cells = cells.sorted { $0.place.lexicographicallyPrecedes($1.place) }
  }

  var section: ReportSection {
    var blocks: [ReportSection.Block] = [.claims(claims)]
    let study = cells.filter { $0.truth == .beta && $0.fitted == .right }
    let shown = atMostDrawn(study)
    if !shown.isEmpty {
      blocks.append(.figure(course("bias", shown)))
      blocks.append(.figure(course("variance", shown)))
    }
    for cell in shown where [.previous, .none].contains(cell.weights) {
      if let figure = densities(cell) { blocks.append(.figure(figure)) }
    }
    if let table = closedForms(shown) { blocks.append(.table(table)) }
    blocks.append(.table(factorial("amplification", study.isEmpty ? cells : study)))
    if study.count < cells.count, !study.isEmpty {
      blocks.append(.table(factorial("amplification", cells.filter { !isStudy($0) })))
    }
    blocks.append(.table(effects))
    if let figure = wandering(study) { blocks.append(.figure(figure)) }
    return ReportSection(
      id: "estimation", title: "Bias without any network", order: 100,
      summary:
        "Chains of maximum-likelihood estimates, each fitted to draws of the one before. Causes are "
        + "switched on one at a time: weights, sampling error, a family that does not hold the truth.",
      blocks: blocks)
  }

  private func isStudy(_ cell: EstimationCell) -> Bool {
    cell.truth == .beta && cell.fitted == .right
  }

  // MARK: Choice of cells

  /// For each kind of weights the cell with most draws; the limit only where nothing was drawn.
  private func atMostDrawn(_ cells: [EstimationCell]) -> [EstimationCell] {
    EstimationSetting.Weights.allCases.compactMap { weights in
      let own = cells.filter { $0.weights == weights }
      return own.filter { $0.draws != nil }.max { $0.draws! < $1.draws! } ?? own.first
    }
  }

  private func limit(_ weights: EstimationSetting.Weights) -> EstimationCell? {
    cells.first { isStudy($0) && $0.weights == weights && $0.draws == nil }
  }

  // MARK: Claims

  var claims: [Claim] { [amplification, standstill] }

  private var amplification: Claim {
    let id = "wmle-amplifies"
    let statement =
      "Weighted maximum likelihood raises a bias from one generation to the next, without sampling "
      + "error and without a wrong family (appendix A of v1, L of the final version)"
    let drawn = atMostDrawn(cells.filter { isStudy($0) && $0.weights == .previous }).first
    let exact = limit(.previous)
    guard let cell = drawn ?? exact, let change = cell["amplification"] else {
      return .notTestable(
        id: id, statement: statement,
        because: "No cell has weights: previous, truth: beta, fitted: right.")
    }
    var sentences: [String] = []
    var verdicts: [EstimationEffect.Drift] = []
    for cell in [drawn, exact?.draws == drawn?.draws ? nil : exact].compactMap({ $0 }) {
      guard let first = cell.value("bias", 0), let last = cell.value("bias", cell.lastGeneration)
      else { continue }
      verdicts.append(EstimationEffect(cell).drift)
      sentences.append(
        "\(draws(cell)): bias \(signed(first.value)) at generation 0, \(signed(last.value)) at "
          + "generation \(cell.lastGeneration)")
    }
    if let weights = cell["pretrained_bias"], let last = cell.value("bias", cell.lastGeneration) {
      sentences.append(
        abs(last.value) < abs(weights.value) * 1.02
          ? "it approaches the bias of the first weights (\(signed(weights.value))) and does not pass it"
          : "it passes the bias of the first weights (\(signed(weights.value)))")
    }
    return Claim(
      id: id, statement: statement, verdict: verdict(verdicts),
      evidence: sentences.joined(separator: "; ") + ".", effect: change.value, low: change.low,
      high: change.high, chains: cell.replicates)
  }

  private func verdict(_ drifts: [EstimationEffect.Drift]) -> Claim.Verdict {
    if drifts.isEmpty { return .unclear }
    if drifts.allSatisfy({ $0 == .amplifies }) { return .reproduced }
    if drifts.allSatisfy({ $0 == .reverses || $0 == .holds }) { return .opposite }
    return .unclear
  }

  private var standstill: Claim {
    let id = "mle-stays"
    let statement =
      "Plain maximum likelihood has no trend: the mean stays where the data were (appendix A of v1)"
    let cell = atMostDrawn(cells.filter { isStudy($0) && $0.weights == .none }).first
    guard let cell, let test = cell["equivalence_p"] else {
      return .notTestable(
        id: id, statement: statement,
        because: "No cell has weights: none, truth: beta, fitted: right and at least 2 chains.")
    }
    let margin = test.at["margin"]?.double ?? 0
    let bias = cell.value("bias", cell.lastGeneration)
    let isOutside = (bias?.low ?? 0) > margin || (bias?.high ?? 0) < -margin
    let spread = cell.value("chain_deviation", cell.lastGeneration)?.value ?? 0
    return Claim(
      id: id, statement: statement,
      verdict: test.value < 0.05 ? .reproduced : isOutside ? .opposite : .unclear,
      evidence:
        "\(draws(cell)): mean bias \(signed(bias?.value ?? 0)) at generation "
        + "\(cell.lastGeneration); two one-sided tests against ±\(brief(margin)) give p = "
        + "\(probability(test.value)). Single chains do move: standard deviation \(brief(spread)).",
      effect: bias?.value, low: test.low, high: test.high, p: test.value, chains: cell.replicates)
  }

  // MARK: Figures

  private func course(_ name: String, _ cells: [EstimationCell]) -> Figure {
    let isBias = name == "bias"
    let series = cells.map { cell in
      Figure.Series(
        name: words(cell.weights), style: style(cell.weights),
        points: cell.row(name).map {
          .init(
            x: Double($0.generation), y: $0.metric.value, low: $0.metric.low, high: $0.metric.high)
        })
    }
    var references: [Figure.Reference] = []
    if isBias, let weights = cells.first?["pretrained_bias"]?.value {
      references = [
        .init(name: "data without bias", y: 0), .init(name: "first weights", y: weights),
      ]
    }
    return Figure(
      .lines, id: "estimation-\(name)",
      title: isBias ? "What moves the mean" : "What narrows the density", xLabel: "generation",
      yLabel: isBias ? "mean − 0.5" : "variance", yScale: isBias ? .linear : .log, series: series,
      caption: "Beta family, \(cells.first.map(draws) ?? ""), n = \(chains(cells)); "
        + "ribbons are 95 % Student intervals of the mean over chains.",
      references: references, wholeX: true, include: isBias ? [0] : [])
  }

  /// The study's picture: estimates of some generations with what the data and the weights follow.
  private func densities(_ cell: EstimationCell) -> Figure? {
    var series: [Figure.Series] = []
    func add(_ name: String, _ style: Int, _ rows: [Metric]) {
      let points = rows.compactMap { row in
        row.at["x"]?.double.map { Figure.Point(x: $0, y: row.value) }
      }
      guard !points.isEmpty else { return }
      series.append(Figure.Series(name: name, style: .numbered(style), points: points))
    }
    let generations = Set(
      cell.densities.filter { $0.name == "density" }.compactMap { $0.at["generation"]?.integer }
    ).sorted()
    for (number, generation) in generations.prefix(6).enumerated() {
      add(
        "generation \(generation)", number + 2,
        cell.densities.filter {
          $0.name == "density" && $0.at["generation"]?.integer == generation
        })
    }
    guard !series.isEmpty else { return nil }
    for (number, curve) in ["unbiased", "biased"].enumerated() {
      add(
        curve == "unbiased" ? "Beta(2, 2), the data" : "Beta(3, 2), pre-training", number,
        cell.densities.filter { $0.name == "true_density" && $0.at["curve"]?.string == curve })
    }
    let isWeighted = cell.weights == .previous
    return Figure(
      .lines, id: isWeighted ? "estimation-weighted" : "estimation-plain",
      title: isWeighted ? "Weighted maximum likelihood" : "Plain maximum likelihood", xLabel: "x",
      yLabel: "density", series: series,
      caption: "Mean density of the estimates over \(cell.replicates) "
        + "chain\(cell.replicates == 1 ? "" : "s") with \(draws(cell)), beside the true densities.",
      include: [0], drawsMarkers: false)
  }

  /// Spread of single chains by size: sampling error by itself.
  private func wandering(_ cells: [EstimationCell]) -> Figure? {
    let series = EstimationSetting.Weights.allCases.compactMap { weights -> Figure.Series? in
      let points = cells.filter { $0.weights == weights && $0.draws != nil }.compactMap { cell in
        cell.value("chain_deviation", cell.lastGeneration).map {
          Figure.Point(x: Double(cell.draws!), y: $0.value)
        }
      }
      return points.count < 2
        ? nil : Figure.Series(name: words(weights), style: style(weights), points: points)
    }
    guard !series.isEmpty else { return nil }
    return Figure(
      .lines, id: "estimation-wandering", title: "What sampling error does to single chains",
      xLabel: "draws per generation", yLabel: "deviation of the mean", xScale: .log, yScale: .log,
      series: series,
      caption:
        "Standard deviation of the last generation's mean between chains, beta family; in the "
        + "limit of infinitely many draws it is 0.")
  }

  // MARK: Tables

  private func closedForms(_ cells: [EstimationCell]) -> ReportTable? {
    var rows: [[String]] = []
    for cell in cells {
      for (generation, bias) in cell.row("bias") where [0, 1, 2, 4, 6, 8, 10].contains(generation) {
        guard let exactBias = cell.value("exact_bias", generation)?.value,
          let exactVariance = cell.value("exact_variance", generation)?.value,
          let variance = cell.value("variance", generation)
        else { continue }
        // Shapes from the moments of a beta density.
        let mean = exactBias + 0.5
        let sum = mean * (1 - mean) / exactVariance - 1
        func errors(_ name: String) -> String {
          cell.value(name, generation).map { Format.signed($0.value, 2) } ?? "–"
        }
        rows.append([
          words(cell.weights), "\(generation)",
          "\(Format.fixed(mean * sum, 0)), \(Format.fixed((1 - mean) * sum, 0))",
          Format.fixed(mean, 4), Format.fixed(bias.value + 0.5, 4), errors("departure"),
          Format.figure(exactVariance), Format.figure(variance.value), errors("variance_departure"),
        ])
      }
    }
    guard !rows.isEmpty else { return nil }
    let outside = cells.compactMap(\.largestDeparture).map(\.value).max()
    let places = cells.compactMap(\.largestDeparture).reduce(0) { $0 + $1.count }
    return ReportTable(
      caption: "Estimates beside the closed forms, beta family, \(cells.first.map(draws) ?? ""), "
        + "n = \(chains(cells)); z is the distance in standard errors over chains."
        + (outside.map {
          " The largest of all \(places) distances, generations not listed included: "
            + "\(Format.fixed($0, 2))."
        } ?? ""),
      columns: [
        .init("weights"), .init("generation", isNumber: true), .init("exact a, b", isNumber: true),
        .init("exact mean", isNumber: true), .init("mean", isNumber: true),
        .init("z", isNumber: true), .init("exact variance", isNumber: true),
        .init("variance", isNumber: true), .init("z", isNumber: true),
      ], rows: rows)
  }

  private func factorial(_ name: String, _ cells: [EstimationCell]) -> ReportTable {
    let sizes = Set(cells.map { $0.draws ?? Int.max }).sorted()
    var rows: [[String]] = []
    var seen: [[Int]] = []
    for cell in cells where !seen.contains(Array(cell.place.prefix(3))) {
      seen.append(Array(cell.place.prefix(3)))
      rows.append(
        [words(cell.truth), words(cell), words(cell.weights)]
          + sizes.map { size -> String in
            let other = cells.first {
              $0.place.prefix(3) == cell.place.prefix(3) && ($0.draws ?? Int.max) == size
            }
            guard let change = other?[name] else { return "–" }
            guard let low = change.low, let high = change.high else {
              return Format.signed(change.value, 4)
            }
            return "\(Format.signed(change.value, 4)) (\(Format.signed(low, 4)) to "
              + "\(Format.signed(high, 4)))"
          })
    }
    return ReportTable(
      caption: "Change of the mean from generation 0 to the last, with 95 % Student intervals over "
        + "chains (paired within chains); without draws there is nothing to repeat.",
      columns: ["data", "family", "weights"].map { ReportTable.Column($0) }
        + sizes.map { size in
          ReportTable.Column(
            size == Int.max ? "no sampling error" : "\(Format.count(size)) draws", isNumber: true)
        }, rows: rows)
  }

  private var effects: ReportTable {
    ReportTable(
      caption:
        "What each cell does between generation 0 and the last. It amplifies where the interval "
        + "of the change lies above a tenth of the first weights' bias, it narrows where the variance "
        + "more than halves, single chains wander where their means differ by more than that tenth.",
      columns: [
        .init("data"), .init("family"), .init("weights"), .init("draws", isNumber: true),
        .init("chains", isNumber: true), .init("last bias", isNumber: true),
        .init("variance, last : first", isNumber: true), .init("so it"),
        .init("fits that did not converge", isNumber: true),
      ],
      rows: cells.map { cell -> [String] in
        let fits = cell.unconverged
        return [
          words(cell.truth), words(cell), words(cell.weights),
          cell.draws.map { Format.count($0) } ?? "∞", Format.count(cell.replicates),
          cell.value("bias", cell.lastGeneration).map { Format.signed($0.value, 4) } ?? "–",
          cell["variance_ratio"].map { Format.brief($0.value) } ?? "–",
          EstimationEffect(cell).words, "\(Format.count(fits.fits)) of \(Format.count(fits.of))",
        ]
      })
  }

  // MARK: Words

  private func draws(_ cell: EstimationCell) -> String {
    cell.draws.map { "\(Format.count($0)) draws" } ?? "no sampling error"
  }

  private func chains(_ cells: [EstimationCell]) -> String {
    let counts = Set(cells.map(\.replicates)).sorted()
    return counts.map { Format.count($0) }.joined(separator: " or ") + " chains"
  }

  private func words(_ truth: EstimationSetting.Truth) -> String {
    truth == .beta ? "beta" : "two normals"
  }

  private func words(_ cell: EstimationCell) -> String {
    switch (cell.truth, cell.fitted) {
    case (.beta, .right): "beta (right)"
    case (.beta, .wrong): "logit-normal (wrong)"
    case (.gaussianMixture, .right): "two normals (right)"
    case (.gaussianMixture, .wrong): "one normal (wrong)"
    }
  }

  private func words(_ weights: EstimationSetting.Weights) -> String {
    switch weights {
    case .none: "no weights"
    case .previous: "previous estimate"
    case .pretrained: "held at pre-training"
    case .unbiased: "without bias"
    }
  }

  private func style(_ weights: EstimationSetting.Weights) -> Figure.Style {
    .numbered(EstimationSetting.Weights.allCases.firstIndex(of: weights)!)
  }
  private func signed(_ value: Double) -> String { Format.signed(value, 4) }
  private func brief(_ value: Double) -> String { Format.brief(value) }
  private func probability(_ p: Double) -> String { Format.probability(p) }
}
