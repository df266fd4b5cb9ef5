// Learns the merges of a byte-level BPE from texts. Deterministic: no order of a dictionary reaches
// the result, ties are broken by bytes. The result is a ByteLevelBPE (ByteLevelBPE.swift).

/// Counts pieces, then merges the most frequent pair of neighbours again and again.
///
/// Of equally frequent pairs the one whose left token comes first in byte order is taken, then the
/// one whose right token does. Ids: 0–255 are the bytes, then the merged tokens in their order, last
/// `<|endoftext|>`. Two merges that spell the same bytes share one token. Pairs are counted at every place, so `aaa` counts `a a` twice (as in the
/// `tokenizers` library).
///
/// **Source**: Sennrich, Haddow and Birch 2016, algorithm 1, with incremental counts.
/// **Cost**: O(places of merged pairs · log); 1 MB of text takes well under a second.
public struct BytePairTrainer {
  public let vocabularySize: Int
  /// A pair that occurs less often is not merged.
  public let minimumCount: Int
  private let preTokenizer: PreTokenizer
  private var pieces: [[UInt8]: Int] = [:]

  /// - Parameter vocabularySize: all ids: 256 bytes, merges and `<|endoftext|>`; at least 257.
  public init(
    vocabularySize: Int, minimumCount: Int = 2, preTokenizer: PreTokenizer = PreTokenizer()
  ) {
    precondition(
      vocabularySize >= 257, "a vocabulary of \(vocabularySize) cannot hold 256 bytes and an end")
    precondition(minimumCount >= 1, "a minimum count of \(minimumCount) is not a count")
    self.vocabularySize = vocabularySize
    self.minimumCount = minimumCount
    self.preTokenizer = preTokenizer
  }

  /// Counts the pieces of a text.
  public mutating func count(_ text: [UInt8]) {
    let text =
      preTokenizer.addsPrefixSpace && text.first != 0x20 && !text.isEmpty ? [0x20] + text : text
    text.withUnsafeBufferPointer { text in
      preTokenizer.forEachPiece(of: text) { pieces[Array($0), default: 0] += 1 }
    }
  }

  /// - Parameter progress: called after every hundred merges with how many are done.
  public func train(progress: (_ merges: Int, _ of: Int) -> Void = { _, _ in }) -> ByteLevelBPE {
    var state = MergeState(pieces)
    let wanted = vocabularySize - 257
    while state.tokens.count < wanted + 256, state.mergeBest(minimumCount: minimumCount) {
      if state.merges.count % 100 == 0 { progress(state.merges.count, wanted) }
    }
    let end = ByteLevelBPE.AddedToken(
      id: Int32(state.tokens.count), content: ByteLevelBPE.endOfTextContent, isSpecial: true)
    return ByteLevelBPE(
      tokens: state.tokens, merges: state.merges, addedTokens: [end], preTokenizer: preTokenizer)
  }
}

/// All pieces in one line of symbols with links, and for each pair where it stands.
private struct MergeState {
  var tokens: [[UInt8]] = (UInt8(0)...255).map { [$0] }
  var merges: [(left: Int32, right: Int32, merged: Int32)] = []
  private var tokenIDs: [[UInt8]: Int32] = [:]

  private var symbols: [Int32] = []
  /// Neighbours inside the piece; -1 at its ends.
  private var previous: [Int32] = []
  private var next: [Int32] = []
  /// How often the piece of a place occurs.
  private var weights: [Int] = []
  private var counts: [Pair: Int] = [:]
  private var places: [Pair: [Int32]] = [:]
  private var heap: [(count: Int, pair: Pair)] = []

  struct Pair: Hashable {
    let left: Int32
    let right: Int32
  }

  init(_ pieces: [[UInt8]: Int]) {
    for (piece, count) in pieces.sorted(by: { $0.key.lexicographicallyPrecedes($1.key) }) {
      let start = symbols.count
      for (offset, byte) in piece.enumerated() {
        symbols.append(Int32(byte))
        weights.append(count)
        previous.append(offset == 0 ? -1 : Int32(start + offset - 1))
        next.append(offset == piece.count - 1 ? -1 : Int32(start + offset + 1))
      }
    }
    var found: Set<Pair> = []
    for place in symbols.indices { add(place, &found) }
    offer(found)
  }

