// Scaled dot-product attention inside the segments of a packed batch, in blocks with an online
// softmax (Dao et al. 2022): no [T, T] matrix is kept, only the logarithm of each softmax sum. The
// work of one segment and head is in AttentionWork.swift.
//
//   S = s·Q·Kᵀ   P = softmax(S)   O = P·V
//   dV = Pᵀ·dO   dP = dO·Vᵀ   dS = P∘(dP − rowsum(dO∘O))   dQ = s·dS·K   dK = s·dSᵀ·Q

import Kernels
import Tensors

/// Multi-head attention with grouped key/value heads.
public struct Attention: Sendable {
  /// Query heads H.
  public var heads: Int
  /// Key/value heads G; each serves H/G neighbouring query heads. H for GPT-2.
  public var keyValueHeads: Int
  /// Head size D.
  public var headSize: Int
  /// Factor s of the scores, 1/√D by default.
  public var scale: Float
  /// Whether a token sees only itself and what is before it.
  public var isCausal: Bool
  /// Keys that a token sees at most, itself included: query t sees t − window + 1 … t, as Mistral in
  /// transformers. nil for all before it; only with `isCausal`.
  public var window: Int?
  /// Dropout of the probabilities, nil or rate 0 for none.
  public var dropout: Dropout?

  public init(
    heads: Int, keyValueHeads: Int? = nil, headSize: Int, scale: Float? = nil,
    isCausal: Bool = true, window: Int? = nil, dropout: Dropout? = nil
  ) {
    let groups = keyValueHeads ?? heads
    precondition(
      heads > 0 && groups > 0 && heads % groups == 0,
      "\(heads) query heads cannot share \(groups) key/value heads")
    self.heads = heads
    self.keyValueHeads = groups
    self.headSize = headSize
    self.scale = scale ?? 1 / Float(headSize).squareRoot()
    precondition(
      window == nil || isCausal && window! > 0,
      "a window of \(window ?? 0) tokens needs a causal attention and one token")
    self.isCausal = isCausal
    self.window = window
    self.dropout = dropout
  }

  /// - Parameters:
  ///   - q: `[N, H·D]`; may be columns of a wider buffer, as may `k` and `v`.
  ///   - k: `[N, G·D]`
  ///   - v: `[N, G·D]`
  ///   - segments: of N tokens together.
  ///   - o: `[N, H·D]`, overwritten.
  ///   - logSumExp: `[N, H]`, overwritten, saved for the backward pass; nil if none follows.
  public func forward(
    q: Tensor, k: Tensor, v: Tensor, segments: Segments, into o: Tensor, logSumExp: Tensor?
  ) {
    check(q: q, k: k, v: v, o: o, segments)
    logSumExp?.require(q.rows, heads, "logSumExp", in: "Attention.forward")
    parallelFor(segments.count * heads) { task in
      let head = task % heads
      let work = AttentionWork(
        self, segments[task / heads], group: head / (heads / keyValueHeads))
      work.forward(head: head, q: q, k: k, v: v, o: o, logSumExp: logSumExp)
    }
  }

  /// - Parameters:
  ///   - dO: `[N, H·D]`
  ///   - q, k, v, o, logSumExp: of the forward pass.
  ///   - dQ: `[N, H·D]`, overwritten; may be columns of a wider buffer, as may `dK` and `dV`.
  ///   - dK: `[N, G·D]`, overwritten.
  ///   - dV: `[N, G·D]`, overwritten.
  public func backward(
    _ dO: Tensor, q: Tensor, k: Tensor, v: Tensor, o: Tensor, logSumExp: Tensor,
    segments: Segments, dQ: Tensor, dK: Tensor, dV: Tensor
  ) {
    check(q: q, k: k, v: v, o: o, segments)
    check(q: dQ, k: dK, v: dV, o: dO, segments)
    logSumExp.require(q.rows, heads, "logSumExp", in: "Attention.backward")
    parallelFor(segments.count * keyValueHeads) { task in
      let work = AttentionWork(
        self, segments[task / keyValueHeads], group: task % keyValueHeads)
      work.backward(
        dO, q: q, k: k, v: v, o: o, logSumExp: logSumExp, dQ: dQ, dK: dK, dV: dV)
    }
  }

  private func check(q: Tensor, k: Tensor, v: Tensor, o: Tensor, _ segments: Segments) {
    let tokens = segments.tokenCount
    q.require(tokens, heads * headSize, "q", in: "Attention")
    k.require(tokens, keyValueHeads * headSize, "k", in: "Attention")
    v.require(tokens, keyValueHeads * headSize, "v", in: "Attention")
    o.require(tokens, heads * headSize, "o", in: "Attention")
  }
}
