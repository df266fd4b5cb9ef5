// Least squares of thousands of units on the same scores, with standard errors that allow for the
// dependence inside a chain. All units share the regressors, so everything but the residuals is worked
// out once (UnitDesign.swift).

import Statistics
import Tensors

/// How a ratio of coefficient and error becomes a p value.
public enum UnitInference: String, Sendable, CaseIterable {
  /// The normal distribution, as statsmodels takes it for robust errors, and as the study's code does.
  /// With 60 points of random walks it finds 8 % at a level of 5 %.
  case normal
  /// Student's distribution with the degrees of freedom that the error itself has, after the error is
  /// made unbiased for independent residuals (Bell & McCaffrey 2002; Imbens & Kolesár 2016).
  case satterthwaite
}

/// Coefficients and errors of U units; the intercept is fitted and not kept.
public struct UnitRegression: Sendable, Equatable {
  /// `[regressor][unit]`
  public let coefficients: [[Double]]
  /// Newey–West, `[regressor][unit]`; 0 where a unit does not vary.
  public let standardErrors: [[Double]]
  /// Of each regressor, see ``UnitInference``; infinite for the normal distribution.
  public let degrees: [Double]

  /// Regresses every unit on the design's columns.
  ///
  /// **Cost**: 2·n·U·(K + lags + 2) operations for n points, U units, K columns; 16·n·256 bytes a thread.
  public init(_ series: UnitSeries, on design: UnitDesign, inference: UnitInference) {
    precondition(
      series.chains == design.chains,
      "units in chains of \(series.chains) points, scores in chains of \(design.chains)")
    let units = series.units
    let regressors = design.columns.count
    let points = design.points
    let corrected = inference == .satterthwaite
    degrees = design.degrees.map { corrected ? $0 : .infinity }
    let scales = design.errorScales.map { corrected ? $0 : 1 }
    var coefficients = [Double](repeating: 0, count: regressors * units)
    var errors = coefficients
    coefficients.withUnsafeMutableBufferPointer { coefficients in
      errors.withUnsafeMutableBufferPointer { errors in
        // Tiles write disjoint units.
        let beta = coefficients.baseAddress!
        let error = errors.baseAddress!
        parallelFor(units, by: Self.tile) { range in
          series.values.withUnsafeBufferPointer { values in
            Self.fit(
              values.baseAddress! + range.lowerBound, stride: units, count: range.count,
              points: points, design: design, scales: scales,
              beta: beta + range.lowerBound, error: error + range.lowerBound)
          }
        }
      }
    }
    func split(_ values: [Double]) -> [[Double]] {
      (0..<regressors).map { column in
        (0..<units).map { series.varies[$0] ? values[column * units + $0] : 0 }
      }
    }
    self.coefficients = split(coefficients)
    standardErrors = split(errors)
  }

  /// Units of a tile.
  private static let tile = 256

  /// One tile: `count` neighbouring units.
  ///
  /// - Parameters:
  ///   - values: the first unit's first point; points are `stride` numbers apart.
  ///   - beta, error: the first unit of the first regressor; regressors are `stride` numbers apart.
  private static func fit(
    _ values: UnsafePointer<Double>, stride: Int, count: Int, points: Int, design: UnitDesign,
    scales: [Double], beta: UnsafeMutablePointer<Double>, error: UnsafeMutablePointer<Double>
  ) {
    let basis = design.basis.count
    let work = UnsafeMutablePointer<Double>.allocate(capacity: 2 * points * count + 2 * count)
    defer { work.deallocate() }
    let residuals = work
    let moments = work + points * count
    let dot = moments + points * count
    let sum = dot + count
    for point in 0..<points {
      (residuals + point * count).update(from: values + point * stride, count: count)
    }
    // ε = y − QQᵀy, column by column, which is stable where QQᵀ at once would cancel.
    for column in 0..<basis {
      let q = design.basis[column]
      dot.update(repeating: 0, count: count)
      for point in 0..<points {
        let (factor, row) = (q[point], residuals + point * count)
        for unit in 0..<count { dot[unit] += factor * row[unit] }
      }
      for point in 0..<points {
        let (factor, row) = (q[point], residuals + point * count)
        for unit in 0..<count { row[unit] -= factor * dot[unit] }
      }
    }
    for (column, weights) in design.weights.enumerated() {
      let target = beta + column * stride
      target.update(repeating: 0, count: count)
      for point in 0..<points {
        let (factor, row) = (weights[point], values + point * stride)
        for unit in 0..<count { target[unit] += factor * row[unit] }
      }
      // Σₜ gₜ² + Σₗ 2(1 − l/(L+1)) Σₜ gₜgₜ₋ₗ with g = weight·residual.
      sum.update(repeating: 0, count: count)
      for point in 0..<points {
        let (factor, row) = (weights[point], residuals + point * count)
        let moment = moments + point * count
        for unit in 0..<count { moment[unit] = factor * row[unit] }
        for unit in 0..<count { sum[unit] += moment[unit] * moment[unit] }
        for lag in 1..<max(1, design.reach[point] + 1) {
          let before = moments + (point - lag) * count
          let weight = 2 * design.lagWeight(lag)
          for unit in 0..<count { sum[unit] += weight * moment[unit] * before[unit] }
        }
      }
      // Rounding may leave the variance of a perfect fit a little below zero.
      for unit in 0..<count {
        error[column * stride + unit] = max(0, sum[unit] * scales[column]).squareRoot()
      }
    }
  }

  /// Coefficient over error; 0 where both are 0, infinite where only the error is.
  public func ratios(_ regressor: Int) -> [Double] {
    zip(coefficients[regressor], standardErrors[regressor]).map { value, error in
      error > 0 ? value / error : value == 0 ? 0 : value > 0 ? .infinity : -.infinity
    }
  }

  /// Two-sided p of each unit.
  public func p(_ regressor: Int) -> [Double] {
    let degrees = degrees[regressor]
    return ratios(regressor).map { ratio in
      if ratio.isInfinite { return 0 }
      return degrees.isFinite
        ? 2 * Student.cumulative(-abs(ratio), degrees: degrees) : 2 * Normal.cumulative(-abs(ratio))
    }
  }

  /// The smallest ratio whose p is at most `level`.
  public func bound(_ regressor: Int, level: Double) -> Double {
    let degrees = degrees[regressor]
    return degrees.isFinite
      ? Student.quantile(1 - level / 2, degrees: degrees) : Normal.quantile(1 - level / 2)
  }
}
