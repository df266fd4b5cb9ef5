// Which pair of tokens merges into which token, and how early. A flat hash table, because it is
// asked once per neighbouring pair of every piece. Merging itself is in PieceEncoder.swift.

/// The merges of a byte-pair encoding: (left id, right id) → (rank, merged id).
struct MergeTable: Sendable {
  /// Key and value by turns: they lie in one line of the cache.
  private var slots: [UInt64]
  private let mask: Int
  let rankCount: Int

  private static let empty = UInt64.max

  /// - Parameter merges: in order of rank; of two equal pairs the last counts, as in the
  ///   `tokenizers` library.
  init(_ merges: [(left: Int32, right: Int32, merged: Int32)]) {
    var capacity = 16
    while capacity < 2 * merges.count { capacity *= 2 }
    slots = [UInt64](repeating: Self.empty, count: 2 * capacity)
    mask = capacity - 1
    rankCount = merges.count
    for (rank, merge) in merges.enumerated() {
      let key = Self.key(merge.left, merge.right)
      var slot = Self.hash(key) & mask
      while slots[2 * slot] != Self.empty, slots[2 * slot] != key { slot = (slot + 1) & mask }
      slots[2 * slot] = key
      slots[2 * slot + 1] = UInt64(rank) << 32 | UInt64(UInt32(bitPattern: merge.merged))
    }
  }

  /// Rank in the upper 32 bits, merged id in the lower; `UInt64.max` where nothing merges.
  @inline(__always)
  func lookUp(_ left: Int32, _ right: Int32) -> UInt64 {
    let key = Self.key(left, right)
    return slots.withUnsafeBufferPointer { slots in
      var slot = Self.hash(key) & mask
      while true {
        if slots[2 * slot] == key { return slots[2 * slot + 1] }
        if slots[2 * slot] == Self.empty { return .max }
        slot = (slot + 1) & mask
      }
    }
  }

  @inline(__always)
  private static func key(_ left: Int32, _ right: Int32) -> UInt64 {
    UInt64(UInt32(bitPattern: left)) << 32 | UInt64(UInt32(bitPattern: right))
  }

  @inline(__always)
  private static func hash(_ key: UInt64) -> Int {
    let mixed = (key ^ key >> 29) &* 0x9E37_79B9_7F4A_7C15
    return Int(truncatingIfNeeded: mixed >> 32)
  }
}
