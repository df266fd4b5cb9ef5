// Are counts spread evenly over classes? Pearson's test, and the distribution behind it.

import Foundation

public enum ChiSquare {
  /// P(X ≥ x) with `degrees` > 0 degrees of freedom: the regularised upper incomplete gamma function.
  ///
  /// **Source**: series 8.11.4 and continued fraction 8.9.2 of the NIST Digital Library of
  /// Mathematical Functions.
  public static func tail(_ x: Double, degrees: Int) -> Double {
    precondition(degrees > 0, "\(degrees) degrees of freedom")
    let a = Double(degrees) / 2
    let z = x / 2
    guard z > 0 else { return 1 }
    let front = exp(a * log(z) - z - lgamma(a))
    if z < a + 1 {
      var term = 1 / a
      var sum = term
      var n = a
      repeat {
        n += 1
        term *= z / n
        sum += term
      } while term > sum * 1e-17
      return max(0, 1 - front * sum)
    }
    // Lentz's method.
    let tiny = 1e-300
    var b = z + 1 - a
    var c = 1 / tiny
    var d = 1 / b
    var result = d
    for step in 1...10_000 {
      let factor = -Double(step) * (Double(step) - a)
      b += 2
      d = factor * d + b
      d = 1 / (abs(d) < tiny ? tiny : d)
      c = b + factor / c
      c = abs(c) < tiny ? tiny : c
      result *= c * d
      if abs(c * d - 1) < 1e-16 { break }
    }
    return front * result
  }

  /// Pearson's test that counts come from equal shares.
  ///
  /// - Returns: nil for fewer than two classes or no counts.
  public static func uniform(_ counts: [Int]) -> (statistic: Double, p: Double)? {
    let total = counts.reduce(0, +)
    guard counts.count >= 2, total > 0 else { return nil }
    let expected = Double(total) / Double(counts.count)
    let statistic = counts.reduce(0) {
      $0 + (Double($1) - expected) * (Double($1) - expected) / expected
    }
    return (statistic, tail(statistic, degrees: counts.count - 1))
  }
}
