// train-classifier with `architecture: encoder`: fine-tunes an encoder with a new classification head and
// stops when validation documents get no better.

import CanonicalJSON
import Corpora
import Diagnostics
import LanguageModels
import ModelFiles
import Reports
import Scheduling
import Statistics
import Tokenizers

struct EncoderLearner: ClassifierLearner {
  let architecture = EncoderJudge.kind
  let stage: StageContext
  let labels: [String]
  let encoder: InputArtifact
  private let tokenizer: any Tokenizer
  private var parameters: Parameters { stage.parameters }

  /// **Throws**: `classifier-encoder`, and what reading a tokenizer throws.
  init(_ stage: StageContext, labels: [String]) throws(Diagnostic) {
    guard let encoder = stage.optionalInput("encoder") else { throw .classifierEncoder }
    self.stage = stage
    self.labels = labels
    self.encoder = encoder
    tokenizer = try TokenizerFile.read(tokenizerJSON: encoder.bytes("tokenizer.json"))
  }

  func learn(
    _ documents: [Document], validation: [Document], part: String, note: String
  ) throws(Diagnostic) -> any LearntClassifier {
    let pretrained = try LanguageModel(files: encoder.files)
    let model = try pretrained.withClassifier(
      labels: labels, pooling: SequencePooling(rawValue: parameters.string("pooling"))!,
      seed: parameters.integer("seed"))
    let wanted = parameters.integer("max_length")
    let length = min(wanted, model.specification.context)
    if length < wanted {
      stage.log("max_length \(wanted) is beyond the encoder's: texts end at \(length) tokens")
    }
    if validation.isEmpty {
      stage.log("no validation: all epochs are trained and the last weights kept")
    } else {
      stage.log("\(validation.count) documents decide when to stop")
    }
    let reader = EncoderReader(
      stage: stage, labels: labels, tokenizer: tokenizer, model: model, length: length,
      windows: parameters.integer("chunks"))
    let texts = try reader.encode(documents, "to learn from")
    let others = try reader.encode(validation, "validation")
    let trainer = try train(
      model, texts, documents, validation: reader.labelled(others, validation),
      EncoderCheckpointFolder(stage, part: part), note: note)
    return LearntEncoder(
      reader: reader, encoder: encoder, epochs: trainer.epochs, steps: trainer.state.step,
      best: trainer.state.best, cut: texts.cut + others.cut,
      cutTokens: texts.cutTokens + others.cutTokens, validation: validation.count,
      documents: documents.count)
  }

  private func train(
    _ model: LanguageModel, _ texts: EncoderTexts, _ documents: [Document],
    validation: [LabelledSequence], _ place: EncoderCheckpointFolder, note: String
  ) throws(Diagnostic) -> EncoderTrainer {
    let classCount = labels.count
    let (sequences, classWeights) = weighted(texts, documents)
    let trainer = try EncoderTrainer(
      model, on: sequences, validation: validation, settings(classWeights)
    ) { labels, predictions in
      ClassificationQuality(labels: labels, predictions: predictions, classCount: classCount)
        .macroF1
    }
    switch trainer.resume(from: place.folder) {
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
        rate: Double(step.tokens) / max(1e-9, (now - start) / .seconds(1)), unit: "tokens",
        note: note.isEmpty ? nil : note)
      start = now
      for epoch in trainer.epochs[told...] { stage.log(epoch.summary) }
      told = trainer.epochs.count
      if stage.checkpointDue() {
        try place.prepare()
        try trainer.save(to: place.folder)
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

  /// Windows with labels and weights: a document counts once however many windows it has, a source once
  /// where `equal_sources` asks for it, a class once where `class_weights` does.
  private func weighted(
    _ texts: EncoderTexts, _ documents: [Document]
  ) -> (sequences: [LabelledSequence], classWeights: [Double]) {
    let sources =
      parameters.boolean("equal_sources")
      ? SourceBalance.weights(documents) : Array(repeating: 1, count: documents.count)
    var sequences: [LabelledSequence] = []
    var sums = [Double](repeating: 0, count: labels.count)
    let perText = Double(texts.sequences.count) / Double(max(1, texts.count))
    for (row, document) in documents.enumerated() {
      let label = labels.firstIndex { $0 == document.label! }!
      let windows = texts.windows(of: row)
      sums[label] += sources[row]
      for window in windows {
        sequences.append(
          LabelledSequence(
            tokens: texts.sequences[window], label: label,
            weight: sources[row] * perText / Double(windows.count)))
      }
    }
    guard parameters.string("class_weights") == "balanced" else {
      return (sequences, Array(repeating: 1, count: labels.count))
    }
    let total = sums.reduce(0, +)
    return (sequences, sums.map { $0 > 0 ? total / (Double(labels.count) * $0) : 0 })
  }

  private func settings(_ classWeights: [Double]) -> EncoderTrainingSettings {
    let clip = parameters.number("clip_norm")
    let dropout = parameters.number("dropout")
    return EncoderTrainingSettings(
      scope: .init(rawValue: parameters.string("trained"))!,
      epochs: parameters.integer("epochs"), learningRate: parameters.number("learning_rate"),
      schedule: .linear, warmupFraction: parameters.number("warmup"),
      weightDecay: parameters.number("weight_decay"), beta1: 0.9, beta2: 0.999, epsilon: 1e-8,
      clipNorm: clip > 0 ? clip : nil, batch: parameters.integer("batch_documents"),
      microBatchTokens: parameters.integer("micro_batch_tokens"),
      dropout: DropoutRates(embedding: dropout, attention: dropout, residual: dropout),
      headDropout: dropout, classWeights: classWeights,
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
