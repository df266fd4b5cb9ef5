// The same numbers as PyTorch and transformers: fixtures/make_encoder_parity.py made them. Tolerances
// are those of the engine's design: logits 1e-3 and equal argmax, loss 1e-5, gradients relative L2
// 1e-4, ten steps 1e-3.

import CanonicalJSON
import Foundation
import ModelFiles
import Networks
import Tensors
import Testing

@testable import LanguageModels

/// The script's classes, batches and weights.
private struct Fixture {
  static let weights = [0.5, 1, 2.25]
  static let lengths = [[9, 4, 17, 2], [5, 20]]
  let name: String
  let json: JSONValue

  init(_ name: String) throws {
    self.name = name
    let bytes = try [UInt8](Data(contentsOf: fixtureURL("encoder-parity.json")))
    json = try #require(try bytes.withUnsafeBufferPointer { try JSONValue(parsing: $0) }[name])
  }

  static func texts(_ batch: Int) -> [LabelledSequence] {
    lengths[batch].enumerated().map { row, length in
      LabelledSequence(
        tokens: (0..<length).map {
          Int32(3 + mixed(777_000_000 + UInt64(batch * 10_000 + row * 100 + $0)) % 50)
        }, label: (batch + row) % 3)
    }
  }

  static func floats(_ value: JSONValue?) throws -> [Float] {
    let data = try #require(value?.string.flatMap { Data(base64Encoded: $0) })
    return data.withUnsafeBytes { raw in
      (0..<raw.count / 4).map {
        Float(
          bitPattern: UInt32(
            littleEndian: raw.loadUnaligned(fromByteOffset: 4 * $0, as: UInt32.self)))
      }
    }
  }

  func model() throws -> LanguageModel {
    try formulaEncoder(
      kind: name == "roberta" ? .roberta : .bert, pooling: name == "mean" ? .mean : .first)
  }
}

/// Norm of the difference over that of the reference, but not below what rounding of the largest
/// gradients leaves in one that is zero by its nature (a key's bias moves no softmax).
private func distance(_ a: [Float], _ b: [Float], scale: Double) -> Double {
  let difference = zip(a, b).reduce(0.0) { $0 + pow(Double($1.0) - Double($1.1), 2) }
  let norm = b.reduce(0) { $0 + pow(Double($1), 2) }.squareRoot()
  return difference.squareRoot() / max(norm, 1e-3 * scale)
}

@Suite struct EncoderParityTests {
  @Test(arguments: ["bert", "roberta", "mean"])
  func logitsLossAndEveryGradient(name: String) throws {
    let fixture = try Fixture(name)
    let model = try fixture.model()
    let texts = Fixture.texts(0)
    let expected = try Fixture.floats(fixture.json["logits"])
    let logits = try EncoderClassifier(model).logits(of: texts.map(\.tokens))
    #expect(expected.count == 12)
    for (row, values) in logits.enumerated() {
      let theirs = expected[3 * row..<3 * row + 3]
      for (a, b) in zip(values, theirs) { #expect(abs(a - Double(b)) <= 1e-3) }
      let (ours, place) = (
        values.firstIndex(of: values.max()!), theirs.firstIndex(of: theirs.max()!)
      )
      #expect(ours == place.map { $0 - 3 * row })
    }

    let pass = EncoderPass(model, texts)
    let loss = pass.learn(texts)
    let expectedLoss = try #require(fixture.json["loss"]?.double)
    #expect(abs(loss - expectedLoss) <= 1e-5, "\(loss) against \(expectedLoss)")
    let names = try #require(fixture.json["gradients"]?.object).keys.sorted()
    #expect(names == model.table.parameters.map(\.name).sorted())
    var largest = 0.0
    for name in names {
      let theirs = try Fixture.floats(fixture.json["gradients"]?[name])
      largest = max(largest, theirs.reduce(0) { $0 + pow(Double($1), 2) }.squareRoot())
    }
    for parameter in model.table.parameters {
      let theirs = try Fixture.floats(fixture.json["gradients"]?[parameter.name])
      let distance = distance(
        pass.gradients[parameter.region].values, theirs, scale: largest)
      #expect(distance <= 1e-4, "\(parameter.name): relative distance \(distance)")
    }
  }

  @Test(arguments: ["bert", "roberta", "mean"])
  func tenStepsOfAdamW(name: String) throws {
    let fixture = try Fixture(name)
    let model = try fixture.model()
    let pass = EncoderPass(model, Fixture.texts(0) + Fixture.texts(1))
    let (first, second) = (Arena(model.table.plan), Arena(model.table.plan))
    let parameters = model.table.parameters.map {
      TrainedParameter(
        value: model.weights[$0.region], gradient: pass.gradients[$0.region],
        firstMoment: first[$0.region], secondMoment: second[$0.region], decays: $0.decays)
    }
    let schedule = Schedule(.linear, warmupSteps: 2, totalSteps: 10)
    let optimizer = AdamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.1)
    let steps = try #require(fixture.json["steps"]?.array)
    #expect(steps.count == 10)
    for (step, row) in steps.enumerated() {
      pass.gradients.everything.fill(0)
      let loss = pass.learn(Fixture.texts(step % 2))
      let rate = 1e-3 * schedule.factor(at: step)
      let outcome = optimizer.step(parameters, step: step + 1, learningRate: rate, clipNorm: 1)
      #expect(abs(loss - row["loss"]!.double!) <= 1e-4, "step \(step + 1): \(loss)")
      #expect(abs(rate - row["learning_rate"]!.double!) <= 1e-12)
      guard case .updated(let norm) = outcome else {
        Issue.record("step \(step + 1) was refused")
        continue
      }
      #expect(abs(norm - row["gradient_norm"]!.double!) <= 1e-3 * norm)
    }
    for parameter in model.table.parameters {
      let theirs = try Fixture.floats(fixture.json["weights_after"]?[parameter.name])
      let worst = zip(model.weights[parameter.region].values, theirs).map { abs($0 - $1) }.max()!
      // AdamW divides a gradient that is nothing but rounding (a key's bias) by its own size: such a
      // parameter wanders by up to the rate in every step, on either side.
      let bound: Float = parameter.name.hasSuffix("key.bias") ? 1e-2 : 1e-3
      #expect(worst <= bound, "\(parameter.name) differs by \(worst) after ten steps")
    }
  }

  @Test func meanPooling() throws {
    let fixture = try Fixture("mean")
    let texts = Fixture.texts(0).map(\.tokens)
    let encoder = try Encoder(fixture.model())
    for (key, isNormalised) in [("mean", false), ("normalised", true)] {
      let expected = try Fixture.floats(fixture.json[key])
      let vectors = try encoder.embed(texts, isNormalised: isNormalised)
      #expect(vectors.width == 16 && vectors.count == 4 && expected.count == 64)
      let worst = zip(vectors.values, expected).map { abs($0 - $1) }.max()!
      #expect(worst <= 1e-5, "\(key) differs by \(worst)")
    }
  }
}
