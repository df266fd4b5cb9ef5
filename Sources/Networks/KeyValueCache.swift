// Keys and values of one sequence in one layer, for decoding token by token, and the attention of
// new tokens against it. Bits of a sequence depend neither on its batch nor on the threads.

import Kernels
import Tensors

/// Keys and values of one sequence in one layer. It owns its memory, or a part of a
/// mapping that lives as long as one of its caches.
public final class KeyValueCache: @unchecked Sendable {
  // Unchecked: one decoding loop owns a cache; `CachedAttention` only reads it from several threads.

  /// Tokens that fit.
  public let capacity: Int
  public let keyValueHeads: Int
  public let headSize: Int
  /// Tokens held.
  public private(set) var count = 0

  /// Head size and capacity up to whole vectors.
  private let width: Int
  private let length: Int
  private let arena: Arena
  /// For each head panels of 16 tokens, `[D, 16]` each: scores need no sum across a vector.
  private let keys: UnsafeMutablePointer<Float>
  /// For each head `[capacity, width]`.
  private let values: UnsafeMutablePointer<Float>

  public convenience init(capacity: Int, keyValueHeads: Int, headSize: Int) {
    let bytes = Self.bytes(
      capacity: capacity, keyValueHeads: keyValueHeads, headSize: headSize)
    var plan = ArenaPlan()
    plan.add("cache", count: bytes / MemoryLayout<Float>.stride)
    self.init(
      capacity: capacity, keyValueHeads: keyValueHeads, headSize: headSize, in: Arena(plan),
      offset: 0)
  }

  /// Many caches in one mapping: large pages then serve them all, and reading them is what decoding
  /// with many sequences mostly does.
  public static func make(
    _ count: Int, capacity: Int, keyValueHeads: Int, headSize: Int
  ) -> [KeyValueCache] {
    let size =
      bytes(capacity: capacity, keyValueHeads: keyValueHeads, headSize: headSize)
      / MemoryLayout<Float>.stride
    var plan = ArenaPlan()
    plan.add("caches", rows: count, columns: size)
    let arena = Arena(plan)
    return (0..<count).map {
      KeyValueCache(
        capacity: capacity, keyValueHeads: keyValueHeads, headSize: headSize, in: arena,
        offset: $0 * size)
    }
  }

  private init(
    capacity: Int, keyValueHeads: Int, headSize: Int, in arena: Arena, offset: Int
  ) {
    self.capacity = capacity
    self.keyValueHeads = keyValueHeads
    self.headSize = headSize
    width = (headSize + 15) & ~15
    length = (capacity + 15) & ~15
    self.arena = arena
    keys = arena.base + offset
    values = keys + keyValueHeads * length * headSize
  }

  /// Adds the keys and values of the next T tokens.
  ///
  /// - Parameters:
  ///   - k: `[T, G·D]`, rotated if the model rotates.
  ///   - v: `[T, G·D]`
  public func append(k: Tensor, v: Tensor) {
    k.require(v.rows, keyValueHeads * headSize, "k", in: "KeyValueCache.append")
    v.require(k.rows, keyValueHeads * headSize, "v", in: "KeyValueCache.append")
    precondition(
      count + k.rows <= capacity,
      "\(k.rows) tokens behind \(count) do not fit into a cache of \(capacity)")
    for row in 0..<k.rows {
      let token = count + row
      for head in 0..<keyValueHeads {
        let key = k.row(row) + head * headSize
        let panel = keys + (head * length + token & ~15) * headSize + token & 15
        for d in 0..<headSize { panel[d * 16] = key[d] }
        (values + (head * length + token) * width).update(
          from: v.row(row) + head * headSize, count: headSize)
      }
    }
    count += k.rows
  }

  /// Becomes a copy of another cache's first tokens (a shared prefix).
  public func copy(from other: KeyValueCache, count: Int) {
    precondition(
      other.keyValueHeads == keyValueHeads && other.headSize == headSize,
      "a cache of \(keyValueHeads) × \(headSize) cannot copy one of "
        + "\(other.keyValueHeads) × \(other.headSize)")
    precondition(
      count <= other.count && count <= capacity,
      "\(count) tokens of \(other.count) do not fit into a cache of \(capacity)")
    let whole = (count + 15) & ~15
    for head in 0..<keyValueHeads {
      (keys + head * length * headSize).update(
        from: other.keys + head * other.length * headSize, count: whole * headSize)
      (values + head * length * width).update(
        from: other.values + head * other.length * width, count: count * width)
    }
    self.count = count
  }

  /// Forgets all tokens from `count` on.
  public func truncate(to count: Int) {
    precondition(
      count >= 0 && count <= self.count, "a cache of \(self.count) tokens has no first \(count)")
    self.count = count
  }

  /// Bytes that a cache of this size holds.
  public static func bytes(capacity: Int, keyValueHeads: Int, headSize: Int) -> Int {
    let length = (capacity + 15) & ~15
    return keyValueHeads * length * (headSize + (headSize + 15) & ~15)
      * MemoryLayout<Float>.stride
  }

  /// Attention of some query heads, one token each, that share this cache's head `group`.
  ///
  /// - Parameters:
  ///   - q: `[H/G, D]` without gaps.
  ///   - o: `[H/G, D]` without gaps, overwritten.
  fileprivate func attend(
    _ q: UnsafePointer<Float>, queries: Int, group: Int, scale factor: Float,
    into o: UnsafeMutablePointer<Float>
  ) {
    let whole = (count + 15) & ~15
    Scratch.with(queries * (whole + width)) { scores in
      let out = scores + queries * whole
      panelProduct(
        Multiplier(q, rowStep: headSize, columnStep: 1), panels: keys + group * length * headSize,
        panelStep: 16 * headSize, panelCount: whole / 16, into: scores, cStep: whole, m: queries,
        k: headSize, accumulate: false)
      for row in 0..<queries {
        let s = scores + row * whole
        expShifted(s, scale: factor, shift: maximum(s, count) * factor, s, count)
        scale(s, by: 1 / sum(s, count), count)
      }
      smallProduct(
        Multiplier(scores, rowStep: whole, columnStep: 1), values + group * length * width,
        bStep: width, into: out, cStep: width, m: queries, n: headSize, k: count,
        accumulate: false)
      copyRows(
        out, fromStep: width, rows: queries, columns: headSize, to: o, toStep: headSize,
        clearing: false)
    }
  }
}

extension Attention {
  /// Attention of one new token per sequence; its key and value are already in the cache.
  ///
  /// - Parameters:
  ///   - q: `[M, H·D]`, the newest token of each of M sequences.
  ///   - caches: M caches, of any lengths.
  ///   - o: `[M, H·D]`, overwritten.
  public func decode(q: Tensor, caches: [KeyValueCache], into o: Tensor) {
    q.require(caches.count, heads * headSize, "q", in: "Attention.decode")
    o.require(caches.count, heads * headSize, "o", in: "Attention.decode")
    for cache in caches {
      precondition(
        cache.keyValueHeads == keyValueHeads && cache.headSize == headSize && cache.count > 0,
        "a cache of \(cache.keyValueHeads) × \(cache.headSize) with \(cache.count) tokens for "
          + "attention of \(keyValueHeads) × \(headSize)")
    }
    let shared = heads / keyValueHeads
    parallelFor(caches.count * keyValueHeads) { task in
      let (sequence, group) = (task / keyValueHeads, task % keyValueHeads)
      let offset = group * shared * headSize
      caches[sequence].attend(
        q.row(sequence) + offset, queries: shared, group: group, scale: scale,
        into: o.row(sequence) + offset)
    }
  }
}
