// Memory in which the panels of many matrices follow each other. A model of few bits has matrices
// smaller than a large page: mapped one by one they lie on small pages, and reading all of them once a
// token then waits for addresses.

import Tensors

/// Hands out pieces of large mappings, one behind the other. A mapping lives as long as one of its pieces.
public final class PanelMemory {
  /// Numbers of a mapping; pages that nobody touches cost nothing.
  private static let chunk = 16 << 20

  private var arena: Arena?
  private var used = 0

  public init() {}

  /// - Returns: `count` numbers, all 0, aligned to 64 bytes, and what keeps them alive.
  func take(_ count: Int) -> (owner: Arena, start: UnsafeMutablePointer<Float>) {
    let count = (count + 15) & ~15
    if let arena, used + count <= arena.plan.count {
      defer { used += count }
      return (arena, arena.base + used)
    }
    var plan = ArenaPlan()
    plan.add("panels", count: max(Self.chunk, count))
    let fresh = Arena(plan)
    // A matrix larger than a mapping takes one of its own and leaves the current one to others.
    if count < Self.chunk { (arena, used) = (fresh, count) }
    return (fresh, fresh.base)
  }
}
