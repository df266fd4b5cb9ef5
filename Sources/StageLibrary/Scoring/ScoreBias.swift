// stages/score-bias: what a classifier makes of each document, and what that means for the corpus.

import CanonicalJSON
import Corpora
import Diagnostics
import ModelFiles
import Reports
import Scheduling
import Statistics

enum ScoreBiasStage: StageBody {
  static let kind = "score-bias"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let classifier = try ClassifierFolder.read(stage.input("classifier"))
    let poles = try poles(stage.parameters, classifier.labels)
    let corpus = try score("corpus", stage.input("corpus"), classifier, poles, stage)
    let reference =
      if let artifact = stage.optionalInput("reference") {
        try score("reference", artifact, classifier, poles, stage)
      } else { nil as BiasScores? }

    let measure = BiasMeasure(
      labels: classifier.labels, poles: poles,
      replicates: stage.parameters.integer("bootstrap"),
      clustersBySource: stage.parameters.string("cluster") == "source", random: stage.random)
    var metrics = measure.metrics(of: corpus, against: reference)
    for name in stage.parameters.strings("by") {
      metrics += try measure.parts(of: corpus, by: name)
    }
    var lines: [UInt8] = []
    for line in corpus.lines(classifier.labels) {
      lines += line.canonicalBytes
      lines.append(UInt8(ascii: "\n"))
    }
    try AtomicFile.write(lines, to: stage.output("scores").path("scores.jsonl"))
    try AtomicFile.write(
      Metric.file(metrics), to: stage.output("metrics").path("metrics.json"))
  }

  /// The two classes between which the score runs; nil where the classifier knows neither.
  ///
  /// **Throws**: `label-unknown` where it knows only one.
  private static func poles(
    _ parameters: Parameters, _ labels: [String]
  ) throws(Diagnostic) -> BiasMeasure.Poles? {
    let names = (parameters.string("from"), parameters.string("to"))
    let from = labels.firstIndex { bytesEqual($0, names.0) }
    let to = labels.firstIndex { bytesEqual($0, names.1) }
    switch (from, to) {
    case (let from?, let to?): return BiasMeasure.Poles(from: from, to: to)
    case (nil, nil): return nil
    case (nil, _): throw .labelUnknown(names.0, parameter: "from", labels: labels)
    case (_, nil): throw .labelUnknown(names.1, parameter: "to", labels: labels)
    }
  }

  private static func score(
    _ port: String, _ artifact: InputArtifact, _ classifier: any TextClassifier,
    _ poles: BiasMeasure.Poles?, _ stage: StageContext
  ) throws(Diagnostic) -> BiasScores {
    let documents = try Corpus.read(files: artifact.files).documents
    guard !documents.isEmpty else { throw .nothingToScore(port) }
    let probabilities = try classifier.probabilities(of: documents.map(\.text)) {
      stage.log("\(port): \($0)")
    } progress: { finished throws(Diagnostic) in
      stage.progress(step: finished, of: documents.count, unit: "documents", note: port)
      if stage.isStopping { throw .interrupted }
    }
    return BiasScores(documents: documents, probabilities: probabilities, poles: poles)
  }

  static func memory(for order: StageSizes) -> Int {
    // An encoder that judges takes its weights and the activations of a batch; n-grams take less.
    ModelMemory(modelBytes: order.bytes(of: "classifier")).writing(sequences: 0, tokens: 0)
      + 3 * (order.bytes(of: "corpus") + order.bytes(of: "reference"))
  }
}
