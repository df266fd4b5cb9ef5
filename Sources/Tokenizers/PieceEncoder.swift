// Merges the bytes of one piece into tokens, and remembers the pieces it has seen (PieceCache.swift).
// Pieces come from PreTokenizer.swift; those longer than words are merged in LongPieceMerging.swift.

/// Working memory of an encoding thread.
final class PieceEncoder {
  private let byteTokens: [Int32]
  private let merges: MergeTable
  /// Vocabulary of whole pieces, where the tokenizer says that a known piece needs no merging.
  private let wholePieces: [[UInt8]: Int32]?

  private var cache = PieceCache()

  // Scratch of one merge.
  private var symbols: [Int32] = []
  private var pairs: [UInt64] = []
  private lazy var long = LongPieceMerging(ranks: merges.rankCount)

  init(byteTokens: [Int32], merges: MergeTable, wholePieces: [[UInt8]: Int32]?) {
    self.byteTokens = byteTokens
    self.merges = merges
    self.wholePieces = wholePieces
  }

  func append(_ piece: UnsafeBufferPointer<UInt8>, to out: inout [Int32]) {
    if piece.count == 1 {
      let token = byteTokens[Int(piece[0])]
      if token >= 0 { out.append(token) }
      return
    }
    guard piece.count <= PieceCache.longestPiece else {
      merge(piece, to: &out)
      return
    }
    let hash = PieceCache.hash(piece)
    if cache.append(piece, hash, to: &out) { return }
    let before = out.count
    merge(piece, to: &out)
    cache.remember(piece, hash, out[before...])
  }

  // MARK: Merging

  /// Applies the merge of lowest rank, leftmost first, until nothing merges.
  private func merge(_ piece: UnsafeBufferPointer<UInt8>, to out: inout [Int32]) {
    if let wholePieces, let id = wholePieces[Array(piece)] {
      out.append(id)
      return
    }
    if piece.count > PieceCache.longestPiece {
      long.merge(piece, byteTokens, merges, to: &out)
    } else {
      mergeShort(piece, to: &out)
    }
  }

  /// Looks for the best pair again after each merge: quadratic, and fastest for words.
  private func mergeShort(_ piece: UnsafeBufferPointer<UInt8>, to out: inout [Int32]) {
    symbols.removeAll(keepingCapacity: true)
    pairs.removeAll(keepingCapacity: true)
    for byte in piece where byteTokens[Int(byte)] >= 0 {
      symbols.append(byteTokens[Int(byte)])
    }
    for index in 0..<max(0, symbols.count - 1) {
      pairs.append(merges.lookUp(symbols[index], symbols[index + 1]))
    }
    while true {
      // The lowest rank wins; the comparison is strict, so of equal ranks the leftmost.
      var best = UInt64.max
      var place = 0
      for index in 0..<pairs.count where pairs[index] < best {
        best = pairs[index]
        place = index
      }
      if best == .max { break }
      symbols[place] = Int32(truncatingIfNeeded: best & 0xFFFF_FFFF)
      symbols.remove(at: place + 1)
      pairs.remove(at: place)
      if place > 0 { pairs[place - 1] = merges.lookUp(symbols[place - 1], symbols[place]) }
      if place < pairs.count { pairs[place] = merges.lookUp(symbols[place], symbols[place + 1]) }
    }
    out.append(contentsOf: symbols)
  }
}
