// GPT-2 124M with random weights: optimizer steps and sampling.

import CanonicalJSON
import Diagnostics
import LanguageModels
import ModelFiles
import Networks

extension Workloads {
  static var training: [Workload] {
    [
      train("train-gpt2-128", sequences: 8, length: 128, microBatch: 256, bar: 1.25),
      train("train-gpt2-512", sequences: 4, length: 512, microBatch: 1024, bar: 1.4),
    ]
  }

  static var generation: [Workload] {
    [
      generate("generate-gpt2-32", batch: 32, bar: 4),
      generate("generate-gpt2-8", batch: 8, bar: 3),
      generate("generate-gpt2-1", batch: 1, bar: 1.5),
    ]
  }

  private static let gpt2 = ModelSpecification(GPT2Configuration())

  /// Token ids that do not repeat soon.
  static func tokens(_ count: Int, from start: Int, vocabulary: Int) -> [Int32] {
    (0..<count).map { Int32((start + $0) &* 7919 % vocabulary) }
  }

  static func settings(_ sequences: Int, tokens: Int) -> TrainingSettings {
    TrainingSettings(
      epochs: 5000, learningRate: 1e-4, schedule: .constant, warmupFraction: 0, weightDecay: 0.01,
      beta1: 0.9, beta2: 0.999, epsilon: 1e-8, clipNorm: nil, batching: .documents(sequences),
      microBatchTokens: tokens, dropout: .none, seed: 1)
  }

  /// One optimizer step is one go.
  static func steps(
    _ trainer: Trainer, tokens: Int, operations: Double = 0
  ) -> PreparedWork {
    var losses: [Double] = []
    return PreparedWork(
      tokens: tokens, operations: operations,
      body: { if let step = try trainer.step() { losses.append(step.loss) } },
      more: {
        [("losses", .array([.number(losses.first ?? 0), .number(losses.last ?? 0)]))]
      })
  }

  /// - Parameter microBatch: tokens computed at a time, whose gradients add up: as many as half of the
  ///   peer's memory allows.
  private static func train(
    _ name: String, sequences: Int, length: Int, microBatch: Int, bar: Double
  ) -> Workload {
    Workload(
      name: name, summary: "full fine-tuning of GPT-2 124M, \(sequences)×\(length) tokens a step",
      script: "train_gpt2.py", speedBar: bar, memoryBar: 0.5
    ) { _ in
      let examples = (0..<sequences).map {
        TokenSequence(tokens(length, from: $0 * 131, vocabulary: gpt2.vocabulary))
      }
      let count = sequences * length
      let trainer = try Trainer(
        LanguageModel(gpt2, seed: 1), on: examples, settings(sequences, tokens: microBatch))
      return steps(
        trainer, tokens: count,
        operations: trainingOperations(gpt2, sequences: sequences, length: length))
    }
  }

  /// Products of one step without waste: causal halves only, nothing computed again, the head on
  /// supervised rows. Backward costs twice forward.
  private static func trainingOperations(
    _ model: ModelSpecification, sequences: Int, length: Int
  ) -> Double {
    let tokens = Double(sequences * length)
    let c = Double(model.width)
    let block = 2 * (4 * c * c + 2 * c * Double(model.block.inner))
    let attention = 4 * c * Double(length + 1) / 2
    let head = 2 * c * Double(model.vocabulary) * Double(sequences * (length - 1))
    return 3 * (tokens * Double(model.layers) * (block + attention) + head)
  }

  private static func generate(_ name: String, batch: Int, bar: Double) -> Workload {
    Workload(
      name: name, summary: "GPT-2 124M writes 64 tokens behind 64, top-p 0.9, \(batch) at a time",
      script: "generate_gpt2.py", speedBar: bar
    ) { _ in
      let generator = Generator(try LanguageModel(gpt2, seed: 1), batch: batch)
      var next = 0
      return PreparedWork(tokens: batch * 64) {
        // Prompts never come twice, since a generator remembers beginnings.
        let requests = (0..<batch).map { number in
          next += 1
          return GenerationRequest(
            prompt: tokens(64, from: next * 997, vocabulary: gpt2.vocabulary), length: 64,
            stream: "bench/\(number)")
        }
        _ = try generator.run(requests, Decoding(samples: true, topP: 0.9, seed: 1))
      }
    }
  }
}
