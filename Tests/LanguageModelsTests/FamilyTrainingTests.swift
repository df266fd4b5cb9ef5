// Training runs on every decoder family, whole and by adapter.

import CanonicalJSON
import Diagnostics
import Foundation
import ModelFiles
import Tensors
import Testing

@testable import LanguageModels

private func run(_ trainer: Trainer, steps: Int = .max) throws -> Trainer {
  while trainer.state.step < steps, try trainer.step() != nil {}
  return trainer
}

private func adapter(_ model: LanguageModel, dropout: Double = 0) throws -> LowRankAdapter {
  try LowRankAdapter(
    LowRankConfiguration(rank: 4, alpha: 8, dropout: dropout, targets: ["all-linear"]),
    for: model.table, seed: 6)
}

private func values(_ trainer: Trainer) -> [Float] {
  trainer.learnt.items.flatMap { trainer.learnt.weights[$0.region].values }
}

@Suite struct FamilyTrainingTests {
  @Test(arguments: TinyFamily.decoders) func knowsNothingAtFirstAndABatchByHeartAtLast(
    family: TinyFamily
  ) throws {
    let trainer = try run(
      Trainer(
        family.fresh(), on: family.sequences([20, 31, 12]),
        settings(epochs: 150, rate: 1e-2, batching: .documents(3), schedule: .constant)))
    #expect(abs(trainer.history[0].loss - log(Double(family.vocabulary))) < 0.05)
    #expect(trainer.history.last!.loss < 0.1, "\(trainer.history.last!.loss)")
  }

  @Test(arguments: TinyFamily.decoders) func anAdapterLearnsAndTheModelStaysAsItIs(
    family: TinyFamily
  ) throws {
    let model = try family.model()
    let before = allValues(model.weights, model)
    let trainer = try run(
      Trainer(
        model, on: family.sequences([20, 31, 12]),
        settings(epochs: 60, rate: 2e-2, batching: .documents(3), schedule: .constant),
        adapter: adapter(model)))
    #expect(trainer.history.last!.loss < 0.5 * trainer.history[0].loss)
    #expect(allValues(model.weights, model) == before)
    // The evaluator sees what the trainer made.
    let sequences = family.sequences([20, 31, 12]).map(\.tokens)
    let plain = try Evaluator(model, .truncated(32)).likelihoods(of: sequences)
    let adapted = try Evaluator(model, .truncated(32), adapter: trainer.adapter)
      .likelihoods(of: sequences)
    #expect(
      zip(plain, adapted).allSatisfy { $1.negativeLogLikelihood < $0.negativeLogLikelihood })
  }

  /// Ten steps at once, and five, put down, taken up, and five more: bit for bit.
  @Test(arguments: TinyFamily.decoders, [false, true])
  func resumesBitForBit(family: TinyFamily, adapts: Bool) throws {
    let folder = try temporaryFolder()
    defer { removeFolder(folder) }
    let data = family.sequences([20, 31, 12, 7, 9, 30, 4, 18, 25, 2, 16])
    let settings = settings(
      epochs: 3, batching: .tokens(50), microBatchTokens: 40,
      dropout: DropoutRates(embedding: 0.1, attention: 0.1, residual: 0.1))
    func trainer(seed: Int = 1) throws -> Trainer {
      let model = try adapts ? family.model() : family.fresh(seed: seed)
      return try Trainer(
        model, on: data, settings, adapter: adapts ? adapter(model, dropout: 0.1) : nil)
    }
    let whole = try run(trainer(), steps: 10)
    #expect(whole.state.step == 10)
    let first = try run(trainer(), steps: 5)
    try first.save(to: folder)
    // Another start: everything must come from the file.
    let second = try trainer(seed: 8)
    if let adapter = second.adapter { adapter.weights.everything.fill(0.5) }
    guard case .resumed(let step) = second.resume(from: folder) else {
      Issue.record("the checkpoint was not taken up")
      return
    }
    #expect(step == 5)
    _ = try run(second, steps: 10)
    #expect(second.history == whole.history && second.state == whole.state)
    #expect(values(second).map(\.bitPattern) == values(whole).map(\.bitPattern))
    let file = try Safetensors(at: folder + "/" + Trainer.checkpointName)
    #expect(file.entries.count == 3 * whole.learnt.items.count)
  }

  @Test func anAdaptersCheckpointKnowsItsBase() throws {
    let folder = try temporaryFolder()
    defer { removeFolder(folder) }
    let data = TinyFamily.llama.sequences([20, 12])
    func trainer(_ model: LanguageModel, rank: Int = 4) throws -> Trainer {
      try Trainer(
        model, on: data, settings(epochs: 4),
        adapter: LowRankAdapter(
          LowRankConfiguration(rank: rank, alpha: 8, targets: ["q_proj"]), for: model.table,
          seed: 6))
    }
    func isTaken(_ trainer: Trainer) -> Bool {
      if case .resumed = trainer.resume(from: folder) { true } else { false }
    }
    try run(trainer(TinyFamily.llama.model()), steps: 1).save(to: folder)
    #expect(isTaken(try trainer(TinyFamily.llama.model())))
    #expect(!isTaken(try trainer(TinyFamily.llama.fresh())))
    #expect(!isTaken(try trainer(TinyFamily.llama.model(), rank: 5)))
    #expect(!isTaken(try Trainer(TinyFamily.llama.model(), on: data, settings(epochs: 4))))
  }

  @Test func encodersAndFrozenWeightsAreRefused() throws {
    func id(_ body: () throws -> Void) -> String? {
      do {
        try body()
        return nil
      } catch { return (error as? Diagnostic)?.id }
    }
    let data = TinyFamily.bert.sequences([9])
    let encoder = try TinyFamily.bert.fresh()
    #expect(id { _ = try Trainer(encoder, on: data, settings()) } == "model-is-an-encoder")
    #expect(id { _ = try Evaluator(encoder, .truncated(8)) } == "model-is-an-encoder")
    let folder = try temporaryFolder()
    defer { removeFolder(folder) }
    try writeHalfPrecision(TinyFamily.llama.model(), to: folder)
    let stored = try LanguageModel(folder: folder, storage: .asStored)
    #expect(id { _ = try Trainer(stored, on: data, settings()) } == "weights-frozen")
    _ = try Trainer(stored, on: data, settings(), adapter: adapter(stored))
  }
}
