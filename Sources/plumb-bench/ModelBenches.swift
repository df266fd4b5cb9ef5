// Whole models: optimizer steps and generation, on the size of the quickstart.

import Diagnostics
import LanguageModels
import ModelFiles
import Networks

enum ModelBenches {
  static func all() -> [Bench] {
    [training, generation(samples: false), generation(samples: true)]
  }

  private static let specification: ModelSpecification = {
    var configuration = GPT2Configuration()
    configuration.vocabularySize = 1024
    configuration.context = 256
    configuration.width = 128
    configuration.layers = 4
    configuration.heads = 4
    configuration.inner = 512
    configuration.beginOfText = 0
    configuration.endOfText = 0
    return ModelSpecification(configuration)
  }()

  private static let shape = "4 layers, C 128, V 1024"

  private static func model() -> LanguageModel {
    try! LanguageModel(specification, seed: 1)
  }

  private static func tokens(_ count: Int, from start: Int) -> [Int32] {
    (0..<count).map { Int32((start + $0) * 7919 % 1023 + 1) }
  }

  /// One optimizer step over 2,048 tokens in sequences of 128, without dropout.
  private static var training: Bench {
    let sequences = (0..<16).map { TokenSequence(tokens(128, from: $0 * 131)) }
    let settings = TrainingSettings(
      epochs: 5000, learningRate: 1e-4, schedule: .constant, warmupFraction: 0,
      weightDecay: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-8, clipNorm: 1,
      batching: .documents(16), microBatchTokens: 2048, dropout: .none, seed: 1)
    let trainer = try! Trainer(model(), on: sequences, settings)
    let weights = 4 * 12 * 128 * 128 + 1024 * 128
    return Bench(
      name: "training step, \(shape)", operations: 6 * Double(weights * 2048), tokens: 2048
    ) {
      _ = try! trainer.step()
    }
  }

  /// 32 prompts of 64 tokens, each continued by 64 tokens.
  private static func generation(samples: Bool) -> Bench {
    let requests = (0..<32).map {
      GenerationRequest(prompt: tokens(64, from: $0 * 97), length: 64, stream: "bench/\($0)")
    }
    let generator = Generator(model(), batch: 32)
    let decoding: Decoding =
      samples ? Decoding(samples: true, topP: 0.9, seed: 1) : .greedy(stopTokens: [])
    let name = samples ? "generation, top-p, 32 at a time" : "generation, greedy, 32 at a time"
    return Bench(name: name, tokens: 32 * 64) { _ = try! generator.run(requests, decoding) }
  }
}
