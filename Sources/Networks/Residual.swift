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
    x.require(y.rows, y.columns, "x", in: "Residual.add")
    parallelRows(of: y) { rows in
      for row in rows { Kernels.add(x.row(row), into: y.row(row), y.columns) }
    }
  }

  /// - Parameters:
  ///   - a: `[N, C]`
  ///   - b: `[N, C]`
  ///   - y: `[N, C]`, overwritten with a + b; may be either.
  public static func add(_ a: Tensor, _ b: Tensor, into y: Tensor) {
    a.require(y.rows, y.columns, "a", in: "Residual.add")
    b.require(y.rows, y.columns, "b", in: "Residual.add")
    parallelRows(of: y) { rows in
      for row in rows { Kernels.add(a.row(row), b.row(row), into: y.row(row), y.columns) }
    }
  }

  /// A piece of it, on one thread: for pieces of a product, see `matmul`.
  ///
  /// - Parameters:
  ///   - a: `[N, C]`
  ///   - b: `[N, C]`
  ///   - y: `[N, C]`, overwritten there with a + b; may be either.
  public static func add(
    _ a: Tensor, _ b: Tensor, _ rows: Range<Int>, _ columns: Range<Int>, into y: Tensor
  ) {
    let first = columns.lowerBound
    for row in rows {
      Kernels.add(a.row(row) + first, b.row(row) + first, into: y.row(row) + first, columns.count)
    }
  }
}
