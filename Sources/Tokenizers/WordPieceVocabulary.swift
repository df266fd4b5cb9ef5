// The words and word pieces of a WordPiece vocabulary as two trees of bytes, so that the longest piece
// is found in one walk. WordPieceEncoder.swift walks.

/// Pieces that begin a word and pieces that continue one.
struct WordPieceVocabulary: Sendable {
  /// Open hash table: node and byte → next node.
  private var keys: [UInt64]
  private var nodes: [Int32]
  private let mask: Int
  /// The token that ends at a node, or -1.
  private var tokenAtNode: [Int32] = [-1, -1]

  static let beginning = 0
  static let continuing = 1

  /// - Parameters:
  ///   - tokens: id → bytes.
  ///   - prefix: of pieces that continue a word (`##`).
  ///   - longest: words of more bytes are never looked up, so longer pieces are left out.
  init(_ tokens: [[UInt8]?], prefix: [UInt8], longest: Int) {
    var size = 16
    for token in tokens { size += 2 * (token?.count ?? 0) }
    var capacity = 16
    while capacity < 2 * size { capacity *= 2 }
    keys = [UInt64](repeating: .max, count: capacity)
    nodes = [Int32](repeating: -1, count: capacity)
    mask = capacity - 1
    for (id, token) in tokens.enumerated() {
      guard let token, !token.isEmpty, token.count <= longest + prefix.count else { continue }
      insert(token[...], Int32(id), at: Self.beginning)
      if token.count > prefix.count, token.starts(with: prefix) {
        insert(token.dropFirst(prefix.count), Int32(id), at: Self.continuing)
      }
    }
  }

  private mutating func insert(_ bytes: ArraySlice<UInt8>, _ id: Int32, at root: Int) {
    var node = root
    for byte in bytes {
      let key = UInt64(node) << 8 | UInt64(byte)
      var slot = Self.hash(key) & mask
      while keys[slot] != .max, keys[slot] != key { slot = (slot + 1) & mask }
      if keys[slot] == .max {
        keys[slot] = key
        nodes[slot] = Int32(tokenAtNode.count)
        tokenAtNode.append(-1)
      }
      node = Int(nodes[slot])
    }
    tokenAtNode[node] = id
  }

  /// The longest piece at the start of some bytes, and how many it takes; nil if there is none.
  func longest(in word: Slice<UnsafeBufferPointer<UInt8>>, from root: Int) -> (
    id: Int32, length: Int
  )? {
    keys.withUnsafeBufferPointer { keys in
      var node = root
      var best: (id: Int32, length: Int)?
      var length = 0
      for byte in word {
        let key = UInt64(node) << 8 | UInt64(byte)
        var slot = Self.hash(key) & mask
        while keys[slot] != .max, keys[slot] != key { slot = (slot + 1) & mask }
        guard keys[slot] == key else { break }
        node = Int(nodes[slot])
        length += 1
        if tokenAtNode[node] >= 0 { best = (tokenAtNode[node], length) }
      }
      return best
    }
  }

  @inline(__always)
  private static func hash(_ key: UInt64) -> Int {
    Int(truncatingIfNeeded: (key ^ key >> 29) &* 0x9E37_79B9_7F4A_7C15 >> 24)
  }
}
