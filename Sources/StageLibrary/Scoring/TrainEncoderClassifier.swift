// train-classifier with `architecture: encoder`: fine-tunes an encoder with a new classification head,
// stops when documents held out from training for that get no better, and tests on others.

import CanonicalJSON
import Corpora
import Diagnostics
import LanguageModels
import ModelFiles
import Reports
import Scheduling
import Statistics
import Tokenizers

struct TrainEncoderClassifier {
  let stage: StageContext
  let split: ClassifierSplit
  let encoder: InputArtifact
  private var parameters: Parameters { stage.parameters }

  /// **Throws**: `classifier-encoder`.
  init(_ stage: StageContext, _ split: ClassifierSplit) throws(Diagnostic) {
    guard let encoder = stage.optionalInput("encoder") else { throw .classifierEncoder }
    self.stage = stage
    self.split = split
    self.encoder = encoder
  }

  func run() throws(Diagnostic) {
    let pretrained = try LanguageModel(files: encoder.files)
    let tokenizer = try TokenizerFile.read(tokenizerJSON: encoder.bytes("tokenizer.json"))
    let model = try pretrained.withClassifier(
      labels: split.labels, pooling: SequencePooling(rawValue: parameters.string("pooling"))!,
      seed: parameters.integer("seed"))
    let wanted = parameters.integer("max_length")
    let context = model.specification.context
    let length = min(wanted, context)
    if length < wanted {
      stage.log("max_length \(wanted) is beyond the encoder's: texts end at \(length) tokens")
    }
    func encode(_ documents: [Document], _ what: String) throws(Diagnostic) -> EncoderTexts {
      let texts = try EncoderTexts(
        documents.map(\.text), tokenizer: tokenizer, maximumLength: length, context: context)
      if let remark = texts.remark { stage.log("\(what): \(remark)") }
      return texts
    }

    let (learnt, validation) = try validationSplit()
    let texts = try encode(learnt, "to learn from")
    let validationTexts = try encode(validation, "validation")
    let trainer = try train(
      model, labelled(texts, learnt), validation: labelled(validationTexts, validation))

    let heldOut = try encode(split.heldOut, "held out")
    let logits = try EncoderClassifier(model).logits(of: heldOut.sequences) { finished in
      stage.progress(
        step: finished, of: heldOut.sequences.count, unit: "documents", note: "held out")
    }
    let test = TrainClassifierStage.test(stage, split, logits: logits)
    let best = trainer.state.best.map { trainer.epochs[$0] }
    var metrics =
      test.metrics + [
        Metric("training_documents", Double(learnt.count), count: learnt.count),
        Metric("validation_documents", Double(validation.count), count: validation.count),
        Metric("epochs", Double(trainer.epochs.count), unit: "epochs", count: learnt.count),
        Metric(
          "truncated_documents", Double(heldOut.cut), unit: "documents",
          count: heldOut.sequences.count),
      ]
    if let best, let score = best.score {
      metrics += [
        Metric("best_epoch", Double(best.epoch), unit: "epochs", count: validation.count),
        Metric("validation_macro_f1", score, count: validation.count),
      ]
    }
    let output = stage.output("classifier")
    try EncoderJudge.write(
      model, from: encoder, maximumLength: length, temperature: test.temperature,
      training: .object([
        "documents": .integer(learnt.count), "validation": .integer(validation.count),
        "held_out": .integer(split.heldOut.count), "unlabelled": .integer(split.unlabelled),
        "split_by": .string(split.bySource ? "source" : "document"),
        "truncated": .integer(texts.cut + validationTexts.cut + heldOut.cut),
        "truncated_tokens": .integer(
          texts.cutTokens + validationTexts.cutTokens + heldOut.cutTokens),
        "steps": .integer(trainer.state.step),
        "best_epoch": best.map { .integer($0.epoch) } ?? .null,
        "epochs": .array(trainer.epochs.map(\.json)),
      ]),
      quality: metrics, to: output)
    try AtomicFile.write(
      Metric.file(metrics), to: stage.output("metrics").path("metrics.json"))
  }

