// Merges the bytes of one piece into tokens, and remembers the pieces it has seen (PieceCache.swift).
// Pieces come from PreTokenizer.swift.

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
      mergeLong(piece, to: &out)
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

  /// A heap of pairs over a linked list: O(n log n), for long unbroken runs.
  private func mergeLong(_ piece: UnsafeBufferPointer<UInt8>, to out: inout [Int32]) {
    var symbols = piece.map { byteTokens[Int($0)] }
    symbols.removeAll { $0 < 0 }
    let count = symbols.count
    var previous = (0..<count).map { Int32($0 - 1) }
    var next = (0..<count).map { Int32($0 + 1) }
    var heap = PairHeap()
    func offer(_ left: Int) {
      let right = Int(next[left])
      guard right < count else { return }
      let found = merges.lookUp(symbols[left], symbols[right])
      if found != .max { heap.push(.init(merge: found, place: Int32(left))) }
    }
    for index in 0..<max(0, count - 1) { offer(index) }
    while let top = heap.pop() {
      let left = Int(top.place)
      guard symbols[left] >= 0 else { continue }
      let right = Int(next[left])
      // A pair that has changed since it was offered is stale: its successor has its own entry.
      guard right < count, merges.lookUp(symbols[left], symbols[right]) == top.merge else {
        continue
      }
      symbols[left] = Int32(truncatingIfNeeded: top.merge & 0xFFFF_FFFF)
      symbols[right] = -1
      next[left] = next[right]
      if Int(next[right]) < count { previous[Int(next[right])] = Int32(left) }
      offer(left)
      if previous[left] >= 0 { offer(Int(previous[left])) }
    }
    for symbol in symbols where symbol >= 0 { out.append(symbol) }
  }
}

/// A binary heap: lowest rank first, then leftmost.
private struct PairHeap {
  struct Item {
    /// As `MergeTable.lookUp` gives it.
    let merge: UInt64
    let place: Int32

    static func < (a: Item, b: Item) -> Bool { (a.merge, a.place) < (b.merge, b.place) }
  }

  private var items: [Item] = []

  mutating func push(_ item: Item) {
    items.append(item)
    var at = items.count - 1
    while at > 0, items[at] < items[(at - 1) / 2] {
      items.swapAt(at, (at - 1) / 2)
      at = (at - 1) / 2
    }
  }

  mutating func pop() -> Item? {
    guard let top = items.first else { return nil }
    let last = items.removeLast()
    guard !items.isEmpty else { return top }
    items[0] = last
    var at = 0
    while true {
      var least = at
      for child in [2 * at + 1, 2 * at + 2] where child < items.count && items[child] < items[least]
      {
        least = child
      }
      if least == at { return top }
      items.swapAt(at, least)
      at = least
    }
  }
}
