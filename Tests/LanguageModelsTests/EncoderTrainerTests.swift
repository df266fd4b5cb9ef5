import Diagnostics
import Foundation
import ModelFiles
import Networks
import Tensors
import Testing

@testable import LanguageModels

/// Texts whose class is the token that occurs most in them.
private func data(_ count: Int, seed: UInt64 = 3) -> [LabelledSequence] {
  (0..<count).map { number in
    let label = Int(mixed(seed * 7919 + UInt64(number)) % 3)
    let length = 4 + Int(mixed(seed * 104_729 + UInt64(number)) % 12)
    let noise = tokens(length, seed: seed + UInt64(number), below: 30).map { $0 + 20 }
    let marks = noise.indices.map { $0 % 2 == 0 ? Int32(5 + 3 * label) : noise[$0] }
    return LabelledSequence(tokens: [1] + marks + [2], label: label)
  }
}

private func settings(
  scope: EncoderTrainingSettings.Scope = .everything, epochs: Int = 3, rate: Double = 3e-3,
  batch: Int = 4, microBatchTokens: Int = 4096, dropout: Double = 0, patience: Int? = nil,
  seed: Int = 3
) -> EncoderTrainingSettings {
  EncoderTrainingSettings(
    scope: scope, epochs: epochs, learningRate: rate, schedule: .linear, warmupFraction: 0.1,
    weightDecay: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, clipNorm: 1, batch: batch,
    microBatchTokens: microBatchTokens,
    dropout: DropoutRates(embedding: dropout, attention: dropout, residual: dropout),
    headDropout: dropout, classWeights: [1, 1, 1], patience: patience, seed: seed)
}

private func accuracy(_ labels: [Int], _ predictions: [Int]) -> Double {
  Double(zip(labels, predictions).count { $0 == $1 }) / Double(labels.count)
}

private func newModel(
  _ kind: EncoderConfiguration.Kind = .bert, pooling: SequencePooling = .mean, seed: Int = 1,
  deviation: Double = 0.02
) throws -> LanguageModel {
  var configuration = tinyEncoderConfiguration(kind: kind)
  configuration.initialiserRange = deviation
  return try LanguageModel(ModelSpecification(configuration), seed: seed).withClassifier(
    labels: ["a", "b", "c"], pooling: pooling, seed: seed)
}

private func train(
  _ model: LanguageModel, _ settings: EncoderTrainingSettings, texts: [LabelledSequence],
  validation: [LabelledSequence] = [], steps: Int = .max,
  score: @escaping EncoderTrainer.Score = accuracy
) throws -> EncoderTrainer {
  let trainer = try EncoderTrainer(
    model, on: texts, validation: validation, settings, score: score)
  while trainer.state.step < steps, try trainer.step() != nil {}
  return trainer
}

@Suite(.serialized) struct EncoderTrainerTests {
  @Test(
    arguments: [EncoderConfiguration.Kind.bert, .roberta], [SequencePooling.first, .mean])
  func learnsToTellClassesApart(
    kind: EncoderConfiguration.Kind, pooling: SequencePooling
  ) throws {
    // With 0.02 a model of 16 channels is nearly blind and merges two classes for good.
    let model = try newModel(kind, pooling: pooling, deviation: 0.1)
    let trainer = try train(
      model, settings(epochs: 16, rate: 5e-3, batch: 8), texts: data(96),
      validation: data(30, seed: 77))
    #expect(abs(trainer.history[0].loss - log(3)) < 0.3)
    #expect(trainer.epochs.last!.trainingLoss < 0.2, "\(trainer.epochs)")
    let best = try #require(trainer.state.best)
    #expect(trainer.epochs[best].score! >= 0.9, "\(trainer.epochs)")
    #expect(trainer.history.count == 16 * 12)
    #expect(trainer.history.map(\.step) == Array(1...192))
  }

