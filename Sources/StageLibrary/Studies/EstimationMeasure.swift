// What a set of estimation chains says: figures per generation, the test of no trend, densities for
// the plot.

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
    var rows: [Metric] = []
    let middle = setting.unbiased.mean
    for generation in 0...setting.generations {
      let at: KeyValuePairs<String, JSONValue> = ["generation": .integer(generation)]
      let fits = chains.map { $0[generation].fit }
      let exact = setting.closedForm(generation: generation)
      let means = SampleSummary(fits.map { $0.density.mean - middle })
      rows.append(row("bias", means, at))
      rows.append(row("variance", SampleSummary(fits.map(\.density.variance)), at))
      if let exact {
        rows.append(
          Metric("exact_bias", exact.mean - middle, count: fits.count, at: at))
        rows.append(Metric("exact_variance", exact.variance, count: fits.count, at: at))
        if let error = means.standardError, error > 0 {
          rows.append(
            Metric(
              "departure", (means.mean - exact.mean + middle) / error, unit: "standard errors",
              count: fits.count, at: at, tolerance: 1e-3))
        }
      }
      let effective = chains.compactMap { $0[generation].effectiveDraws }
      if !effective.isEmpty {
        rows.append(row("effective_draws", SampleSummary(effective), at))
      }
      rows.append(
        Metric(
          "unconverged", Double(fits.count { !$0.hasConverged }), unit: "fits",
          count: fits.count, at: at))
    }
    let last = chains.map { $0[setting.generations].fit.density.mean }
    if let test = EquivalenceTest(last, target: middle, margin: margin) {
      rows.append(
        Metric(
          "equivalence_p", test.p, count: last.count,
          at: ["generation": .integer(setting.generations), "margin": .number(margin)],
          tolerance: 1e-3))
    }
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

  /// Mean density over replicates at 101 places; generations beyond the last are left out.
  func densities(of generations: [Int]) -> [Metric] {
    var rows: [Metric] = []
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
