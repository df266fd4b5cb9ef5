// What a fit sees: drawn values with weights, or, for the limit of infinitely many draws, a grid of
// values whose weights carry the density itself.

import Foundation

/// Values with weights that need not add up to one.
struct WeightedSample: Sendable {
  let values: [Double]
  let weights: [Double]
  let total: Double

  init(values: [Double], weights: [Double]) {
    precondition(
      values.count == weights.count, "\(values.count) values for \(weights.count) weights")
    self.values = values
    self.weights = weights
    total = weights.reduce(0, +)
  }

  /// Σ w·f(x) / Σ w
  func average(_ f: (Double) -> Double) -> Double {
    var sum = 0.0
    for (x, w) in zip(values, weights) where w > 0 { sum += w * f(x) }
    return sum / total
  }

  var mean: Double { average { $0 } }

  /// With the weights as shares: no correction for the number of draws.
  var variance: Double {
    let middle = mean
    return average { ($0 - middle) * ($0 - middle) }
  }

  /// (Σ w)² / Σ w²: how many unweighted draws carry as much information (Kish 1965).
  var effectiveCount: Double {
    let squares = weights.reduce(0) { $0 + $1 * $1 }
    return squares > 0 ? total * total / squares : 0
  }
}

/// Points and widths for integrals over the support of a density: the trapezoidal rule, which is
/// exact to machine precision for smooth densities that vanish at both ends.
struct QuadratureGrid: Sendable {
  let points: [Double]
  let widths: [Double]

  static let count = 8001

  /// As wide as the density needs: it narrows by half in every generation of a weighted chain.
  init(for density: Density, points count: Int = Self.count) {
    switch density {
    case .beta(let a, let b):
      // On the logit scale its tails fall like e^(−a·|u|) on the left, e^(−b·|u|) on the right.
      let deviation = (trigamma(a) + trigamma(b)).squareRoot()
      let middle = digamma(a) - digamma(b)
      self.init(
        logitFrom: max(-40, middle - 40 / a - 14 * deviation),
        to: min(40, middle + 40 / b + 14 * deviation), count)
    case .logitNormal(let mean, let deviation):
      self.init(
        logitFrom: max(-40, mean - 14 * deviation), to: min(40, mean + 14 * deviation), count)
    case .gaussian(let mean, let deviation):
      self.init(from: mean - 14 * deviation, to: mean + 14 * deviation, count)
    case .mixture(let parts):
      self.init(
        from: min(
          parts.leftMean - 14 * parts.leftDeviation, parts.rightMean - 14 * parts.rightDeviation),
        to: max(
          parts.leftMean + 14 * parts.leftDeviation, parts.rightMean + 14 * parts.rightDeviation),
        count)
    }
  }

  /// Even on the logit scale, where densities on (0, 1) vanish at both ends.
  private init(logitFrom low: Double, to high: Double, _ count: Int) {
    let step = (high - low) / Double(count - 1)
    let u = (0..<count).map { low + step * Double($0) }
    points = u.map { 1 / (1 + exp(-$0)) }
    // dx = x(1 − x) du, written so that it keeps its digits near 1.
    widths = u.map { step / (2 + exp($0) + exp(-$0)) }
  }

  private init(from low: Double, to high: Double, _ count: Int) {
    let step = (high - low) / Double(count - 1)
    points = (0..<count).map { low + step * Double($0) }
    widths = Array(repeating: step, count: count)
  }
}
