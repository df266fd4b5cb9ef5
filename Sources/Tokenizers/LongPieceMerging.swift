// Byte-pair merging of long unbroken runs, such as a line of base64 or ten thousand equal letters. Pairs
// wait in a list for each rank; a rank's merges are made from left to right in one go, so that memory is
// walked and not jumped about in. Words are merged in PieceEncoder.swift.

/// Working memory of merging long pieces: linked symbols, and the pairs that wait.
struct LongPieceMerging {
  /// Token at each place, −1 where a left neighbour has taken it in.
  private var symbols: [Int32] = []
  private var previous: [Int32] = []
  private var next: [Int32] = []
  /// What a place and its right neighbour merge into, as `MergeTable.lookUp` gives it.
  private var pairs: [UInt64] = []
  private var waiting: WaitingPairs

  init(ranks: Int) { waiting = WaitingPairs(ranks: ranks) }

  /// Applies the merge of lowest rank, leftmost first, until nothing merges.
  ///
  /// **Cost**: O(n) table look-ups; sorting within ranks where merges of several ranks led to one.
  mutating func merge(
    _ piece: UnsafeBufferPointer<UInt8>, _ byteTokens: [Int32], _ merges: MergeTable,
    to out: inout [Int32]
  ) {
    symbols.removeAll(keepingCapacity: true)
    for byte in piece where byteTokens[Int(byte)] >= 0 { symbols.append(byteTokens[Int(byte)]) }
    mergeSymbols(merges, to: &out)
  }

  /// The same for symbols that were looked up already.
  mutating func merge(_ given: [Int32], _ merges: MergeTable, to out: inout [Int32]) {
    symbols.removeAll(keepingCapacity: true)
    symbols += given
    mergeSymbols(merges, to: &out)
  }

  private mutating func mergeSymbols(_ merges: MergeTable, to out: inout [Int32]) {
    let count = symbols.count
    previous.removeAll(keepingCapacity: true)
    next.removeAll(keepingCapacity: true)
    pairs.removeAll(keepingCapacity: true)
    for place in 0..<count {
      previous.append(Int32(truncatingIfNeeded: place - 1))
      next.append(Int32(truncatingIfNeeded: place + 1))
      pairs.append(.max)
    }
    symbols.withUnsafeMutableBufferPointer { symbols in
      previous.withUnsafeMutableBufferPointer { previous in
        next.withUnsafeMutableBufferPointer { next in
          pairs.withUnsafeMutableBufferPointer { pairs in
            var links = Links(symbols: symbols, previous: previous, next: next, pairs: pairs)
            links.mergeAll(merges, &waiting)
          }
        }
      }
    }
    for symbol in symbols where symbol >= 0 { out.append(symbol) }
  }

  private struct Links {
    var symbols: UnsafeMutableBufferPointer<Int32>
    var previous: UnsafeMutableBufferPointer<Int32>
    var next: UnsafeMutableBufferPointer<Int32>
    var pairs: UnsafeMutableBufferPointer<UInt64>

    mutating func mergeAll(_ merges: MergeTable, _ waiting: inout WaitingPairs) {
      // From the right: each list then begins with its leftmost pair.
      for place in stride(from: symbols.count - 2, through: 0, by: -1) {
        offer(place, merges, &waiting)
      }
      while let rank = waiting.takeLowest() {
        for index in waiting.taken.indices {
          let left = Int(waiting.taken[index])
          // A pair that has changed since it was offered waits elsewhere under its new rank.
          guard pairs[left] >> 32 == UInt64(rank) else { continue }
          var lowest = merge(left, merges, &waiting)
          let before = Int(previous[left])
          if before >= 0 { lowest = min(lowest, offer(before, merges, &waiting)) }
          // Merges as they are learnt only lead to later ones; others are made in their turn.
          if lowest <= rank {
            waiting.putBack(from: index + 1, rank: rank)
            break
          }
        }
      }
    }

    /// - Returns: the rank of the pair that the new symbol makes with its right neighbour.
    private mutating func merge(
      _ left: Int, _ merges: MergeTable, _ waiting: inout WaitingPairs
    ) -> Int {
      let right = Int(next[left])
      symbols[left] = Int32(truncatingIfNeeded: pairs[left] & 0xFFFF_FFFF)
      symbols[right] = -1
      pairs[right] = .max
      next[left] = next[right]
      if Int(next[left]) < symbols.count { previous[Int(next[left])] = Int32(left) }
      return offer(left, merges, &waiting)
    }

    /// - Returns: the pair's rank; `Int.max` if it does not merge.
    @discardableResult
    private mutating func offer(
      _ left: Int, _ merges: MergeTable, _ waiting: inout WaitingPairs
    ) -> Int {
      let right = Int(next[left])
      pairs[left] = right < symbols.count ? merges.lookUp(symbols[left], symbols[right]) : .max
      guard pairs[left] != .max else { return .max }
      let rank = Int(pairs[left] >> 32)
      waiting.add(Int32(truncatingIfNeeded: left), rank: rank)
      return rank
    }
  }
}

/// Places of pairs, a linked list for each rank, and which ranks have any.
private struct WaitingPairs {
  private struct Item {
    let place: Int32
    let next: Int32
  }

  /// The last item added of each rank, −1 for none.
  private var heads: [Int32]
  /// A bit for each rank with items.
  private var present: [UInt64]
  /// No word of `present` before this one has a bit.
  private var firstWord: Int
  private var items: [Item] = []
  /// The places last taken, from left to right.
  private(set) var taken: [Int32] = []

  init(ranks: Int) {
    heads = [Int32](repeating: -1, count: ranks)
    present = [UInt64](repeating: 0, count: (ranks + 63) / 64)
    firstWord = present.count
  }

  mutating func add(_ place: Int32, rank: Int) {
    items.append(Item(place: place, next: heads[rank]))
    heads[rank] = Int32(truncatingIfNeeded: items.count - 1)
    present[rank >> 6] |= 1 << UInt64(rank & 63)
    firstWord = min(firstWord, rank >> 6)
  }

  /// Moves the places of the lowest rank into `taken`.
  ///
  /// - Returns: the rank; nil if nothing waits.
  mutating func takeLowest() -> Int? {
    while firstWord < present.count, present[firstWord] == 0 { firstWord += 1 }
    guard firstWord < present.count else {
      items.removeAll(keepingCapacity: true)
      return nil
    }
    let rank = firstWord << 6 + present[firstWord].trailingZeroBitCount
    present[firstWord] &= present[firstWord] - 1
    taken.removeAll(keepingCapacity: true)
    var isSorted = true
    var item = heads[rank]
    heads[rank] = -1
    while item >= 0 {
      let place = items[Int(item)].place
      if let last = taken.last, last > place { isSorted = false }
      taken.append(place)
      item = items[Int(item)].next
    }
    if !isSorted { taken.sort() }
    return rank
  }

  /// Lets the taken places from an index on wait again.
  mutating func putBack(from index: Int, rank: Int) {
    for place in taken[index...].reversed() { add(place, rank: rank) }
  }
}
