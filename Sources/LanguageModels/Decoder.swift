// The forward pass for writing: prompts in one go, then token by token over caches. All products go
// through PackedLinear, whose rows do not depend on each other's number, so a sequence has the same
// bits in every batch. The training path (Transformer.swift) uses BLAS, whose rows do not promise that.

import Networks
import Tensors

/// Keys and values of one sequence in all layers.
final class SequenceCache {
  let layers: [KeyValueCache]

  private init(layers: [KeyValueCache]) { self.layers = layers }

  /// Empty caches for `count` sequences of up to `capacity` tokens.
  static func make(
    _ count: Int, _ specification: ModelSpecification, capacity: Int
  ) -> [SequenceCache] {
    let block = specification.block
    let layers = specification.layers
    let caches = KeyValueCache.make(
      count * layers, capacity: capacity, keyValueHeads: block.keyValueHeads,
      headSize: block.headSize)
    // Layer by layer, as they are read.
    return (0..<count).map { sequence in
      SequenceCache(layers: (0..<layers).map { caches[$0 * count + sequence] })
    }
  }

  /// Makes room for another sequence.
  func empty() { for layer in layers { layer.truncate(to: 0) } }

  static func bytes(_ specification: ModelSpecification, capacity: Int) -> Int {
    let block = specification.block
    return specification.layers
      * KeyValueCache.bytes(
        capacity: capacity, keyValueHeads: block.keyValueHeads, headSize: block.headSize)
  }
}

/// A model packed for few rows at a time.
final class Decoder {
  private struct Block {
    let attentionNorm: NormLayer
    /// Side by side in one buffer, as are the parts of `up`.
    let queryKeyValue: [PackedLinear]
    let attentionOutput: PackedLinear
    let feedForwardNorm: NormLayer
    let up: [PackedLinear]
    let down: PackedLinear
  }

  let model: LanguageModel
  /// Most rows at a time.
  let capacity: Int
  private let blocks: [Block]
  private let finalNorm: NormLayer
  private let head: PackedLinear
  private let embeddings: EmbeddingLayers
  private let rotary: Rotary?
  private let arena: Arena
  private let stream, norm, qkv, attended, branch, inner, activated, last, logits: ArenaPlan.Region

  /// - Parameters:
  ///   - capacity: tokens of a prefill.
  ///   - batch: sequences at a time.
  init(_ model: LanguageModel, capacity: Int, batch: Int) {
    let specification = model.specification
    let block = specification.block
    let source = LayerSource(model: model, gradients: nil)
    self.model = model
    self.capacity = max(capacity, batch)
    blocks = source.blocks().map { layers in
      Block(
        attentionNorm: layers.attentionNorm,
        queryKeyValue: layers.queryKeyValue.parts.map { PackedLinear($0) },
        attentionOutput: PackedLinear(layers.attentionOutput),
        feedForwardNorm: layers.feedForwardNorm, up: layers.up.parts.map { PackedLinear($0) },
        down: PackedLinear(layers.down))
    }
    finalNorm = source.finalNorm()
    embeddings = source.embeddings()
    rotary = block.rotary(positions: specification.context)
    head = PackedLinear(source.head())
    var plan = ArenaPlan()
    let rows = self.capacity
    stream = plan.add("stream", rows: rows, columns: specification.width)
    norm = plan.add("norm", rows: rows, columns: specification.width)
    qkv = plan.add("qkv", rows: rows, columns: block.attentionWidth)
    attended = plan.add("attended", rows: rows, columns: block.heads * block.headSize)
    branch = plan.add("branch", rows: rows, columns: specification.width)
    inner = plan.add("inner", rows: rows, columns: block.feedForwardWidth)
    activated = plan.add("activated", rows: rows, columns: block.inner)
    last = plan.add("last", rows: batch, columns: specification.width)
    logits = plan.add("logits", rows: batch, columns: specification.vocabulary)
    arena = Arena(plan)
  }

  /// Bytes beside the model: its packed copy and working memory, without caches.
  static func bytes(_ specification: ModelSpecification, capacity: Int, batch: Int) -> Int {
    let block = specification.block
    let row =
      3 * specification.width + block.attentionWidth + block.feedForwardWidth + block.inner
      + block.heads * block.headSize
    return ParameterTable(specification).plan.bytes
      + 4 * (max(capacity, batch) * row + batch * (specification.width + specification.vocabulary))
  }

