// One row per optimizer step: history.jsonl.

import CanonicalJSON

/// What a step did.
public struct TrainingStep: Sendable, Equatable {
  /// From 1 up.
  public var step: Int
  /// Mean −log p of the step's supervised tokens, natural logarithm.
  public var loss: Double
  public var learningRate: Double
  /// Norm of the whole gradient before clipping.
  public var gradientNorm: Double
  /// Supervised tokens of the step.
  public var tokens: Int

  public init(step: Int, loss: Double, learningRate: Double, gradientNorm: Double, tokens: Int) {
    self.step = step
    self.loss = loss
    self.learningRate = learningRate
    self.gradientNorm = gradientNorm
    self.tokens = tokens
  }

  public var json: JSONValue {
    .object([
      "step": .integer(step), "loss": .number(loss), "learning_rate": .number(learningRate),
      "gradient_norm": .number(gradientNorm), "tokens": .integer(tokens),
    ])
  }

  public init?(json: JSONValue) {
    guard let step = json["step"]?.integer, let loss = json["loss"]?.double,
      let rate = json["learning_rate"]?.double, let norm = json["gradient_norm"]?.double,
      let tokens = json["tokens"]?.integer
    else { return nil }
    self.init(step: step, loss: loss, learningRate: rate, gradientNorm: norm, tokens: tokens)
  }

  /// `history.jsonl`
  public static func jsonl(_ steps: [TrainingStep]) -> [UInt8] {
    steps.flatMap { $0.json.canonicalBytes + [UInt8(ascii: "\n")] }
  }
}
