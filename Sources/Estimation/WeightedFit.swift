// Weighted maximum likelihood: argmax Σ w·ln f(x; θ). Every fit says whether it converged: a search
// that stalls at its start looks like a chain that has come to rest.

import Foundation

/// Which densities a fit chooses from.
public enum Family: String, Sendable, CaseIterable {
  case beta
  case logitNormal = "logit-normal"
  case gaussian
  case mixture = "gaussian-mixture"
}

/// The result of one maximisation.
public struct Fit: Sendable, Equatable {
  public let density: Density
  public let hasConverged: Bool
  public let iterations: Int
  /// How far the equations of the maximum are from holding at the estimate: the largest derivative of
  /// the mean log-likelihood by a logarithm of a shape parameter; for mixtures, how far a parameter
  /// moved in the last round; 0 where the maximum has a closed form.
  public let residual: Double
}

extension WeightedSample {
  /// - Parameter start: where the search of a mixture begins; the others need none.
  func fit(_ family: Family, start: GaussianMixture) -> Fit {
    switch family {
    case .beta: return fitBeta()
    case .logitNormal:
      let u = WeightedSample(values: values.map { log($0) - log1p(-$0) }, weights: weights)
      return Fit(
        density: .logitNormal(mean: u.mean, deviation: u.variance.squareRoot()),
        hasConverged: true, iterations: 1, residual: 0)
    case .gaussian:
      return Fit(
        density: .gaussian(mean: mean, deviation: variance.squareRoot()), hasConverged: true,
        iterations: 1, residual: 0)
    case .mixture: return fitMixture(start)
    }
  }

  /// Newton's method on (ln a, ln b) from the moments: ψ(a) − ψ(a + b) = mean of ln x, and the same
  /// for b and 1 − x. The likelihood is concave in (a, b), so the root is the maximum.
  private func fitBeta() -> Fit {
    let left = average { log($0) }
    let right = average { log1p(-$0) }
    let middle = mean
    let spread = middle * (1 - middle) / max(variance, 1e-300) - 1
    var a = max(1e-3, middle * spread)
    var b = max(1e-3, (1 - middle) * spread)
    var residual = Double.infinity
    for iteration in 1...200 {
      let sum = digamma(a + b)
      let gradientA = left - digamma(a) + sum
      let gradientB = right - digamma(b) + sum
      residual = max(abs(gradientA) * a, abs(gradientB) * b)
      if residual < 1e-11 * max(1, a + b) {
        return Fit(
          density: .beta(a: a, b: b), hasConverged: true, iterations: iteration,
          residual: residual)
      }
      let both = trigamma(a + b)
      let (aa, bb) = (both - trigamma(a), both - trigamma(b))
      let determinant = aa * bb - both * both
      var stepA = -(bb * gradientA - both * gradientB) / determinant
      var stepB = -(aa * gradientB - both * gradientA) / determinant
      // Stays positive: at most to a tenth.
      while a + stepA < a / 10 || b + stepB < b / 10 {
        stepA /= 2
        stepB /= 2
      }
      a += stepA
      b += stepB
    }
    return Fit(
      density: .beta(a: a, b: b), hasConverged: false, iterations: 200, residual: residual)
  }

  /// Expectation–maximisation (Dempster, Laird & Rubin 1977) until no parameter moves by more than
  /// 1e-9 in a round.
  private func fitMixture(_ start: GaussianMixture) -> Fit {
    var mixture = start
    let most = 20_000
    var moved = Double.infinity
    for iteration in 1...most {
      let next = mixtureStep(mixture)
      moved = [
        next.rightShare - mixture.rightShare, next.leftMean - mixture.leftMean,
        next.rightMean - mixture.rightMean, next.leftDeviation - mixture.leftDeviation,
        next.rightDeviation - mixture.rightDeviation,
      ].reduce(0) { max($0, abs($1)) }
      mixture = next
      if moved < 1e-9 {
        return Fit(
          density: .mixture(mixture), hasConverged: true, iterations: iteration, residual: moved)
      }
    }
    return Fit(
      density: .mixture(mixture), hasConverged: false, iterations: most, residual: moved)
  }

  private func mixtureStep(_ old: GaussianMixture) -> GaussianMixture {
    var rightWeight = 0.0
    var leftWeight = 0.0
    var (rightSum, leftSum, rightSquare, leftSquare) = (0.0, 0.0, 0.0, 0.0)
    let leftScale = (1 - old.rightShare) / old.leftDeviation
    let rightScale = old.rightShare / old.rightDeviation
    for (x, w) in zip(values, weights) where w > 0 {
      let leftZ = (x - old.leftMean) / old.leftDeviation
      let rightZ = (x - old.rightMean) / old.rightDeviation
      let l = leftScale * exp(-0.5 * leftZ * leftZ)
      let r = rightScale * exp(-0.5 * rightZ * rightZ)
      guard l + r > 0 else { continue }
      let share = r / (l + r)
      rightWeight += w * share
      leftWeight += w * (1 - share)
      rightSum += w * share * x
      leftSum += w * (1 - share) * x
      rightSquare += w * share * x * x
      leftSquare += w * (1 - share) * x * x
    }
    let all = rightWeight + leftWeight
    // A component that has lost its last draw keeps its place: the other one then holds all.
    let rightMean = rightWeight > 0 ? rightSum / rightWeight : old.rightMean
    let leftMean = leftWeight > 0 ? leftSum / leftWeight : old.leftMean
    return GaussianMixture(
      rightShare: rightWeight / all, leftMean: leftMean,
      leftDeviation: deviation(leftSquare, leftMean, leftWeight, old.leftDeviation),
      rightMean: rightMean,
      rightDeviation: deviation(rightSquare, rightMean, rightWeight, old.rightDeviation))
  }

  /// Not below 1e-3: the likelihood of a component on a single draw has no maximum.
  private func deviation(
    _ square: Double, _ mean: Double, _ weight: Double, _ old: Double
  ) -> Double {
    guard weight > 0 else { return old }
    return max(1e-3, max(0, square / weight - mean * mean).squareRoot())
  }
}
