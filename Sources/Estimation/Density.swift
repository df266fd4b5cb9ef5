// The densities that a chain of estimates draws from, weights by, and fits.

import Foundation
import Randomness

/// A probability density on the line or on (0, 1).
public enum Density: Sendable, Equatable {
  /// Beta(a, b) on (0, 1).
  case beta(a: Double, b: Double)
  /// x = 1/(1 + e^(−u)) with u normal: two parameters on (0, 1), and no beta density.
  case logitNormal(mean: Double, deviation: Double)
  case gaussian(mean: Double, deviation: Double)
  case mixture(GaussianMixture)

  public func logDensity(_ x: Double) -> Double {
    switch self {
    case .beta(let a, let b):
      guard x > 0, x < 1 else { return -.infinity }
      return (a - 1) * log(x) + (b - 1) * log1p(-x) + lgamma(a + b) - lgamma(a) - lgamma(b)
    case .logitNormal(let mean, let deviation):
      guard x > 0, x < 1 else { return -.infinity }
      return logGaussian(log(x) - log1p(-x), mean, deviation) - log(x) - log1p(-x)
    case .gaussian(let mean, let deviation): return logGaussian(x, mean, deviation)
    case .mixture(let mixture): return log(mixture.density(x))
    }
  }

  public func density(_ x: Double) -> Double { exp(logDensity(x)) }

  /// Draws one value.
  public func draw(_ stream: inout RandomStream) -> Double {
    switch self {
    case .beta(let a, let b):
      // The share of one gamma variable in the sum of two.
      let left = drawGamma(shape: a, &stream)
      let right = drawGamma(shape: b, &stream)
      // Off the ends, where the logarithms of the likelihood end.
      return min(max(left / (left + right), 1e-300), 1 - 0x1p-53)
    case .logitNormal(let mean, let deviation):
      let u = mean + deviation * stream.normal()
      return min(max(1 / (1 + exp(-u)), 1e-300), 1 - 0x1p-53)
    case .gaussian(let mean, let deviation): return mean + deviation * stream.normal()
    case .mixture(let mixture):
      let isRight = stream.uniform() < mixture.rightShare
      let z = stream.normal()
      return isRight
        ? mixture.rightMean + mixture.rightDeviation * z
        : mixture.leftMean + mixture.leftDeviation * z
    }
  }

  public var mean: Double { moments.mean }
  public var variance: Double { moments.variance }

  /// Exact but for the logit-normal, whose moments have no closed form: the grid's.
  private var moments: (mean: Double, variance: Double) {
    switch self {
    case .beta(let a, let b):
      return (a / (a + b), a * b / ((a + b) * (a + b) * (a + b + 1)))
    case .gaussian(let mean, let deviation): return (mean, deviation * deviation)
    case .mixture(let mixture):
      let (p, q) = (mixture.rightShare, 1 - mixture.rightShare)
      let mean = p * mixture.rightMean + q * mixture.leftMean
      let square =
        p
        * (mixture.rightDeviation * mixture.rightDeviation + mixture.rightMean * mixture.rightMean)
        + q * (mixture.leftDeviation * mixture.leftDeviation + mixture.leftMean * mixture.leftMean)
      return (mean, square - mean * mean)
    case .logitNormal:
      // A normal variable on the logit scale: few points give all digits.
      let grid = QuadratureGrid(for: self, points: 401)
      let weights = grid.points.indices.map { grid.widths[$0] * density(grid.points[$0]) }
      let sample = WeightedSample(values: grid.points, weights: weights)
      return (sample.mean, sample.variance)
    }
  }
}

/// Two normal components, the left one first by mean.
public struct GaussianMixture: Sendable, Equatable {
  public var rightShare: Double
  public var leftMean: Double
  public var leftDeviation: Double
  public var rightMean: Double
  public var rightDeviation: Double

  public init(
    rightShare: Double, leftMean: Double, leftDeviation: Double, rightMean: Double,
    rightDeviation: Double
  ) {
    self.rightShare = rightShare
    self.leftMean = leftMean
    self.leftDeviation = leftDeviation
    self.rightMean = rightMean
    self.rightDeviation = rightDeviation
  }

  func density(_ x: Double) -> Double {
    (1 - rightShare) * exp(logGaussian(x, leftMean, leftDeviation))
      + rightShare * exp(logGaussian(x, rightMean, rightDeviation))
  }
}

func logGaussian(_ x: Double, _ mean: Double, _ deviation: Double) -> Double {
  let z = (x - mean) / deviation
  return -0.5 * z * z - log(deviation) - 0.5 * log(2 * Double.pi)
}

/// A gamma variable with scale 1.
///
/// **Source**: Marsaglia & Tsang 2000, "A simple method for generating gamma variables"; for shapes
/// below 1 their section 6.
func drawGamma(shape: Double, _ stream: inout RandomStream) -> Double {
  if shape < 1 {
    let boost = pow(1 - stream.uniform(), 1 / shape)
    return drawGamma(shape: shape + 1, &stream) * boost
  }
  let d = shape - 1.0 / 3
  let c = 1 / (9 * d).squareRoot()
  while true {
    let x = stream.normal()
    let root = 1 + c * x
    guard root > 0 else { continue }
    let v = root * root * root
    let u = 1 - stream.uniform()
    if log(u) < 0.5 * x * x + d - d * v + d * log(v) { return d * v }
  }
}
