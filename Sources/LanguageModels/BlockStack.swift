// Forward and backward through a model's blocks over planned memory; decoders and encoders, every
// family. Ops are in Networks; what a head makes of the result is in Transformer.swift and
// EncoderModel.swift.
//
//   s₀ = E[token] (+ P[position]) (+ T[0])            n = norm(s)
//   norms first (GPT-2, Llama):    s′ = s + f(n)      hidden = norm(s_last)
//   norms after (BERT, RoBERTa):   s′ = n + f(n)      hidden = norm(s_last)
//
// f is attention and the feed-forward part by turns. Seen so, both placements have the same norms at
// the same places and differ only in what the residual connection starts from.

import Networks
import Tensors

/// Embeddings, blocks and last norm, with memory to run them: forward passes and, if asked for,
/// backward passes.
public final class BlockStack {
  public let model: LanguageModel
  /// Most tokens that one batch may have.
  public let capacity: Int
  public let adapter: LowRankAdapter?
  /// Same plan as the weights; nil where the model's own parameters are frozen. Backward passes add
  /// to it.
  public let gradients: Arena?
  /// Same plan as the adapter's weights; nil where there is no adapter or nothing learns.
  public let adapterGradients: Arena?
  /// Sees activations of forward passes.
  public weak var observer: (any ActivationObserver)?
  /// Sees the feed-forward layers that learn in backward passes.
  public weak var gradientObserver: (any GradientObserver)?
  private let specification: ModelSpecification
  private let memory: ActivationMemory
  private let embeddings: EmbeddingLayers
  private let blocks: [BlockLayers]
  private let finalNorm: NormLayer
  private let rotary: Rotary?
  /// The lowest part that learns: −1 the embeddings, 2l attention of block l with its norm, 2l + 1
  /// the feed-forward part with its norm, 2L the last norm; nil if nothing does.
  private let lowestTrained: Int?

  /// - Parameters:
  ///   - capacity: tokens.
  ///   - trains: whether backward passes will be asked for.
  ///   - adapter: added to the layers it names; with `trains`, it alone learns.
  public init(
    _ model: LanguageModel, capacity: Int, trains: Bool, adapter: LowRankAdapter? = nil
  ) {
    self.model = model
    self.capacity = capacity
    self.adapter = adapter
    specification = model.specification
    gradients = trains && adapter == nil ? Arena(model.table.plan) : nil
    adapterGradients = trains ? adapter.map { Arena($0.plan) } : nil
    memory = ActivationMemory(specification, capacity: capacity, keepsAll: trains)
    let source = LayerSource(
      model: model, gradients: gradients, adapter: adapter, adapterGradients: adapterGradients)
    embeddings = source.embeddings()
    blocks = source.blocks()
    finalNorm = source.finalNorm()
    rotary = specification.block.rotary(positions: min(capacity, specification.context))
    var lowest: Int? = finalNorm.isTrained ? 2 * blocks.count : nil
    for (layer, block) in blocks.enumerated().reversed() {
      if block.feedForwardNorm.isTrained || block.feedForwardIsTrained { lowest = 2 * layer + 1 }
      if block.attentionNorm.isTrained || block.attentionIsTrained { lowest = 2 * layer }
    }
    lowestTrained = embeddings.isTrained ? -1 : lowest
  }

  /// Bytes that `init` will take beside model and adapter.
  ///
  /// - Parameter trainedBytes: of the parameters that learn; nil for all of the model's, in single
  ///   precision; nothing learns at 0.
  public static func bytes(
    _ specification: ModelSpecification, capacity: Int, trainedBytes: Int? = nil
  ) -> Int {
    let gradients = trainedBytes ?? ParameterTable(specification).plan.bytes
    var rotary = 0
    if case .rotary = specification.block.positions {
      rotary = Rotary.bytes(
        headSize: specification.block.headSize, positions: min(capacity, specification.context))
    }
    return gradients + rotary
      + ActivationMemory.bytes(specification, capacity: capacity, keepsAll: gradients > 0)
  }

  /// Bytes taken beside model and adapter.
  var bytes: Int {
    var bytes = memory.bytes
    for gradients in [gradients, adapterGradients] { bytes += gradients?.plan.bytes ?? 0 }
    if let rotary {
      bytes += Rotary.bytes(headSize: rotary.headSize, positions: rotary.positions)
    }
    return bytes
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
      batch.segments.longest <= specification.context,
      "a sequence of \(batch.segments.longest) tokens is longer than the context of "
        + "\(specification.context)")
    func place(_ region: ArenaPlan.Region) -> Tensor { memory.tensor(region, rows: rows) }
    let keeps = memory.keepsAll
    let kind = specification.block
    let isPost = kind.normPlacement == .post
    let norm = place(memory.norm)
    let branch = place(memory.branch)

    let stream = place(memory.blocks.first?.input ?? memory.output)
    embeddings.forward(batch.tokens, positions: batch.positions, into: stream)
    if !isPost {
      dropout?.dropout(at: .embedding)?.apply(to: stream)
      observer?.observe(stream, at: .embedding, of: batch)
    }

