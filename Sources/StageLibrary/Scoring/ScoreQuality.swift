// stages/score-quality: how likely, how varied and how repetitive a corpus is. Nothing here draws
// random numbers; the measures are in QualityMeasure.swift.

import CanonicalJSON
import Corpora
import Diagnostics
import LanguageModels
import ModelFiles
import Reports
import Scheduling
import Statistics
import Tokenizers

enum ScoreQualityStage: StageBody {
  static let kind = "score-quality"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let documents = try read("corpus", stage.input("corpus"))
    let reference =
      if let artifact = stage.optionalInput("reference") {
        try read("reference", artifact)
      } else { nil as [Document]? }
    var likelihoods: [Likelihood]?
    var metrics: [Metric] = []
    if let model = stage.optionalInput("model") {
      let judge = try PerplexityJudge(model, stage.parameters)
      let own = try judge.likelihoods(of: documents, stage, note: "corpus")
      metrics += QualityMeasure.perplexity(own, description: judge.description)
      likelihoods = own
      if let reference {
        let other = try ReferenceReading(stage, model: model).likelihoods(of: reference, by: judge)
        metrics += QualityMeasure.perplexity(
          other, prefix: "reference_", description: judge.description)
      }
    }
    var gibberish: GibberishIndex?
    if let classifier = stage.optionalInput("gibberish") {
      gibberish = try index(of: documents, "corpus", stage, classifier)
      metrics += gibberish?.metrics() ?? []
    }
    if let reference, let classifier = stage.optionalInput("gibberish") {
      let other = try ReferenceReading(stage, model: classifier).index(
        documents: reference.count
      ) { () throws(Diagnostic) in try index(of: reference, "reference", stage, classifier) }
      metrics += other.metrics(prefix: "reference_")
    }
    let measure = QualityMeasure(
      documents: documents, reference: reference,
      longestPeriod: stage.parameters.integer("longest_period"))
    metrics += measure.metrics

    var lines: [UInt8] = []
    for line in measure.lines(likelihoods, gibberish) {
      lines += line.canonicalBytes
      lines.append(UInt8(ascii: "\n"))
    }
    try AtomicFile.write(lines, to: stage.output("scores").path("scores.jsonl"))
    try AtomicFile.write(
      Metric.file(metrics), to: stage.output("metrics").path("metrics.json"))
  }

  private static func index(
    of documents: [Document], _ port: String, _ stage: StageContext, _ artifact: InputArtifact
  ) throws(Diagnostic) -> GibberishIndex {
    try GibberishIndex(
      documents, try ClassifierFolder.read(artifact),
      rule: stage.parameters.choice("gibberish_index"),
      leastWords: stage.parameters.integer("least_words")
    ) {
      stage.log("gibberish, \(port): \($0)")
    } progress: { (done: Int, total: Int) throws(Diagnostic) in
      stage.progress(step: done, of: total, unit: "sentences", note: "gibberish, \(port)")
      if stage.isStopping { throw .interrupted }
    }
  }

  private static func read(
    _ port: String, _ artifact: InputArtifact
  ) throws(Diagnostic) -> [Document] {
    let documents = try Corpus.read(files: artifact.files).documents
    guard !documents.isEmpty else { throw .nothingToScore(port) }
    return documents
  }

  static func memory(for order: StageSizes) -> Int {
    // Weights once, activations of one batch, texts as tokens and words.
    384 << 20 + 2 * order.bytes(of: "model") + 3 * order.bytes(of: "gibberish")
      + 24 * (order.bytes(of: "corpus") + order.bytes(of: "reference"))
  }
}

/// The reference model with its tokenizer and protocol.
struct PerplexityJudge {
  private let evaluator: Evaluator
  private let tokenizer: any Tokenizer
  let description: String

  init(_ artifact: InputArtifact, _ parameters: Parameters) throws(Diagnostic) {
    let model = try LanguageModel(files: artifact.files)
    tokenizer = try ModelTokenizer.read(artifact.bytes("tokenizer.json"))
    let window = parameters.optionalInteger("window") ?? model.specification.context
    let stride = parameters.optionalInteger("stride") ?? max(1, window / 2)
    evaluator = try Evaluator(model, .rolling(window: window, stride: stride))
    description =
      evaluator.evaluation.description
      + (tokenizer.endOfText == nil ? ", first token not scored" : ", after end-of-text")
  }

  func likelihoods(
    of documents: [Document], _ stage: StageContext, note: String
  ) throws(Diagnostic) -> [Likelihood] {
    // After end-of-text the first token of a document is scored too.
    let start = tokenizer.endOfText.map { [$0] } ?? []
    let sequences = documents.map { start + tokenizer.encode($0.text) }
    return try evaluator.likelihoods(of: sequences) { (done: Int) throws(Diagnostic) in
      stage.progress(step: done, of: sequences.count, unit: "documents", note: note)
      if stage.isStopping { throw .interrupted }
    }
  }
}
