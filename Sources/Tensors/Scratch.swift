// Short-lived working memory of ops: attention blocks, partial sums, a chunk of logits. Buffers are
// kept and handed out again, so a training step maps nothing after the first.

import Synchronization

/// Working memory borrowed for one call.
public enum Scratch {
  private struct Buffer {
    let pointer: UnsafeMutablePointer<Float>
    let count: Int
  }
  private struct Pool: @unchecked Sendable {
    // Unchecked: pointers are not Sendable; the mutex below guards every access.
    var free: [Buffer] = []
    var total = 0
  }
  private static let pool = Mutex(Pool())

  /// Bytes mapped so far by all scratch buffers.
  public static var bytes: Int { pool.withLock { $0.total * MemoryLayout<Float>.stride } }

  /// Lends `count` numbers, 64-byte aligned, with unknown contents.
  @inlinable public static func with<Result>(
    _ count: Int, _ body: (UnsafeMutablePointer<Float>) -> Result
  ) -> Result {
    let (pointer, size) = take(count)
    defer { give(pointer, size) }
    return body(pointer)
  }

  /// Sizes are powers of two from 16 KiB up, so that few buffers serve all callers.
  @usableFromInline static func take(_ count: Int) -> (UnsafeMutablePointer<Float>, Int) {
    precondition(count >= 0 && count < 1 << 40, "scratch of \(count) numbers cannot be lent")
    var size = 4096
    while size < count { size *= 2 }
    let wanted = size
    return pool.withLock { pool in
      if let index = pool.free.lastIndex(where: { $0.count == wanted }) {
        return (pool.free.remove(at: index).pointer, wanted)
      }
      // A large buffer may serve for half of it: pages once touched stay.
      if wanted >= 1 << 20, let index = pool.free.lastIndex(where: { $0.count == 2 * wanted }) {
        return (pool.free.remove(at: index).pointer, 2 * wanted)
      }
      pool.total += wanted
      return (mapMemory(bytes: wanted * MemoryLayout<Float>.stride), wanted)
    }
  }

  @usableFromInline static func give(_ pointer: UnsafeMutablePointer<Float>, _ size: Int) {
    pool.withLock { $0.free.append(Buffer(pointer: pointer, count: size)) }
  }
}
