// Keys and values of one sequence in one layer, for decoding token by token, and the attention of
// new tokens against it, in blocks of keys with an online softmax. Bits of a sequence depend neither on
// its batch nor on the threads.

import Foundation
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

  /// Keys of a block of the online softmax: scores of 32 queries × 256 fit into the first-level cache.
  fileprivate static let keyBlock = 256

  /// Attention of some rows that share this cache's head `group`. A row's bits depend on what it sees
  /// alone, not on the rows beside it.
  ///
  /// - Parameters:
  ///   - q: `[rows, D]`, rows `qStep` apart.
  ///   - end: keys that the first row sees, from the first token on; each further row sees `endStep`
  ///     more.
  ///   - window: of those, the last so many.
  ///   - o: `[rows, D]`, rows `oStep` apart, overwritten.
  fileprivate func attend(
    _ q: UnsafePointer<Float>, qStep: Int, rows: Int, end: Int, endStep: Int, window: Int?,
    group: Int, scale factor: Float, into o: UnsafeMutablePointer<Float>, oStep: Int
  ) {
    let block = Self.keyBlock
    let last = end + (rows - 1) * endStep
    let firstSeen = window.map { max(0, end - $0) } ?? 0
    Scratch.with(rows * (block + width + 2)) { scores in
      let out = scores + rows * block
      let greatest = out + rows * width
      let sums = greatest + rows
      out.update(repeating: 0, count: rows * width)
      greatest.update(repeating: -.infinity, count: rows)
      sums.update(repeating: 0, count: rows)
      var first = firstSeen / block * block
      while first < last {
        let count = min(block, last - first)
        let valuesOfBlock = values + (group * length + first) * width
        // One row waits for memory alone: values come while scores are made, the next keys meanwhile.
        if rows <= 4 { prefetch(valuesOfBlock, count * width) }
        panelProduct(
          Multiplier(q, rowStep: qStep, columnStep: 1),
          panels: keys + (group * length + first) * headSize, panelStep: 16 * headSize,
          panelCount: (count + 15) / 16, into: scores, cStep: block, m: rows, k: headSize,
          accumulate: false)
        for row in 0..<rows {
          let s = scores + row * block
          let rowEnd = end + row * endStep
          let upper = max(0, min(count, rowEnd - first))
          let lower = min(upper, window.map { max(0, rowEnd - $0 - first) } ?? 0)
          for column in 0..<lower { s[column] = 0 }
          for column in upper..<count { s[column] = 0 }
          guard lower < upper else { continue }
          let seen = s + lower
          let peak = maximum(seen, upper - lower) * factor
          if peak > greatest[row] {
            let shrinking = exp(greatest[row] - peak)
            greatest[row] = peak
            sums[row] *= shrinking
            scale(out + row * width, by: shrinking, width)
          }
          expShifted(seen, scale: factor, shift: greatest[row], seen, upper - lower)
          sums[row] += sum(seen, upper - lower)
        }
        if rows <= 4, last - first <= block, group + 1 < keyValueHeads {
          prefetch(keys + (group + 1) * length * headSize, (count + 15) & ~15 * headSize)
        }
        smallProduct(
          Multiplier(scores, rowStep: block, columnStep: 1),
          valuesOfBlock, bStep: width, into: out, cStep: width,
          m: rows, n: headSize, k: count, accumulate: true)
        first += block
      }
      for row in 0..<rows {
        scale(out + row * width, by: 1 / sums[row], headSize)
        (o + row * oStep).update(from: out + row * width, count: headSize)
      }
    }
  }
}

extension Attention {
  /// Attention of the newest tokens of some sequences; their keys and values are already in the caches.
  /// A token's bits depend neither on its neighbours nor on how many tokens came with it: read in a
  /// prompt or one by one, behind a copied prefix or behind its own.
  ///
  /// - Parameters:
  ///   - q: `[N, H·D]`, the newest tokens of each sequence, one sequence after the other.
  ///   - segments: which rows are whose.
  ///   - caches: one for each segment, of any lengths.
  ///   - o: `[N, H·D]`, overwritten.
  public func decode(
    q: Tensor, segments: Segments, caches: [KeyValueCache], into o: Tensor
  ) {
    precondition(isCausal, "encoders have no caches")
    precondition(
      segments.count == caches.count,
      "\(segments.count) segments for \(caches.count) caches")
    q.require(segments.tokenCount, heads * headSize, "q", in: "Attention.decode")
    o.require(segments.tokenCount, heads * headSize, "o", in: "Attention.decode")
    for (index, cache) in caches.enumerated() {
      precondition(
        cache.keyValueHeads == keyValueHeads && cache.headSize == headSize
          && cache.count >= segments[index].count,
        "a cache of \(cache.keyValueHeads) × \(cache.headSize) with \(cache.count) tokens for "
          + "attention of \(keyValueHeads) × \(headSize) and \(segments[index].count) queries")
    }
    let shared = heads / keyValueHeads
    if segments.tokenCount == caches.count {
      // One token each: all query heads of a group read its keys together.
      parallelFor(caches.count * keyValueHeads) { task in
        let (sequence, group) = (task / keyValueHeads, task % keyValueHeads)
        let offset = group * shared * headSize
        let cache = caches[sequence]
        cache.attend(
          q.row(sequence) + offset, qStep: headSize, rows: shared, end: cache.count, endStep: 0,
          window: window, group: group, scale: scale, into: o.row(sequence) + offset,
          oStep: headSize)
      }
      return
    }
    // Blocks of 32 tokens of a head; those of the same keys one after the other.
    var tasks: [(sequence: Int, first: Int)] = []
    for sequence in caches.indices {
      for first in stride(from: 0, to: segments[sequence].count, by: 32) {
        tasks.append((sequence, first))
      }
    }
    parallelFor(tasks.count * heads) { index in
      let (sequence, first) = tasks[index / heads]
      let head = index % heads
      let cache = caches[sequence]
      let (rows, count) = (segments[sequence], segments[sequence].count)
      let offset = head * headSize
      cache.attend(
        q.row(rows.lowerBound + first) + offset, qStep: q.stride, rows: min(32, count - first),
        end: cache.count - count + first + 1, endStep: 1, window: window, group: head / shared,
        scale: scale, into: o.row(rows.lowerBound + first) + offset, oStep: o.stride)
    }
  }

  /// One new token per sequence.
  ///
  /// - Parameters:
  ///   - q: `[M, H·D]`
  ///   - caches: M caches, of any lengths.
  ///   - o: `[M, H·D]`, overwritten.
  public func decode(q: Tensor, caches: [KeyValueCache], into o: Tensor) {
    decode(
      q: q, segments: Segments(lengths: caches.map { _ in 1 }), caches: caches, into: o)
  }
}
