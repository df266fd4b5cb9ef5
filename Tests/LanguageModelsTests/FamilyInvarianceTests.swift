// What must not change a model's numbers, on every family: threads, neighbours, the future, how a step
// is cut, an adapter that has learnt nothing. TransformerTests.swift has more on GPT-2 alone.

import Foundation
import ModelFiles
import Networks
import Tensors
import Testing

@testable import LanguageModels

/// Whether products run in our own kernel, whose rows do not depend on their number. OpenBLAS does not
/// promise that.
let productsAreOurs: Bool = {
  guard ProcessInfo.processInfo.environment["PLUMB_MARCH"] == nil,
    let cpu = try? String(contentsOfFile: "/proc/cpuinfo", encoding: .utf8)
  else { return false }
  return cpu.contains("avx512f")
}()

/// Bitwise where products are ours, else within 1e-5.
private func expectSame(
  _ a: [Float], _ b: [Float], _ comment: Comment,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  #expect(a.count == b.count, comment, sourceLocation: sourceLocation)
  if productsAreOurs {
    #expect(
      a.map(\.bitPattern) == b.map(\.bitPattern), comment, sourceLocation: sourceLocation)
  } else {
    #expect(
      zip(a, b).allSatisfy { abs($0 - $1) <= 1e-5 * max(1, abs($1)) }, comment,
      sourceLocation: sourceLocation)
  }
}

/// Gradients of all that learns, after some batches of one step.
private func gradients(
  _ model: LanguageModel, _ batches: [Batch], dropout: DropoutRates = .none,
  adapter: LowRankAdapter? = nil
) throws -> (loss: Double, values: [Float]) {
  let learner = Learner(
    model, capacity: batches.map(\.tokenCount).max()!, adapter: adapter)
  let count = learner.count(batches)
  var loss = 0.0
  var row = 0
  for batch in batches {
    loss += learner.learn(
      batch, count: count,
      dropout: DropoutMasks(rates: dropout, seed: 7, step: 2, firstRow: row), firstRow: row)
    row += batch.tokenCount
  }
  let items =
    try adapter.map { LearntParameters(of: $0) } ?? LearntParameters(of: model)
  return withExtendedLifetime(learner.stack) {
    (loss / Double(count), items.items.flatMap { learner.gradients[$0.region].values })
  }
}

/// An adapter on all linear layers whose B has learnt something.
func formulaAdapter(
  _ model: LanguageModel, dropout: Double = 0, targets: [String] = ["all-linear"]
) throws -> LowRankAdapter {
  let adapter = try LowRankAdapter(
    LowRankConfiguration(rank: 3, alpha: 6, dropout: dropout, targets: targets),
    for: model.table, seed: 4)
  for (number, parameter) in adapter.parameters.enumerated() {
    adapter.weights[parameter.region].values = (0..<parameter.count).map {
      smallNumber(UInt64(number + 500) * 1_000_003 + UInt64($0))
    }
  }
  return adapter
}

@Suite(.serialized) struct FamilyInvarianceTests {
  private let rates = DropoutRates(embedding: 0.1, attention: 0.2, residual: 0.1)

  @Test(arguments: TinyFamily.allCases) func threadsChangeNoBit(family: TinyFamily) throws {
    let model = try family.model()
    let adapter = try formulaAdapter(model, dropout: 0.2)
    let batches = [
      Batch(family.sequences([32, 7, 31, 32, 3, 30])), Batch(family.sequences([32, 32], seed: 50)),
    ]
    for adapter in [nil, adapter] {
      let one = try withThreads(1) {
        try gradients(model, batches, dropout: rates, adapter: adapter)
      }
      let two = try withThreads(2) {
        try gradients(model, batches, dropout: rates, adapter: adapter)
      }
      #expect(one.loss == two.loss)
      #expect(one.values.map(\.bitPattern) == two.values.map(\.bitPattern))
      #expect(one.values.contains { $0 != 0 })
    }
  }

