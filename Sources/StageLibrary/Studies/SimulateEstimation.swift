// The stage kind `simulate-estimation`: a cell of the factorial in, bias and variance per generation
// out. The chain itself is in Estimation.

import CanonicalJSON
import Diagnostics
import Estimation
import ModelFiles
import Reports
import Scheduling

enum SimulateEstimationStage: StageBody {
  static let kind = "simulate-estimation"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let parameters = stage.parameters
    let draws = parameters.integer("draws")
    let setting = EstimationSetting(
      truth: parameters.choice("truth"), fitted: parameters.choice("fitted"),
      weights: parameters.choice("weights"), draws: draws == 0 ? nil : draws,
      generations: parameters.integer("generations"))
    // Without draws every replicate is the same.
    let replicates = setting.draws == nil ? 1 : parameters.integer("replicates")
    var chains: [[EstimatedGeneration]] = []
    for replicate in 0..<replicates {
      if stage.isStopping { throw .interrupted }
      chains.append(
        setting.chain(seed: parameters.integer("seed"), replicate: replicate).generations)
      stage.progress(step: replicate + 1, of: replicates, unit: "chains")
    }
    let measure = EstimationMeasure(setting: setting, chains: chains)
    try AtomicFile.write(
      Metric.file(measure.metrics(margin: parameters.number("margin"))),
      to: stage.output("metrics").path("metrics.json"))
    try AtomicFile.write(
      Metric.file(measure.densities(of: parameters.integers("shown"))),
      to: stage.output("densities").path("metrics.json"))
  }
}
