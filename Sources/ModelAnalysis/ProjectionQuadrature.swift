// Nodes and weights of Gauss–Lobatto quadrature: both ends are nodes, so that the gradient at the end
// of one step serves the next step too.

import Foundation

/// ∫₀¹ f(s) ds ≈ Σ weights[j]·f(nodes[j]), exact for polynomials up to degree 2n − 3.
///
/// **Source**: Abramowitz & Stegun 1964, equation 25.4.32.
public struct LobattoRule: Sendable, Equatable {
  /// In [0, 1], ascending, from 0 to 1.
  public let nodes: [Double]
  public let weights: [Double]

  /// - Parameter count: n, at least 2; 2 is the trapezoidal rule, 3 Simpson's.
  public init(_ count: Int) {
    precondition(count >= 2, "a rule with both ends needs at least 2 nodes, not \(count)")
    let degree = count - 1
    var nodes: [Double] = []
    var weights: [Double] = []
    for index in 0..<count {
      // Inner nodes are the roots of P′; Newton's method from the Chebyshev–Lobatto points.
      var x = -cos(Double.pi * Double(index) / Double(degree))
      if index > 0, index < degree {
        for _ in 0..<60 {
          let (p, slope) = Self.legendre(degree, x)
          // P″ from Legendre's equation.
          let second = (2 * x * slope - Double(degree * (degree + 1)) * p) / (1 - x * x)
          let step = slope / second
          x -= step
          if abs(step) < 1e-15 { break }
        }
      }
      let p = Self.legendre(degree, x).value
      nodes.append((1 + x) / 2)
      weights.append(1 / (Double(count * degree) * p * p))
    }
    nodes[0] = 0
    nodes[degree] = 1
    self.nodes = nodes
    self.weights = weights
  }

  /// P and P′ at |x| ≤ 1.
  private static func legendre(_ degree: Int, _ x: Double) -> (value: Double, slope: Double) {
    var (before, value) = (1.0, x)
    for n in 1..<max(1, degree) {
      (before, value) = (
        value, (Double(2 * n + 1) * x * value - Double(n) * before) / Double(n + 1)
      )
    }
    guard abs(x) < 1 else { return (value, 0) }
    return (value, Double(degree) * (before - x * value) / (1 - x * x))
  }
}
