// How small a drift could have been seen? A study without that number cannot say that there was none.

import Foundation

/// The power of Student's t test of a mean against zero, and what it can detect.
public enum DetectableEffect {
  /// The chance that a two-sided t test over `count` values finds a mean of `effect` deviations.
  ///
  /// T = (Z + δ)/S with δ = effect·√n and S² a χ² over its degrees of freedom; the integral over S is
  /// Simpson's rule.
  public static func power(effect: Double, count: Int, level: Double = 0.05) -> Double {
    precondition(count >= 2, "a t test needs at least two values, not \(count)")
    precondition(level > 0 && level < 1, "a level of \(level)")
    let degrees = Double(count - 1)
    let critical = Student.quantile(1 - level / 2, degrees: degrees)
    let shift = effect * Double(count).squareRoot()
    // log of the density of S without s^(ν−1)·exp(−νs²/2)
    let constant = log(2.0) + degrees / 2 * log(degrees / 2) - lgamma(degrees / 2)
    let end = 1 + 30 / (2 * degrees).squareRoot()
    let steps = 8_000
    let width = end / Double(steps)
    var sum = 0.0
    for step in 0...steps {
      let s = Double(step) * width
      let power = degrees == 1 ? 0 : (degrees - 1) * log(s)
      let density = exp(constant + power - degrees * s * s / 2)
      guard density > 0 else { continue }
      let found =
        Normal.cumulative(shift - critical * s) + Normal.cumulative(-shift - critical * s)
      sum += (step == 0 || step == steps ? 1 : step % 2 == 0 ? 2 : 4) * density * found
    }
    return min(1, sum * width / 3)
  }

  /// The smallest mean, in deviations, that is found with the chance `power`.
  public static func smallest(count: Int, level: Double = 0.05, power: Double = 0.8) -> Double {
    precondition(power > level && power < 1, "a power of \(power) at the level \(level)")
    var low = 0.0
    var high = 1.0
    while Self.power(effect: high, count: count, level: level) < power { high *= 2 }
    for _ in 0..<60 {
      let middle = (low + high) / 2
      if Self.power(effect: middle, count: count, level: level) < power {
        low = middle
      } else {
        high = middle
      }
    }
    return (low + high) / 2
  }
}
