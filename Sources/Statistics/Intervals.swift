// Intervals with closed forms, and the summary of replicates (seeds, chains) that reports show.
// Intervals by resampling are in Bootstrap.swift.

import Foundation

/// Mean, spread and intervals of a sample.
public struct SampleSummary: Sendable, Equatable {
  public let count: Int
  public let mean: Double
  /// Standard deviation with n − 1; nil for one value.
  public let deviation: Double?
  public let smallest: Double
  public let largest: Double

  /// - Parameter values: at least one.
  public init(_ values: [Double]) {
    precondition(!values.isEmpty, "a summary needs at least one value")
    count = values.count
    let mean = values.reduce(0, +) / Double(values.count)
    self.mean = mean
    deviation =
      values.count < 2
      ? nil
      : (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1))
        .squareRoot()
    smallest = values.min()!
    largest = values.max()!
  }

  /// s / √n; nil for one value.
  public var standardError: Double? { deviation.map { $0 / Double(count).squareRoot() } }

  /// mean ± z·s/√n (z = 1.96 at 95 %): for many independent values.
  public func normalInterval(confidence: Double = 0.95) -> Interval? {
    standardError.map { around(mean, Normal.quantile(0.5 + confidence / 2) * $0) }
  }

  /// mean ± t·s/√n with n − 1 degrees of freedom: for few values, such as seeds. With two values t
  /// is 12.7, which is as it should be: two seeds say little about a third.
  public func studentInterval(confidence: Double = 0.95) -> Interval? {
    standardError.map {
      around(mean, Student.quantile(0.5 + confidence / 2, degrees: Double(count - 1)) * $0)
    }
  }

  private func around(_ middle: Double, _ half: Double) -> Interval {
    Interval(low: middle - half, high: middle + half)
  }
}

extension Interval {
  /// Σ numerators / Σ denominators ± z·SE, by linearisation: for a mean per token over documents.
  ///
  /// **Source**: Cochran 1977, *Sampling Techniques*, equation 6.13, without the finite population.
  /// - Returns: nil for fewer than two pairs.
  public static func ratio(
    _ numerators: [Double], _ denominators: [Double], confidence: Double = 0.95
  ) -> Interval? {
    precondition(
      numerators.count == denominators.count,
      "\(numerators.count) numerators for \(denominators.count) denominators")
    let total = denominators.reduce(0, +)
    guard numerators.count >= 2, total > 0 else { return nil }
    let n = Double(numerators.count)
    let ratio = numerators.reduce(0, +) / total
    let square = zip(numerators, denominators).reduce(0) {
      $0 + ($1.0 - ratio * $1.1) * ($1.0 - ratio * $1.1)
    }
    let error = (square / (n * (n - 1))).squareRoot() / (total / n)
    let half = Normal.quantile(0.5 + confidence / 2) * error
    return Interval(low: ratio - half, high: ratio + half)
  }

  /// Wilson's score interval for a share.
  ///
  /// **Source**: Wilson 1927; Brown, Cai & DasGupta 2001, equation 4.
  public static func wilson(
    successes: Int, of count: Int, confidence: Double = 0.95
  ) -> Interval {
    precondition(
      count > 0 && (0...count).contains(successes), "\(successes) of \(count) is not a share")
    let n = Double(count)
    let p = Double(successes) / n
    let z = Normal.quantile(0.5 + confidence / 2)
    let middle = (p + z * z / (2 * n)) / (1 + z * z / n)
    let half = z / (1 + z * z / n) * (p * (1 - p) / n + z * z / (4 * n * n)).squareRoot()
    // The ends at no and at all successes are exact; rounding must not move them.
    return Interval(
      low: successes == 0 ? 0 : middle - half, high: successes == count ? 1 : middle + half)
  }
}
