// Forward and backward through a model, block by block, over planned memory. Ops are in Networks.
//
//   x₀ = E[token] + P[position]
//   m = x + attention(norm(x))·W + b        x' = m + gelu(norm(m)·U + b)·D + b      (L times)
//   logits = norm(x_L)·Eᵀ

import Networks
import Tensors

/// Shares of activations that training sets to zero.
public struct DropoutRates: Sendable, Equatable {
  public var embedding: Double
  public var attention: Double
  public var residual: Double

  public static let none = DropoutRates(embedding: 0, attention: 0, residual: 0)

  public init(embedding: Double, attention: Double, residual: Double) {
    self.embedding = embedding
    self.attention = attention
    self.residual = residual
  }

  var isNone: Bool { self == .none }
}

/// Which masks a pass draws: a function of seed, step and place, never of batches or threads.
public struct DropoutMasks: Sendable {
  public var rates: DropoutRates
  public var seed: Int
  public var step: Int
  /// Row of this batch's first token in the whole step.
  public var firstRow: Int

  public init(rates: DropoutRates, seed: Int, step: Int, firstRow: Int = 0) {
    self.rates = rates
    self.seed = seed
    self.step = step
    self.firstRow = firstRow
  }

  enum Site {
    case embedding
    case attention(Int)
    case attentionOutput(Int)
    case feedForwardOutput(Int)
  }

  func dropout(at site: Site) -> Dropout? {
    let (rate, number) =
      switch site {
      case .embedding: (rates.embedding, 0)
      case .attention(let layer): (rates.attention, 3 * layer + 1)
      case .attentionOutput(let layer): (rates.residual, 3 * layer + 2)
      case .feedForwardOutput(let layer): (rates.residual, 3 * layer + 3)
      }
    guard rate > 0 else { return nil }
    return Dropout(rate: Float(rate), seed: seed, step: step, site: number, firstRow: firstRow)
  }
}

/// A model with memory to run it: forward passes and, if asked for, backward passes.
public final class Transformer {
  public let model: LanguageModel
  /// Most tokens that one batch may have.
  public let capacity: Int
  /// Same plan as the weights; nil where nothing is trained. Backward passes add to it.
  public let gradients: Arena?
  /// Sees activations of forward passes.
  public weak var observer: (any ActivationObserver)?
  private let memory: ActivationMemory
  private let blocks: [BlockLayers]
  private let finalNorm: LayerNorm
  private let tokens: Embedding
  private let positions: Embedding
  private let head: Linear

  /// - Parameters:
  ///   - capacity: tokens.
  ///   - trains: whether backward passes will be asked for.
  public init(_ model: LanguageModel, capacity: Int, trains: Bool) {
    self.model = model
    self.capacity = capacity
    gradients = trains ? Arena(model.table.plan) : nil
    memory = ActivationMemory(model.specification, capacity: capacity, keepsAll: trains)
    let layers = LayerSource(model: model, gradients: gradients)
    blocks = (0..<model.specification.layers).map { BlockLayers(layers, layer: $0) }
    finalNorm = layers.norm(gain: .finalNormGain, bias: .finalNormBias)
    tokens = layers.embedding(.tokenEmbedding)
    positions = layers.embedding(.positionEmbedding)
    head = Linear(
      weight: .f32(tokens.table), weightGradient: tokens.gradient)
  }

  /// Bytes that `init` will take beside the model itself.
  public static func bytes(
    _ specification: ModelSpecification, capacity: Int, trains: Bool
  ) -> Int {
    let activations = ActivationMemory.bytes(
      specification, capacity: capacity, keepsAll: trains)
    return activations + (trains ? ParameterTable(specification).plan.bytes : 0)
  }

