// Dropout whose mask is a function of (seed, step, site, row, column): nothing is stored, the
// backward pass applies the same function, and threads or batches do not change it.
//
//   y = x·m/(1 − rate),  m ∈ {0, 1}        dx = dy·m/(1 − rate)

import Kernels
import Tensors

/// Dropout (Srivastava et al. 2014), inverted form.
public struct Dropout: Sendable {
  /// Share of numbers set to zero, 0 ≤ rate < 1. At 0 nothing is computed.
  public var rate: Float
  public var seed: Int
  /// The optimiser step, so that every step draws a new mask.
  public var step: Int
  /// Which dropout of the model: another number at each place, such as `3 * layer + 1`.
  public var site: Int
  /// Row in the whole step of this batch's first row, if a step is made of several batches.
  public var firstRow: Int

  public init(rate: Float, seed: Int, step: Int, site: Int, firstRow: Int = 0) {
    precondition(rate >= 0 && rate < 1, "a dropout rate is in 0..<1, not \(rate)")
    self.rate = rate
    self.seed = seed
    self.step = step
    self.site = site
    self.firstRow = firstRow
  }

  /// Applies mask and scale in place; forward on activations, backward on their gradient.
  ///
  /// - Parameter x: `[N, C]`
  public func apply(to x: Tensor) {
    guard rate > 0 else { return }
    parallelRows(of: x) { rows in
      for row in rows {
        apply(to: x.row(row), maskRow: firstRow + row, firstColumn: 0, count: x.columns)
      }
    }
  }

  /// One stretch of a row; `firstColumn` is a multiple of 128.
  func apply(to x: UnsafeMutablePointer<Float>, maskRow: Int, firstColumn: Int, count: Int) {
    mask.apply(
      to: x, row: UInt32(truncatingIfNeeded: maskRow), firstColumn: firstColumn,
      threshold: threshold, scale: 1 / (1 - rate), count)
  }

  /// Writes a stretch of a row under the mask into `y` and puts the same mask on `z`.
  func apply(
    _ x: UnsafePointer<Float>, into y: UnsafeMutablePointer<Float>,
    andTo z: UnsafeMutablePointer<Float>, maskRow: Int, firstColumn: Int, count: Int
  ) {
    mask.apply(
      x, into: y, andTo: z, row: UInt32(truncatingIfNeeded: maskRow), firstColumn: firstColumn,
      threshold: threshold, scale: 1 / (1 - rate), count)
  }

  private var threshold: UInt32 { UInt32(Double(rate) * 0x1p32) }

  private var mask: RandomMask {
    RandomMask(
      seed: UInt64(bitPattern: Int64(seed)), site: UInt32(truncatingIfNeeded: site),
      step: UInt32(truncatingIfNeeded: step))
  }
}
