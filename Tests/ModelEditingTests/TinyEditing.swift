// A tiny Llama with the weights that make_mend_episode.py computes too.

import CanonicalJSON
import Diagnostics
import Foundation
import LanguageModels
import ModelFiles
import Tensors

@testable import ModelEditing

/// splitmix64's output function.
func mixed(_ number: UInt64) -> UInt64 {
  var z = number &+ 0x9E37_79B9_7F4A_7C15
  z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
  z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
  return z ^ (z >> 31)
}

/// 24 random bits: exact in single precision. Uniform in [−1/4, 1/4).
func small(_ number: Int) -> Float {
  Float(Double(mixed(UInt64(number)) >> 40) * 0x1p-25 - 0.25)
}

func tinySpecification(layers: Int = 3) -> ModelSpecification {
  var tiny = LlamaConfiguration()
  tiny.vocabularySize = 61
  tiny.context = 32
  tiny.width = 24
  tiny.layers = layers
  (tiny.heads, tiny.keyValueHeads, tiny.headSize) = (6, 2, 8)
  tiny.inner = 40
  tiny.normEpsilon = 1e-5
  (tiny.beginOfText, tiny.endsOfText) = (0, [60])
  return ModelSpecification(tiny)
}

func formulaModel() throws -> LanguageModel {
  let model = try LanguageModel(tinySpecification(), seed: 1)
  let names = model.table.parameters.map { model.table.fullName($0) }.sorted(by: bytesPrecede)
  for parameter in model.table.parameters {
    let name = model.table.fullName(parameter)
    let number = names.firstIndex(of: name)!
    let isGain = name.contains("norm") && name.hasSuffix("weight")
    let values = model.weights[parameter.region].data
    for index in 0..<parameter.count {
      values[index] = small(number * 1_000_003 + index) + (isGain ? 1 : 0)
    }
  }
  return model
}

/// Pseudo-random tokens of which those from `prompt` on are learnt.
func sequence(_ number: Int, _ length: Int, prompt: Int) -> TokenSequence {
  TokenSequence(
    (0..<length).map { Int32(mixed(UInt64(777_000_000 + number * 1000 + $0)) % 61) },
    isLearnt: (0..<length).map { $0 >= prompt })
}

func settings(
  layers: Int = 2, rank: Int = 5, edits: Int = 2, editRate: Double = 1e-3,
  learningRate: Double = 1e-3, rateLearningRate: Double = 1e-4, accumulate: Int = 2,
  episodes: Int = 20, localityWeight: Double = 0.7
) -> EditorSettings {
  EditorSettings(
    layers: layers, rank: rank, edits: edits, editRate: editRate, learningRate: learningRate,
    rateLearningRate: rateLearningRate, editWeight: 0.4, localityWeight: localityWeight,
    clipNorm: 100, accumulate: accumulate, episodes: episodes, seed: 7)
}

func fixture(_ name: String) throws -> JSONValue {
  let url = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("fixtures").appendingPathComponent(name)
  return try JSONValue(
    parsing: SourceText(path: name, bytes: Array(Data(contentsOf: url))))
}

/// Little-endian single precision in base64.
func floats(_ value: JSONValue?) -> [Float] {
  let data = Data(base64Encoded: value!.string!)!
  return data.withUnsafeBytes { bytes in
    (0..<bytes.count / 4).map {
      Float(
        bitPattern: UInt32(
          littleEndian: bytes.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)))
    }
  }
}