  /// Merges the best pair everywhere; false when none is frequent enough.
  mutating func mergeBest(minimumCount: Int) -> Bool {
    while let top = pop() {
      let count = counts[top.pair] ?? 0
      // Counts fall while an entry waits: put it back where it belongs now.
      if count < top.count {
        if count >= minimumCount { push((count, top.pair)) }
        continue
      }
      guard count >= minimumCount else { return false }
      merge(top.pair)
      return true
    }
    return false
  }

  private mutating func merge(_ pair: Pair) {
    let bytes = tokens[Int(pair.left)] + tokens[Int(pair.right)]
    let merged = tokenIDs[bytes] ?? Int32(tokens.count)
    if merged == tokens.count {
      tokens.append(bytes)
      tokenIDs[bytes] = merged
    }
    merges.append((left: pair.left, right: pair.right, merged: merged))
    var found: Set<Pair> = []
    // From left to right, so that `a a a` becomes `aa a`.
    for place in (places.removeValue(forKey: pair) ?? []).sorted() {
      let left = Int(place)
      guard symbols[left] == pair.left, next[left] >= 0 else { continue }
      let right = Int(next[left])
      guard symbols[right] == pair.right else { continue }
      let before = Int(previous[left])
      let after = Int(next[right])
      if before >= 0 { remove(Pair(left: symbols[before], right: pair.left), weights[left]) }
      if after >= 0 { remove(Pair(left: pair.right, right: symbols[after]), weights[left]) }
      symbols[left] = merged
      symbols[right] = -1
      next[left] = Int32(after)
      if after >= 0 { previous[after] = Int32(left) }
      if before >= 0 { add(before, &found) }
      add(left, &found)
    }
    counts[pair] = nil
    offer(found)
  }

  /// Counts the pair that begins at a place.
  private mutating func add(_ place: Int, _ found: inout Set<Pair>) {
    guard next[place] >= 0 else { return }
    let pair = Pair(left: symbols[place], right: symbols[Int(next[place])])
    counts[pair, default: 0] += weights[place]
    places[pair, default: []].append(Int32(place))
    found.insert(pair)
  }

  private mutating func remove(_ pair: Pair, _ weight: Int) {
    counts[pair]? -= weight
  }

  // MARK: The heap, most frequent pair first

  private func precedes(_ a: (count: Int, pair: Pair), _ b: (count: Int, pair: Pair)) -> Bool {
    if a.count != b.count { return a.count > b.count }
    if a.pair == b.pair { return false }
    let (left, otherLeft) = (tokens[Int(a.pair.left)], tokens[Int(b.pair.left)])
    if left != otherLeft { return left.lexicographicallyPrecedes(otherLeft) }
    return tokens[Int(a.pair.right)].lexicographicallyPrecedes(tokens[Int(b.pair.right)])
  }

  private mutating func offer(_ pairs: Set<Pair>) {
    // The order of pushes does not matter: `precedes` is a total order on what is in the heap.
    for pair in pairs { if let count = counts[pair], count > 0 { push((count, pair)) } }
  }

  private mutating func push(_ item: (count: Int, pair: Pair)) {
    heap.append(item)
    var at = heap.count - 1
    while at > 0, precedes(heap[at], heap[(at - 1) / 2]) {
      heap.swapAt(at, (at - 1) / 2)
      at = (at - 1) / 2
    }
  }

  private mutating func pop() -> (count: Int, pair: Pair)? {
    guard let top = heap.first else { return nil }
    let last = heap.removeLast()
    guard !heap.isEmpty else { return top }
    heap[0] = last
    var at = 0
    while true {
      var first = at
      for child in [2 * at + 1, 2 * at + 2]
      where child < heap.count && precedes(heap[child], heap[first]) {
        first = child
      }
      if first == at { return top }
      heap.swapAt(at, first)
      at = first
    }
  }
}
