// The stage kind `compare-projections`: projections of many chains in, the sign table of a whole run out.

import Diagnostics
import ModelFiles
import Reports
import Scheduling

enum CompareProjectionsStage: StageBody {
  static let kind = "compare-projections"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    var runs: [ProjectedRun] = []
    for artifact in stage.inputs("metrics") {
      runs.append(
        ProjectedRun(
          chain: artifact.coordinates,
          rows: try ProjectionRow.rows(
            Metric.read(artifact.bytes("metrics.json"), shown: "metrics.json"))))
    }
    guard !runs.isEmpty else { throw .projectionMetrics }
    let section = ProjectionSection(
      runs, replicateAxis: stage.parameters.string("replicate_axis"))
    let claim = section.claim
    let updates = runs.reduce(0) { $0 + $1.rows.count }
    var metrics = [
      Metric(
        "signs_agree", claim.effect ?? 0, unit: "share", low: claim.low, high: claim.high,
        count: updates)
    ]
    for run in runs {
      var row = Metric(
        "signs_agree_in_chain", Double(run.agreeing), unit: "updates", count: run.rows.count)
      row.at = run.chain
      metrics.append(row)
    }
    try AtomicFile.write(
      Metric.file(metrics), to: stage.output("metrics").path("metrics.json"))
    try AtomicFile.write(
      section.section.bytes, to: stage.output("section").path("section.json"))
    stage.log(claim.evidence)
  }
}
