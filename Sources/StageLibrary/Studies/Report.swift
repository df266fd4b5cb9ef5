// stages/report: metrics, texts and histories with their coordinates → one HTML page.

import Corpora
import Diagnostics
import ModelFiles
import Reports
import Scheduling

enum ReportStage: StageBody {
  static let kind = "report"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let parameters = stage.parameters
    var input = StudyInput(
      title: parameters.string("title"), summary: parameters.string("summary"),
      axes: .init(
        x: parameters.string("x_axis"), series: parameters.string("series_axis"),
        replicate: parameters.string("replicate_axis")),
      target: parameters.string("target"), shownPrompts: parameters.integer("shown_prompts"),
      bias: try metrics("bias", stage))
    input.quality = try metrics("quality", stage)
    input.audits = try metrics("audits", stage)
    input.benchmark = try metrics("benchmark", stage)
    if let artifact = stage.optionalInput("classifier") {
      input.classifier = try Metric.read(artifact.bytes("metrics.json"), shown: "metrics.json")
    }
    for artifact in stage.inputs("history") {
      input.history.append(
        .init(artifact.coordinates, try TrainingStep.read(artifact.bytes("history.jsonl"))))
    }
    for artifact in stage.inputs("samples") {
      let documents = try Corpus.read(files: artifact.files).documents
      input.samples.append(
        .init(artifact.coordinates, documents.map { .init(id: $0.id, text: $0.text) }))
    }
    for artifact in stage.inputs("sections") {
      input.sections.append(
        try ReportSection.read(artifact.bytes("section.json"), shown: "section.json"))
    }
    guard
      !(input.bias.isEmpty && input.quality.isEmpty && input.sections.isEmpty
        && input.classifier.isEmpty && input.history.isEmpty && input.audits.isEmpty
        && input.benchmark.isEmpty)
    else { throw .reportEmpty }
    stage.progress(step: 1, of: 2, note: "drawing")
    let html = try StudyReport(input).html()
    try AtomicFile.write(Array(html.utf8), to: stage.output("report").path("report.html"))
  }

  private static func metrics(
    _ port: String, _ stage: StageContext
  ) throws(Diagnostic) -> [StudyInput.Item<[Metric]>] {
    var items: [StudyInput.Item<[Metric]>] = []
    for artifact in stage.inputs(port) {
      items.append(
        .init(
          artifact.coordinates,
          try Metric.read(artifact.bytes("metrics.json"), shown: "metrics.json")))
    }
    return items
  }
}
