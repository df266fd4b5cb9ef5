// What a training run is told. There are no defaults here: stages/fine-tune/stage.yaml has them.

import CanonicalJSON
import Networks

/// How sequences are grouped into optimizer steps.
public enum Batching: Sendable, Equatable {
  /// As many sequences as keep the supervised tokens at or below this; at least one.
  case tokens(Int)
  /// This many sequences; the last step of an epoch takes what is left.
  case documents(Int)
}

public struct TrainingSettings: Sendable, Equatable {
  public var epochs: Int
  /// Supervised tokens to learn altogether, in as many epochs as that takes; nil: `epochs` decides. The
  /// run ends with the step that reaches them.
  public var totalTokens: Int?
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
  public var batching: Batching
  /// Tokens that are computed at a time. It bounds memory, and being part of the settings keeps the
  /// last bits of a result from depending on the machine.
  public var microBatchTokens: Int
  public var dropout: DropoutRates
  public var seed: Int

  public init(
    epochs: Int, learningRate: Double, schedule: Schedule.Shape, warmupFraction: Double,
    weightDecay: Double, beta1: Double, beta2: Double, epsilon: Double, clipNorm: Double?,
    batching: Batching, microBatchTokens: Int, dropout: DropoutRates, seed: Int,
    totalTokens: Int? = nil
  ) {
    precondition(totalTokens ?? 1 >= 1, "\(totalTokens ?? 0) tokens are no training")
    precondition(epochs >= 1, "\(epochs) epochs are no training")
    precondition(
      (0...1).contains(warmupFraction), "a warm-up of \(warmupFraction) is no part of a run")
    self.epochs = epochs
    self.learningRate = learningRate
    self.schedule = schedule
    self.warmupFraction = warmupFraction
    self.weightDecay = weightDecay
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.clipNorm = clipNorm
    self.batching = batching
    self.microBatchTokens = microBatchTokens
    self.dropout = dropout
    self.seed = seed
    self.totalTokens = totalTokens
  }

  /// All that decides the result; a checkpoint of other settings is not resumed.
  var json: JSONValue {
    let batching: JSONValue =
      switch batching {
      case .tokens(let count): .object(["tokens": .integer(count)])
      case .documents(let count): .object(["documents": .integer(count)])
      }
    var members: [(String, JSONValue)] = [
      ("epochs", .integer(epochs)), ("learning_rate", .number(learningRate)),
      ("schedule", .string(schedule.rawValue)), ("warmup", .number(warmupFraction)),
      ("weight_decay", .number(weightDecay)),
      ("adam", [.number(beta1), .number(beta2), .number(epsilon)]),
      ("clip_norm", clipNorm.map { .number($0) } ?? .null), ("batching", batching),
      ("micro_batch_tokens", .integer(microBatchTokens)),
      (
        "dropout",
        [.number(dropout.embedding), .number(dropout.attention), .number(dropout.residual)]
      ),
      ("seed", .integer(seed)),
    ]
    if let totalTokens { members.append(("total_tokens", .integer(totalTokens))) }
    return .object(JSONObject(members))
  }
}
