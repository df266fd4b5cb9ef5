// The stage kind `audit-judge`: real texts, the same without meaning, and what a judge makes of both. The
// figures are in JudgeAudit.swift.

import CanonicalJSON
import Corpora
import Diagnostics
import ModelFiles
import Reports
import Scheduling
import Statistics

enum AuditJudgeStage: StageBody {
  static let kind = "audit-judge"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let parameters = stage.parameters
    let classifier = try ClassifierFolder.read(stage.input("classifier"))
    let real = try Corpus.read(files: stage.input("corpus").files).documents
    guard !real.isEmpty else { throw .nothingToScore("corpus") }
    let audit = JudgeAudit(
      labels: classifier.labels, real: real,
      probabilities: try judge(real, "corpus", classifier, stage),
      tolerance: parameters.number("tolerance"),
      bootstrap: Bootstrap(
        replicates: parameters.integer("bootstrap"), stream: stage.random("audit/bootstrap")))
    var metrics = audit.prior + audit.accuracy
    for way in EmptiedTexts.allCases {
      let documents = way.make(of: real, seed: parameters.integer("seed"))
      metrics += audit.metrics(
        way.rawValue, try judge(documents, way.rawValue, classifier, stage), of: documents,
        stage.random("audit/bootstrap/real"))
    }
    if let artifact = stage.optionalInput("gibberish") {
      let documents = try Corpus.read(files: artifact.files).documents
      guard !documents.isEmpty else { throw .nothingToScore("gibberish") }
      metrics += audit.metrics(
        "gibberish", try judge(documents, "gibberish", classifier, stage), of: documents,
        stage.random("audit/bootstrap/real"))
    }
    for metric in metrics where metric.name == "largest_excess" {
      stage.log(
        "\(metric.at["texts"]?.string ?? ""): \(metric.at["class"]?.string ?? "") "
          + "\(metric.at["direction"]?.string ?? "") by \(metric.value)")
    }
    if let name = parameters.optionalString("name") {
      for place in metrics.indices {
        metrics[place].at = JSONObject(
          [("corpus", JSONValue.string(name))]
            + metrics[place].at.members.map { ($0.key, $0.value) })
      }
    }
    try AtomicFile.write(
      Metric.file(metrics), to: stage.output("metrics").path("metrics.json"))
  }

  private static func judge(
    _ documents: [Document], _ note: String, _ classifier: any TextClassifier,
    _ stage: StageContext
  ) throws(Diagnostic) -> [[Double]] {
    try classifier.probabilities(of: documents.map(\.text)) {
      stage.log("\(note): \($0)")
    } progress: { (finished: Int) throws(Diagnostic) in
      stage.progress(step: finished, of: documents.count, unit: "documents", note: note)
      if stage.isStopping { throw .interrupted }
    }
  }

  static func memory(for order: StageSizes) -> Int {
    ModelMemory(modelBytes: order.bytes(of: "classifier")).writing(sequences: 0, tokens: 0)
      + 12 * (order.bytes(of: "corpus") + order.bytes(of: "gibberish"))
  }
}
