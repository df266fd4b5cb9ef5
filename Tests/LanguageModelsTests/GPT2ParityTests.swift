// The same numbers as PyTorch: fixtures/make_gpt2_parity.py made them. Tolerances are those of the
// engine's design: logits 1e-3 and equal argmax, loss 1e-5, gradients relative L2 1e-4, ten steps 1e-3.

import CanonicalJSON
import Foundation
import Networks
import Tensors
import Testing

@testable import LanguageModels

private struct Fixture {
  let json: JSONValue

  init() throws {
    let bytes = try [UInt8](Data(contentsOf: fixtureURL("gpt2-parity.json")))
    json = try bytes.withUnsafeBufferPointer { try JSONValue(parsing: $0) }
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

  /// The script's batches.
  static func batch(_ number: Int) -> Batch {
    let lengths = [[19, 7, 32], [5, 28]][number]
    return Batch(
      lengths.enumerated().map { row, length in
        TokenSequence(
          (0..<length).map {
            Int32(mixed(777_000_000 + UInt64(number * 10_000 + row * 100 + $0)) % 97)
          })
      })
  }
}

@Suite struct GPT2ParityTests {
  @Test func logitsLossAndEveryGradient() throws {
    let fixture = try Fixture()
    let model = try formulaModel()
    let batch = Fixture.batch(0)
    let transformer = Transformer(model, capacity: 64, trains: true)

    var plan = ArenaPlan()
    let region = plan.add("logits", rows: batch.tokenCount, columns: 97)
    let arena = Arena(plan)
    transformer.logits(batch, into: arena[region])
    let logits = arena[region].values
    let expected = try Fixture.floats(fixture.json["logits"])
    #expect(logits.count == expected.count)
    let worst = zip(logits, expected).map { abs($0 - $1) }.max()!
    #expect(worst <= 1e-3, "logits differ by \(worst)")
    for row in 0..<batch.tokenCount {
      let range = row * 97..<(row + 1) * 97
      #expect(
        logits[range].firstIndex(of: logits[range].max()!)
          == expected[range].firstIndex(of: expected[range].max()!))
    }

    let total = transformer.learn(batch, supervisedCount: batch.supervisedCount)
    let loss = total.negativeLogLikelihood / Double(total.count)
    let expectedLoss = try #require(fixture.json["loss"]?.double)
    #expect(total.count == 18 + 6 + 31)
    #expect(abs(loss - expectedLoss) <= 1e-5, "\(loss) against \(expectedLoss)")
    let gradients = try #require(transformer.gradients)
    for parameter in model.table.parameters {
      let theirs = try Fixture.floats(
        fixture.json["gradients"]?["transformer." + parameter.name])
      let distance = relativeDistance(
        gradients[parameter.region].values, ours(theirs, parameter))
      #expect(distance <= 1e-4, "\(parameter.name): relative distance \(distance)")
    }
  }

  @Test func tenStepsOfAdamW() throws {
    let fixture = try Fixture()
    let model = try formulaModel()
    let transformer = Transformer(model, capacity: 64, trains: true)
    let gradients = try #require(transformer.gradients)
    let (first, second) = (Arena(model.table.plan), Arena(model.table.plan))
    let parameters = model.table.parameters.map {
      TrainedParameter(
        value: model.weights[$0.region], gradient: gradients[$0.region],
        firstMoment: first[$0.region], secondMoment: second[$0.region], decays: $0.decays)
    }
    let schedule = Schedule(.linear, warmupSteps: 2, totalSteps: 10)
    let optimizer = AdamW(beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0.1)
    let steps = try #require(fixture.json["steps"]?.array)
    #expect(steps.count == 10)
    for (step, row) in steps.enumerated() {
      let batch = Fixture.batch(step % 2)
      gradients.everything.fill(0)
      let total = transformer.learn(batch, supervisedCount: batch.supervisedCount)
      let rate = 1e-3 * schedule.factor(at: step)
      let outcome = optimizer.step(parameters, step: step + 1, learningRate: rate, clipNorm: 1)
      let loss = total.negativeLogLikelihood / Double(total.count)
      #expect(abs(loss - row["loss"]!.double!) <= 2e-5, "step \(step + 1): \(loss)")
      #expect(abs(rate - row["learning_rate"]!.double!) <= 1e-12)
      guard case .updated(let norm) = outcome else {
        Issue.record("step \(step + 1) was refused")
        continue
      }
      #expect(abs(norm - row["gradient_norm"]!.double!) <= 1e-4 * norm)
    }
    for parameter in model.table.parameters {
      let theirs = ours(
        try Fixture.floats(fixture.json["weights_after"]?["transformer." + parameter.name]),
        parameter)
      let worst = zip(model.weights[parameter.region].values, theirs).map { abs($0 - $1) }.max()!
      #expect(worst <= 1e-3, "\(parameter.name) differs by \(worst) after ten steps")
    }
  }
}
