// What fine-tune and fine-tune-adapter share: documents to sequences, parameters to settings, and the
// loop with its checkpoints. The steps themselves are in LanguageModels (Trainer.swift).

import Corpora
import Diagnostics
import LanguageModels
import ModelFiles
import Scheduling
import Tokenizers

enum TrainingRun {
  static func examples(
    _ stage: StageContext, _ parameters: Parameters, _ tokenizer: any Tokenizer,
    _ model: ModelSpecification
  ) throws(Diagnostic) -> [TokenSequence] {
    let form = ExampleForm(rawValue: parameters.string("examples"))!
    let wanted = parameters.integer("max_length")
    if wanted > model.context {
      stage.log(
        "max_length \(wanted) is beyond the model's context: sequences end at \(model.context)")
    }
    var builder = try ExampleBuilder(
      form: form, maximumLength: min(wanted, model.context), endOfText: model.endOfText,
      learnsEndOfText: parameters.boolean("learn_end_of_text"), context: model.context)
    try Corpus.forEachDocument(files: stage.input("corpus").files) { document in
      let text = Array(document.text.utf8)
      builder.add(
        document: form == .line
          ? lines(of: text).map { tokenizer.encode($0) } : [tokenizer.encode(text)])
    }
    let sequences = try builder.finish()
    stage.log(builder.counts.summary)
    return sequences
  }

  /// The lines of a text without their ends; lines of white space alone count as blank.
  private static func lines(of text: [UInt8]) -> [[UInt8]] {
    text.split(separator: UInt8(ascii: "\n")).map { line in
      let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
      return line.allSatisfy { $0 == 0x20 || $0 == 0x09 } ? [] : Array(line)
    }
  }

  /// - Parameter dropout: of the model itself; an adapter has its own.
  static func settings(_ parameters: Parameters, dropout: Double) -> TrainingSettings {
    let clip = parameters.number("clip_norm")
    return TrainingSettings(
      epochs: parameters.integer("epochs"), learningRate: parameters.number("learning_rate"),
      schedule: .init(rawValue: parameters.string("schedule"))!,
      warmupFraction: parameters.number("warmup"),
      weightDecay: parameters.number("weight_decay"), beta1: parameters.number("beta1"),
      beta2: parameters.number("beta2"), epsilon: parameters.number("epsilon"),
      clipNorm: clip > 0 ? clip : nil,
      batching: parameters.optionalInteger("batch_tokens").map { .tokens($0) }
        ?? .documents(parameters.integer("batch_documents")),
      microBatchTokens: parameters.integer("micro_batch_tokens"),
      dropout: DropoutRates(embedding: dropout, attention: dropout, residual: dropout),
      seed: parameters.integer("seed"))
  }

  /// Takes all steps from where a stopped run was; progress, checkpoints and history are written.
  static func run(_ trainer: Trainer, _ stage: StageContext) throws(Diagnostic) {
    switch trainer.resume(from: stage.resumeFolder) {
    case .fresh: stage.log("\(trainer.totalSteps) steps")
    case .resumed(let step): stage.log("resumed after step \(step) of \(trainer.totalSteps)")
    case .discarded(let problem): stage.log(problem.description)
    }
    let clock = ContinuousClock()
    var start = clock.now
    while let step = try trainer.step() {
      let now = clock.now
      stage.progress(
        step: step.step, of: trainer.totalSteps, loss: step.loss,
        rate: Double(step.tokens) / max(1e-9, (now - start) / .seconds(1)), unit: "tokens")
      start = now
      if stage.checkpointDue() {
        try trainer.save(to: stage.resumeFolder)
        if stage.isStopping { throw .interrupted }
      }
    }
    try AtomicFile.write(
      TrainingStep.jsonl(trainer.history), to: stage.output("history").path("history.jsonl"))
    if let first = trainer.history.first, let last = trainer.history.last {
      stage.log("loss \(first.loss) at the first step, \(last.loss) at step \(last.step)")
    }
  }
}
