// The forward pass for writing: prompts, then token by token, over caches. All products go through
// PackedLinear and all attention through the caches, so a token has the same bits whether it was read in
// a prompt or alone, behind a shared prefix or its own, in every batch and with any number of threads.
// The training path (BlockStack.swift) has other kernels and so other last bits.

import Glibc
import Kernels
import Networks
import Tensors

/// Keys and values of one sequence in all layers, and the tokens they are of.
final class SequenceCache {
  let layers: [KeyValueCache]
  /// What was read so far.
  private(set) var tokens: [Int32] = []

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

  /// Forgets all tokens from `count` on.
  func truncate(to count: Int) {
    for layer in layers { layer.truncate(to: count) }
    tokens.removeSubrange(count...)
  }

  /// Becomes a copy of another cache's first tokens.
  func copy(from other: SequenceCache, count: Int) {
    parallelFor(layers.count) { layers[$0].copy(from: other.layers[$0], count: count) }
    tokens = Array(other.tokens.prefix(count))
  }

  fileprivate func note(_ read: [Int32]) { tokens += read }

  /// Tokens at the beginning of `other` that are this cache's as well.
  func shared(with other: [Int32]) -> Int {
    var count = 0
    while count < min(tokens.count, other.count), tokens[count] == other[count] { count += 1 }
    return count
  }

  static func bytes(_ specification: ModelSpecification, capacity: Int) -> Int {
    let block = specification.block
    return specification.layers
      * KeyValueCache.bytes(
        capacity: capacity, keyValueHeads: block.keyValueHeads, headSize: block.headSize)
  }
}

/// A model packed for reading and writing.
final class Decoder {
  private struct Block {
    let attentionNorm: NormLayer
    let queryKeyValue: PackedLinear
    let attentionOutput: PackedLinear
    let feedForwardNorm: NormLayer
    let up: PackedLinear
    let down: PackedLinear
  }

  let model: LanguageModel
  /// Most tokens at a time.
  let capacity: Int
  /// Sees units of the newest tokens, and may write into them. The last block has rows of the last token
  /// of each piece only, unless all are scored.
  var observe: ((Tensor, ActivationSite) -> Void)?
  private let blocks: [Block]
  private let finalNorm: NormLayer
  private let head: PackedLinear
  private let embeddings: EmbeddingLayers
  private let rotary: Rotary?
  private let attention: Attention
  private let arena: Arena
  private let stream, norm, qkv, attended, branch, inner, activated, last, logits: ArenaPlan.Region

  /// - Parameters:
  ///   - adapter: added to the model's linear layers.
  ///   - weights: how single-precision matrices are kept.
  ///   - capacity: most tokens at a time.
  ///   - batch: most sequences at a time.
  init(
    _ model: LanguageModel, adapter: LowRankAdapter? = nil,
    weights: PackedLinear.FloatStorage = .float32, capacity: Int, batch: Int
  ) {
    let specification = model.specification
    let block = specification.block
    let source = LayerSource(model: model, gradients: nil, adapter: adapter)
    self.model = model
    self.capacity = max(capacity, batch)
    let memory = PanelMemory()
    blocks = source.blocks().map { layers in
      Block(
        attentionNorm: layers.attentionNorm,
        queryKeyValue: PackedLinear(layers.queryKeyValue.parts, floats: weights, in: memory),
        attentionOutput: PackedLinear(layers.attentionOutput, floats: weights, in: memory),
        feedForwardNorm: layers.feedForwardNorm,
        up: PackedLinear(layers.up.parts, floats: weights, in: memory),
        down: PackedLinear(layers.down, floats: weights, in: memory))
    }
    finalNorm = source.finalNorm()
    embeddings = source.embeddings()
    rotary = block.rotary(positions: specification.context)
    attention = block.attention()
    head = PackedLinear(source.head(), floats: weights, in: memory)
    let plan = Plan(specification, rows: self.capacity, batch: batch)
    (stream, norm, qkv, attended) = (plan.stream, plan.norm, plan.qkv, plan.attended)
    (branch, inner, activated) = (plan.branch, plan.inner, plan.activated)
    (last, logits) = (plan.last, plan.logits)
    arena = Arena(plan.plan)
  }

  /// Places of the working memory.
  private struct Plan {
    var plan = ArenaPlan()
    let stream, norm, qkv, attended, branch, inner, activated, last, logits: ArenaPlan.Region