  /// Reads whole prompts into empty caches.
  ///
  /// - Returns: [prompts, V], logits behind the last token of each; valid until the next call.
  func prefill(_ prompts: [[Int32]], _ caches: [SequenceCache]) -> Tensor {
    let segments = Segments(lengths: prompts.map(\.count))
    let rows = segments.tokenCount
    run(tokens: Array(prompts.joined()), positions: segments.positions) { layer, q, k, v, o in
      for (index, cache) in caches.enumerated() {
        cache.layers[layer].append(
          k: k.slice(rows: segments[index]), v: v.slice(rows: segments[index]))
      }
      attention.forward(q: q, k: k, v: v, segments: segments, into: o, logSumExp: nil)
    }
    let place = arena[last].slice(rows: 0..<prompts.count)
    let stream = arena[stream].slice(rows: 0..<rows)
    for index in prompts.indices {
      let row = segments[index].upperBound - 1
      place.slice(rows: index..<index + 1).copy(from: stream.slice(rows: row..<row + 1))
    }
    return logits(of: place)
  }

  /// Reads the next token of each sequence.
  ///
  /// - Returns: [M, V]; valid until the next call.
  func next(_ newest: [Int32], _ caches: [SequenceCache]) -> Tensor {
    let positions = caches.map { Int32($0.layers[0].count) }
    run(tokens: newest, positions: positions) { layer, q, k, v, o in
      for (row, cache) in caches.enumerated() {
        cache.layers[layer].append(
          k: k.slice(rows: row..<row + 1), v: v.slice(rows: row..<row + 1))
      }
      attention.decode(q: q, caches: caches.map { $0.layers[layer] }, into: o)
    }
    let place = arena[last].slice(rows: 0..<newest.count)
    place.copy(from: arena[stream].slice(rows: 0..<newest.count))
    return logits(of: place)
  }

  private var attention: Attention { model.specification.block.attention() }

  /// - Parameter hidden: [M, C], overwritten.
  private func logits(of hidden: Tensor) -> Tensor {
    finalNorm.forward(hidden, into: hidden, statistics: nil)
    let logits = arena[logits].slice(rows: 0..<hidden.rows)
    head.forward(hidden, into: logits)
    return logits
  }

  /// All blocks; the stream's end stays in `stream`.
  ///
  /// - Parameter attend: layer, q, k, v, and where the result goes.
  private func run(
    tokens ids: [Int32], positions places: [Int32],
    attend: (Int, Tensor, Tensor, Tensor, Tensor) -> Void
  ) {
    let rows = ids.count
    precondition(rows <= capacity, "\(rows) tokens do not fit a memory for \(capacity)")
    func place(_ region: ArenaPlan.Region) -> Tensor { arena[region].slice(rows: 0..<rows) }
    let block = model.specification.block
    let columns = block.joinedColumns
    let (stream, norm, qkv, attended) = (place(stream), place(norm), place(qkv), place(attended))
    let (branch, inner, activated) = (place(branch), place(inner), place(activated))
    func run(_ parts: [PackedLinear], _ x: Tensor, into y: Tensor) {
      var start = 0
      for part in parts {
        part.forward(x, into: y.slice(columns: start..<start + part.outputs))
        start += part.outputs
      }
    }

    embeddings.forward(ids, positions: places, into: stream)
    for (layer, weights) in blocks.enumerated() {
      weights.attentionNorm.forward(stream, into: norm, statistics: nil)
      run(weights.queryKeyValue, norm, into: qkv)
      let (q, k) = (qkv.slice(columns: columns.queries), qkv.slice(columns: columns.keys))
      rotary?.forward(q, positions: places)
      rotary?.forward(k, positions: places)
      attend(layer, q, k, qkv.slice(columns: columns.values), attended)
      weights.attentionOutput.forward(attended, into: branch)
      Residual.add(branch, into: stream)
      weights.feedForwardNorm.forward(stream, into: norm, statistics: nil)
      run(weights.up, norm, into: inner)
      block.activate(inner, into: activated)
      weights.down.forward(activated, into: branch)
      Residual.add(branch, into: stream)
    }
  }
}
