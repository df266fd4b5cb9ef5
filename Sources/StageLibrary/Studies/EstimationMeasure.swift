// What a set of estimation chains says: figures per generation, bias and spread apart, the test of no
// trend, whether every fit converged, densities for the plot. compare-estimations reads them again.

import CanonicalJSON
import Estimation
import Reports
import Statistics

struct EstimationMeasure {
  let setting: EstimationSetting
  /// [replicate][generation]
  let chains: [[EstimatedGeneration]]

  private static let tolerance = 1e-6

  func metrics(margin: Double) -> [Metric] {
    var rows = [cell]
    let middle = setting.unbiased.mean
    rows.append(Metric("pretrained_bias", setting.biased.mean - middle, count: 1))
    for generation in 0...setting.generations { rows += metrics(at: generation) }

    let last = chains.map { $0[setting.generations].fit.density }
    let first = chains.map { $0[0].fit.density }
    let place: KeyValuePairs<String, JSONValue> = ["generation": .integer(setting.generations)]
    rows.append(
      row("amplification", SampleSummary(zip(last, first).map { $0.mean - $1.mean }), place))
    rows.append(
      row(
        "variance_ratio", SampleSummary(zip(last, first).map { $0.variance / $1.variance }), place)
    )
    if let test = EquivalenceTest(last.map(\.mean), target: middle, margin: margin) {
      rows.append(
        Metric(
          "equivalence_p", test.p, low: test.interval.low - middle,
          high: test.interval.high - middle, count: last.count,
          at: ["generation": .integer(setting.generations), "margin": .number(margin)],
          tolerance: 1e-3))
    }
    let fits = chains.flatMap { $0.map(\.fit) }
    rows.append(
      Metric(
        "converged_chains", Double(chains.count { $0.allSatisfy(\.fit.hasConverged) }),
        unit: "chains", count: chains.count))
    rows.append(
      Metric(
        "largest_residual", fits.reduce(0) { max($0, $1.residual) }, count: fits.count,
        tolerance: 1e-6))
    return rows
  }

  /// Says which cell of the factorial the figures are of.
  private var cell: Metric {
    Metric(
      "draws", Double(setting.draws ?? 0), unit: "draws", count: chains.count,
      at: [
        "truth": .string(setting.truth.rawValue), "fitted": .string(setting.fitted.rawValue),
        "weights": .string(setting.weights.rawValue),
      ])
  }

  private func metrics(at generation: Int) -> [Metric] {
    let at: KeyValuePairs<String, JSONValue> = ["generation": .integer(generation)]
    let middle = setting.unbiased.mean
    let fits = chains.map { $0[generation].fit }
    let bias = SampleSummary(fits.map { $0.density.mean - middle })
    let variance = SampleSummary(fits.map(\.density.variance))
    var rows = [row("bias", bias, at), row("variance", variance, at)]
    if let deviation = bias.deviation {
      rows.append(
        Metric(
          "chain_deviation", deviation, count: bias.count, at: at, tolerance: Self.tolerance))
    }
    if let exact = setting.closedForm(generation: generation) {
      func add(_ name: String, _ found: SampleSummary, _ expected: Double, _ departure: String) {
        rows.append(Metric(name, expected, count: found.count, at: at))
        guard let error = found.standardError, error > 0 else { return }
        rows.append(
          Metric(
            departure, (found.mean - expected) / error, unit: "standard errors",
            count: found.count, at: at, tolerance: 1e-3))
      }
      add("exact_bias", bias, exact.mean - middle, "departure")
      add("exact_variance", variance, exact.variance, "variance_departure")
    }
    let effective = chains.compactMap { $0[generation].effectiveDraws }
    if !effective.isEmpty { rows.append(row("effective_draws", SampleSummary(effective), at)) }
    rows.append(
      Metric(
        "unconverged", Double(fits.count { !$0.hasConverged }), unit: "fits", count: fits.count,
        at: at))
    return rows
  }

  private func row(
    _ name: String, _ summary: SampleSummary, _ at: KeyValuePairs<String, JSONValue>
  ) -> Metric {
    let interval = summary.studentInterval()
    return Metric(
      name, summary.mean, low: interval?.low, high: interval?.high, count: summary.count, at: at,
      tolerance: Self.tolerance * max(1, abs(summary.mean)))
  }

  /// Mean density over replicates at 101 places; generations beyond the last are left out. What the
  /// data and the first weights follow stands beside it.
  func densities(of generations: [Int]) -> [Metric] {
    var rows = [cell]
    for (curve, density) in [("unbiased", setting.unbiased), ("biased", setting.biased)] {
      for x in places {
        rows.append(
          Metric(
            "true_density", density.density(x), count: 1,
            at: ["curve": .string(curve), "x": .number(x)], tolerance: 1e-6))
      }
    }
    for generation in generations where (0...setting.generations).contains(generation) {
      for x in places {
        let values = chains.map { $0[generation].fit.density.density(x) }
        rows.append(
          Metric(
            "density", values.reduce(0, +) / Double(values.count), count: values.count,
            at: ["generation": .integer(generation), "x": .number(x)], tolerance: 1e-6))
      }
    }
    return rows
  }

  private var places: [Double] {
    switch setting.truth {
    case .beta: (0...100).map { Double($0) / 100 }
    case .gaussianMixture: (0...100).map { -3 + 0.06 * Double($0) }
    }
  }
}