    init(_ specification: ModelSpecification, rows: Int, batch: Int) {
      let block = specification.block
      stream = plan.add("stream", rows: rows, columns: specification.width)
      norm = plan.add("norm", rows: rows, columns: specification.width)
      qkv = plan.add("qkv", rows: rows, columns: block.attentionWidth)
      attended = plan.add("attended", rows: rows, columns: block.heads * block.headSize)
      branch = plan.add("branch", rows: rows, columns: specification.width)
      inner = plan.add("inner", rows: rows, columns: block.feedForwardWidth)
      activated = plan.add("activated", rows: rows, columns: block.inner)
      last = plan.add("last", rows: batch, columns: specification.width)
      logits = plan.add("logits", rows: batch, columns: specification.vocabulary)
    }
  }

  /// Bytes beside the model: its packed copy, at most in single precision, and working memory, without
  /// caches.
  static func bytes(_ specification: ModelSpecification, capacity: Int, batch: Int) -> Int {
    ParameterTable(specification).plan.bytes
      + Plan(specification, rows: max(capacity, batch), batch: batch).plan.bytes
  }

  /// Reads some tokens of each sequence behind those in its cache: whole prompts, the rest of prompts
  /// whose beginning is known, or the newest tokens.
  ///
  /// - Parameters:
  ///   - pieces: at least one token each, `capacity` together.
  ///   - caches: one for each piece.
  ///   - wantsLogits: whether anything is said at all; a piece of a longer prompt says nothing.
  /// - Returns: [pieces, V], logits behind the last token of each; valid until the next call.
  @discardableResult
  func read(
    _ pieces: [[Int32]], _ caches: [SequenceCache], wantsLogits: Bool = true
  ) -> Tensor {
    run(pieces, caches, keepsAll: false)
    guard wantsLogits else { return arena[logits].slice(rows: 0..<0) }
    let hidden = arena[last].slice(rows: 0..<pieces.count)
    finalNorm.forward(
      arena[stream].slice(rows: 0..<pieces.count), into: hidden, statistics: nil)
    let logits = arena[logits].slice(rows: 0..<pieces.count)
    head.forward(hidden, into: logits)
    return logits
  }

  /// Cuts texts into what is read in one go each: whole texts as long as there is room, parts of longer ones.
  func rounds(
    of texts: [ArraySlice<Int32>]
  ) -> [(pieces: [[Int32]], texts: [Int])] {
    var rounds: [(pieces: [[Int32]], texts: [Int])] = []
    var room = 0
    for (number, text) in texts.enumerated() {
      var rest = text
      while !rest.isEmpty {
        if room == 0 {
          rounds.append(([], []))
          room = capacity
        }
        let piece = rest.prefix(room)
        rounds[rounds.count - 1].pieces.append(Array(piece))
        rounds[rounds.count - 1].texts.append(number)
        room -= piece.count
        rest = rest.dropFirst(piece.count)
      }
    }
    return rounds
  }

  /// Reads texts, each into its cache, which says nothing.
  func readOn(_ texts: [ArraySlice<Int32>], _ caches: [SequenceCache]) {
    for (pieces, numbers) in rounds(of: texts) {
      read(pieces, numbers.map { caches[$0] }, wantsLogits: false)
    }
  }

  /// Reads like `read` and says how likely the successors of what was read are.
  ///
  /// - Parameter successors: for each piece one for each of its tokens.
  /// - Returns: Σ log p(successor) over each piece, natural logarithm.
  func readScoring(
    _ pieces: [[Int32]], _ caches: [SequenceCache], successors: [[Int32]]
  ) -> [Double] {
    run(pieces, caches, keepsAll: true)
    let targets = Array(successors.joined())
    var values = [Double](repeating: 0, count: targets.count)
    let (rows, most) = (targets.count, arena[last].rows)
    for first in stride(from: 0, to: rows, by: most) {
      let some = first..<min(rows, first + most)
      let hidden = arena[last].slice(rows: 0..<some.count)
      finalNorm.forward(arena[stream].slice(rows: some), into: hidden, statistics: nil)
      let logits = arena[logits].slice(rows: 0..<some.count)
      head.forward(hidden, into: logits)
      values.withUnsafeMutableBufferPointer { values in
        // Each tile writes its own element.
        nonisolated(unsafe) let values = values
        parallelFor(some.count) { row in
          values[first + row] = Self.logProbability(of: Int(targets[first + row]), logits, row)
        }
      }
    }
    var start = 0
    return pieces.map { piece in
      defer { start += piece.count }
      return values[start..<start + piece.count].reduce(0, +)
    }
  }

