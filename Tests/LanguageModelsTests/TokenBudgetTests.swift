// Trainings that are told how many tokens to learn, and examples that only take a place.

import Foundation
import Tensors
import Testing

@testable import LanguageModels

private func trained(
  _ data: [TokenSequence], _ settings: TrainingSettings, steps: Int = .max
) throws -> Trainer {
  let trainer = try Trainer(tinyModel(), on: data, settings)
  while trainer.state.step < steps, try trainer.step() != nil {}
  return trainer
}

@Suite(.serialized) struct TokenBudgetTests {
  private static let lengths = [20, 31, 12, 7, 9, 30, 4, 18]
  /// 123 tokens to learn in an epoch, three sequences a step: three steps.
  private static let epoch = lengths.reduce(0) { $0 + $1 - 1 }

  private func run(_ total: Int?, epochs: Int = 2) -> TrainingSettings {
    var run = settings(epochs: epochs, batching: .documents(3), schedule: .linear)
    run.totalTokens = total
    return run
  }

  @Test func aTotalOfWholeEpochsIsThoseEpochs() throws {
    let data = sequences(Self.lengths)
    let plain = try trained(data, run(nil))
    // The number of epochs does not count beside a total.
    let counted = try trained(data, run(2 * Self.epoch, epochs: 9))
    #expect(counted.history == plain.history)
    #expect(
      allValues(counted.model.weights, counted.model) == allValues(plain.model.weights, plain.model)
    )
  }

  @Test(arguments: [1, 40, 123, 124, 200, 400])
  func theStepThatReachesTheTotalIsTheLast(total: Int) throws {
    let trainer = try trained(sequences(Self.lengths), run(total))
    let tokens = trainer.history.map(\.tokens)
    #expect(tokens.reduce(0, +) >= total)
    #expect(tokens.dropLast().reduce(0, +) < total)
    #expect(trainer.history.count == trainer.totalSteps)
    // The rate is on its way to 0 over these steps, not over those of the epochs.
    let last = try #require(trainer.history.last)
    #expect(
      abs(last.learningRate - trainer.settings.learningRate / Double(trainer.totalSteps)) < 1e-12)
  }

  @Test(arguments: [1, 3, 4, 7])
  func isResumedBitForBit(at pause: Int) throws {
    let folder = try temporaryFolder()
    defer { removeFolder(folder) }
    let data = sequences(Self.lengths)
    let whole = try trained(data, run(320))
    #expect((7...9).contains(whole.totalSteps))
    let first = try trained(data, run(320), steps: pause)
    try first.save(to: folder)
    let second = try Trainer(tinyModel(seed: 8), on: data, run(320))
    guard case .resumed(let step) = second.resume(from: folder), step == pause else {
      Issue.record("the checkpoint was not taken up")
      return
    }
    while try second.step() != nil {}
    #expect(second.history == whole.history)
    #expect(
      allValues(second.model.weights, second.model) == allValues(whole.model.weights, whole.model))
    // Another total is another run.
    if case .resumed = try Trainer(tinyModel(), on: data, run(321)).resume(from: folder) {
      Issue.record("a checkpoint of another total was taken up")
    }
  }

  @Test func emptyExamplesTakeAPlaceAndNothingElse() throws {
    let empty = TokenSequence([])
    let data = sequences([20, 31, 12])
    let alone = try trained(data, settings(epochs: 1, batching: .documents(8)))
    let among = try trained(
      data + Array(repeating: empty, count: 5), settings(epochs: 1, batching: .documents(8)))
    // All in one step: the sum is the same but for the order of addition.
    #expect(among.totalSteps == 1 && among.history[0].tokens == alone.history[0].tokens)
    #expect(abs(among.history[0].loss - alone.history[0].loss) < 1e-5)

    let thin = try trained(
      data + Array(repeating: empty, count: 9), settings(epochs: 1, batching: .documents(2)))
    #expect(thin.totalSteps == 6)
    #expect(thin.history.reduce(0) { $0 + $1.tokens } == 19 + 30 + 11)
    // At least three of the six steps had nothing but empty places.
    let idle = thin.history.filter { $0.tokens == 0 }
    #expect(idle.count >= 3 && idle.allSatisfy { $0.loss == 0 && $0.gradientNorm == 0 })
    for tensor in [allValues(thin.model.weights, thin.model)] {
      #expect(tensor.allSatisfy { $0.isFinite })
    }
  }

  @Test func blankPiecesAreKeptWhereTheyCount() throws {
    func built(_ keeps: Bool) throws -> ExampleBuilder {
      var builder = try ExampleBuilder(
        form: .line, maximumLength: 8, endOfText: 0, learnsEndOfText: false, context: 8,
        keepsEmpty: keeps)
      builder.add(document: [[1, 2, 3], [], [4], [5, 6]])
      return builder
    }
    var kept = try built(true)
    #expect(try kept.finish().map(\.tokens) == [[1, 2, 3], [], [4], [5, 6]])
    var dropped = try built(false)
    #expect(try dropped.finish().map(\.tokens) == [[1, 2, 3], [5, 6]])
    #expect(kept.counts == dropped.counts && kept.counts.empty == 2)
  }
}
