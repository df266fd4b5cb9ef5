// What fine-tune and fine-tune-adapter share: documents to sequences, parameters to settings, and the
// loop with its checkpoints. The steps themselves are in LanguageModels (Trainer.swift).

import Corpora
import Diagnostics
import LanguageModels
import ModelFiles
import Scheduling
import Tokenizers

enum TrainingRun {
  /// The sequences to learn, and how many supervised tokens of them altogether; nil: those of the
  /// epochs.
  static func examples(
    _ stage: StageContext, _ parameters: Parameters, _ tokenizer: any Tokenizer,
    _ model: ModelSpecification
  ) throws(Diagnostic) -> (sequences: [TokenSequence], totalTokens: Int?) {
    let form = ExampleRules(parameters)
    let wanted = parameters.integer("max_length")
    if wanted > model.context {
      stage.log(
        "max_length \(wanted) is beyond the model's context: sequences end at \(model.context)")
    }
    func built(_ port: String) throws(Diagnostic) -> ExampleBuilder {
      var builder = try ExampleBuilder(
        form: form.form, maximumLength: min(wanted, model.context), endOfText: model.endOfText,
        learnsEndOfText: form.learnsEndOfText, context: model.context,
        keepsEmpty: form.keepsBlankLines)
      try Corpus.forEachDocument(files: stage.input(port).files) { document in
        builder.add(document: form.pieces(of: document.text).map { tokenizer.encode($0) })
      }
      return builder
    }
    var builder = try built("corpus")
    let sequences = try builder.finish()
    stage.log(builder.counts.summary)
    if let total = parameters.optionalInteger("total_tokens") {
      stage.log("\(total) tokens are learnt altogether")
      return (sequences, total)
    }
    guard stage.optionalInput("budget") != nil else {
      if parameters.optionalString("budget") == "equal" { throw .budgetNotBound() }
      return (sequences, nil)
    }
    var budget = try built("budget")
    _ = try budget.finish()
    let own = builder.counts.supervised
    let allowed = budget.counts.supervised
    guard allowed != own else { return (sequences, nil) }
    let epochs = parameters.integer("epochs")
    stage.log(
      "the budget is \(epochs) times \(allowed) tokens; an epoch over the corpus has \(own)")
    return (sequences, epochs * allowed)
  }

  /// - Parameter dropout: of the model itself; an adapter has its own.
  static func settings(
    _ parameters: Parameters, dropout: Double, totalTokens: Int? = nil
  ) -> TrainingSettings {
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
      seed: parameters.integer("seed"), totalTokens: totalTokens)
  }

  /// Takes all steps from where a stopped run was; progress, checkpoints and history are written.
  ///
  /// - Parameter kept: steps after which the weights are kept, in the resume folder: what was kept
  ///   before a stop is there when the run goes on.
  static func run(
    _ trainer: Trainer, _ stage: StageContext, keeping kept: [Int] = []
  ) throws(Diagnostic) {
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
      if kept.contains(step.step) { try trainer.keepWeights(in: stage.resumeFolder) }
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