  /// With an observer, what follows a product is a pass of its own.
  @Test(arguments: TinyFamily.allCases, [false, true])
  func lookingChangesNoBit(family: TinyFamily, trains: Bool) throws {
    final class Nobody: ActivationObserver {
      var count = 0
      func observe(_ activation: Tensor, at site: ActivationSite, of batch: Batch) { count += 1 }
    }
    let model = try family.model()
    let batch = Batch(family.sequences([32, 7, 31, 3]))
    for adapter in [nil, try formulaAdapter(model, dropout: 0)] {
      let stack = BlockStack(
        model, capacity: batch.tokenCount, trains: trains, adapter: adapter)
      let alone = stack.forward(batch).values
      let nobody = Nobody()
      stack.observer = nobody
      #expect(stack.forward(batch).values.map(\.bitPattern) == alone.map(\.bitPattern))
      #expect(nobody.count > 0)
    }
  }

  @Test(arguments: TinyFamily.allCases) func packedEqualsAlone(family: TinyFamily) throws {
    let model = try family.model()
    let parts = family.sequences([9, 1, 32, 14])
    expectSame(
      outputs(model, Batch(parts)), parts.flatMap { outputs(model, Batch([$0])) },
      "\(family): packed against alone")
  }

  @Test(arguments: TinyFamily.decoders) func aFutureTokenChangesNoPastLogit(
    family: TinyFamily
  ) throws {
    let model = try family.model()
    let columns = family.vocabulary
    var sequence = tokens(30, below: UInt64(columns))
    let before = outputs(model, Batch([TokenSequence(sequence)]))
    sequence[17] = (sequence[17] + 1) % Int32(columns)
    let after = outputs(model, Batch([TokenSequence(sequence)]))
    #expect(before[..<(17 * columns)] == after[..<(17 * columns)])
    #expect(before[(17 * columns)...] != after[(17 * columns)...])
  }

  @Test(arguments: [TinyFamily.bert, .roberta]) func everyTokenOfATextSeesEveryOther(
    family: TinyFamily
  ) throws {
    let model = try family.model()
    let width = family.specification.width
    var parts = family.sequences([9, 12, 5])
    let before = outputs(model, Batch(parts))
    parts[1].tokens[11] = (parts[1].tokens[11] + 1) % 61
    let after = outputs(model, Batch(parts))
    for row in 0..<26 {
      let range = row * width..<(row + 1) * width
      #expect((before[range] == after[range]) == !(9..<21).contains(row), "row \(row)")
    }
  }

  /// Two layers with a window of 8: a token reaches 14 places ahead and no further.
  @Test func aWindowEndsWhereItEnds() throws {
    let family = TinyFamily.mistral
    let model = try family.model()
    var sequence = tokens(32, below: 61)
    let before = outputs(model, Batch([TokenSequence(sequence)]))
    sequence[3] = (sequence[3] + 1) % 61
    let after = outputs(model, Batch([TokenSequence(sequence)]))
    for row in 0..<32 {
      let range = row * 61..<(row + 1) * 61
      #expect((before[range] == after[range]) == (row < 3 || row > 3 + 14), "row \(row)")
    }
  }

  @Test(arguments: TinyFamily.allCases) func splitsOfAStepGiveItsGradient(
    family: TinyFamily
  ) throws {
    let model = try family.model()
    let parts = family.sequences([9, 4, 32, 14, 2, 21])
    let dropout = DropoutRates(embedding: 0.3, attention: 0, residual: 0.3)
    for adapter in [nil, try formulaAdapter(model, dropout: 0.3)] {
      let whole = try gradients(model, [Batch(parts)], dropout: dropout, adapter: adapter)
      let split = try gradients(
        model, [Batch(parts[..<1]), Batch(parts[1..<4]), Batch(parts[4...])], dropout: dropout,
        adapter: adapter)
      #expect(abs(whole.loss - split.loss) <= 1e-6)
      #expect(relativeDistance(split.values, whole.values) <= 1e-5)
    }
  }

