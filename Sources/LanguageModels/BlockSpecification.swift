// One description of a transformer block that GPT-2, Llama, Mistral, BERT and RoBERTa are values of.
// What runs today is checked in ModelSpecification.swift; the arithmetic is in Transformer.swift.

import Networks

/// What one block computes.
public struct BlockSpecification: Sendable, Equatable {
  public enum NormPlacement: String, Sendable {
    /// x + f(norm(x)): GPT-2, Llama
    case pre
    /// norm(x + f(x)): BERT
    case post
  }

  public enum Norm: String, Sendable {
    case layer
    case rms
  }

  public enum Positions: Sendable, Equatable {
    /// A table with a row per position, added to the token embedding.
    case learned
    /// Rotary embedding of queries and keys with this base.
    case rotary(base: Double)
  }

  public enum Visibility: Sendable, Equatable {
    /// A token sees itself and what is before it.
    case causal
    /// As causal, at most this many tokens back (Mistral).
    case window(Int)
    /// Every token sees every other of its document: encoders.
    case full
  }

  public enum FeedForward: Sendable, Equatable {
    /// down(gelu(up(x)))
    case gelu(GELU)
    /// down(silu(gate(x)) · up(x))
    case gated
  }

  public var normPlacement: NormPlacement
  public var norm: Norm
  public var normEpsilon: Double
  public var positions: Positions
  public var visibility: Visibility
  /// Query heads H.
  public var heads: Int
  /// Key and value heads G; H of them unless heads are grouped.
  public var keyValueHeads: Int
  /// Head size D.
  public var headSize: Int
  public var feedForward: FeedForward
  /// Inner width F.
  public var inner: Int
  /// Whether linear layers add a bias.
  public var hasBiases: Bool

  public init(
    normPlacement: NormPlacement, norm: Norm, normEpsilon: Double, positions: Positions,
    visibility: Visibility, heads: Int, keyValueHeads: Int, headSize: Int,
    feedForward: FeedForward, inner: Int, hasBiases: Bool
  ) {
    precondition(
      heads > 0 && keyValueHeads > 0 && heads % keyValueHeads == 0,
      "\(heads) query heads cannot share \(keyValueHeads) key/value heads")
    self.normPlacement = normPlacement
    self.norm = norm
    self.normEpsilon = normEpsilon
    self.positions = positions
    self.visibility = visibility
    self.heads = heads
    self.keyValueHeads = keyValueHeads
    self.headSize = headSize
    self.feedForward = feedForward
    self.inner = inner
    self.hasBiases = hasBiases
  }

  /// Columns of the joined query, key and value buffer: (H + 2G)·D.
  public var attentionWidth: Int { (heads + 2 * keyValueHeads) * headSize }
}
