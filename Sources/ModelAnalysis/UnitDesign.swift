// The regressors that all units share: an orthonormal basis, the weights that give coefficients, and
// what is known about a Newey–West error before any unit is seen.

import Tensors

/// Scores as columns beside a constant, over points in chains.
public struct UnitDesign: Sendable, Equatable {
  /// `[column][point]`, without the constant.
  public let columns: [[Double]]
  public let chains: [Int]
  /// L of Newey & West 1987.
  public let lags: Int
  /// Orthonormal columns that span the constant and the scores, `[column][point]`.
  let basis: [[Double]]
  /// Rows of (XᵀX)⁻¹Xᵀ without the constant's, `[column][point]`: a coefficient is their product with y.
  let weights: [[Double]]
  /// Points of the same chain that lie at most L before each point.
  let reach: [Int]
  /// What a squared error is multiplied with to be unbiased for independent residuals.
  let errorScales: [Double]
  /// Satterthwaite's degrees of freedom of each error.
  let degrees: [Double]

  /// - Parameters:
  ///   - columns: scores, each with a value for every point.
  ///   - chains: points of the chains that follow one another.
  ///   - lags: how far points of a chain depend on each other; 0 for heteroscedasticity only.
  /// - Returns: nil where there are not more points than coefficients, a score does not vary, or the
  ///   scores depend on each other.
  public init?(_ columns: [[Double]], chains: [Int], lags: Int) {
    let points = chains.reduce(0, +)
    precondition(lags >= 0, "\(lags) lags")
    for column in columns {
      precondition(column.count == points, "\(column.count) scores for \(points) points")
    }
    guard points > columns.count + 1 else { return nil }
    // Gram–Schmidt twice, which is as good as Householder's method.
    var basis = [[Double](repeating: 1 / Double(points).squareRoot(), count: points)]
    var triangle: [[Double]] = []
    for column in columns {
      let mean = column.reduce(0, +) / Double(points)
      let size = column.reduce(0) { max($0, abs($1)) }
      var rest = column.map { $0 - mean }
      var shares = [Double](repeating: 0, count: basis.count)
      let before = Self.dot(rest, rest).squareRoot()
      guard before > 1e-12 * max(size, .leastNormalMagnitude) * Double(points).squareRoot()
      else { return nil }
      for _ in 0..<2 {
        for (index, q) in basis.enumerated() {
          let share = Self.dot(q, rest)
          shares[index] += share
          for point in 0..<points { rest[point] -= share * q[point] }
        }
      }
      let length = Self.dot(rest, rest).squareRoot()
      guard length > 1e-10 * before else { return nil }
      basis.append(rest.map { $0 / length })
      triangle.append(shares.dropFirst() + [length])
    }
    // Scores = Q·R without the constant; the rows of R⁻¹Qᵀ by substitution from the last.
    var weights = [[Double]](repeating: [], count: columns.count)
    for row in columns.indices.reversed() {
      var weight = basis[row + 1]
      for later in columns.indices where later > row {
        let share = triangle[later][row]
        for point in 0..<points { weight[point] -= share * weights[later][point] }
      }
      weights[row] = weight.map { $0 / triangle[row][row] }
    }
    var reach: [Int] = []
    for length in chains { for place in 0..<length { reach.append(min(place, lags)) } }
    self.columns = columns
    self.chains = chains
    self.lags = lags
    self.basis = basis
    self.weights = weights
    self.reach = reach
    let errors = weights.map {
      Self.errorDistribution($0, basis: basis, reach: reach, lags: lags)
    }
    errorScales = errors.map(\.scale)
    degrees = errors.map(\.degrees)
  }

  public var points: Int { chains.reduce(0, +) }

  /// 1 − l/(L + 1)
  func lagWeight(_ lag: Int) -> Double { 1 - Double(lag) / Double(lags + 1) }

  private static func dot(_ a: [Double], _ b: [Double]) -> Double {
    var sum = 0.0
    for index in a.indices { sum += a[index] * b[index] }
    return sum
  }

  /// A squared error is εᵀKε with Kₜₛ = (1 − |t−s|/(L+1))·mₜmₛ inside a chain and ε = Gy, G = I − QQᵀ. For
  /// independent residuals of variance σ² it has the mean σ²·tr(GK) and the variance 2σ⁴·tr(GKGK);
  /// right would be σ²·mᵀm.
  ///
  /// - Returns: mᵀm / tr(GK), and the degrees of freedom tr(GK)²/tr(GKGK) of the χ² with these moments.
  ///
  /// **Cost**: n²·(2L + 1), n points.
  private static func errorDistribution(
    _ m: [Double], basis: [[Double]], reach: [Int], lags: Int
  ) -> (scale: Double, degrees: Double) {
    let n = m.count
    // GK, whose columns are sums of at most 2L + 1 columns of G.
    var product = [Double](repeating: 0, count: n * n)
    var after = [Int](repeating: 0, count: n)
    for t in 0..<n where reach[t] > 0 { for s in t - reach[t]..<t { after[s] = t - s } }
    for column in 0..<n {
      for s in column - reach[column]...column + after[column] {
        let k = (1 - Double(abs(s - column)) / Double(lags + 1)) * m[s] * m[column]
        product[s * n + column] += k
        for q in basis {
          let share = k * q[s]
          for t in 0..<n { product[t * n + column] -= share * q[t] }
        }
      }
    }
    var (trace, square) = (0.0, 0.0)
    for t in 0..<n {
      trace += product[t * n + t]
      for s in 0..<n { square += product[t * n + s] * product[s * n + t] }
    }
    guard trace > 0, square > 0 else { return (1, 1) }
    return (dot(m, m) / trace, max(1, trace * trace / square))
  }
}
