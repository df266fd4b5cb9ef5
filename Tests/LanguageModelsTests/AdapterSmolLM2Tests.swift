// QLoRA on a real file: SmolLM2-135M-Instruct.Q4_1.gguf, below the folder that PLUMB_MODELS names.

import Foundation
import ModelFiles
import Networks
import Tensors
import Testing

@testable import LanguageModels

private let fileName = "SmolLM2-135M-Instruct.Q4_1.gguf"

private let modelPath: String? = {
  guard let folder = ProcessInfo.processInfo.environment["PLUMB_MODELS"] else { return nil }
  let paths = FileManager.default.enumerator(atPath: folder)
  while let path = paths?.nextObject() as? String {
    if path.hasSuffix(fileName) { return folder + "/" + path }
  }
  return nil
}()

@Suite struct AdapterSmolLM2Tests {
  @Test(.enabled(if: modelPath != nil, "PLUMB_MODELS names no folder with \(fileName)"))
  func learnsBesideTheBlocks() throws {
    let path = try #require(modelPath)
    let model = try LanguageModel(files: ["model.gguf": path], storage: .asStored)
    let vocabulary = UInt64(model.specification.vocabulary)
    let sequence = TokenSequence(tokens(64, seed: 3, below: vocabulary))
    func adapter(_ base: LanguageModel) throws -> LowRankAdapter {
      try LowRankAdapter(
        .init(rank: 16, alpha: 32, targets: ["all-linear"]), for: base.table, seed: 1)
    }
    // Gradients of B (those of A are zero while B is) are those beside the expanded weights.
    func gradients(_ base: LanguageModel) throws -> [Float] {
      let transformer = Transformer(
        base, capacity: 64, trains: true, adapter: try adapter(base))
      _ = transformer.learn(Batch([sequence]), supervisedCount: 63)
      return transformer.stack.adapterGradients!.everything.values
    }
    let (ours, right) = (try gradients(model), try gradients(model.expanded()))
    let difference = zip(ours, right).reduce(0.0) { $0 + pow(Double($1.0) - Double($1.1), 2) }
    let size = right.reduce(0.0) { $0 + pow(Double($1), 2) }
    #expect(size > 0 && (difference / size).squareRoot() <= 1e-6)

    let trained = try adapter(model)
    let trainer = try Trainer(
      model, on: [sequence], settings(epochs: 6, rate: 1e-3, schedule: .constant),
      adapter: trained)
    var losses: [Double] = []
    while let step = try trainer.step() { losses.append(step.loss) }
    #expect(losses.last! < losses[0] - 0.5, "\(losses)")
  }
}
