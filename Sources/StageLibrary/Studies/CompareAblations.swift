// The stage kind `compare-ablations`: scores of ablated models in, double dissociation out. The statistics
// are in ModelAnalysis (AblationContrast.swift), items in AblationItems.swift.

import CanonicalJSON
import Diagnostics
import ModelAnalysis
import ModelFiles
import Reports
import Scheduling
import Statistics

enum CompareAblationsStage: StageBody {
  static let kind = "compare-ablations"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let parameters = stage.parameters
    let bias = ChosenMetric(
      name: parameters.string("bias_metric"), label: parameters.string("bias_class"))
    let quality = ChosenMetric(
      name: parameters.string("quality_metric"), label: parameters.string("quality_class"))
    let items = try AblationItems(
      bias: stage.inputs("bias"), quality: stage.inputs("quality"),
      axes: .init(set: parameters.string("set_axis"), draw: parameters.string("draw_axis")),
      biasMetric: bias, qualityMetric: quality)
    let section = AblationSection(
      items, DoubleDissociation(items.models, random: stage.random("exchange")), bias: bias.shown,
      quality: quality.shown)
    try AtomicFile.write(
      Metric.file(section.metrics), to: stage.output("metrics").path("metrics.json"))
    try AtomicFile.write(
      section.section.bytes, to: stage.output("section").path("section.json"))
    stage.log(section.claim.evidence)
  }
}