    for layer in blocks.indices {
      let block = layers(layer, dropout)
      let kept = memory.blocks[layer]
      let input = place(kept.input)
      let middle = place(kept.middle)
      let output = place(layer + 1 < blocks.count ? memory.blocks[layer + 1].input : memory.output)

      block.attentionNorm.forward(
        input, into: norm, statistics: keeps ? place(kept.attentionNorm) : nil)
      if isPost {
        if layer == 0 { dropout?.dropout(at: .embedding)?.apply(to: norm) }
        observer?.observe(
          norm, at: layer == 0 ? .embedding : .blockOutput(layer: layer - 1), of: batch)
      }
      let qkv = place(kept.queryKeyValue)
      block.queryKeyValue.forward(norm, into: qkv)
      let (q, k, v) = split(qkv)
      rotary?.forward(q, positions: batch.positions)
      rotary?.forward(k, positions: batch.positions)
      let attended = place(kept.attended)
      attention(dropout?.dropout(at: .attention(layer))).forward(
        q: q, k: k, v: v, segments: batch.segments, into: attended,
        logSumExp: keeps ? place(kept.logSumExp) : nil)
      let mask = dropout?.dropout(at: .attentionOutput(layer))
      if mask != nil || observer != nil {
        block.attentionOutput.forward(attended, into: branch)
        mask?.apply(to: branch)
        observer?.observe(branch, at: .attentionOutput(layer: layer), of: batch)
        Residual.add(isPost ? norm : input, branch, into: middle)
      } else {
        // Joined to the stream while pieces of the product lie in a cache.
        block.attentionOutput.forward(attended, into: branch) { rows, columns in
          Residual.add(isPost ? norm : input, branch, rows, columns, into: middle)
        }
      }

      block.feedForwardNorm.forward(
        middle, into: norm, statistics: keeps ? place(kept.feedForwardNorm) : nil)
      let inner = place(kept.inner)
      // What nobody keeps is overwritten while it lies in a cache.
      let activated = keeps || kind.feedForward == .gated ? place(memory.activated) : inner
      block.up.forward(norm, into: inner) { rows, columns in
        kind.activate(inner, rows: rows, columns: columns, into: activated)
      }
      observer?.observe(activated, at: .feedForwardInner(layer: layer), of: batch)
      if let mask = dropout?.dropout(at: .feedForwardOutput(layer)) {
        block.down.forward(activated, into: branch)
        mask.apply(to: branch)
        Residual.add(isPost ? norm : middle, branch, into: output)
      } else {
        block.down.forward(activated, into: branch) { rows, columns in
          Residual.add(isPost ? norm : middle, branch, rows, columns, into: output)
        }
      }
      if !isPost { observer?.observe(output, at: .blockOutput(layer: layer), of: batch) }
    }