  /// Documents to stop by, taken from those to learn from and never from those of the test.
  private func validationSplit() throws(Diagnostic) -> (learnt: [Document], validation: [Document])
  {
    let share = parameters.number("validation")
    guard share > 0 else {
      stage.log("no validation: all epochs are trained and the last weights kept")
      return (split.training, [])
    }
    // A label may have one source left; auto then splits by document, which only stops later.
    let inner = try ClassifierSplit(
      Corpus(documents: split.training), heldOut: share, way: split.bySource ? .auto : .document,
      minimum: 2
    ) { stage.random("validation/" + $0) }
    stage.log(
      "\(inner.heldOut.count) of \(split.training.count) documents decide when to stop, taken "
        + (inner.bySource ? "by source" : "by document"))
    return (inner.training, inner.heldOut)
  }

  private func labelled(_ texts: EncoderTexts, _ documents: [Document]) -> [LabelledSequence] {
    zip(texts.sequences, documents).map {
      LabelledSequence(tokens: $0, label: split.labels.firstIndex(of: $1.label!)!)
    }
  }

  private func train(
    _ model: LanguageModel, _ texts: [LabelledSequence], validation: [LabelledSequence]
  ) throws(Diagnostic) -> EncoderTrainer {
    let classCount = split.labels.count
    let trainer = try EncoderTrainer(
      model, on: texts, validation: validation, settings(labels: texts.map(\.label))
    ) { labels, predictions in
      ClassificationQuality(labels: labels, predictions: predictions, classCount: classCount)
        .macroF1
    }
    switch trainer.resume(from: stage.resumeFolder) {
    case .fresh: stage.log("at most \(trainer.totalSteps) steps")
    case .resumed(let step): stage.log("resumed after step \(step) of \(trainer.totalSteps)")
    case .discarded(let problem): stage.log(problem.description)
    }
    let clock = ContinuousClock()
    var start = clock.now
    var told = trainer.epochs.count
    while let step = try trainer.step() {
      let now = clock.now
      stage.progress(
        step: step.step, of: trainer.totalSteps, loss: step.loss,
        rate: Double(step.tokens) / max(1e-9, (now - start) / .seconds(1)), unit: "tokens")
      start = now
      for epoch in trainer.epochs[told...] { stage.log(epoch.summary) }
      told = trainer.epochs.count
      if stage.checkpointDue() {
        try trainer.save(to: stage.resumeFolder)
        if stage.isStopping { throw .interrupted }
      }
    }
    if let best = trainer.state.best, !validation.isEmpty {
      stage.log(
        "kept epoch \(trainer.epochs[best].epoch) of \(trainer.epochs.count)"
          + (trainer.state.isStopped ? "; no better epoch came within the patience" : ""))
    }
    return trainer
  }

  private func settings(labels: [Int]) -> EncoderTrainingSettings {
    let clip = parameters.number("clip_norm")
    let dropout = parameters.number("dropout")
    let classCount = split.labels.count
    return EncoderTrainingSettings(
      scope: .init(rawValue: parameters.string("trained"))!,
      epochs: parameters.integer("epochs"), learningRate: parameters.number("learning_rate"),
      schedule: .linear, warmupFraction: parameters.number("warmup"),
      weightDecay: parameters.number("weight_decay"), beta1: 0.9, beta2: 0.999, epsilon: 1e-8,
      clipNorm: clip > 0 ? clip : nil, batch: parameters.integer("batch_documents"),
      microBatchTokens: parameters.integer("micro_batch_tokens"),
      dropout: DropoutRates(embedding: dropout, attention: dropout, residual: dropout),
      headDropout: dropout,
      classWeights: parameters.string("class_weights") == "balanced"
        ? ClassificationLoss.balanced(labels: labels, classCount: classCount)
        : Array(repeating: 1, count: classCount),
      patience: parameters.integer("patience"), seed: parameters.integer("seed"))
  }
}

extension EncoderEpoch {
  /// For a log.
  fileprivate var summary: String {
    var text = "epoch \(epoch): loss \(trainingLoss)"
    if let validationLoss, let score {
      text += ", on validation \(validationLoss), macro-F1 \(score)"
    }
    return text
  }
}

extension Diagnostic {
  static var classifierEncoder: Diagnostic {
    Diagnostic(
      "classifier-encoder", "architecture: encoder needs an encoder to fine-tune",
      help: "connect the input 'encoder', such as to import-encoder or initialise-encoder",
      consequence: .stageFailed)
  }

  static var classifierEncoderUnused: Diagnostic {
    Diagnostic(
      "classifier-encoder", "the input 'encoder' is connected, but architecture is ngram",
      help: "set architecture: encoder, or leave the input empty", consequence: .stageFailed)
  }
}
