// Models for the tests: a tiny GPT-2 whose weights are a formula that make_gpt2_parity.py computes too.

import CanonicalJSON
import Foundation
import ModelFiles
import Networks
import Randomness
import Tensors

@testable import LanguageModels

/// splitmix64's output function.
func mixed(_ number: UInt64) -> UInt64 {
  var z = number &+ 0x9E37_79B9_7F4A_7C15
  z = (z ^ (z >> 30)) &* 0xBF58_476D_1CE4_E5B9
  z = (z ^ (z >> 27)) &* 0x94D0_49BB_1331_11EB
  return z ^ (z >> 31)
}

func tinyConfiguration(layers: Int = 2, context: Int = 32) -> GPT2Configuration {
  var tiny = GPT2Configuration()
  tiny.vocabularySize = 97
  tiny.context = context
  tiny.width = 24
  tiny.layers = layers
  tiny.heads = 3
  tiny.inner = 40
  (tiny.residualDropout, tiny.embeddingDropout, tiny.attentionDropout) = (0, 0, 0)
  (tiny.beginOfText, tiny.endOfText) = (96, 96)
  return tiny
}

/// A model that has learnt nothing.
func tinyModel(layers: Int = 2, context: Int = 32, seed: Int = 1) throws -> LanguageModel {
  try LanguageModel(
    ModelSpecification(tinyConfiguration(layers: layers, context: context)), seed: seed)
}

/// The model of the parity script: large weights, so that every gradient has something to say.
func formulaModel() throws -> LanguageModel {
  let model = try tinyModel()
  let names = model.table.parameters.map(\.name).sorted(by: bytesPrecede)
  for parameter in model.table.parameters {
    let number = UInt64(names.firstIndex(of: parameter.name)!)
    let isGain = parameter.name.contains("ln_") && parameter.name.hasSuffix("weight")
    let values = (0..<parameter.count).map { index in
      let bits = mixed(number * 1_000_003 + UInt64(index)) >> 40
      return Float(Double(bits) * 0x1p-25 - 0.25 + (isGain ? 1 : 0))
    }
    model.weights[parameter.region].values = ours(values, parameter)
  }
  return model
}

/// From the file's orientation into ours.
func ours(_ values: [Float], _ parameter: Parameter) -> [Float] {
  guard parameter.file.isTransposed else { return values }
  let (rows, columns) = (parameter.file.shape[0], parameter.file.shape[1])
  var out = values
  for row in 0..<rows {
    for column in 0..<columns { out[column * rows + row] = values[row * columns + column] }
  }
  return out
}

/// Pseudo-random tokens.
func tokens(_ count: Int, seed: UInt64 = 0, below bound: UInt64 = 97) -> [Int32] {
  (0..<count).map { Int32(mixed(seed * 1000 + UInt64($0)) % bound) }
}

func sequences(_ lengths: [Int], seed: UInt64 = 5) -> [TokenSequence] {
  lengths.enumerated().map { TokenSequence(tokens($1, seed: seed + UInt64($0))) }
}

func allValues(_ arena: Arena, _ model: LanguageModel) -> [Float] {
  model.table.parameters.flatMap { arena[$0.region].values }
}

func settings(
  epochs: Int = 1, rate: Double = 1e-3, batching: Batching = .documents(2),
  microBatchTokens: Int = 4096, dropout: DropoutRates = .none, clip: Double? = 1,
  schedule: Schedule.Shape = .linear
) -> TrainingSettings {
  TrainingSettings(
    epochs: epochs, learningRate: rate, schedule: schedule, warmupFraction: 0, weightDecay: 0.01,
    beta1: 0.9, beta2: 0.999, epsilon: 1e-8, clipNorm: clip, batching: batching,
    microBatchTokens: microBatchTokens, dropout: dropout, seed: 3)
}

func temporaryFolder() throws -> String {
  let path = NSTemporaryDirectory() + "plumb-language-" + UUID().uuidString
  try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
  return path
}

func removeFolder(_ path: String) { try? FileManager.default.removeItem(atPath: path) }

/// Runs the body with a number of threads. Suites that use it are serialized below one parent.
func withThreads<Result>(_ count: Int, _ body: () throws -> Result) rethrows -> Result {
  let before = Parallelism.threads
  Parallelism.threads = count
  defer { Parallelism.threads = before }
  return try body()
}

func fixtureURL(_ name: String) -> URL {
  URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .appendingPathComponent("fixtures").appendingPathComponent(name)
}
