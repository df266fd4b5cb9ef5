// The only way data enters a model: sequences of different lengths one after the other. Nothing is
// padded, so nothing has to be masked away again.

import Networks

/// A sequence of tokens with a mark on those that are to be learnt.
public struct TokenSequence: Sendable, Equatable {
  public var tokens: [Int32]
  /// One mark per token: whether it is learnt as the next token of those before it; nil for all. The
  /// first token is never learnt, since nothing stands before it.
  public var isLearnt: [Bool]?

  public init(_ tokens: [Int32], isLearnt: [Bool]? = nil) {
    precondition(
      isLearnt == nil || isLearnt!.count == tokens.count,
      "\(tokens.count) tokens cannot have \(isLearnt?.count ?? 0) marks")
    self.tokens = tokens
    self.isLearnt = isLearnt
  }

  /// How many tokens there are to learn.
  public var supervisedCount: Int {
    guard let isLearnt else { return max(0, tokens.count - 1) }
    return isLearnt.dropFirst().reduce(0) { $0 + ($1 ? 1 : 0) }
  }
}

/// Packed sequences: N tokens in segments.
public struct Batch: Sendable {
  /// [N]
  public let tokens: [Int32]
  /// Where sequences begin and end.
  public let segments: Segments
  /// [N], from 0 in each segment.
  public let positions: [Int32]
  /// [N], the token that follows, or `HeadLoss.unsupervised`.
  public let targets: [Int32]
  public let supervisedCount: Int

  /// - Parameter sequences: none of them empty.
  public init(_ sequences: some Collection<TokenSequence>) {
    segments = Segments(lengths: sequences.map(\.tokens.count))
    positions = segments.positions
    var tokens: [Int32] = []
    var targets: [Int32] = []
    tokens.reserveCapacity(segments.tokenCount)
    targets.reserveCapacity(segments.tokenCount)
    for sequence in sequences {
      tokens += sequence.tokens
      for index in sequence.tokens.indices.dropFirst() {
        let isLearnt = sequence.isLearnt.map { $0[index] } ?? true
        targets.append(isLearnt ? sequence.tokens[index] : HeadLoss.unsupervised)
      }
      targets.append(HeadLoss.unsupervised)
    }
    self.tokens = tokens
    self.targets = targets
    supervisedCount = sequences.reduce(0) { $0 + $1.supervisedCount }
  }

  public var tokenCount: Int { tokens.count }

  /// Cuts sequences into consecutive runs of at most `tokens` tokens; a longer sequence is a run by
  /// itself.
  public static func runs(of lengths: [Int], atMost tokens: Int) -> [Range<Int>] {
    var runs: [Range<Int>] = []
    var start = 0
    var sum = 0
    for (index, length) in lengths.enumerated() {
      if index > start, sum + length > tokens {
        runs.append(start..<index)
        start = index
        sum = 0
      }
      sum += length
    }
    if start < lengths.count { runs.append(start..<lengths.count) }
    return runs
  }
}
