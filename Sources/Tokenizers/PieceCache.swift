// Pieces of text that were encoded before, with their ids: text repeats its words, so most pieces are
// found instead of worked out. Used by PieceEncoder.swift and WordPieceEncoder.swift.

/// An open hash table of pieces (bytes in `keyBytes`) and their ids (in `ids`).
struct PieceCache {
  private var slots = [Int32](repeating: -1, count: 1 << 10)
  private var entries: [Entry] = []
  private var keyBytes: [UInt8] = []
  private var ids: [Int32] = []

  private struct Entry {
    let hash: UInt64
    let keyStart: Int32
    let keyCount: Int32
    let idStart: Int32
    let idCount: Int32
  }

  /// Longer pieces are worked out each time: they hardly repeat.
  static let longestPiece = 64
  /// The cache starts again when it holds this many pieces.
  private static let entryLimit = 1 << 17

  /// Appends the ids of a known piece, of at most `longestPiece` bytes.
  @inline(__always)
  func append(
    _ piece: UnsafeBufferPointer<UInt8>, _ hash: UInt64, to out: inout [Int32]
  ) -> Bool {
    slots.withUnsafeBufferPointer { slots in
      entries.withUnsafeBufferPointer { entries in
        var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
        while slots[slot] >= 0 {
          let entry = entries[Int(slots[slot])]
          if entry.hash == hash, matches(entry, piece) {
            let start = Int(entry.idStart)
            for index in start..<start + Int(entry.idCount) { out.append(ids[index]) }
            return true
          }
          slot = (slot + 1) & (slots.count - 1)
        }
        return false
      }
    }
  }

  @inline(__always)
  private func matches(_ entry: Entry, _ piece: UnsafeBufferPointer<UInt8>) -> Bool {
    guard Int(entry.keyCount) == piece.count else { return false }
    let start = Int(entry.keyStart)
    return keyBytes.withUnsafeBufferPointer { bytes in
      for index in 0..<piece.count where bytes[start + index] != piece[index] { return false }
      return true
    }
  }

  /// Remembers a piece that is not in the table.
  mutating func remember(
    _ piece: UnsafeBufferPointer<UInt8>, _ hash: UInt64, _ tokens: ArraySlice<Int32>
  ) {
    if entries.count >= Self.entryLimit {
      entries.removeAll(keepingCapacity: true)
      keyBytes.removeAll(keepingCapacity: true)
      ids.removeAll(keepingCapacity: true)
      slots = [Int32](repeating: -1, count: slots.count)
    } else if 2 * (entries.count + 1) > slots.count {
      slots = [Int32](repeating: -1, count: 2 * slots.count)
      for (index, entry) in entries.enumerated() { insert(Int32(index), entry.hash) }
    }
    insert(Int32(entries.count), hash)
    entries.append(
      Entry(
        hash: hash, keyStart: Int32(keyBytes.count), keyCount: Int32(piece.count),
        idStart: Int32(ids.count), idCount: Int32(tokens.count)))
    keyBytes.append(contentsOf: piece)
    ids.append(contentsOf: tokens)
  }

  private mutating func insert(_ index: Int32, _ hash: UInt64) {
    var slot = Int(truncatingIfNeeded: hash) & (slots.count - 1)
    while slots[slot] >= 0 { slot = (slot + 1) & (slots.count - 1) }
    slots[slot] = index
  }

  /// FNV-1a: the pieces are short.
  @inline(__always)
  static func hash(_ piece: UnsafeBufferPointer<UInt8>) -> UInt64 {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for byte in piece { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01b3 }
    return hash ^ hash >> 32
  }
}
