import CanonicalJSON
import Diagnostics
import Foundation
import ModelFiles
import Tensors
import Testing

@testable import LanguageModels

private func train(
  _ model: LanguageModel, _ sequences: [TokenSequence], _ settings: TrainingSettings,
  steps: Int = .max
) throws -> Trainer {
  let trainer = try Trainer(model, on: sequences, settings)
  while trainer.state.step < steps, try trainer.step() != nil {}
  return trainer
}

private func id(of body: () throws -> Void) -> String? {
  do {
    try body()
    return nil
  } catch { return (error as? Diagnostic)?.id }
}

@Suite(.serialized) struct TrainerTests {
  @Test func learnsABatchByHeart() throws {
    let trainer = try train(
      tinyModel(), sequences([20, 31, 12]),
      settings(
        epochs: 150, rate: 1e-2, batching: .documents(3), schedule: .constant))
    #expect(abs(trainer.history[0].loss - log(97)) < 0.05)
    #expect(trainer.history.last!.loss < 0.1, "\(trainer.history.last!.loss)")
    #expect(trainer.history.count == 150)
    #expect(trainer.history.map(\.step) == Array(1...150))
    #expect(trainer.history[0].tokens == 19 + 30 + 11)
  }

  /// Eleven steps at once, and the same after putting down and taking up at each possible place,
  /// epoch borders included: weights, moments and history bit for bit.
  @Test(arguments: [1, 5, 6, 10])
  func resumesBitForBit(at pause: Int) throws {
    let folder = try temporaryFolder()
    defer { removeFolder(folder) }
    let data = sequences([20, 31, 12, 7, 9, 30, 4, 18, 25, 2, 16])
    let run = settings(
      epochs: 3, batching: .tokens(50), microBatchTokens: 40,
      dropout: DropoutRates(embedding: 0.1, attention: 0.1, residual: 0.1))
    let whole = try train(tinyModel(), data, run)
    #expect(whole.totalSteps > 11)

    let first = try train(tinyModel(), data, run, steps: pause)
    #expect(first.state.step == pause)
    try first.save(to: folder)
    // Another start: everything must come from the file.
    let second = try Trainer(tinyModel(seed: 8), on: data, run)
    guard case .resumed(let step) = second.resume(from: folder) else {
      Issue.record("the checkpoint was not taken up")
      return
    }
    #expect(step == pause)
    while try second.step() != nil {}
    #expect(second.history == whole.history)
    #expect(second.state == whole.state)
    #expect(
      allValues(second.model.weights, second.model) == allValues(whole.model.weights, whole.model))
    #expect(
      allValues(second.secondMoments, second.model)
        == allValues(whole.secondMoments, whole.model))
  }

  @Test func takesUpNoOtherRunsCheckpoint() throws {
    let folder = try temporaryFolder()
    defer { removeFolder(folder) }
    let data = sequences([20, 31, 12, 7])
    let path = folder + "/" + Trainer.checkpointName
    func attempt(_ trainer: Trainer) -> String {
      let before = allValues(trainer.model.weights, trainer.model)
      let outcome = trainer.resume(from: folder)
      #expect(allValues(trainer.model.weights, trainer.model) == before || trainer.state.step > 0)
      switch outcome {
      case .fresh: return "fresh"
      case .resumed: return "resumed"
      case .discarded(let problem): return problem.id
      }
    }
    #expect(attempt(try Trainer(tinyModel(), on: data, settings())) == "fresh")
    try train(tinyModel(), data, settings(), steps: 1).save(to: folder)
    #expect(attempt(try Trainer(tinyModel(), on: data, settings())) == "resumed")
    let other = "checkpoint-of-another-run"
    #expect(attempt(try Trainer(tinyModel(), on: data, settings(rate: 2e-3))) == other)
    #expect(
      attempt(try Trainer(tinyModel(), on: sequences([20, 31, 12, 8]), settings())) == other)
    #expect(attempt(try Trainer(tinyModel(layers: 1), on: data, settings())) == other)
    // Cut anywhere, it is refused and nothing changes.
    let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: path)))
    for length in [0, 7, 8, 100, bytes.count / 2, bytes.count - 1] {
      try AtomicFile.write(Array(bytes[..<length]), to: path)
      #expect(
        attempt(try Trainer(tinyModel(), on: data, settings())) == "safetensors-malformed")
    }
  }

  @Test func microBatchesChangeLastBitsOnly() throws {
    let data = sequences([20, 31, 12, 7, 9, 30])
    func losses(_ tokens: Int) throws -> [TrainingStep] {
      try train(
        tinyModel(), data, settings(epochs: 2, batching: .documents(6), microBatchTokens: tokens)
      ).history
    }
    let (whole, split) = (try losses(4096), try losses(32))
    for (a, b) in zip(whole, split) {
      #expect(abs(a.loss - b.loss) < 1e-5)
      #expect(abs(a.gradientNorm - b.gradientNorm) < 1e-4 * a.gradientNorm)
      #expect(a.tokens == b.tokens)
    }
  }

  @Test func threadsChangeNoBitOfATraining() throws {
    func weights(_ threads: Int) throws -> [Float] {
      try withThreads(threads) {
        let trainer = try train(tinyModel(), sequences([32, 31, 12, 30]), settings(epochs: 2))
        return allValues(trainer.model.weights, trainer.model)
      }
    }
    #expect(try weights(1) == weights(2))
  }

  /// Every sequence once per epoch, in another order each time; a step ends before its budget breaks.
  @Test func plansEveryEpoch() {
    let counts = [5, 9, 1, 30, 7, 7, 12, 3]
    var orders: Set<[Int]> = []
    for epoch in 0..<4 {
      let plan = EpochPlan(supervised: counts, epoch: epoch, batching: .tokens(16), seed: 1)
      #expect(plan.order.sorted() == Array(0..<8))
      #expect(plan.steps.flatMap { Array($0) } == Array(0..<8))
      for step in plan.steps {
        #expect(step.count == 1 || step.reduce(0) { $0 + counts[plan.order[$1]] } <= 16)
      }
      orders.insert(plan.order)
    }
    #expect(orders.count == 4)
    let eights = EpochPlan(supervised: counts, epoch: 0, batching: .documents(3), seed: 1)
    #expect(eights.steps.map(\.count) == [3, 3, 2])
  }

  @Test func stopsBeforeNumbersAreLost() throws {
    let model = try tinyModel()
    let trainer = try Trainer(model, on: sequences([20, 12]), settings(epochs: 5))
    _ = try trainer.step()
    let place = model.tensor(.block(1, .upWeight)).data + 5
    let healthy = place.pointee
    place.pointee = .infinity
    let weights = allValues(model.weights, model)
    #expect(id { _ = try trainer.step() } == "training-diverged")
    #expect(trainer.state.step == 1 && trainer.history.count == 1)
    #expect(allValues(model.weights, model) == weights)
    #expect(id { try model.requireFinite() } == "weights-not-finite")
    place.pointee = healthy
    // Nothing of the broken step is left in the gradients.
    let other = try tinyModel()
    let healthyRun = try Trainer(other, on: sequences([20, 12]), settings(epochs: 5))
    _ = try healthyRun.step()
    let (after, right) = (try trainer.step(), try healthyRun.step())
    #expect(after == right && after?.step == 2)
    #expect(allValues(model.weights, model) == allValues(other.weights, other))
  }

  @Test func refusesDataThatTeachesNothing() throws {
    let model = try tinyModel()
    #expect(id { _ = try Trainer(model, on: [], settings()) } == "nothing-to-learn")
    #expect(
      id { _ = try Trainer(model, on: [TokenSequence([3])], settings()) } == "nothing-to-learn")
    #expect(
      id {
        _ = try Trainer(
          model, on: [TokenSequence([3, 4], isLearnt: [true, false])], settings())
      } == "nothing-to-learn")
    #expect(id { _ = try Trainer(model, on: sequences([33]), settings()) } == "example-length")
    #expect(
      id { _ = try Trainer(model, on: [TokenSequence([3, 97])], settings()) }
        == "token-outside-vocabulary")
    #expect(
      id { _ = try Trainer(model, on: [TokenSequence([3, -1])], settings()) }
        == "token-outside-vocabulary")
  }

  @Test func historyComesBackAsItWent() throws {
    let row = TrainingStep(step: 3, loss: 4.25, learningRate: 5e-5, gradientNorm: 1.5, tokens: 12)
    #expect(TrainingStep(json: row.json) == row)
    #expect(
      String(decoding: TrainingStep.jsonl([row]), as: UTF8.self)
        == #"{"gradient_norm":1.5,"learning_rate":5e-05,"loss":4.25,"step":3,"tokens":12}"# + "\n")
  }
}