  /// Loss as a function of what learns, along the gradient and along a random direction, with all
  /// masks held fixed: (L(w + εd) − L(w − εd)) / 2ε = ⟨∇L, d⟩.
  @Test(arguments: TinyFamily.allCases, [false, true])
  func gradientIsTheSlopeOfTheLossUnderFixedMasks(family: TinyFamily, adapts: Bool) throws {
    let model = try family.model()
    let adapter = adapts ? try formulaAdapter(model, dropout: 0.2) : nil
    let learnt = try adapter.map { LearntParameters(of: $0) } ?? LearntParameters(of: model)
    let batch = Batch(family.sequences([17, 30]))
    let start = learnt.items.map { learnt.weights[$0.region].values }
    let (unmoved, gradient) = try gradients(model, [batch], dropout: rates, adapter: adapter)
    #expect(unmoved != (try gradients(model, [batch], adapter: adapter).loss))
    func loss(along direction: [Float], _ step: Float) throws -> Double {
      var place = 0
      for (item, start) in zip(learnt.items, start) {
        learnt.weights[item.region].values = start.enumerated().map {
          $1 + step * direction[place + $0]
        }
        place += start.count
      }
      return try gradients(model, [batch], dropout: rates, adapter: adapter).loss
    }
    let norm = gradient.reduce(0.0) { $0 + Double($1) * Double($1) }.squareRoot()
    let along = gradient.map { Float(Double($0) / norm) }
    let random = gradient.indices.map { 4 * smallNumber(UInt64($0)) / 60 }
    for direction in [along, random] {
      let slope =
        (try loss(along: direction, 5e-3) - loss(along: direction, -5e-3)) / 1e-2
      let expected = zip(gradient, direction).reduce(0.0) { $0 + Double($1.0) * Double($1.1) }
      #expect(abs(slope - expected) <= 0.01 * norm, "\(family): \(slope) against \(expected)")
    }
  }

  @Test(arguments: TinyFamily.allCases) func anAdapterThatHasLearntNothingChangesNoBit(
    family: TinyFamily
  ) throws {
    let model = try family.model()
    let adapter = try LowRankAdapter(
      LowRankConfiguration(rank: 4, alpha: 8, targets: ["all-linear"]), for: model.table, seed: 2)
    let batch = Batch(family.sequences([19, 7, 32]))
    let plain = outputs(model, batch)
    #expect(outputs(model, batch, adapter: adapter) == plain)
    #expect(outputs(model, batch, adapter: try formulaAdapter(model)) != plain)
  }

  /// What lies below the lowest part that learns is not computed, and nothing else changes by that.
  @Test(arguments: TinyFamily.allCases) func aLoneUpperAdapterHasTheSameGradient(
    family: TinyFamily
  ) throws {
    let model = try family.model()
    let batch = Batch(family.sequences([19, 7, 32]))
    let all = try LowRankAdapter(
      LowRankConfiguration(rank: 3, alpha: 6, targets: ["all-linear"]), for: model.table, seed: 4)
    let learner = Learner(model, capacity: 64, adapter: all)
    _ = learner.learn(batch, count: learner.count([batch]))
    for module in all.modules {
      let one = try LowRankAdapter(
        LowRankConfiguration(rank: 3, alpha: 6, targets: [module.path]), for: model.table, seed: 4)
      #expect(one.modules.map(\.name) == [module.name])
      let alone = Learner(model, capacity: 64, adapter: one)
      _ = alone.learn(batch, count: alone.count([batch]))
      for parameter in one.parameters {
        let same = try #require(all.parameters.first { $0.name == parameter.name })
        #expect(
          alone.gradients[parameter.region].values == learner.gradients[same.region].values,
          "\(parameter.name)")
      }
      // B is zero, so A has no gradient and B has one.
      #expect(alone.gradients[one.parameters[1].region].values.contains { $0 != 0 })
    }
  }

  /// The estimate is the memory: gradients, activations, angles.
  @Test(arguments: TinyFamily.allCases) func memoryIsKnownBefore(family: TinyFamily) throws {
    let model = try family.model()
    let specification = family.specification
    let adapter = try formulaAdapter(model)
    for capacity in [1, 37, 64] {
      let frozen = BlockStack(model, capacity: capacity, trains: false)
      #expect(
        frozen.bytes == BlockStack.bytes(specification, capacity: capacity, trainedBytes: 0))
      let whole = BlockStack(model, capacity: capacity, trains: true)
      #expect(whole.bytes == BlockStack.bytes(specification, capacity: capacity))
      #expect(whole.gradients != nil && whole.adapterGradients == nil)
      let adapted = BlockStack(model, capacity: capacity, trains: true, adapter: adapter)
      #expect(
        adapted.bytes
          == BlockStack.bytes(
            specification, capacity: capacity, trainedBytes: adapter.plan.bytes))
      #expect(adapted.gradients == nil && adapted.adapterGradients != nil)
    }
  }
}
