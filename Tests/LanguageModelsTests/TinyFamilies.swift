// A tiny model of every family, with the weights that make_block_parity.py computes too.

import CanonicalJSON
import Foundation
import ModelFiles
import Networks
import Tensors
import Testing

@testable import LanguageModels

enum TinyFamily: String, CaseIterable, Sendable {
  case gpt2
  /// Three query heads to a key head, biases everywhere, a head of its own.
  case llama
  case llamaTied = "llama-tied"
  /// A window of 8 tokens.
  case mistral
  case bert
  case roberta

  static let decoders: [TinyFamily] = [.gpt2, .llama, .llamaTied, .mistral]

  var configuration: ModelConfiguration {
    switch self {
    case .gpt2: return .gpt2(tinyConfiguration())
    case .llama, .llamaTied, .mistral:
      var tiny = LlamaConfiguration()
      tiny.family = self == .mistral ? .mistral : .llama
      tiny.vocabularySize = 61
      tiny.context = 32
      tiny.width = 24
      tiny.layers = 2
      (tiny.heads, tiny.keyValueHeads, tiny.headSize) = (6, 2, 8)
      tiny.inner = 40
      tiny.normEpsilon = 1e-5
      tiny.rotaryTheta = self == .llamaTied ? 500 : 10_000
      tiny.tiesHead = self == .llamaTied
      tiny.hasAttentionBias = self == .llama
      tiny.hasFeedForwardBias = self == .llama
      tiny.slidingWindow = self == .mistral ? 8 : nil
      (tiny.beginOfText, tiny.endsOfText) = (0, [60])
      return .llama(tiny)
    case .bert, .roberta:
      var tiny = EncoderConfiguration()
      tiny.kind = self == .bert ? .bert : .roberta
      tiny.vocabularySize = 61
      tiny.width = 24
      tiny.layers = 2
      tiny.heads = 3
      tiny.inner = 40
      (tiny.hiddenDropout, tiny.attentionDropout) = (0, 0)
      tiny.head = .none
      tiny.positions = self == .bert ? 32 : 34
      tiny.typeVocabularySize = self == .bert ? 2 : 1
      tiny.layerNormEpsilon = self == .bert ? 1e-12 : 1e-5
      tiny.padToken = self == .bert ? 0 : 1
      return .encoder(tiny)
    }
  }

  var specification: ModelSpecification { ModelSpecification(configuration) }
  var vocabulary: Int { specification.vocabulary }

  /// A model that has learnt nothing.
  func fresh(seed: Int = 1) throws -> LanguageModel {
    try LanguageModel(specification, seed: seed)
  }

  /// Large weights, so that every gradient has something to say.
  func model() throws -> LanguageModel {
    let model = try fresh()
    let table = model.table
    let names = table.parameters.map { table.fullName($0) }.sorted(by: bytesPrecede)
    for parameter in table.parameters {
      let number = UInt64(names.firstIndex(of: table.fullName(parameter))!)
      let lower = parameter.name.lowercased()
      let isGain =
        (lower.contains("norm") || lower.contains("ln_")) && lower.hasSuffix("weight")
      let values = (0..<parameter.count).map { index in
        smallNumber(number * 1_000_003 + UInt64(index)) + (isGain ? 1 : 0)
      }
      model.weights[parameter.region].values = ours(values, parameter)
    }
    return model
  }

  func sequences(_ lengths: [Int], seed: UInt64 = 5) -> [TokenSequence] {
    lengths.enumerated().map {
      TokenSequence(tokens($1, seed: seed + UInt64($0), below: UInt64(vocabulary)))
    }
  }
}

/// 24 random bits: exact in single precision. Uniform in [−1/4, 1/4).
func smallNumber(_ number: UInt64) -> Float {
  Float(Double(mixed(number) >> 40) * 0x1p-25 - 0.25)
}

/// What a model makes of a batch: logits [N, V] of a decoder, vectors [N, C] of an encoder.
func outputs(
  _ model: LanguageModel, _ batch: Batch, adapter: LowRankAdapter? = nil
) -> [Float] {
  guard !model.specification.isEncoder else {
    let stack = BlockStack(
      model, capacity: batch.tokenCount, trains: false, adapter: adapter)
    // Views do not keep their memory alive.
    return withExtendedLifetime(stack) { stack.forward(batch).values }
  }
  var plan = ArenaPlan()
  let region = plan.add(
    "logits", rows: batch.tokenCount, columns: model.specification.vocabulary)
  let arena = Arena(plan)
  return withExtendedLifetime(arena) {
    Transformer(model, capacity: batch.tokenCount, trains: false, adapter: adapter)
      .logits(batch, into: arena[region])
    return arena[region].values
  }
}

/// A model that learns, with or without an output layer: an encoder's loss is the sum of its vectors
/// times formula numbers, over the number of tokens.
struct Learner {
  let stack: BlockStack
  private let transformer: Transformer?

  init(_ model: LanguageModel, capacity: Int, adapter: LowRankAdapter? = nil) {
    if model.specification.isEncoder {
      transformer = nil
      stack = BlockStack(model, capacity: capacity, trains: true, adapter: adapter)
    } else {
      let transformer = Transformer(model, capacity: capacity, trains: true, adapter: adapter)
      self.transformer = transformer
      stack = transformer.stack
    }
  }

  /// - Parameter count: supervised tokens (decoders) or all tokens (encoders) of the whole step.
  /// - Returns: Σ loss, not divided.
  func learn(
    _ batch: Batch, count: Int, dropout: DropoutMasks? = nil, firstRow: Int = 0
  ) -> Double {
    if let transformer {
      return transformer.learn(batch, supervisedCount: count, dropout: dropout)
        .negativeLogLikelihood
    }
    let hidden = stack.forward(batch, dropout: dropout)
    var sum = 0.0
    for row in 0..<hidden.rows {
      for column in 0..<hidden.columns {
        let place = (firstRow + row) * hidden.columns + column
        let direction = smallNumber(888_000_000 + UInt64(place))
        sum += Double(hidden[row, column]) * Double(direction)
        hidden[row, column] = direction / Float(count)
      }
    }
    stack.backward(hidden, batch, dropout: dropout)
    return sum
  }

  func count(_ batches: [Batch]) -> Int {
    batches.reduce(0) { $0 + (transformer == nil ? $1.tokenCount : $1.supervisedCount) }
  }

  /// Gradients of whatever learns.
  var gradients: Arena { stack.adapterGradients ?? stack.gradients! }
}

func relativeDistance(_ a: [Float], _ b: [Float]) -> Double {
  precondition(a.count == b.count, "\(a.count) and \(b.count) numbers have no distance")
  let difference = zip(a, b).reduce(0.0) { $0 + pow(Double($1.0) - Double($1.1), 2) }
  return (difference / b.reduce(1e-30) { $0 + pow(Double($1), 2) }).squareRoot()
}
