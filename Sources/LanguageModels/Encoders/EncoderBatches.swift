// Which sequences an encoder runs together: sorted by length, cut into budgets of tokens. Nothing is
// padded, so the order changes nothing but how evenly the batches are filled.

import Diagnostics

/// A text's tokens, special ones included, and its class.
public struct LabelledSequence: Sendable, Equatable {
  public var tokens: [Int32]
  /// Number of its class.
  public var label: Int
  /// How much it counts in training, 1 on average; not negative.
  public var weight: Double

  public init(tokens: [Int32], label: Int, weight: Double = 1) {
    precondition(weight >= 0 && weight.isFinite, "a text cannot weigh \(weight)")
    self.tokens = tokens
    self.label = label
    self.weight = weight
  }
}

/// Groups of sequence numbers, longest sequences first.
struct EncoderBatches {
  let groups: [[Int]]
  /// Tokens of the largest group, at least 1.
  let capacity: Int
  /// Sequences of the largest group, at least 1.
  let largest: Int

  /// - Parameters:
  ///   - lengths: tokens of each sequence.
  ///   - budget: most tokens of a group; a longer sequence is a group by itself.
  init(lengths: [Int], budget: Int) {
    let order = lengths.indices.sorted {
      lengths[$0] == lengths[$1] ? $0 < $1 : lengths[$0] > lengths[$1]
    }
    groups = Batch.runs(of: order.map { lengths[$0] }, atMost: budget).map { Array(order[$0]) }
    capacity = groups.map { group in group.reduce(0) { $0 + lengths[$1] } }.max() ?? 1
    largest = groups.map(\.count).max() ?? 1
  }
}

extension LanguageModel {
  /// Every sequence is one that this encoder can read.
  ///
  /// **Throws**: `encoder-sequence`, `token-outside-vocabulary`.
  func requireReadable(_ sequences: some Sequence<[Int32]>) throws(Diagnostic) {
    for tokens in sequences {
      guard !tokens.isEmpty, tokens.count <= specification.context else {
        throw .encoderSequence(tokens.count, context: specification.context)
      }
      try requireKnown(tokens)
    }
  }
}
