// A real file: what is written with SmolLM2-135M-Instruct.Q4_1.gguf, its weights still in blocks,
// against transformers' generate with the dequantised weights. PLUMB_MODELS names a folder below which
// the file lies.

import CanonicalJSON
import Foundation
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

@Suite(.serialized) struct SmolLM2GenerationTests {
  private func integers(_ value: JSONValue) -> [Int32] { value.array!.map { Int32($0.integer!) } }

  @Test(.enabled(if: modelPath != nil, "PLUMB_MODELS names no folder with \(fileName)"))
  func writesWhatTransformersWrites() throws {
    let model = try LanguageModel(
      files: ["model.gguf": try #require(modelPath)], storage: .asStored)
    let bytes = try [UInt8](Data(contentsOf: fixtureURL("smollm2-generation.json")))
    let json = try bytes.withUnsafeBufferPointer { try JSONValue(parsing: $0) }
    let prompts = try #require(json["prompts"]?.array).map(integers)
    let greedy = try #require(json["greedy"]?.array).map(integers)
    #expect(prompts.count == 50)
    let generator = Generator(model, batch: 16)
    let requests = prompts.map { GenerationRequest(prompt: $0, length: 64, stream: "") }
    let written = try generator.run(requests, .greedy())
    for (number, (ours, theirs)) in zip(written, greedy).enumerated() {
      #expect(ours.tokens == theirs, "prompt \(number)")
    }
    for value in try #require(json["beams"]?.array) {
      let search = BeamSearch(beams: 4, lengthPenalty: try #require(value["penalty"]?.double))
      let prompt = prompts[try #require(value["prompt"]?.integer)]
      let found = try generator.search(
        [GenerationRequest(prompt: prompt, length: 24, stream: "")], search)[0][0]
      #expect(found.tokens == integers(value["tokens"]!), "\(value["prompt"]!) \(search)")
      let score = try #require(value["score"]?.double)
      #expect(abs(found.score - score) <= 1e-3 * max(1, abs(score)))
    }
  }
}
