// B(θ): how much likelier a model finds statements of the right than of the left, as a smooth function
// of its weights. What the projections are about.
//
//   B(θ) = mean over right statements of ℓ(y; θ) − mean over left statements of ℓ(y; θ)
//   ℓ(y; θ) = log p(y | beginning; θ), or that divided by the number of scored tokens of y

import Diagnostics
import Kernels
import LanguageModels
import Networks
import Tensors

/// A scalar bias with its gradient.
public struct StatementBias: Sendable {
  /// What ℓ of one statement is.
  public enum Scale: String, Sendable, CaseIterable {
    /// Per token: statements of every length count the same.
    case token
    /// The whole statement's log-probability.
    case statement
  }

  public let left: StatementSequences
  public let right: StatementSequences
  public let scale: Scale

  public init(left: StatementSequences, right: StatementSequences, scale: Scale) {
    self.left = left
    self.right = right
    self.scale = scale
  }

  /// Sequences whose token losses are all divided by the same number.
  struct Part {
    let batch: Batch
    let divisor: Int
  }

  /// Batches of at most `capacity` tokens (a longer sequence is one by itself); per token, statements
  /// of one length come together, since all their tokens weigh 1/(n·T).
  static func parts(
    _ statements: StatementSequences, _ scale: Scale, capacity: Int
  ) -> [Part] {
    let groups: [[Int]]
    switch scale {
    case .statement: groups = [Array(0..<statements.count)]
    case .token:
      let lengths = Set(statements.lengths).sorted()
      groups = lengths.map { length in
        (0..<statements.count).filter { statements.lengths[$0] == length }
      }
    }
    return groups.flatMap { group -> [Part] in
      let sequences = group.map { statements.sequences[$0] }
      let divisor =
        statements.count * (scale == .token ? statements.lengths[group[0]] : 1)
      return Batch.runs(of: sequences.map(\.tokens.count), atMost: capacity).map {
        Part(batch: Batch(sequences[$0]), divisor: divisor)
      }
    }
  }

  /// Tokens of the longest sequence: the least capacity of a transformer.
  public var longest: Int { max(left.longest, right.longest) }

  /// B and ∇B.
  ///
  /// - Parameter transformer: made with `trains: true` and no adapter; its gradients become ∇B.
  /// - Returns: B, nats.
  ///
  /// **Throws**: `statements-not-finite`, and what `progress` throws (called between batches).
  public func gradient(
    _ transformer: Transformer, progress: () throws(Diagnostic) -> Void = {}
  ) throws(Diagnostic) -> Double {
    guard let gradients = transformer.gradients?.everything else {
      preconditionFailure("∇B was asked of a Transformer whose weights are frozen")
    }
    gradients.fill(0)
    // The gradients of Σ −log p come out: of the right ones with the wrong sign.
    let ofRight = try sum(right, transformer, progress)
    negate(gradients)
    let ofLeft = try sum(left, transformer, progress)
    let bias = ofLeft - ofRight
    guard bias.isFinite else { throw .statementsNotFinite }
    return bias
  }

  /// Σ of mean losses; adds its gradient.
  private func sum(
    _ statements: StatementSequences, _ transformer: Transformer,
    _ progress: () throws(Diagnostic) -> Void
  ) throws(Diagnostic) -> Double {
    var sum = 0.0
    for part in Self.parts(statements, scale, capacity: transformer.capacity) {
      let total = transformer.learn(part.batch, supervisedCount: part.divisor)
      sum += total.negativeLogLikelihood / Double(part.divisor)
      try progress()
    }
    return sum
  }

  private func negate(_ tensor: Tensor) {
    parallelFor(tensor.count, by: 1 << 18) { range in
      Kernels.scale(tensor.data + range.lowerBound, by: -1, range.count)
    }
  }
}
