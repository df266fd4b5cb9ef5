import Diagnostics
import Foundation
import LanguageModels
import ModelFiles
import Networks
import Randomness
import Tensors
import Testing

@testable import ModelAnalysis

/// Small decoders with weights large enough that a bias bends along a step.
private enum Tiny: String, CaseIterable, Sendable {
  case gpt2, llama

  func model(seed: Int, spread: Float = 6) throws -> LanguageModel {
    let configuration: ModelConfiguration
    switch self {
    case .gpt2:
      var tiny = GPT2Configuration()
      (tiny.vocabularySize, tiny.context, tiny.width) = (53, 32, 24)
      (tiny.layers, tiny.heads, tiny.inner) = (2, 3, 40)
      (tiny.beginOfText, tiny.endOfText) = (52, 52)
      configuration = .gpt2(tiny)
    case .llama:
      var tiny = LlamaConfiguration()
      (tiny.vocabularySize, tiny.context, tiny.width) = (53, 32, 24)
      (tiny.layers, tiny.heads, tiny.keyValueHeads, tiny.headSize) = (2, 6, 2, 8)
      (tiny.inner, tiny.tiesHead) = (40, false)
      configuration = .llama(tiny)
    }
    let model = try LanguageModel(ModelSpecification(configuration), seed: seed)
    for parameter in model.table.parameters where parameter.decays {
      let values = model.weights[parameter.region].data
      for index in 0..<parameter.count { values[index] *= spread }
    }
    return model
  }
}

private func statements(
  _ count: Int, seed: Int, for model: LanguageModel, longest: Int = 9
) throws -> StatementSequences {
  var stream = RandomStream(seed: seed, name: "statements")
  let tokens = (0..<count).map { index in
    (0..<(2 + index % (longest - 1))).map { _ in Int32(stream.next() % 50) }
  }
  return try StatementSequences(
    tokens, after: [52], names: tokens.indices.map { "s\($0)" }, for: model.specification)
}

private func bias(
  for model: LanguageModel, scale: StatementBias.Scale = .token
) throws -> StatementBias {
  StatementBias(
    left: try statements(7, seed: 1, for: model), right: try statements(9, seed: 2, for: model),
    scale: scale)
}

/// The model after a few steps of AdamW on random sequences, as a study moves it.
private func trained(
  _ model: LanguageModel, seed: Int, epochs: Int = 3, rate: Double = 5e-3
) throws -> LanguageModel {
  let copy = LanguageModel(model.specification, copying: model, seed: 0)
  var stream = RandomStream(seed: seed, name: "training")
  let sequences = (0..<6).map { _ in TokenSequence((0..<12).map { _ in Int32(stream.next() % 50) })
  }
  let trainer = try Trainer(
    copy, on: sequences,
    TrainingSettings(
      epochs: epochs, learningRate: rate, schedule: .constant, warmupFraction: 0, weightDecay: 0,
      beta1: 0.9, beta2: 0.999, epsilon: 1e-8, clipNorm: nil, batching: .documents(3),
      microBatchTokens: 64, dropout: .none, seed: 1))
  while try trainer.step() != nil {}
  return copy
}

private func moved(
  _ model: LanguageModel, by step: (Parameter, Int) -> Float
) -> LanguageModel {
  let copy = LanguageModel(model.specification, copying: model, seed: 0)
  for parameter in copy.table.parameters {
    let values = copy.weights[parameter.region].data
    for index in 0..<parameter.count { values[index] += step(parameter, index) }
  }
  return copy
}

private func projections(
  _ models: [LanguageModel], bias: StatementBias, nodes: Int = 5
) throws -> [BiasProjection] {
  var path = ProjectionPath(from: WeightPoint(models[0]))
  for model in models.dropFirst() { path.add(to: WeightPoint(model)) }
  let working = LanguageModel(models[0].specification, copying: models[0], seed: 0)
  return try BiasProjector(overwriting: working, bias: bias, nodes: nodes).follow(path)
}