  private static func logProbability(of target: Int, _ logits: Tensor, _ row: Int) -> Double {
    let z = logits.row(row)
    let greatest = maximum(z, logits.columns)
    var total = 0.0
    for first in stride(from: 0, to: logits.columns, by: 512) {
      let (top, sum) = maximumAndExpSum(z + first, min(512, logits.columns - first))
      total += Double(sum) * exp(Double(top - greatest))
    }
    return Double(z[target] - greatest) - log(total)
  }

  /// All blocks over some tokens of each sequence.
  private func run(_ pieces: [[Int32]], _ caches: [SequenceCache], keepsAll: Bool) {
    let segments = Segments(lengths: pieces.map(\.count))
    precondition(
      segments.tokenCount <= capacity,
      "\(segments.tokenCount) tokens do not fit a memory for \(capacity)")
    let positions = zip(pieces, caches).flatMap { piece, cache in
      piece.indices.map { Int32(cache.tokens.count + $0) }
    }
    run(Array(pieces.joined()), positions, segments, caches, keepsAll: keepsAll)
    for (piece, cache) in zip(pieces, caches) { cache.note(piece) }
  }

  /// Unless all rows are kept, what the stream holds behind the last token of each segment is left in its
  /// first rows.
  private func run(
    _ ids: [Int32], _ positions: [Int32], _ segments: Segments, _ caches: [SequenceCache],
    keepsAll: Bool
  ) {
    var rows = ids.count
    func place(_ region: ArenaPlan.Region) -> Tensor { arena[region].slice(rows: 0..<rows) }
    let block = model.specification.block
    let columns = block.joinedColumns
    embeddings.forward(ids, positions: positions, into: place(stream))
    for (layer, weights) in blocks.enumerated() {
      weights.attentionNorm.forward(place(stream), into: place(norm), statistics: nil)
      weights.queryKeyValue.forward(place(norm), into: place(qkv))
      let q = place(qkv).slice(columns: columns.queries)
      let k = place(qkv).slice(columns: columns.keys)
      let v = place(qkv).slice(columns: columns.values)
      rotary?.forward(q, positions: positions)
      rotary?.forward(k, positions: positions)
      let ofLayer = caches.map { $0.layers[layer] }
      append(k, v, segments, to: ofLayer)
      if layer == blocks.count - 1 && !keepsAll {
        // Nobody reads what the last block says of earlier tokens.
        keepLast(of: segments, in: [place(stream), q])
        rows = segments.count
        attention.decode(
          q: q.slice(rows: 0..<rows), caches: ofLayer, into: place(attended))
      } else {
        attention.decode(q: q, segments: segments, caches: ofLayer, into: place(attended))
      }
      weights.attentionOutput.forward(place(attended), into: place(branch))
      Residual.add(place(branch), into: place(stream))
      weights.feedForwardNorm.forward(place(stream), into: place(norm), statistics: nil)
      weights.up.forward(place(norm), into: place(inner))
      block.activate(place(inner), into: place(activated))
      observe?(place(activated), .feedForwardInner(layer: layer))
      weights.down.forward(place(activated), into: place(branch))
      Residual.add(place(branch), into: place(stream))
      observe?(place(stream), .blockOutput(layer: layer))
    }
  }

  private func append(
    _ k: Tensor, _ v: Tensor, _ segments: Segments, to caches: [KeyValueCache]
  ) {
    if segments.tokenCount < 8 {
      for (index, cache) in caches.enumerated() {
        cache.append(k: k.slice(rows: segments[index]), v: v.slice(rows: segments[index]))
      }
    } else {
      parallelFor(caches.count) {
        caches[$0].append(k: k.slice(rows: segments[$0]), v: v.slice(rows: segments[$0]))
      }
    }
  }

  /// Moves the last row of each segment to the front.
  private func keepLast(of segments: Segments, in tensors: [Tensor]) {
    for tensor in tensors {
      for index in 0..<segments.count where segments[index].upperBound - 1 > index {
        let row = segments[index].upperBound - 1
        tensor.slice(rows: index..<index + 1).copy(from: tensor.slice(rows: row..<row + 1))
      }
    }
  }
}
