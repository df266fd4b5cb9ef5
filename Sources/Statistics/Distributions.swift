// The normal and Student's t distribution: what intervals need. Checked against SciPy in the tests.

import Foundation

/// The standard normal distribution.
public enum Normal {
  public static func cumulative(_ x: Double) -> Double { 0.5 * erfc(-x / 2.0.squareRoot()) }

  /// The value below which a share `p` lies.
  ///
  /// **Range**: 0 < p < 1. **Source**: Acklam's rational start (relative error 1.2e-9), then one step
  /// of Halley's method on `erfc`, which brings it to machine precision.
  public static func quantile(_ p: Double) -> Double {
    precondition(p > 0 && p < 1, "a quantile needs 0 < p < 1, not \(p)")
    if p > 0.5 { return -quantile(1 - p) }
    let a = [
      -39.696830286653757, 220.9460984245205, -275.92851044696869, 138.357751867269,
      -30.66479806614716, 2.5066282774592392,
    ]
    let b = [
      -54.476098798224058, 161.58583685804089, -155.69897985988661, 66.80131188771972,
      -13.280681552885721,
    ]
    let c = [
      -0.0077848940024302926, -0.32239645804113648, -2.4007582771618381, -2.5497325393437338,
      4.3746641414649678, 2.9381639826987831,
    ]
    let d = [
      0.0077846957090414622, 0.32246712907003983, 2.445134137142996, 3.7544086619074162,
    ]
    var x: Double
    if p < 0.02425 {
      let q = (-2 * log(p)).squareRoot()
      x = polynomial(c, q) / (polynomial(d, q) * q + 1)
    } else {
      let q = p - 0.5
      let r = q * q
      x = polynomial(a, r) * q / (polynomial(b, r) * r + 1)
    }
    let error = cumulative(x) - p
    let step = error * (2 * Double.pi).squareRoot() * exp(x * x / 2)
    x -= step / (1 + x * step / 2)
    return x
  }

  private static func polynomial(_ coefficients: [Double], _ x: Double) -> Double {
    coefficients.reduce(0) { $0 * x + $1 }
  }
}

/// Student's t distribution.
public enum Student {
  /// The share below `t` with `degrees` > 0 degrees of freedom.
  public static func cumulative(_ t: Double, degrees: Double) -> Double {
    precondition(degrees > 0, "Student's t needs positive degrees of freedom, not \(degrees)")
    let tail = 0.5 * incompleteBeta(degrees / (degrees + t * t), degrees / 2, 0.5)
    return t > 0 ? 1 - tail : tail
  }

  /// The value below which a share `p` lies: bisection on the distribution function.
  public static func quantile(_ p: Double, degrees: Double) -> Double {
    precondition(p > 0 && p < 1, "a quantile needs 0 < p < 1, not \(p)")
    if p == 0.5 { return 0 }
    if p < 0.5 { return -quantile(1 - p, degrees: degrees) }
    var high = 1.0
    while cumulative(high, degrees: degrees) < p, high < 1e150 { high *= 2 }
    var low = 0.0
    // Enough halvings for the last bit of any start.
    for _ in 0..<200 {
      let middle = low + (high - low) / 2
      if middle == low || middle == high { break }
      if cumulative(middle, degrees: degrees) < p { low = middle } else { high = middle }
    }
    return low + (high - low) / 2
  }

  /// The regularised incomplete beta function I_x(a, b).
  ///
  /// **Source**: continued fraction 8.17.22 of the NIST Digital Library of Mathematical Functions,
  /// evaluated by Lentz's method.
  static func incompleteBeta(_ x: Double, _ a: Double, _ b: Double) -> Double {
    if x <= 0 { return 0 }
    if x >= 1 { return 1 }
    if x > (a + 1) / (a + b + 2) { return 1 - incompleteBeta(1 - x, b, a) }
    let front = exp(lgamma(a + b) - lgamma(a) - lgamma(b) + a * log(x) + b * log1p(-x))
    let tiny = 1e-300
    var c = 1.0
    var d = 1 - (a + b) * x / (a + 1)
    d = 1 / (abs(d) < tiny ? tiny : d)
    var result = d
    for step in 1...10_000 {
      let m = Double(step)
      var factor = m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m))
      d = 1 + factor * d
      c = 1 + factor / c
      d = 1 / (abs(d) < tiny ? tiny : d)
      c = abs(c) < tiny ? tiny : c
      result *= d * c
      factor = -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1))
      d = 1 + factor * d
      c = 1 + factor / c
      d = 1 / (abs(d) < tiny ? tiny : d)
      c = abs(c) < tiny ? tiny : c
      let change = d * c
      result *= change
      if abs(change - 1) < 1e-16 { break }
    }
    return front * result / a
  }
}
