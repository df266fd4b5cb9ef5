// How much more one thing varies than another: Fisher's F, and the ratio of two standard deviations.

import Foundation

/// Fisher's F distribution.
public enum FisherF {
  /// The share below `f`, with `d1` and `d2` > 0 degrees of freedom.
  public static func cumulative(_ f: Double, _ d1: Double, _ d2: Double) -> Double {
    precondition(d1 > 0 && d2 > 0, "F needs positive degrees of freedom, not \(d1) and \(d2)")
    return f <= 0 ? 0 : Student.incompleteBeta(d1 * f / (d1 * f + d2), d1 / 2, d2 / 2)
  }

  /// The value below which a share `p` lies: bisection on the distribution function.
  public static func quantile(_ p: Double, _ d1: Double, _ d2: Double) -> Double {
    precondition(p > 0 && p < 1, "a quantile needs 0 < p < 1, not \(p)")
    var (low, high) = (0.0, 1.0)
    while cumulative(high, d1, d2) < p, high < 1e150 { (low, high) = (high, high * 2) }
    for _ in 0..<200 {
      let middle = low + (high - low) / 2
      if middle == low || middle == high { break }
      if cumulative(middle, d1, d2) < p { low = middle } else { high = middle }
    }
    return low + (high - low) / 2
  }
}

/// The ratio of two standard deviations, each pooled over groups with means of their own.
public struct DeviationRatio: Sendable {
  /// Standard deviation of the first over that of the second; infinite where the second does not vary.
  public let ratio: Double
  /// 95 %, exact for normal values: F of the two pooled variances.
  public let interval: Interval
  /// Degrees of freedom: values minus groups.
  public let degrees: (Int, Int)

  /// - Returns: nil where one of them has no two values in any group, or neither varies.
  ///
  /// **Source**: Snedecor & Cochran 1989, *Statistical Methods*, § 6.11.
  public init?(_ first: [[Double]], over second: [[Double]]) {
    guard let (own, ownDegrees) = Self.pooled(first), let (base, baseDegrees) = Self.pooled(second),
      own > 0 || base > 0
    else { return nil }
    let square = own / base
    let (d1, d2) = (Double(ownDegrees), Double(baseDegrees))
    ratio = square.squareRoot()
    interval = Interval(
      low: (square / FisherF.quantile(0.975, d1, d2)).squareRoot(),
      high: (square / FisherF.quantile(0.025, d1, d2)).squareRoot())
    degrees = (ownDegrees, baseDegrees)
  }

  private static func pooled(_ groups: [[Double]]) -> (variance: Double, degrees: Int)? {
    var (squares, degrees) = (0.0, 0)
    for group in groups where group.count >= 2 {
      let mean = group.reduce(0, +) / Double(group.count)
      squares += group.reduce(0) { $0 + ($1 - mean) * ($1 - mean) }
      degrees += group.count - 1
    }
    return degrees > 0 ? (squares / Double(degrees), degrees) : nil
  }
}
