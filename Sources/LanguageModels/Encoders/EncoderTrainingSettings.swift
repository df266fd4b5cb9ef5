// What fine-tuning a classifier is told. There are no defaults here: stages/train-classifier/stage.yaml
// has them.

import CanonicalJSON
import Networks

/// How an encoder with a classification head is trained.
public struct EncoderTrainingSettings: Sendable, Equatable {
  /// What training changes.
  public enum Scope: String, Sendable, CaseIterable {
    case everything
    /// The encoder stays as it is and runs without dropout.
    case head
  }

  public var scope: Scope
  public var epochs: Int
  /// Peak rate of AdamW.
  public var learningRate: Double
  public var schedule: Schedule.Shape
  /// Part of all steps in which the rate rises from 0.
  public var warmupFraction: Double
  public var weightDecay: Double
  public var beta1: Double
  public var beta2: Double
  public var epsilon: Double
  /// Greatest norm of the whole gradient; nil for no clipping.
  public var clipNorm: Double?
  /// Texts per optimizer step.
  public var batch: Int
  /// Tokens that are computed at a time; bounds memory, changes last bits only.
  public var microBatchTokens: Int
  /// Inside the encoder.
  public var dropout: DropoutRates
  /// On what the classifier reads.
  public var headDropout: Double
  /// One weight for each class.
  public var classWeights: [Double]
  /// Epochs without a better validation after which training ends; nil: never before the last.
  public var patience: Int?
  public var seed: Int

  public init(
    scope: Scope, epochs: Int, learningRate: Double, schedule: Schedule.Shape,
    warmupFraction: Double, weightDecay: Double, beta1: Double, beta2: Double, epsilon: Double,
    clipNorm: Double?, batch: Int, microBatchTokens: Int, dropout: DropoutRates,
    headDropout: Double, classWeights: [Double], patience: Int?, seed: Int
  ) {
    precondition(epochs >= 1, "\(epochs) epochs are no training")
    precondition(batch >= 1, "a step of \(batch) texts learns nothing")
    precondition(
      (0...1).contains(warmupFraction), "a warm-up of \(warmupFraction) is no part of a run")
    precondition((0..<1).contains(headDropout), "a dropout rate is in 0..<1, not \(headDropout)")
    precondition(patience ?? 1 >= 1, "a patience of \(patience ?? 0) epochs ends before it begins")
    self.scope = scope
    self.epochs = epochs
    self.learningRate = learningRate
    self.schedule = schedule
    self.warmupFraction = warmupFraction
    self.weightDecay = weightDecay
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.clipNorm = clipNorm
    self.batch = batch
    self.microBatchTokens = microBatchTokens
    self.dropout = dropout
    self.headDropout = headDropout
    self.classWeights = classWeights
    self.patience = patience
    self.seed = seed
  }

  /// All that decides the result; a checkpoint of other settings is not resumed.
  var json: JSONValue {
    .object([
      "scope": .string(scope.rawValue), "epochs": .integer(epochs),
      "learning_rate": .number(learningRate), "schedule": .string(schedule.rawValue),
      "warmup": .number(warmupFraction), "weight_decay": .number(weightDecay),
      "adam": [.number(beta1), .number(beta2), .number(epsilon)],
      "clip_norm": clipNorm.map { .number($0) } ?? .null, "batch": .integer(batch),
      "micro_batch_tokens": .integer(microBatchTokens),
      "dropout": [
        .number(dropout.embedding), .number(dropout.attention), .number(dropout.residual),
        .number(headDropout),
      ],
      "class_weights": .array(classWeights.map { .number($0) }),
      "patience": patience.map { .integer($0) } ?? .null, "seed": .integer(seed),
    ])
  }
}
