// y = x·Wᵀ + b for a few rows (decoding): our own kernel over weights packed once. Every output is
// one chain of fused multiply-adds along `in`, from the first to the last, so the bits of a row
// depend neither on the other rows nor on the threads.

import Kernels
import Tensors

/// A frozen copy of a `Linear`, laid out for products with few rows.
///
/// **Cost**: memory of the weight once more; M = 1 runs at memory speed.
public final class PackedLinear: @unchecked Sendable {
  // Unchecked: written only in `init` and `repack`.

  public let inputs: Int
  public let outputs: Int

  public init(_ linear: Linear) {
    fatalError("not written yet")
  }

  /// - Parameters:
  ///   - x: `[M, in]`
  ///   - y: `[M, out]`, overwritten.
  public func forward(_ x: Tensor, into y: Tensor) {
    fatalError("not written yet")
  }
}
