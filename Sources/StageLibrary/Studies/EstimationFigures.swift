// Figures and tables of the factorial: which causes move the mean, which narrow the density, how well the
// closed forms are met, and the study's two pictures of densities.

import Estimation
import Foundation
import Reports

extension EstimationSection {
  // MARK: Figures

  func course(_ name: String, _ cells: [EstimationCell]) -> Figure {
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
  func densities(_ cell: EstimationCell) -> Figure? {
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
  func wandering(_ cells: [EstimationCell]) -> Figure? {
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

  func closedForms(_ cells: [EstimationCell]) -> ReportTable? {
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

  func factorial(_ name: String, _ cells: [EstimationCell]) -> ReportTable {
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
            return "\(Format.signed(change.value, 4)) ± \(Format.fixed((high - low) / 2, 4))"
          })
    }
    return ReportTable(
      caption:
        "Change of the mean from generation 0 to the last ± half the 95 % Student interval over "
        + "chains (paired within chains); without draws there is nothing to repeat.",
      columns: ["data", "family", "weights"].map { ReportTable.Column($0) }
        + sizes.map { size in
          ReportTable.Column(
            size == Int.max ? "no sampling error" : "\(Format.count(size)) draws", isNumber: true)
        }, rows: rows)
  }

  var effects: ReportTable {
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
}