  /// Runs the blocks.
  ///
  /// - Returns: [N, C], after the last norm; valid until the next pass.
  @discardableResult
  public func forward(_ batch: Batch, dropout: DropoutMasks? = nil) -> Tensor {
    let rows = batch.tokenCount
    precondition(
      rows <= capacity, "a batch of \(rows) tokens does not fit a memory for \(capacity)")
    precondition(
      batch.segments.longest <= model.specification.context,
      "a sequence of \(batch.segments.longest) tokens is longer than the context of "
        + "\(model.specification.context)")
    func place(_ region: ArenaPlan.Region) -> Tensor { memory.tensor(region, rows: rows) }
    let keeps = memory.keepsAll

    let stream = place(memory.blocks.first?.input ?? memory.output)
    tokens.forward(batch.tokens, into: stream)
    positions.forward(batch.positions, into: stream, accumulate: true)
    dropout?.dropout(at: .embedding)?.apply(to: stream)
    observer?.observe(stream, at: .embedding, of: batch)

    for (layer, block) in blocks.enumerated() {
      let kept = memory.blocks[layer]
      let input = place(kept.input)
      let middle = place(kept.middle)
      let norm = place(memory.norm)
      let branch = place(memory.branch)
      let output = place(layer + 1 < blocks.count ? memory.blocks[layer + 1].input : memory.output)

      block.attentionNorm.forward(
        input, into: norm, statistics: keeps ? place(kept.attentionNorm) : nil)
      let qkv = place(kept.queryKeyValue)
      block.queryKeyValue.forward(norm, into: qkv)
      let (q, k, v) = split(qkv)
      let attended = place(kept.attended)
      attention(dropout: dropout?.dropout(at: .attention(layer))).forward(
        q: q, k: k, v: v, segments: batch.segments, into: attended,
        logSumExp: keeps ? place(kept.logSumExp) : nil)
      block.attentionOutput.forward(attended, into: branch)
      dropout?.dropout(at: .attentionOutput(layer))?.apply(to: branch)
      observer?.observe(branch, at: .attentionOutput(layer: layer), of: batch)
      Residual.add(input, branch, into: middle)

      block.feedForwardNorm.forward(
        middle, into: norm, statistics: keeps ? place(kept.feedForwardNorm) : nil)
      let inner = place(kept.inner)
      let activated = place(memory.activated)
      block.up.forward(norm, into: inner)
      activation.forward(inner, into: activated)
      observer?.observe(activated, at: .feedForwardInner(layer: layer), of: batch)
      block.down.forward(activated, into: branch)
      dropout?.dropout(at: .feedForwardOutput(layer))?.apply(to: branch)
      Residual.add(middle, branch, into: output)
      observer?.observe(output, at: .blockOutput(layer: layer), of: batch)
    }

    let hidden = place(memory.hidden)
    finalNorm.forward(
      place(memory.output), into: hidden, statistics: keeps ? place(memory.finalNorm) : nil)
    observer?.observe(hidden, at: .finalNorm, of: batch)
    return hidden
  }

  /// Loss without gradients.
  ///
  /// - Returns: the sums, and −log p of each token's successor, 0 where it is not supervised.
  public func evaluate(_ batch: Batch) -> (total: HeadLoss.Total, tokenLosses: [Float]) {
    let hidden = forward(batch)
    var losses = [Float](repeating: 0, count: batch.tokenCount)
    let total = losses.withUnsafeMutableBufferPointer { buffer in
      HeadLoss.forward(
        hidden: hidden, head: head, targets: batch.targets,
        tokenLosses: buffer.baseAddress.map { Tensor($0, count: buffer.count) })
    }
    return (total, losses)
  }

  /// All logits of a batch; for tests and small vocabularies.
  ///
  /// - Parameter logits: [N, V], overwritten.
  public func logits(_ batch: Batch, into logits: Tensor) {
    head.forward(forward(batch), into: logits)
  }

  /// Forward, loss, backward: adds the gradients of Σ loss / `supervisedCount` to `gradients`.
  ///
  /// - Parameter supervisedCount: supervised tokens of the whole optimizer step.
  public func learn(
    _ batch: Batch, supervisedCount: Int, dropout: DropoutMasks? = nil
  ) -> HeadLoss.Total {
    let hidden = forward(batch, dropout: dropout)
    let total = HeadLoss.forwardBackward(
      hidden: hidden, head: head, targets: batch.targets, supervisedCount: supervisedCount,
      dHidden: hidden)
    backward(hidden, batch, dropout: dropout)
    return total
  }

