// One description of a transformer block that GPT-2, Llama, Mistral, BERT and RoBERTa are values of.
// The arithmetic is in BlockStack.swift.

import Kernels
import Networks
import Tensors

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
    /// Rotary embedding of queries and keys with these inverse frequencies, D/2 of them.
    case rotary([Float])
  }

  public enum Visibility: Sendable, Equatable {
    /// A token sees itself and what is before it.
    case causal
    /// As causal, with this many tokens at most, itself included (Mistral).
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

  public init(
    normPlacement: NormPlacement, norm: Norm, normEpsilon: Double, positions: Positions,
    visibility: Visibility, heads: Int, keyValueHeads: Int, headSize: Int,
    feedForward: FeedForward, inner: Int
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
  }

  /// Columns of the joined query, key and value buffer: (H + 2G)·D.
  public var attentionWidth: Int { (heads + 2 * keyValueHeads) * headSize }

  /// Columns of the feed-forward part's first product: F, or 2·F for `[gate | up]`.
  public var feedForwardWidth: Int { feedForward == .gated ? 2 * inner : inner }

  /// Columns of queries, keys and values in the joined buffer.
  var joinedColumns: (queries: Range<Int>, keys: Range<Int>, values: Range<Int>) {
    let queries = heads * headSize
    let keys = keyValueHeads * headSize
    return (0..<queries, queries..<queries + keys, queries + keys..<queries + 2 * keys)
  }

  func attention(dropout: Dropout? = nil) -> Attention {
    var window: Int?
    if case .window(let tokens) = visibility { window = tokens }
    return Attention(
      heads: heads, keyValueHeads: keyValueHeads, headSize: headSize,
      isCausal: visibility != .full, window: window, dropout: dropout)
  }

  /// The angles of `positions` positions, nil where positions are learned.
  func rotary(positions: Int) -> Rotary? {
    guard case .rotary(let frequencies) = self.positions else { return nil }
    return Rotary(inverseFrequencies: frequencies, positions: positions)
  }

  /// Between the two products of the feed-forward part, on one thread: for pieces of a product, see
  /// `matmul`.
  ///
  /// - Parameters:
  ///   - inner: `[N, F]`, or `[N, 2·F]` if gated; kept for the backward pass.
  ///   - columns: of F.
  ///   - activated: `[N, F]`, overwritten there; may be `inner` if it is not gated and nothing is kept.
  func activate(
    _ inner: Tensor, rows: Range<Int>, columns: Range<Int>, into activated: Tensor
  ) {
    let first = columns.lowerBound
    for row in rows {
      let (x, y) = (inner.row(row) + first, activated.row(row) + first)
      switch feedForward {
      case .gelu(.tanh): geluTanh(x, y, columns.count)
      case .gelu(.erf): geluErf(x, y, columns.count)
      case .gated: swiGLU(x, x + self.inner, y, columns.count)
      }
    }
  }

  /// Between the two products of the feed-forward part.
  ///
  /// - Parameters:
  ///   - inner: `[N, F]`, or `[N, 2·F]` if gated; kept for the backward pass.
  ///   - activated: `[N, F]`, overwritten; may be `inner` if it is not gated and nothing is kept.
  func activate(_ inner: Tensor, into activated: Tensor) {
    switch feedForward {
    case .gelu(let form): form.forward(inner, into: activated)
    case .gated:
      SwiGLU.forward(
        gate: inner.slice(columns: 0..<self.inner),
        up: inner.slice(columns: self.inner..<2 * self.inner), into: activated)
    }
  }

  /// The gradient of a piece, on one thread.
  ///
  /// - Parameters:
  ///   - dActivated: `[N, F]`
  ///   - inner: `[N, F]`, or `[N, 2·F]` if gated; the gradient takes its place.
  ///   - activated: `[N, F]`, overwritten there with the activation of before; nil if not wanted.
  func activateBackward(
    _ dActivated: Tensor, inner: Tensor, rows: Range<Int>, columns: Range<Int>,
    activated: Tensor?
  ) {
    if let activated { activate(inner, rows: rows, columns: columns, into: activated) }
    let first = columns.lowerBound
    for row in rows {
      let (dy, x) = (dActivated.row(row) + first, inner.row(row) + first)
      switch feedForward {
      case .gelu(.tanh): geluTanhBackward(dy, x, x, columns.count)
      case .gelu(.erf): geluErfBackward(dy, x, x, columns.count)
      case .gated: swiGLUBackward(dy, x, x + self.inner, x, x + self.inner, columns.count)
      }
    }
  }
}
