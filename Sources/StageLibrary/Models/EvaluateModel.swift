// The stage kind `evaluate-model`: perplexity of a corpus under a model, with all that makes the figure
// comparable beside it. The protocol is in LanguageModels (Evaluation.swift).

import Corpora
import Diagnostics
import LanguageModels
import ModelFiles
import Reports
import Scheduling
import Tokenizers

enum EvaluateModelStage: StageBody {
  static let kind = "evaluate-model"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let documents = try Corpus.read(files: stage.input("corpus").files).documents
    guard !documents.isEmpty else { throw .nothingToScore("corpus") }
    let model = try stage.storedModel()
    let tokenizer = try ModelTokenizer.read(stage.input("model").bytes("tokenizer.json"))
    let adapter = try stage.optionalInput("adapter").map { artifact throws(Diagnostic) in
      try LowRankAdapter(files: artifact.files, for: model)
    }
    let window = stage.parameters.optionalInteger("window") ?? model.specification.context
    let stride = stage.parameters.optionalInteger("stride") ?? max(1, window / 2)
    let evaluator = try Evaluator(
      model, .rolling(window: window, stride: stride), adapter: adapter)
    // After end-of-text the first token of a document is scored too.
    let start = tokenizer.endOfText.map { [$0] } ?? []
    let sequences = documents.map { start + tokenizer.encode($0.text) }
    let likelihoods = try evaluator.likelihoods(of: sequences) {
      (done: Int) throws(Diagnostic) in
      stage.progress(step: done, of: sequences.count, unit: "documents")
      if stage.isStopping { throw .interrupted }
    }
    let description =
      evaluator.evaluation.description
      + (start.isEmpty ? ", first token not scored" : ", after end-of-text")
    let metrics =
      QualityMeasure.perplexity(likelihoods, description: description)
      + [
        Metric(
          "documents", Double(documents.count), unit: "documents", count: documents.count)
      ]
    guard metrics.count > 1 else { throw .nothingToScore("corpus") }
    try AtomicFile.write(
      Metric.file(metrics), to: stage.output("metrics").path("metrics.json"))
    stage.log("\(description): perplexity \(metrics[0].value), \(metrics[0].count) tokens")
  }

  static func memory(for order: StageSizes) -> Int {
    let storage = WeightStorage(stageName: order.parameters.string("storage"))
    let window = order.parameters.optionalInteger("window") ?? 0
    return ModelMemory(order, storage: storage).evaluating(tokens: max(window, 2048))
      + 4 * order.bytes(of: "adapter") + 24 * order.bytes(of: "corpus")
  }
}