  /// - Parameter dHidden: [N, C], destroyed.
  private func backward(_ dHidden: Tensor, _ batch: Batch, dropout: DropoutMasks?) {
    guard let streamRegion = memory.streamGradient, let qkvRegion = memory.queryKeyValueGradient,
      let activatedRegion = memory.activatedGradient
    else { preconditionFailure("backward was asked of a Transformer made with trains: false") }
    let rows = batch.tokenCount
    func place(_ region: ArenaPlan.Region) -> Tensor { memory.tensor(region, rows: rows) }
    let dStream = place(streamRegion)
    let dQKV = place(qkvRegion)
    let dActivated = place(activatedRegion)
    let norm = place(memory.norm)
    let branch = place(memory.branch)
    let activated = place(memory.activated)

    finalNorm.backward(
      dHidden, x: place(memory.output), statistics: place(memory.finalNorm), dx: dStream)

    for (layer, block) in blocks.enumerated().reversed() {
      let kept = memory.blocks[layer]

      // Feed-forward part. Norm and activation are computed again, see ActivationMemory.Block.
      let inner = place(kept.inner)
      let middle = place(kept.middle)
      let dDown = dropped(dStream, dropout?.dropout(at: .feedForwardOutput(layer)), into: branch)
      activation.forward(inner, into: activated)
      block.down.backward(dDown, x: activated, dx: dActivated)
      activation.backward(dActivated, x: inner, dx: dActivated)
      block.feedForwardNorm.forward(
        middle, into: norm, statistics: place(kept.feedForwardNorm))
      block.up.backward(dActivated, x: norm, dx: dHidden)
      block.feedForwardNorm.backward(
        dHidden, x: middle, statistics: place(kept.feedForwardNorm), dx: dStream,
        accumulate: true)

      // Attention.
      let input = place(kept.input)
      let attended = place(kept.attended)
      let dAttention = dropped(dStream, dropout?.dropout(at: .attentionOutput(layer)), into: branch)
      block.attentionOutput.backward(dAttention, x: attended, dx: dHidden)
      let (q, k, v) = split(place(kept.queryKeyValue))
      let (dQ, dK, dV) = split(dQKV)
      attention(dropout: dropout?.dropout(at: .attention(layer))).backward(
        dHidden, q: q, k: k, v: v, o: attended, logSumExp: place(kept.logSumExp),
        segments: batch.segments, dQ: dQ, dK: dK, dV: dV)
      block.attentionNorm.forward(input, into: norm, statistics: place(kept.attentionNorm))
      block.queryKeyValue.backward(dQKV, x: norm, dx: dHidden)
      block.attentionNorm.backward(
        dHidden, x: input, statistics: place(kept.attentionNorm), dx: dStream, accumulate: true)
    }

    dropout?.dropout(at: .embedding)?.apply(to: dStream)
    tokens.backward(dStream, indices: batch.tokens)
    positions.backward(dStream, indices: batch.positions)
  }

  /// The gradient behind a dropout; the stream itself, untouched, where there is none.
  private func dropped(_ gradient: Tensor, _ dropout: Dropout?, into place: Tensor) -> Tensor {
    guard let dropout else { return gradient }
    place.copy(from: gradient)
    dropout.apply(to: place)
    return place
  }

  private func split(_ qkv: Tensor) -> (Tensor, Tensor, Tensor) {
    let block = model.specification.block
    let queries = block.heads * block.headSize
    let keys = block.keyValueHeads * block.headSize
    return (
      qkv.slice(columns: 0..<queries), qkv.slice(columns: queries..<queries + keys),
      qkv.slice(columns: queries + keys..<queries + 2 * keys)
    )
  }

  private func attention(dropout: Dropout?) -> Attention {
    model.specification.block.attention(dropout: dropout)
  }

  private var activation: GELU { model.specification.block.activation }
}

extension BlockSpecification {
  func attention(dropout: Dropout? = nil) -> Attention {
    Attention(
      heads: heads, keyValueHeads: keyValueHeads, headSize: headSize,
      isCausal: visibility != .full, dropout: dropout)
  }

  var activation: GELU {
    guard case .gelu(let form) = feedForward else {
      preconditionFailure("a gated feed-forward part has no GELU; requireSupported() refuses it")
    }
    return form
  }
}
