// A real file: SmolLM2-135M-Instruct.Q4_1.gguf against its dequantised weights in PyTorch, on the 20
// prompts of fixtures/make_smollm2_reference.py. The model is not in the repository: PLUMB_MODELS names
// a folder below which the file lies.

import CanonicalJSON
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

@Suite(.serialized) struct SmolLM2Tests {
  @Test(
    .enabled(if: modelPath != nil, "PLUMB_MODELS names no folder with \(fileName)"),
    arguments: [WeightStorage.float32, .asStored])
  func computesWhatPyTorchComputes(storage: WeightStorage) throws {
    let path = try #require(modelPath)
    let model = try LanguageModel(files: ["model.gguf": path], storage: storage)
    let bytes = try [UInt8](Data(contentsOf: fixtureURL("smollm2-reference.json")))
    let json = try bytes.withUnsafeBufferPointer { try JSONValue(parsing: $0) }
    let rows = try #require(json.array)
    #expect(rows.count == 20)
    let vocabulary = model.specification.vocabulary
    var worst = 0.0
    var (sum, expectedSum, count) = (0.0, 0.0, 0)
    for (number, row) in rows.enumerated() {
      let ids = try #require(row["ids"]?.array).map { Int32($0.integer!) }
      let logits = outputs(model, Batch([TokenSequence(ids)]))
      for sample in try #require(row["samples"]?.array) {
        let position = try #require(sample["position"]?.integer)
        let tokens = try #require(sample["tokens"]?.array).map { $0.integer! }
        let theirs = try #require(sample["logits"]?.array).map { $0.double! }
        for (token, expected) in zip(tokens, theirs) {
          let got = Double(logits[position * vocabulary + token])
          worst = max(worst, abs(got - expected))
        }
      }
      for (position, best) in try #require(row["best"]?.array).enumerated()
      where best.integer! >= 0 {
        let range = position * vocabulary..<(position + 1) * vocabulary
        let got = range.max { logits[$0] < logits[$1] }! - range.lowerBound
        #expect(got == best.integer!, "prompt \(number), position \(position)")
      }
      let (total, _) = Transformer(model, capacity: ids.count, trains: false)
        .evaluate(Batch([TokenSequence(ids)]))
      let loss = total.negativeLogLikelihood / Double(total.count)
      let expected = try #require(row["loss"]?.double) / Double(ids.count - 1)
      // Both sides round in single precision through 30 layers: a part of the loss, not a distance.
      #expect(
        abs(loss - expected) <= 1e-5 * max(1, expected),
        "prompt \(number): \(loss) against \(expected)")
      sum += total.negativeLogLikelihood
      expectedSum += expected * Double(total.count)
      count += total.count
    }
    #expect(abs(sum - expectedSum) / Double(count) <= 1e-5)
    print(
      "\(storage): logits differ by at most \(worst), the mean loss of \(count) tokens by "
        + "\(abs(sum - expectedSum) / Double(count))")
    #expect(worst <= 1e-3)
  }
}