@Suite struct ProjectionTests {
  /// Acceptance 2 of the study: the theorem, on updates that an optimizer really made.
  @Test(arguments: Tiny.allCases, StatementBias.Scale.allCases)
  fileprivate func pathAveragedProjectionsAreTheChange(
    _ tiny: Tiny, _ scale: StatementBias.Scale
  ) throws {
    var models = [try tiny.model(seed: 3)]
    for seed in 1...3 { models.append(try trained(models.last!, seed: seed)) }
    let found = try projections(models, bias: try bias(for: models[0], scale: scale))
    #expect(found.count == 3)
    for row in found {
      #expect(abs(row.change) > 1e-3, "the update does not move the bias: \(row.change)")
      #expect(
        abs(row.integral - row.change) < 0.01 * abs(row.change),
        "path-averaged \(row.integral), change \(row.change)")
      #expect(abs(row.parts.reduce(0) { $0 + $1.integral } - row.integral) < 1e-12)
    }
  }

  /// To first order the change is ‖∇B‖·c: steps along ±∇B move B that way, steps across do not.
  @Test(arguments: Tiny.allCases)
  fileprivate func smallStepsFollowTheCoefficient(_ tiny: Tiny) throws {
    let model = try tiny.model(seed: 5)
    let bias = try bias(for: model)
    let working = LanguageModel(model.specification, copying: model, seed: 0)
    let transformer = Transformer(working, capacity: 256, trains: true)
    _ = try bias.gradient(transformer)
    let gradients = try #require(transformer.gradients)
    for direction in [Float(1), -1] {
      let step = moved(model) { direction * 1e-4 * gradients[$0.region].data[$1] }
      let row = try projections([model, step], bias: bias)[0]
      #expect(row.coefficient * Double(direction) > 0)
      #expect(row.change * Double(direction) > 0)
      #expect(abs(row.cosine - Double(direction)) < 1e-3)
      #expect(abs(row.firstOrder - row.change) < 0.05 * abs(row.change))
    }
  }

  /// The gradient against central differences along random directions.
  @Test(arguments: Tiny.allCases, StatementBias.Scale.allCases)
  fileprivate func theGradientIsThatOfTheBias(
    _ tiny: Tiny, _ scale: StatementBias.Scale
  ) throws {
    let model = try tiny.model(seed: 7)
    let bias = try bias(for: model, scale: scale)
    func value(_ model: LanguageModel) throws -> (Double, Transformer) {
      // Small batches: statements of one length are cut as well.
      let transformer = Transformer(model, capacity: 16, trains: true)
      return (try bias.gradient(transformer), transformer)
    }
    let (_, transformer) = try value(model)
    for direction in 1...3 {
      var stream = RandomStream(seed: direction, name: "direction")
      var deltas: [[Float]] = []
      var expected = 0.0
      for parameter in model.table.parameters {
        let delta = (0..<parameter.count).map { _ in Float(stream.normal()) }
        let gradient = try #require(transformer.gradients)[parameter.region].data
        for (index, value) in delta.enumerated() {
          expected += Double(value) * Double(gradient[index])
        }
        deltas.append(delta)
      }
      let numbers = Dictionary(
        uniqueKeysWithValues: model.table.parameters.enumerated().map { ($1.name, $0) })
      let h: Float = 1e-3
      let above = try value(moved(model) { h * deltas[numbers[$0.name]!][$1] }).0
      let below = try value(moved(model) { -h * deltas[numbers[$0.name]!][$1] }).0
      let found = (above - below) / Double(2 * h)
      #expect(
        abs(found - expected) < 0.02 * max(1, abs(expected)), "\(found), gradient \(expected)")
    }
  }

  /// B itself, computed one statement at a time without gradients.
  @Test(arguments: StatementBias.Scale.allCases)
  func theBiasIsTheDifferenceOfMeans(_ scale: StatementBias.Scale) throws {
    let model = try Tiny.gpt2.model(seed: 9)
    let bias = try bias(for: model, scale: scale)
    let transformer = Transformer(model, capacity: 64, trains: false)
    func mean(_ statements: StatementSequences) throws -> Double {
      let values = try statements.logProbabilities(transformer)
      return zip(values, statements.lengths).reduce(0) {
        $0 + $1.0 / (scale == .token ? Double($1.1) : 1)
      } / Double(statements.count)
    }
    let expected = try mean(bias.right) - mean(bias.left)
    let found = try bias.gradient(Transformer(model, capacity: 40, trains: true))
    #expect(abs(found - expected) < 1e-5 * max(1, abs(expected)))
  }

  /// Stored points of a path change nothing but the error of the quadrature.
  @Test func storedPointsOfAPath() throws {
    let first = try Tiny.gpt2.model(seed: 11)
    let middle = try trained(first, seed: 1)
    let last = try trained(middle, seed: 2)
    let bias = try bias(for: first)
    var path = ProjectionPath(from: WeightPoint(first))
    path.add(through: [WeightPoint(middle)], to: WeightPoint(last))
    let working = LanguageModel(first.specification, copying: first, seed: 0)
    let projector = try BiasProjector(overwriting: working, bias: bias, nodes: 5)
    #expect(projector.evaluations(path) == 9)
    var calls: [Int] = []
    let bent = try projector.follow(path) { (done: Int) throws(Diagnostic) in calls.append(done) }
    #expect(bent.count == 1 && calls.last == 9 && calls == calls.sorted())
    let straight = try projections([first, last], bias: bias, nodes: 7)[0]
    let pieces = try projections([first, middle, last], bias: bias)
    #expect(bent[0].before == pieces[0].before && bent[0].after == pieces[1].after)
    #expect(abs(bent[0].integral - pieces[0].integral - pieces[1].integral) < 1e-12)
    #expect(abs(bent[0].integral - straight.integral) < 0.01 * abs(straight.change))
    // The coefficient is of the whole step, whatever was stored on the way.
    #expect(abs(bent[0].coefficient - straight.coefficient) < 1e-9)
    #expect(abs(bent[0].stepLength - straight.stepLength) < 1e-9)
  }

  @Test func anAdapterIsAPointLikeItsMergedModel() throws {
    let base = try Tiny.llama.model(seed: 13)
    let adapter = try LowRankAdapter(.init(rank: 3, alpha: 6), for: base.table, seed: 1)
    var stream = RandomStream(seed: 2, name: "adapter")
    for parameter in adapter.parameters {
      let values = adapter.weights[parameter.region].data
      for index in 0..<parameter.count { values[index] += Float(0.05 * stream.normal()) }
    }
    let bias = try bias(for: base)
    let merged = try projections([base, adapter.merged(into: base)], bias: bias)[0]
    var path = ProjectionPath(from: WeightPoint(base))
    path.add(to: WeightPoint(base, adapter))
    let working = LanguageModel(base.specification, copying: base, seed: 0)
    let beside = try BiasProjector(overwriting: working, bias: bias, nodes: 5).follow(path)[0]
    #expect(merged == beside)
    #expect(merged.stepLength > 0.1)
    // Only adapted layers take part.
    #expect(merged.parts.filter { $0.part.kind == .embeddings }.allSatisfy { $0.integral == 0 })
  }

  @Test func noStepAndNoGradientAreZeros() throws {
    let model = try Tiny.gpt2.model(seed: 15)
    let row = try projections([model, model], bias: try bias(for: model))[0]
    #expect(row.change == 0 && row.integral == 0 && row.coefficient == 0 && row.cosine == 0)
    let same = try statements(4, seed: 3, for: model)
    let nothing = StatementBias(left: same, right: same, scale: .token)
    let moved = try trained(model, seed: 4)
    let zero = try projections([model, moved], bias: nothing)[0]
    #expect(abs(zero.change) < 1e-6 && abs(zero.integral) < 1e-5)
  }

  @Test func interruptionStopsBetweenBatches() throws {
    let model = try Tiny.gpt2.model(seed: 17)
    var path = ProjectionPath(from: WeightPoint(model))
    path.add(to: WeightPoint(try trained(model, seed: 1)))
    let projector = try BiasProjector(
      overwriting: LanguageModel(model.specification, copying: model, seed: 0),
      bias: try bias(for: model), nodes: 3)
    #expect(throws: Diagnostic.self) {
      try projector.follow(path) { (done: Int) throws(Diagnostic) in
        if done == 1 { throw .statementsMissing }
      }
    }
  }
}

