// One-dimensional kernels of separable filters.

import Foundation

/// Weights by offset: `filtered(x) = Σ taps[i] · value(x + i − origin)` (a correlation).
public struct FilterKernel: Sendable, Equatable {
  public let taps: [Float]
  /// Index of the tap at offset 0.
  public let origin: Int

  /// - Precondition: `origin` is an index of `taps`.
  public init(taps: [Float], origin: Int) {
    precondition(taps.indices.contains(origin), "origin \(origin) of \(taps.count) taps")
    self.taps = taps
    self.origin = origin
  }

  /// Does nothing.
  public static let identity = FilterKernel(taps: [1], origin: 0)

  /// A sampled Gaussian with sum 1, cut at 4 σ.
  ///
  /// - Parameters:
  ///   - sigma: standard deviation in pixels, above 0.
  ///   - shift: moves what is seen by so many pixels, to the right or down if positive, without the
  ///     extra blur of an interpolation.
  public static func gaussian(sigma: Double, shift: Double = 0) -> FilterKernel {
    precondition(sigma > 0 && sigma.isFinite, "a Gaussian of σ \(sigma)")
    precondition(shift.isFinite && abs(shift) < 1e6, "a shift of \(shift) pixels")
    let reach = max(1, Int((4 * sigma).rounded(.up)))
    let first = Int((-shift).rounded(.down)) - reach
    let last = Int((-shift).rounded(.up)) + reach
    let low = min(first, 0)
    let high = max(last, 0)
    var weights = [Double](repeating: 0, count: high - low + 1)
    for offset in first...last {
      let distance = Double(offset) + shift
      weights[offset - low] = exp(-distance * distance / (2 * sigma * sigma))
    }
    let sum = weights.reduce(0, +)
    return FilterKernel(taps: weights.map { Float($0 / sum) }, origin: -low)
  }
}

/// Where a coordinate beyond the border is read: mirrored without repeating the outermost pixel
/// (`… c b | a b c | b a …`), OpenCV's default.
@inlinable
public func reflected(_ position: Int, _ count: Int) -> Int {
  if position >= 0 && position < count { return position }
  if count == 1 { return 0 }
  let period = 2 * (count - 1)
  let rest = ((position % period) + period) % period
  return rest < count ? rest : period - rest
}
