// The optimiser against PyTorch's numbers (fixtures/adamw.py), and its guard.

import Foundation
import Networks
import Tensors
import Testing

@Suite struct AdamWTests {
  struct Fixture: Decodable {
    let start: [[Float]]
    let gradients: [[[Float]]]
    let norms: [Double]
    let rates: [Double]
    let end: [[Float]]
  }

  private func parameter(_ values: [Float], decays: Bool) -> TrainedParameter {
    let value = tensor(1, values.count)
    value.values = values
    return TrainedParameter(
      value: value, gradient: tensor(1, values.count),
      firstMoment: tensor(1, values.count, fill: 0), secondMoment: tensor(1, values.count, fill: 0),
      decays: decays)
  }

  @Test func tenStepsEqualPyTorch() throws {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("fixtures/adamw.json")
    let fixture = try JSONDecoder().decode(Fixture.self, from: Data(contentsOf: path))
    let parameters = [
      parameter(fixture.start[0], decays: true), parameter(fixture.start[1], decays: false),
    ]
    let optimiser = AdamW(beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0.1)
    let schedule = Schedule(.cosine, warmupSteps: 3, totalSteps: 10)
    for step in 0..<10 {
      for (parameter, gradient) in zip(parameters, fixture.gradients[step]) {
        parameter.gradient.values = gradient
      }
      let rate = 1e-2 * schedule.factor(at: step)
      #expect(abs(rate - fixture.rates[step]) < 1e-15)
      guard
        case .updated(let norm) = optimiser.step(
          parameters, step: step + 1, learningRate: rate, clipNorm: 1)
      else {
        Issue.record("step \(step) was refused")
        return
      }
      #expect(abs(norm - fixture.norms[step]) < 1e-6 * norm)
      #expect(parameters.allSatisfy { $0.gradient.values.allSatisfy { $0 == 0 } })
    }
    for (parameter, end) in zip(parameters, fixture.end) {
      for (got, right) in zip(parameter.value.values, end) {
        #expect(abs(got - right) <= 2e-6 * max(0.1, abs(right)))
      }
    }
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity])
  func nonFiniteGradientsChangeNothing(_ bad: Float) {
    let trained = parameter([1, 2, 3], decays: true)
    trained.gradient.values = [0.1, bad, 0.2]
    let outcome = AdamW().step([trained], step: 1, learningRate: 0.1, clipNorm: 1)
    guard case .refused(let norm) = outcome else {
      Issue.record("a gradient with \(bad) was used")
      return
    }
    #expect(!norm.isFinite)
    #expect(trained.value.values == [1, 2, 3])
    #expect(trained.firstMoment.values == [0, 0, 0])
  }
}

@Suite struct ScheduleTests {
  /// Values of transformers.get_scheduler, 2 warm-up steps of 6.
  @Test func followsTransformers() {
    let linear = Schedule(.linear, warmupSteps: 2, totalSteps: 6)
    #expect((0..<8).map { linear.factor(at: $0) } == [0, 0.5, 1, 0.75, 0.5, 0.25, 0, 0])
    let cosine = Schedule(.cosine, warmupSteps: 2, totalSteps: 6)
    let expected = [0, 0.5, 1, 0.853553, 0.5, 0.146447, 0]
    for (step, value) in expected.enumerated() {
      #expect(abs(cosine.factor(at: step) - value) < 1e-6)
    }
    let constant = Schedule(.constant, warmupSteps: 2, totalSteps: 6)
    #expect((0..<4).map { constant.factor(at: $0) } == [0, 0.5, 1, 1])
  }
}
