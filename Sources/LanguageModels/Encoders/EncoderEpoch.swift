// One row per epoch of an encoder's training: how it did on the validation texts.

import CanonicalJSON

/// What an epoch came to.
public struct EncoderEpoch: Sendable, Equatable {
  /// From 1 up.
  public var epoch: Int
  /// Optimizer steps of the whole run so far.
  public var step: Int
  /// Mean of the steps' losses.
  public var trainingLoss: Double
  /// Weighted mean −log p of the validation texts; nil without any.
  public var validationLoss: Double?
  public var score: Double?

  public init(
    epoch: Int, step: Int, trainingLoss: Double, validationLoss: Double? = nil,
    score: Double? = nil
  ) {
    self.epoch = epoch
    self.step = step
    self.trainingLoss = trainingLoss
    self.validationLoss = validationLoss
    self.score = score
  }

  /// A higher score wins, of equal ones the lower loss, of these the earlier epoch.
  func isBetter(than other: EncoderEpoch?) -> Bool {
    guard let score, let validationLoss else { return false }
    guard let otherScore = other?.score, let otherLoss = other?.validationLoss else { return true }
    return score > otherScore || score == otherScore && validationLoss < otherLoss
  }

  public var json: JSONValue {
    .object([
      "epoch": .integer(epoch), "step": .integer(step), "loss": .number(trainingLoss),
      "validation_loss": validationLoss.map { .number($0) } ?? .null,
      "validation_score": score.map { .number($0) } ?? .null,
    ])
  }

  public init?(json: JSONValue) {
    guard let epoch = json["epoch"]?.integer, let step = json["step"]?.integer,
      let loss = json["loss"]?.double
    else { return nil }
    self.init(
      epoch: epoch, step: step, trainingLoss: loss,
      validationLoss: json["validation_loss"]?.double, score: json["validation_score"]?.double)
  }
}
