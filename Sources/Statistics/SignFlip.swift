// Is a mean over chains zero? With few chains no normal distribution helps: under the hypothesis each
// chain's value is as likely with the other sign, and all sign patterns can be counted.

import Randomness

/// The sign-flip permutation test of a mean (Fisher 1935, § 21).
public struct SignFlipTest: Sendable, Equatable {
  /// Two-sided: share of sign patterns whose mean is at least as far from zero.
  public let p: Double
  public let isExact: Bool
  /// The smallest p that so few values can give: 2/2ⁿ.
  public let smallestPossible: Double

  /// Up to this many values all 2ⁿ patterns are counted.
  public static let exactLimit = 16

  /// - Parameters:
  ///   - values: one per chain, for example its slope, or its difference to its twin.
  ///   - draws: patterns drawn where there are too many to count.
  /// - Returns: nil for no values.
  public init?(_ values: [Double], draws: Int = 100_000, random: RandomStream) {
    guard !values.isEmpty else { return nil }
    let observed = abs(values.reduce(0, +))
    // Sums of equal numbers in another order differ in their last bits.
    let bound = observed - 1e-12 * values.reduce(0) { $0 + abs($1) }
    smallestPossible = values.count >= 62 ? 0 : 2 / Double(1 << min(values.count, 61))
    if values.count <= Self.exactLimit {
      let patterns = 1 << values.count
      var extreme = 0
      for pattern in 0..<patterns {
        var sum = 0.0
        for (index, value) in values.enumerated() {
          sum += pattern >> index & 1 == 0 ? value : -value
        }
        if abs(sum) >= bound { extreme += 1 }
      }
      p = Double(extreme) / Double(patterns)
      isExact = true
      return
    }
    var stream = random
    var extreme = 0
    for _ in 0..<draws {
      var sum = 0.0
      var bits: UInt64 = 0
      for (index, value) in values.enumerated() {
        if index & 63 == 0 { bits = stream.next() }
        sum += bits >> UInt64(index & 63) & 1 == 0 ? value : -value
      }
      if abs(sum) >= bound { extreme += 1 }
    }
    // The observed pattern is one of them, so p is never 0 (Phipson & Smyth 2010).
    p = Double(extreme + 1) / Double(draws + 1)
    isExact = false
  }
}