@Suite struct StatementSequencesTests {
  @Test func statementsThatCannotBeScored() throws {
    let model = try Tiny.gpt2.model(seed: 1)
    func id(_ statements: [[Int32]], after: [Int32] = [52]) -> String? {
      do throws(Diagnostic) {
        _ = try StatementSequences(
          statements, after: after, names: statements.indices.map { "s\($0)" },
          for: model.specification)
        return nil
      } catch { return error.id }
    }
    #expect(id([]) == "statements-missing")
    #expect(id([[]]) == "statement-length")
    #expect(id([[1]], after: []) == "statement-length")
    #expect(id([Array(repeating: 1, count: 32)]) == "statement-length")
    #expect(id([Array(repeating: 1, count: 31)]) == nil)
    #expect(id([[1, 2]], after: []) == nil)
    // A token that the model does not know.
    let foreign = try StatementSequences(
      [[1, 99]], after: [52], names: ["s"], for: model.specification)
    #expect(throws: Diagnostic.self) {
      try foreign.logProbabilities(Transformer(model, capacity: 32, trains: false))
    }
  }

  /// The prompt is read and not scored; what is scored does not depend on the neighbours in a batch.
  @Test func onlyTheStatementIsScored() throws {
    let model = try Tiny.llama.model(seed: 2)
    let transformer = Transformer(model, capacity: 64, trains: false)
    let all = try statements(6, seed: 4, for: model)
    let together = try all.logProbabilities(transformer)
    for (index, sequence) in all.sequences.enumerated() {
      let alone = try StatementSequences(
        [Array(sequence.tokens.dropFirst())], after: [52], names: ["s"], for: model.specification
      ).logProbabilities(transformer)[0]
      #expect(abs(alone - together[index]) < 1e-4)
      // log p(prompt + statement) = log p(prompt) + log p(statement | prompt)
      let cut = Array(sequence.tokens.dropFirst().prefix(1))
      let rest = Array(sequence.tokens.dropFirst(2))
      guard !rest.isEmpty else { continue }
      func score(_ tokens: [Int32], after: [Int32]) throws -> Double {
        try StatementSequences([tokens], after: after, names: ["s"], for: model.specification)
          .logProbabilities(transformer)[0]
      }
      let parts = try score(cut, after: [52]) + score(rest, after: [52] + cut)
      #expect(abs(parts - alone) < 1e-4)
    }
  }
}

@Suite struct LobattoRuleTests {
  @Test(arguments: 2...9)
  func polynomialsAreExact(_ count: Int) {
    let rule = LobattoRule(count)
    #expect(rule.nodes == rule.nodes.sorted() && rule.nodes.first == 0 && rule.nodes.last == 1)
    for degree in 0...(2 * count - 3) {
      let value = zip(rule.nodes, rule.weights).reduce(0.0) {
        $0 + $1.1 * pow($1.0, Double(degree))
      }
      #expect(abs(value - 1 / Double(degree + 1)) < 1e-13, "degree \(degree)")
    }
    // One degree further it no longer is.
    let value = zip(rule.nodes, rule.weights).reduce(0.0) {
      $0 + $1.1 * pow($1.0, Double(2 * count - 2))
    }
    #expect(abs(value - 1 / Double(2 * count - 1)) > 1e-13)
  }

  @Test func simpson() {
    let rule = LobattoRule(3)
    #expect(abs(rule.nodes[1] - 0.5) < 1e-15)
    for (found, expected) in zip(rule.weights, [1.0 / 6, 4.0 / 6, 1.0 / 6]) {
      #expect(abs(found - expected) < 1e-15)
    }
  }
}
