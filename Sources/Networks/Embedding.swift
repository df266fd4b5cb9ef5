// Rows of a table picked by number; tokens and learned positions are two of them.
//
//   y[n] = E[i[n]]        dE[i[n]] += dy[n], in order of n for every row of E

import Kernels
import Tensors

/// A table of vectors, one for each token of a vocabulary or each position.
public struct Embedding: Sendable {
  /// `[V, C]`
  public var table: Tensor
  /// `[V, C]`; nil if frozen.
  public var gradient: Tensor?

  public init(table: Tensor, gradient: Tensor? = nil) {
    self.table = table
    self.gradient = gradient
  }

  /// - Parameters:
  ///   - indices: N rows of the table.
  ///   - y: `[N, C]`, overwritten, or added to if `accumulate` (positions on top of tokens).
  public func forward(_ indices: [Int32], into y: Tensor, accumulate: Bool = false) {
    fatalError("not written yet")
  }

  /// Adds into the gradient; nothing happens if the table is frozen.
  ///
  /// - Parameters:
  ///   - dy: `[N, C]`
  ///   - indices: N rows of the table, as in the forward pass.
  public func backward(_ dy: Tensor, indices: [Int32]) {
    fatalError("not written yet")
  }
}