    let hidden = place(memory.hidden)
    finalNorm.forward(
      place(memory.output), into: hidden, statistics: keeps ? place(memory.finalNorm) : nil)
    if isPost { observer?.observe(hidden, at: .blockOutput(layer: blocks.count - 1), of: batch) }
    observer?.observe(hidden, at: .finalNorm, of: batch)
    return hidden
  }

  /// Adds into the gradients, down to the lowest part that learns.
  ///
  /// - Parameters:
  ///   - dHidden: [N, C], of what `forward` returned; destroyed.
  ///   - batch, dropout: of the forward pass before.
  public func backward(_ dHidden: Tensor, _ batch: Batch, dropout: DropoutMasks? = nil) {
    guard let streamRegion = memory.streamGradient, let qkvRegion = memory.queryKeyValueGradient,
      let branchRegion = memory.branchGradient
    else { preconditionFailure("backward was asked of a BlockStack made with trains: false") }
    guard let lowest = lowestTrained else { return }
    let rows = batch.tokenCount
    dHidden.require(rows, specification.width, "dHidden", in: "BlockStack.backward")
    func place(_ region: ArenaPlan.Region) -> Tensor { memory.tensor(region, rows: rows) }
    let kind = specification.block
    let isPost = kind.normPlacement == .post
    let dStream = place(streamRegion)
    let norm = place(memory.norm)
    let branch = place(memory.branch)
    let activated = place(memory.activated)
    /// The shared place of gradients that are not C wide.
    func dBranch(_ columns: Int) -> Tensor {
      Tensor(place(branchRegion).data, rows: rows, columns: columns)
    }
    /// From the gradients of s′ and f's input to that of s.
    func throughNorm(_ layer: NormLayer, x: Tensor, statistics: Tensor, mask: Dropout? = nil) {
      if isPost {
        Residual.add(dStream, into: dHidden)
        mask?.apply(to: dHidden)
      }
      layer.backward(dHidden, x: x, statistics: statistics, dx: dStream, accumulate: !isPost)
    }

    finalNorm.backward(
      dHidden, x: place(memory.output), statistics: place(memory.finalNorm), dx: dStream)
    if lowest == 2 * blocks.count { return }

    for layer in blocks.indices.reversed() {
      let block = layers(layer, dropout)
      let kept = memory.blocks[layer]

      // Feed-forward part. Norm and activation are computed again, see ActivationMemory.Block.
      let inner = place(kept.inner)
      let middle = place(kept.middle)
      let middleStatistics = place(kept.feedForwardNorm)
      let part = 2 * layer + 1
      let reachesMiddle = lowest < part || block.feedForwardNorm.isTrained
      let dDown = dropped(dStream, dropout?.dropout(at: .feedForwardOutput(layer)), into: branch)
      let dActivated = dBranch(specification.block.inner)
      let reachesInner = reachesMiddle || block.up.isTrained
      // A low-rank part reads the activation before the product.
      let isLate = reachesInner && block.down.lowRank == nil
      if !isLate { specification.block.activate(inner, into: activated) }
      block.down.backward(dDown, x: activated, dx: reachesInner ? dActivated : nil) {
        kind.activateBackward(
          dActivated, inner: inner, rows: $0, columns: $1, activated: isLate ? activated : nil)
      }
      // Only an adapter leaves the activation where it can be seen; it is what editors learn beside.
      if let gradientObserver, block.down.lowRank != nil {
        gradientObserver.observe(input: activated, gradient: dDown, of: block.downModule)
      }
      guard reachesInner else { return }
      if block.up.isTrained {
        block.feedForwardNorm.forward(middle, into: norm, statistics: middleStatistics)
        if let gradientObserver {
          for (module, (part, columns)) in zip(block.up.modules, block.up.columns)
          where part.lowRank != nil {
            gradientObserver.observe(
              input: norm, gradient: inner.slice(columns: columns), of: module)
          }
        }
      }
      block.up.backward(inner, x: norm, dx: reachesMiddle ? dHidden : nil)
      guard reachesMiddle else { return }
      throughNorm(block.feedForwardNorm, x: middle, statistics: middleStatistics)
      if lowest == part { return }

      // Attention.
      let input = place(kept.input)
      let inputStatistics = place(kept.attentionNorm)
      let attended = place(kept.attended)
      let reachesInput = lowest < 2 * layer || block.attentionNorm.isTrained
      let reachesQueries = reachesInput || block.queryKeyValue.isTrained
      let dAttention = dropped(dStream, dropout?.dropout(at: .attentionOutput(layer)), into: branch)
      let dAttended = dBranch(attended.columns)
      block.attentionOutput.backward(
        dAttention, x: attended, dx: reachesQueries ? dAttended : nil)
      guard reachesQueries else { return }
      let (q, k, v) = split(place(kept.queryKeyValue))
      let dQKV = place(qkvRegion)
      let (dQ, dK, dV) = split(dQKV)
      attention(dropout?.dropout(at: .attention(layer))).backward(
        dAttended, q: q, k: k, v: v, o: attended, logSumExp: place(kept.logSumExp),
        segments: batch.segments, dQ: dQ, dK: dK, dV: dV)
      rotary?.backward(dQ, positions: batch.positions)
      rotary?.backward(dK, positions: batch.positions)
      let mask = isPost && layer == 0 ? dropout?.dropout(at: .embedding) : nil
      if block.queryKeyValue.isTrained {
        block.attentionNorm.forward(input, into: norm, statistics: inputStatistics)
        mask?.apply(to: norm)
      }
      block.queryKeyValue.backward(dQKV, x: norm, dx: reachesInput ? dHidden : nil)
      guard reachesInput else { return }
      throughNorm(block.attentionNorm, x: input, statistics: inputStatistics, mask: mask)
      if lowest == 2 * layer { return }
    }

    if !isPost { dropout?.dropout(at: .embedding)?.apply(to: dStream) }
    embeddings.backward(dStream, batch.tokens, positions: batch.positions)
  }

  /// A block's layers, with the adapter's masks of this pass.
  private func layers(_ layer: Int, _ dropout: DropoutMasks?) -> BlockLayers {
    guard let adapter, let dropout, adapter.configuration.dropout > 0 else { return blocks[layer] }
    return blocks[layer].masked {
      adapter.dropout(
        module: $0, seed: dropout.seed, step: dropout.step, firstRow: dropout.firstRow)
    }
  }

  /// The gradient behind a dropout; the stream itself, untouched, where there is none.
  private func dropped(_ gradient: Tensor, _ dropout: Dropout?, into place: Tensor) -> Tensor {
    guard let dropout else { return gradient }
    place.copy(from: gradient)
    dropout.apply(to: place)
    return place
  }

  private func split(_ qkv: Tensor) -> (Tensor, Tensor, Tensor) {
    let columns = specification.block.joinedColumns
    return (
      qkv.slice(columns: columns.queries), qkv.slice(columns: columns.keys),
      qkv.slice(columns: columns.values)
    )
  }

  private func attention(_ dropout: Dropout?) -> Attention {
    specification.block.attention(dropout: dropout)
  }
}
