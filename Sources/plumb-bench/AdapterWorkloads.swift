// Fine-tuning through low-rank adapters: SmolLM2-135M in single precision, and as a GGUF stores it.

import Diagnostics
import LanguageModels
import ModelFiles

extension Workloads {
  static var adapters: [Workload] {
    [
      lora("lora-smollm2-128", sequences: 8, length: 128),
      lora("lora-smollm2-512", sequences: 4, length: 512),
      Workload(
        name: "qlora-smollm2",
        summary:
          "LoRA on a GGUF's blocks, r 16, all linear, 4×512 tokens; the peer on the dequantised",
        needs: [.gguf], script: "lora_smollm2.py"
      ) { files in
        let model = try LanguageModel(files: ["model.gguf": files.gguf!], storage: .asStored)
        return try adapt(model, sequences: 4, length: 512)
      },
    ]
  }

  /// SmolLM2-135M's shape.
  static let smolLM2: ModelSpecification = {
    var configuration = LlamaConfiguration()
    configuration.vocabularySize = 49152
    configuration.context = 8192
    configuration.width = 576
    configuration.layers = 30
    configuration.heads = 9
    configuration.keyValueHeads = 3
    configuration.headSize = 64
    configuration.inner = 1536
    configuration.normEpsilon = 1e-5
    configuration.rotaryTheta = 100_000
    configuration.tiesHead = true
    return ModelSpecification(configuration)
  }()

  private static func lora(_ name: String, sequences: Int, length: Int) -> Workload {
    Workload(
      name: name,
      summary:
        "LoRA on SmolLM2-135M's shape, r 16, all linear, \(sequences)×\(length) tokens a step",
      script: "lora_smollm2.py", speedBar: 1.4
    ) { _ in
      try adapt(LanguageModel(smolLM2, seed: 1), sequences: sequences, length: length)
    }
  }

  private static func adapt(
    _ model: LanguageModel, sequences: Int, length: Int
  ) throws -> PreparedWork {
    let adapter = try LowRankAdapter(
      LowRankConfiguration(rank: 16, alpha: 32, targets: [LowRankConfiguration.allLinear]),
      for: model.table, seed: 1)
    let vocabulary = model.specification.vocabulary
    let examples = (0..<sequences).map {
      TokenSequence(tokens(length, from: $0 * 131, vocabulary: vocabulary))
    }
    let count = sequences * length
    let trainer = try Trainer(
      model, on: examples, settings(sequences, tokens: count), adapter: adapter)
    var work = steps(trainer, tokens: count)
    let losses = work.more
    work.more = { losses() + [("trained_parameters", .integer(adapter.weightCount))] }
    return work
  }
}
