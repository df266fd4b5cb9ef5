// stages/analyse-drift: scores of many chains in, claims out. Everything is computed in DriftAnalysis.

import Diagnostics
import DriftAnalysis
import ModelFiles
import Reports
import Scheduling

enum AnalyseDriftStage: StageBody {
  static let kind = "analyse-drift"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    var input = DriftInput(bias: try metrics("bias", stage))
    input.biasScores = try scores("bias_scores", stage)
    input.quality = try metrics("quality", stage)
    input.qualityScores = try scores("quality_scores", stage)
    input.degradedBias = try metrics("degraded_bias", stage)
    input.degradedQuality = try metrics("degraded_quality", stage)
    input.secondScores = try scores("second_scores", stage)
    input.statements = try metrics("statements", stage)
    input.judge = try metrics("judge", stage).flatMap(\.content)
    input.base = try metrics("base", stage).flatMap(\.content)
    stage.progress(step: 1, of: 2, note: "testing")
    if stage.isStopping { throw .interrupted }
    let analysis = try DriftAnalysis(input, settings(stage.parameters)) { stage.random($0) }
    stage.progress(step: 2, of: 2, note: "writing")
    try AtomicFile.write(
      Metric.file(analysis.metrics), to: stage.output("metrics").path("metrics.json"))
    try AtomicFile.write(
      analysis.section.bytes, to: stage.output("section").path("section.json"))
  }

  private static func settings(_ parameters: Parameters) throws(Diagnostic) -> DriftSettings {
    var settings = DriftSettings(
      axes: .init(
        x: parameters.string("x_axis"), series: parameters.string("series_axis"),
        replicate: parameters.string("replicate_axis")),
      target: parameters.string("target"), baseline: parameters.string("baseline"),
      data: parameters.choice("data"), quality: parameters.string("quality_measure"),
      adjustment: parameters.choice("adjust"),
      leastQuality: parameters.optionalNumber("least_quality"),
      qualityQuantile: parameters.number("quality_quantile"),
      leastDocuments: parameters.integer("least_documents"),
      qualityMargin: parameters.number("quality_margin"),
      replicates: parameters.integer("bootstrap"), level: parameters.number("level"),
      leaningFloor: parameters.number("leaning_floor"))
    for text in parameters.strings("contrasts") {
      let parts = text.split(separator: "=", omittingEmptySubsequences: false)
      guard parts.count == 2, let kind = Contrast.Kind(rawValue: String(parts[1])) else {
        throw .driftContrast(
          text, claims: DriftClaim.declared(baseline: settings.baseline).map(\.id))
      }
      settings.contrasts.append((String(parts[0]), kind))
    }
    return settings
  }

  private static func metrics(
    _ port: String, _ stage: StageContext
  ) throws(Diagnostic) -> DriftInput.Metrics {
    var items: DriftInput.Metrics = []
    for artifact in stage.inputs(port) {
      items.append(
        .init(
          artifact.coordinates,
          try Metric.read(artifact.bytes("metrics.json"), shown: "\(port): metrics.json")))
    }
    return items
  }

  private static func scores(
    _ port: String, _ stage: StageContext
  ) throws(Diagnostic) -> DriftInput.Scores {
    var items: DriftInput.Scores = []
    for artifact in stage.inputs(port) {
      items.append(
        .init(
          artifact.coordinates,
          try DocumentScore.read(artifact.bytes("scores.jsonl"), shown: "\(port): scores.jsonl")))
    }
    return items
  }

  static func memory(for order: StageSizes) -> Int {
    // Scores are kept as text and numbers, several times their size on disk.
    let ports = ["bias", "bias_scores", "quality", "quality_scores", "second_scores", "statements"]
    return 64 << 20 + 16 * ports.reduce(0) { $0 + order.bytes(of: $1) }
  }
}
