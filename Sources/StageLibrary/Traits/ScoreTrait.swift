// The stage kind `score-trait`: a model's answers and a judge in; how far they express the trait, how
// coherent they are, and which emoji they hold, out. Measures are in Personality (TraitMeasure.swift).

import Corpora
import Diagnostics
import LanguageModels
import ModelFiles
import Personality
import Reports
import Scheduling

enum ScoreTraitStage: StageBody {
  static let kind = "score-trait"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let parameters = stage.parameters
    let judge = try ClassifierFolder.read(stage.input("judge"))
    let target = parameters.optionalString("trait")
    if let target, !judge.labels.contains(target) {
      throw .labelUnknown(target, parameter: "trait", labels: judge.labels)
    }
    let documents = try read("answers", stage)
    let answers = try judged(
      documents, judge, method: parameters.optionalString("method"), target: target, stage)
    for answer in answers {
      if let target = answer.target, !judge.labels.contains(target) {
        throw .labelUnknown(target, parameter: "trait of '\(answer.id)'", labels: judge.labels)
      }
    }
    let base =
      stage.optionalInput("base_answers") == nil
      ? [] : try judged(try read("base_answers", stage), judge, method: "base", target: nil, stage)
    let measure = TraitMeasure(
      labels: judge.labels, leastEntropy: parameters.number("least_entropy"),
      replicates: parameters.integer("bootstrap"), random: stage.random)
    var metrics = measure.metrics(answers, base: base)
    if let model = stage.optionalInput("model") {
      metrics += try fluency(documents, answers, model, stage)
    }
    var lines: [UInt8] = []
    for answer in answers { lines += answer.json(labels: judge.labels).canonicalBytes + [0x0A] }
    try AtomicFile.write(lines, to: stage.output("scores").path("scores.jsonl"))
    try AtomicFile.write(
      Metric.file(metrics), to: stage.output("metrics").path("metrics.json"))
  }

  private static func read(_ port: String, _ stage: StageContext) throws(Diagnostic) -> [Document] {
    let documents = try Corpus.read(files: stage.input(port).files).documents
    guard !documents.isEmpty else { throw .nothingToScore(port) }
    return documents
  }

  /// The judge never sees an emoji: it was trained on texts without any.
  private static func judged(
    _ documents: [Document], _ judge: any TextClassifier, method: String?, target: String?,
    _ stage: StageContext
  ) throws(Diagnostic) -> [JudgedAnswer] {
    let texts = documents.map { Emoji.removed(from: $0.text) }
    let rows = try judge.probabilities(of: texts) {
      stage.log($0)
    } progress: { (finished: Int) throws(Diagnostic) in
      stage.progress(step: finished, of: texts.count, unit: "answers", note: method ?? "answers")
      if stage.isStopping { throw .interrupted }
    }
    return zip(documents, rows).map {
      JudgedAnswer($0, method: method, target: target, probabilities: $1)
    }
  }

  /// Perplexity of the answers, emoji taken out, under a model that nobody tuned.
  private static func fluency(
    _ documents: [Document], _ answers: [JudgedAnswer], _ artifact: InputArtifact,
    _ stage: StageContext
  ) throws(Diagnostic) -> [Metric] {
    let model = try LanguageModel(files: artifact.files, storage: .asStored)
    let tokenizer = try ModelTokenizer.read(artifact.bytes("tokenizer.json"))
    let evaluator = try Evaluator(model, .truncated(min(512, model.specification.context)))
    let start = tokenizer.endOfText.map { [$0] } ?? []
    let likelihoods = try evaluator.likelihoods(
      of: documents.map { start + tokenizer.encode(Emoji.removed(from: $0.text)) }
    ) { (done: Int) throws(Diagnostic) in
      stage.progress(step: done, of: documents.count, unit: "answers", note: "fluency")
      if stage.isStopping { throw .interrupted }
    }
    var cells: [String] = []
    var sums: [String: (row: JudgedAnswer, value: Likelihood)] = [:]
    for (answer, likelihood) in zip(answers, likelihoods) {
      let cell = "\(answer.method)/\(answer.target ?? "none")"
      if sums[cell] == nil { cells.append(cell) }
      sums[cell] = (answer, (sums[cell]?.value ?? Likelihood()) + likelihood)
    }
    return cells.compactMap { cell in
      guard let (row, sum) = sums[cell], let value = sum.perplexity else { return nil }
      return Metric(
        "base_perplexity", value, unit: "per token", count: sum.tokens,
        at: ["method": .string(row.method), "trait": .string(row.target ?? "none")],
        tolerance: 1e-3 * value)
    }
  }

  static func memory(for order: StageSizes) -> Int {
    ModelMemory(modelBytes: order.bytes(of: "judge")).writing(sequences: 0, tokens: 0)
      + 512 << 20 + 4 * order.bytes(of: "model")
      + 12 * (order.bytes(of: "answers") + order.bytes(of: "base_answers"))
  }
}
