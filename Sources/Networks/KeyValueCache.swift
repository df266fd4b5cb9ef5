// Keys and values of one sequence in one layer, for decoding token by token, and the attention of
// new tokens against it. Bits of a sequence depend neither on its batch nor on the threads.

import Kernels
import Tensors

/// Keys and values of one sequence in one layer. It owns its memory.
public final class KeyValueCache: @unchecked Sendable {
  // Unchecked: one decoding loop owns a cache; `CachedAttention` only reads it from several threads.

  /// Tokens that fit.
  public let capacity: Int
  public let keyValueHeads: Int
  public let headSize: Int
  /// Tokens held.
  public private(set) var count = 0

  public init(capacity: Int, keyValueHeads: Int, headSize: Int) {
    fatalError("not written yet")
  }

  /// Adds the keys and values of the next T tokens.
  ///
  /// - Parameters:
  ///   - k: `[T, G·D]`, rotated if the model rotates.
  ///   - v: `[T, G·D]`
  public func append(k: Tensor, v: Tensor) {
    fatalError("not written yet")
  }

  /// Becomes a copy of another cache's first tokens (a shared prefix).
  public func copy(from other: KeyValueCache, count: Int) {
    fatalError("not written yet")
  }

  /// Forgets all tokens from `count` on.
  public func truncate(to count: Int) {
    fatalError("not written yet")
  }

  /// Bytes that a cache of this size holds.
  public static func bytes(capacity: Int, keyValueHeads: Int, headSize: Int) -> Int {
    fatalError("not written yet")
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
    fatalError("not written yet")
  }
}
