// The estimate from a folder's size must cover what the engine itself says it will take.

import LanguageModels
import ModelFiles
import Testing

@testable import StageLibrary

@Suite struct ModelMemoryTests {
  private static func sizes(
    _ layers: Int, _ width: Int, _ heads: Int, _ context: Int, _ vocabulary: Int
  ) -> ModelSpecification {
    var sizes = GPT2Configuration()
    (sizes.layers, sizes.width, sizes.heads) = (layers, width, heads)
    (sizes.context, sizes.vocabularySize, sizes.inner) = (context, vocabulary, 4 * width)
    return ModelSpecification(sizes)
  }

  /// The quickstart's model, the newsroom's, GPT-2, and GPT-2 medium.
  static let models: [ModelSpecification] = [
    sizes(4, 128, 4, 256, 1024), sizes(4, 192, 6, 512, 4096), sizes(12, 768, 12, 1024, 50257),
    sizes(24, 1024, 16, 1024, 50257),
  ]

  @Test(arguments: models)
  func coversTrainingAndDoesNotExaggerate(model: ModelSpecification) {
    let weights = ParameterTable(model).plan.bytes
    let need = weights + Trainer.bytes(model, longest: 512, microBatchTokens: 2048)
    let estimate = ModelMemory(modelBytes: weights).training(tokens: 2048)
    #expect(estimate >= need, "\(estimate >> 20) MiB for \(need >> 20) MiB")
    #expect(estimate < 4 * need + 512 << 20, "\(estimate >> 20) MiB for \(need >> 20) MiB")
  }

  @Test(arguments: models)
  func coversTrainingAnAdapter(model: ModelSpecification) throws {
    let table = ParameterTable(model)
    for rank in [4, 64] {
      let adapter = try LowRankAdapter(
        LowRankConfiguration(rank: rank, alpha: 16, targets: ["all-linear"]), for: table, seed: 1)
      let need =
        adapter.plan.bytes
        + Trainer.bytes(
          model, table, adapterBytes: adapter.plan.bytes, longest: 512,
          microBatchTokens: 2048)
      let estimate = ModelMemory(modelBytes: table.plan.bytes)
        .trainingAdapter(tokens: 2048, rank: rank)
      #expect(estimate >= need, "\(estimate >> 20) MiB for \(need >> 20) MiB")
      #expect(estimate < 4 * need + 512 << 20, "\(estimate >> 20) MiB for \(need >> 20) MiB")
    }
  }

  @Test(arguments: models)
  func coversWriting(model: ModelSpecification) {
    let weights = ParameterTable(model).plan.bytes
    let need = weights + Generator.bytes(model, batch: 32, length: 192)
    let estimate = ModelMemory(modelBytes: weights).writing(sequences: 32, tokens: 192)
    #expect(estimate >= need, "\(estimate >> 20) MiB for \(need >> 20) MiB")
  }
}
