// The same numbers as PyTorch for Llama, Mistral, BERT and RoBERTa: fixtures/make_block_parity.py made
// them. Tolerances are those of the engine's design: outputs 1e-3 and equal argmax, loss 1e-5, gradients
// relative L2 1e-4, ten steps 1e-3.

import CanonicalJSON
import Foundation
import ModelFiles
import Networks
import Tensors
import Testing

@testable import LanguageModels

private struct Fixture {
  let json: JSONValue

  init(_ family: TinyFamily) throws {
    let url = fixtureURL(family.rawValue + "-parity.json")
    let bytes = try [UInt8](Data(contentsOf: url))
    json = try bytes.withUnsafeBufferPointer { try JSONValue(parsing: $0) }
  }

  static func bytes(_ value: JSONValue?) throws -> Data {
    try #require(value?.string.flatMap { Data(base64Encoded: $0) })
  }

  static func floats(_ value: JSONValue?) throws -> [Float] {
    try bytes(value).withUnsafeBytes { raw in
      (0..<raw.count / 4).map {
        let bits = raw.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)
        return Float(bitPattern: UInt32(littleEndian: bits))
      }
    }
  }

  static func halves(_ value: JSONValue?) throws -> [Float] {
    try bytes(value).withUnsafeBytes { raw in
      (0..<raw.count / 2).map {
        let bits = raw.loadUnaligned(fromByteOffset: 2 * $0, as: UInt16.self)
        return Float(Float16(bitPattern: UInt16(littleEndian: bits)))
      }
    }
  }

  /// The script's batches.
  static func batch(_ number: Int) -> Batch {
    let lengths = [[19, 7, 32], [5, 28]][number]
    return Batch(
      lengths.enumerated().map { row, length in
        TokenSequence(
          (0..<length).map {
            Int32(3 + mixed(777_000_000 + UInt64(number * 10_000 + row * 100 + $0)) % 58)
          })
      })
  }
}

@Suite struct BlockParityTests {
  static let families: [TinyFamily] = [.llama, .llamaTied, .mistral, .bert, .roberta]

  /// The configuration as transformers writes it gives the very model that the formula fills.
  @Test(arguments: families) func configurationIsReadAsTransformersWritesIt(
    family: TinyFamily
  ) throws {
    let json = try #require(try Fixture(family).json["config"])
    var read = try ModelConfiguration(json: json, shown: "config.json")
    if case .encoder(var encoder) = read {
      encoder.head = .none
      read = .encoder(encoder)
    }
    let specification = ModelSpecification(read)
    #expect(specification.block == family.specification.block)
    #expect(
      read.layout.tensors.map(\.name) == family.configuration.layout.tensors.map(\.name))
    #expect(
      read.layout.tensors.map(\.shape) == family.configuration.layout.tensors.map(\.shape))
  }

  @Test(arguments: families) func outputsLossAndEveryGradient(family: TinyFamily) throws {
    let fixture = try Fixture(family)
    let model = try family.model()
    let batch = Fixture.batch(0)
    let values = outputs(model, batch)
    let expected = try Fixture.floats(fixture.json["outputs"])
    #expect(values.count == expected.count)
    let worst = zip(values, expected).map { abs($0 - $1) }.max()!
    #expect(worst <= 1e-3, "outputs differ by \(worst)")
    let columns = values.count / batch.tokenCount
    for row in 0..<batch.tokenCount {
      let range = row * columns..<(row + 1) * columns
      #expect(
        values[range].firstIndex(of: values[range].max()!)
          == expected[range].firstIndex(of: expected[range].max()!))
    }

    let learner = Learner(model, capacity: 64)
    let count = learner.count([batch])
    let loss = learner.learn(batch, count: count) / Double(count)
    let expectedLoss = try #require(fixture.json["loss"]?.double)
    #expect(abs(loss - expectedLoss) <= 1e-5, "\(loss) against \(expectedLoss)")
    for parameter in model.table.parameters {
      let name = model.table.fullName(parameter)
      // BertModel and RobertaModel write no prefix.
      let bare = model.specification.isEncoder ? parameter.name : name
      let theirs = try Fixture.floats(fixture.json["gradients"]?[bare])
      let got = learner.gradients[parameter.region].values
      // A bias that moves all scores of a softmax alike has no gradient but rounding.
      if theirs.allSatisfy({ abs($0) < 1e-7 }) {
        #expect(got.allSatisfy { abs($0) < 1e-6 }, "\(name)")
        continue
      }
      let distance = relativeDistance(got, theirs)
      #expect(distance <= 1e-4, "\(name): relative distance \(distance)")
    }
  }

  @Test(arguments: families) func tenStepsOfAdamW(family: TinyFamily) throws {
    let fixture = try Fixture(family)
    let model = try family.model()
    let start = model.table.parameters.map { model.weights[$0.region].values }
    let learner = Learner(model, capacity: 64)
    let (first, second) = (Arena(model.table.plan), Arena(model.table.plan))
    let parameters = try LearntParameters(of: model).trained(
      gradients: learner.gradients, first: first, second: second)
    let schedule = Schedule(.linear, warmupSteps: 2, totalSteps: 10)
    let optimizer = AdamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.1)
    let steps = try #require(fixture.json["steps"]?.array)
    #expect(steps.count == 10)
    for (step, row) in steps.enumerated() {
      let batch = Fixture.batch(step % 2)
      learner.gradients.everything.fill(0)
      let count = learner.count([batch])
      let loss = learner.learn(batch, count: count) / Double(count)
      let outcome = optimizer.step(
        parameters, step: step + 1, learningRate: 1e-3 * schedule.factor(at: step), clipNorm: 1)
      #expect(abs(loss - row["loss"]!.double!) <= 5e-5, "step \(step + 1): \(loss)")
      guard case .updated(let norm) = outcome else {
        Issue.record("step \(step + 1) was refused")
        continue
      }
      #expect(abs(norm - row["gradient_norm"]!.double!) <= 2e-4 * norm)
    }
    for (parameter, start) in zip(model.table.parameters, start) {
      let name = model.table.fullName(parameter)
      let bare = model.specification.isEncoder ? parameter.name : name
      let changes = try Fixture.halves(fixture.json["changes"]?[bare])
      let now = model.weights[parameter.region].values
      #expect(now != start, "\(name) has not moved")
      let worst = zip(now, zip(start, changes)).map { abs($0 - ($1.0 + $1.1)) }.max()!
      // Where a gradient is rounding alone, AdamW's steps have full size and any direction.
      let theirs = try Fixture.floats(fixture.json["gradients"]?[bare])
      let tolerance: Float = theirs.allSatisfy { abs($0) < 1e-7 } ? 2e-2 : 1e-3
      #expect(worst <= tolerance, "\(name) differs by \(worst) after ten steps")
    }
  }
}
