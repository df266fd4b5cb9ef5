// What an editor is told. There are no defaults here: stages/edit-with-network/stage.yaml has them.

import CanonicalJSON

/// Settings of a gradient editor and of how it learns.
public struct EditorSettings: Sendable, Equatable {
  /// Blocks whose feed-forward layers are edited, from the last.
  public var layers: Int
  /// Inner size of the networks' layers.
  public var rank: Int
  /// Answers that one edit is made from.
  public var edits: Int
  /// First value of every layer's rate a.
  public var editRate: Double
  /// Adam's rate for the networks.
  public var learningRate: Double
  /// Adam's rate for the rates.
  public var rateLearningRate: Double
  /// Weight of the edit loss.
  public var editWeight: Double
  /// Weight of the locality term.
  public var localityWeight: Double
  public var clipNorm: Double
  /// Episodes whose gradients are added up for one step.
  public var accumulate: Int
  public var episodes: Int
  public var seed: Int

  public init(
    layers: Int, rank: Int, edits: Int, editRate: Double, learningRate: Double,
    rateLearningRate: Double, editWeight: Double, localityWeight: Double, clipNorm: Double,
    accumulate: Int, episodes: Int, seed: Int
  ) {
    precondition(layers >= 1 && rank >= 1 && edits >= 1 && accumulate >= 1, "an empty editor")
    self.layers = layers
    self.rank = rank
    self.edits = edits
    self.editRate = editRate
    self.learningRate = learningRate
    self.rateLearningRate = rateLearningRate
    self.editWeight = editWeight
    self.localityWeight = localityWeight
    self.clipNorm = clipNorm
    self.accumulate = accumulate
    self.episodes = episodes
    self.seed = seed
  }

  /// All of them, for a checkpoint to know its run by.
  var json: JSONValue {
    .object([
      "layers": .integer(layers), "rank": .integer(rank), "edits": .integer(edits),
      "edit_rate": .number(editRate), "learning_rate": .number(learningRate),
      "rate_learning_rate": .number(rateLearningRate), "edit_weight": .number(editWeight),
      "locality_weight": .number(localityWeight), "clip_norm": .number(clipNorm),
      "accumulate": .integer(accumulate), "episodes": .integer(episodes), "seed": .integer(seed),
    ])
  }
}
