// A packed batch: documents of different lengths one after the other, without padding. Attention
// stays inside a segment and positions restart in each.

/// Where the documents of a packed batch begin and end.
public struct Segments: Sendable, Hashable {
  /// Row of each segment's first token, then the number of tokens: `count + 1` numbers from 0 up.
  public let offsets: [Int]

  public init(lengths: [Int]) {
    var offsets = [0]
    for length in lengths {
      precondition(length > 0, "a segment of \(length) tokens cannot be packed")
      offsets.append(offsets.last! + length)
    }
    self.offsets = offsets
  }

  public var count: Int { offsets.count - 1 }
  public var tokenCount: Int { offsets.last! }
  public subscript(index: Int) -> Range<Int> { offsets[index]..<offsets[index + 1] }
  /// Length of the longest segment.
  public var longest: Int { (0..<count).map { self[$0].count }.max() ?? 0 }
  /// Position of every token in its segment: 0, 1, 2, 0, 1, …
  public var positions: [Int32] { (0..<count).flatMap { (0..<Int32(self[$0].count)) } }
}
