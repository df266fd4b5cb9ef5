// Linear regression over chains of dependent points, with standard errors that allow for the
// dependence inside a chain (Newey & West 1987).

/// Least squares with heteroscedasticity- and autocorrelation-consistent errors.
///
/// V = (XᵀX)⁻¹ S (XᵀX)⁻¹ with S = Σₜ e²ₜ xₜxₜᵀ + Σₗ (1 − l/(L+1)) Σₜ eₜeₜ₋ₗ (xₜxₜ₋ₗᵀ + xₜ₋ₗxₜᵀ), where t and
/// t − l are of one chain.
public struct LeastSquares: Sendable, Equatable {
  /// The intercept first, then one for each regressor.
  public let coefficients: [Double]
  public let standardErrors: [Double]
  /// Points.
  public let count: Int

  /// - Parameters:
  ///   - regressors: columns of as many values as `y`, without the constant.
  ///   - chains: lengths of the chains that follow one another in `y`.
  ///   - lags: L, how far points of a chain depend on each other; 0 for heteroscedasticity only.
  /// - Returns: nil where there are not more points than coefficients or the columns are dependent.
  public init?(_ y: [Double], on regressors: [[Double]], chains: [Int], lags: Int) {
    let n = y.count
    precondition(
      chains.reduce(0, +) == n, "chains of \(chains) points do not make \(n) points")
    for column in regressors {
      precondition(column.count == n, "a regressor of \(column.count) values for \(n) points")
    }
    precondition(lags >= 0, "\(lags) lags")
    let width = regressors.count + 1
    guard n > width else { return nil }
    let x = (0..<n).map { t in [1] + regressors.map { $0[t] } }
    var cross = SmallMatrix(width)
    var moment = [Double](repeating: 0, count: width)
    for t in 0..<n {
      cross.add(x[t], x[t], factor: 1)
      for i in 0..<width { moment[i] += x[t][i] * y[t] }
    }
    guard let inverse = cross.inverse() else { return nil }
    let beta = inverse.times(moment)
    let errors = (0..<n).map { t in y[t] - zip(x[t], beta).reduce(0) { $0 + $1.0 * $1.1 } }
    var middle = SmallMatrix(width)
    var first = 0
    for length in chains {
      for t in first..<first + length {
        middle.add(x[t], x[t], factor: errors[t] * errors[t])
        var lag = 1
        while lag <= lags, t - lag >= first {
          let weight = 1 - Double(lag) / Double(lags + 1)
          let factor = weight * errors[t] * errors[t - lag]
          middle.add(x[t], x[t - lag], factor: factor)
          middle.add(x[t - lag], x[t], factor: factor)
          lag += 1
        }
      }
      first += length
    }
    let covariance = inverse.times(middle).times(inverse)
    coefficients = beta
    // Rounding may leave the variance of a perfect fit a little below zero.
    standardErrors = (0..<width).map { max(0, covariance[$0, $0]).squareRoot() }
    count = n
  }

  /// Two-sided p of a coefficient under the normal distribution, as statsmodels gives it for robust
  /// errors; 0 where the error is 0 and the coefficient is not.
  public func p(_ coefficient: Int) -> Double {
    let (value, error) = (coefficients[coefficient], standardErrors[coefficient])
    guard error > 0 else { return value == 0 ? 1 : 0 }
    return 2 * Normal.cumulative(-abs(value / error))
  }
}

/// A small square matrix; rows of `size` values.
struct SmallMatrix: Sendable, Equatable {
  let size: Int
  private var values: [Double]

  init(_ size: Int) {
    self.size = size
    values = Array(repeating: 0, count: size * size)
  }

  subscript(row: Int, column: Int) -> Double {
    get { values[row * size + column] }
    set { values[row * size + column] = newValue }
  }

  /// Adds factor·a·bᵀ.
  mutating func add(_ a: [Double], _ b: [Double], factor: Double) {
    for i in 0..<size {
      for j in 0..<size { self[i, j] += factor * a[i] * b[j] }
    }
  }

  func times(_ vector: [Double]) -> [Double] {
    (0..<size).map { i in (0..<size).reduce(0) { $0 + self[i, $1] * vector[$1] } }
  }

  func times(_ other: SmallMatrix) -> SmallMatrix {
    var product = SmallMatrix(size)
    for i in 0..<size {
      for j in 0..<size { product[i, j] = (0..<size).reduce(0) { $0 + self[i, $1] * other[$1, j] } }
    }
    return product
  }

  /// Gauss–Jordan with row pivots; nil where a pivot is lost in rounding.
  func inverse() -> SmallMatrix? {
    var left = self
    var right = SmallMatrix(size)
    for i in 0..<size { right[i, i] = 1 }
    let scale = (0..<size).reduce(0) { max($0, abs(self[$1, $1])) }
    for pivot in 0..<size {
      guard let row = (pivot..<size).max(by: { abs(left[$0, pivot]) < abs(left[$1, pivot]) }),
        abs(left[row, pivot]) > 1e-14 * scale
      else { return nil }
      for j in 0..<size {
        (left[pivot, j], left[row, j]) = (left[row, j], left[pivot, j])
        (right[pivot, j], right[row, j]) = (right[row, j], right[pivot, j])
      }
      let divisor = left[pivot, pivot]
      for j in 0..<size {
        left[pivot, j] /= divisor
        right[pivot, j] /= divisor
      }
      for i in 0..<size where i != pivot && left[i, pivot] != 0 {
        let factor = left[i, pivot]
        for j in 0..<size {
          left[i, j] -= factor * left[pivot, j]
          right[i, j] -= factor * right[pivot, j]
        }
      }
    }
    return right
  }
}