  /// Put down and taken up at each kind of place, epoch borders included: weights, best weights,
  /// history and epochs bit for bit.
  @Test(arguments: [1, 3, 5, 6, 9], [EncoderTrainingSettings.Scope.everything, .head])
  func resumesBitForBit(pause: Int, scope: EncoderTrainingSettings.Scope) throws {
    let folder = try temporaryFolder()
    defer { removeFolder(folder) }
    let run = settings(
      scope: scope, epochs: 4, batch: 4, microBatchTokens: 40, dropout: 0.1, patience: 2)
    let (texts, others) = (data(11), data(7, seed: 5))
    let whole = try train(newModel(), run, texts: texts, validation: others)
    #expect(whole.totalSteps == 12)

    let first = try train(newModel(), run, texts: texts, validation: others, steps: pause)
    #expect(first.state.step == pause)
    try first.save(to: folder)
    let second = try EncoderTrainer(
      newModel(), on: texts, validation: others, run, score: accuracy)
    guard case .resumed(let step) = second.resume(from: folder) else {
      Issue.record("the checkpoint was not taken up")
      return
    }
    #expect(step == pause)
    while try second.step() != nil {}
    #expect(second.history == whole.history)
    #expect(second.epochs == whole.epochs)
    #expect(second.state == whole.state)
    #expect(
      allValues(second.model.weights, second.model) == allValues(whole.model.weights, whole.model))
  }

  @Test func takesUpNoOtherRunsCheckpoint() throws {
    let folder = try temporaryFolder()
    defer { removeFolder(folder) }
    let texts = data(8)
    func attempt(
      _ run: EncoderTrainingSettings, _ texts: [LabelledSequence],
      _ validation: [LabelledSequence] = []
    ) throws -> String {
      let trainer = try EncoderTrainer(
        newModel(), on: texts, validation: validation, run, score: accuracy)
      switch trainer.resume(from: folder) {
      case .fresh: return "fresh"
      case .resumed: return "resumed"
      case .discarded(let problem): return problem.id
      }
    }
    #expect(try attempt(settings(), texts) == "fresh")
    try train(newModel(), settings(), texts: texts, steps: 1).save(to: folder)
    #expect(try attempt(settings(), texts) == "resumed")
    let other = "checkpoint-of-another-run"
    #expect(try attempt(settings(rate: 1e-4), texts) == other)
    #expect(try attempt(settings(scope: .head), texts) == other)
    #expect(try attempt(settings(), data(8, seed: 8)) == other)
    #expect(try attempt(settings(), texts, data(3)) == other)
    var relabelled = texts
    relabelled[0].label = (relabelled[0].label + 1) % 3
    #expect(try attempt(settings(), relabelled) == other)
    let path = folder + "/" + EncoderTrainer.checkpointName
    let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
    for length in [0, 8, bytes.count / 2, bytes.count - 1] {
      try AtomicFile.write(Array(bytes[..<length]), to: path)
      #expect(try attempt(settings(), texts) == "safetensors-malformed")
    }
  }

  /// Scores that say which epoch is best: training ends when patience does, and the model has that
  /// epoch's weights.
  @Test func stopsWhenNothingGetsBetterAndKeepsTheBest() throws {
    let (texts, others) = (data(12), data(6, seed: 5))
    var scores = [0.2, 0.5, 0.9, 0.4, 0.8, 0.1, 0.99]
    let stopped = try train(
      newModel(), settings(epochs: 7, patience: 2), texts: texts, validation: others
    ) { _, _ in scores.removeFirst() }
    #expect(stopped.state.isStopped)
    #expect(stopped.epochs.map(\.score) == [0.2, 0.5, 0.9, 0.4, 0.8])
    #expect(stopped.state.best == 2)
    #expect(try stopped.step() == nil)

    // The same run without patience, looked at after its third epoch.
    let third = try train(
      newModel(), settings(epochs: 7), texts: texts, validation: others, steps: 9
    ) { _, _ in 0 }
    #expect(third.epochs.count == 3)
    #expect(
      allValues(stopped.model.weights, stopped.model)
        == allValues(third.model.weights, third.model))
  }

  /// Equal scores: the lower loss wins; without validation the last weights stay.
  @Test func tiesGoToTheLowerLoss() throws {
    let run = try train(
      newModel(), settings(epochs: 4), texts: data(12), validation: data(6, seed: 5)
    ) { _, _ in 1 }
    let losses = run.epochs.map { $0.validationLoss! }
    #expect(run.state.best == losses.firstIndex(of: losses.min()!))
    let none = try train(newModel(), settings(epochs: 2, patience: 1), texts: data(12))
    #expect(none.state.best == nil && none.epochs.count == 2 && !none.state.isStopped)
  }

  @Test func aFrozenEncoderStaysAsItIs() throws {
    let model = try newModel(.bert, pooling: .first)
    let before = model.table.parameters.map { ($0, model.weights[$0.region].values) }
    let trainer = try train(
      model, settings(scope: .head, epochs: 8, rate: 1e-2, dropout: 0.1), texts: data(24))
    let head = Set(ClassificationHead.roles(of: model.specification))
    for (parameter, values) in before {
      let isSame = model.weights[parameter.region].values == values
      #expect(isSame != head.contains(parameter.role), "\(parameter.name)")
    }
    #expect(trainer.history.last!.loss < trainer.history[0].loss)
  }

  @Test func microBatchesAndThreadsChangeLittleOrNothing() throws {
    func run(_ tokens: Int, threads: Int) throws -> (EncoderTrainer, [Float]) {
      try withThreads(threads) {
        let trainer = try train(
          newModel(), settings(microBatchTokens: tokens, dropout: 0.1), texts: data(16))
        return (trainer, allValues(trainer.model.weights, trainer.model))
      }
    }
    let (whole, weights) = try run(4096, threads: 1)
    #expect(try run(4096, threads: 2).1 == weights)
    let (split, _) = try run(20, threads: 1)
    for (a, b) in zip(whole.history, split.history) {
      #expect(abs(a.loss - b.loss) < 1e-4)
      #expect(abs(a.gradientNorm - b.gradientNorm) < 1e-3 * a.gradientNorm)
    }
  }

  /// Class 0 weighs nothing: its texts teach nothing.
  @Test func classesCountByTheirWeights() throws {
    var run = settings(epochs: 20, rate: 1e-2, batch: 16)
    run.classWeights = [0, 1, 1]
    let texts = data(32)
    let trainer = try train(newModel(), run, texts: texts)
    let logits = try EncoderClassifier(trainer.model).logits(
      of: texts.filter { $0.label == 0 }.map(\.tokens))
    #expect(logits.allSatisfy { $0.firstIndex(of: $0.max()!) != 0 })
  }

  @Test func refusesWhatCannotBeLearnt() throws {
    func id(_ body: () throws -> Void) -> String? {
      do {
        try body()
        return nil
      } catch { return (error as? Diagnostic)?.id }
    }
    let model = try newModel()
    #expect(
      id { _ = try EncoderTrainer(model, on: [], settings(), score: accuracy) }
        == "nothing-to-learn")
    let long = LabelledSequence(tokens: tokens(25, below: 50), label: 0)
    #expect(
      id { _ = try EncoderTrainer(model, on: [long], settings(), score: accuracy) }
        == "encoder-sequence")
    #expect(
      id { _ = try EncoderTrainer(tinyEncoder(), on: data(4), settings(), score: accuracy) }
        == "classifier-missing")
    // A weight that is no number is noticed, and the step changes nothing.
    model.tensor(.classifierWeight).data[0] = .nan
    let trainer = try EncoderTrainer(model, on: data(4), settings(), score: accuracy)
    let before = model.tensor(.tokenEmbedding).values
    #expect(id { _ = try trainer.step() } == "training-diverged")
    #expect(model.tensor(.tokenEmbedding).values == before)
    #expect(trainer.state == EncoderTrainer.State())
  }
}
