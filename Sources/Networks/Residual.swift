// The residual connection: y += x. Its backward pass is no work: both sides receive the same dy,
// which is why the ops above offer `accumulate` for dx.

import Kernels
import Tensors

/// Residual addition.
public enum Residual {
  /// - Parameters:
  ///   - x: `[N, C]`
  ///   - y: `[N, C]`, added to.
  public static func add(_ x: Tensor, into y: Tensor) {
    fatalError("not written yet")
  }

  /// - Parameters:
  ///   - a: `[N, C]`
  ///   - b: `[N, C]`
  ///   - y: `[N, C]`, overwritten with a + b; may be either.
  public static func add(_ a: Tensor, _ b: Tensor, into y: Tensor) {
    fatalError("not written yet")
  }
}
