// Drift per generation: a straight line through one chain, and what several chains say together.

/// Least squares through points of one chain.
public struct LinearTrend: Sendable, Equatable {
  public let slope: Double
  public let intercept: Double
  public let count: Int
  /// Standard error of the slope under independent errors of equal variance; nil below 3 points.
  public let standardError: Double?

  /// Nil where all x are equal or there are fewer than two points.
  public init?(x: [Double], y: [Double]) {
    precondition(x.count == y.count, "\(x.count) x values for \(y.count) y values")
    guard x.count >= 2 else { return nil }
    let n = Double(x.count)
    let meanX = x.reduce(0, +) / n
    let meanY = y.reduce(0, +) / n
    var xx = 0.0
    var xy = 0.0
    for (a, b) in zip(x, y) {
      xx += (a - meanX) * (a - meanX)
      xy += (a - meanX) * (b - meanY)
    }
    guard xx > 0 else { return nil }
    let slope = xy / xx
    let intercept = meanY - slope * meanX
    self.slope = slope
    self.intercept = intercept
    count = x.count
    guard x.count >= 3 else {
      standardError = nil
      return
    }
    var residual = 0.0
    for (a, b) in zip(x, y) {
      let error = b - intercept - slope * a
      residual += error * error
    }
    standardError = (residual / (n - 2) / xx).squareRoot()
  }

  /// slope ± t·SE with n − 2 degrees of freedom. Generations of one chain build on each other, so
  /// their errors are not independent: the interval is a lower bound of the true uncertainty.
  public func interval(confidence: Double = 0.95) -> Interval? {
    standardError.map {
      let half = Student.quantile(0.5 + confidence / 2, degrees: Double(count - 2)) * $0
      return Interval(low: slope - half, high: slope + half)
    }
  }
}

/// The trend over several independent chains: the chain is the unit, not the generation.
public struct ReplicatedTrend: Sendable, Equatable {
  /// One slope per chain.
  public let slopes: [Double]
  public let summary: SampleSummary
  /// Student's interval over the chains' slopes; for a single chain that of its own line.
  public let interval: Interval?

  /// - Parameter chains: points (x, y) of each chain; chains without a slope are left out.
  public init?(chains: [[(x: Double, y: Double)]], confidence: Double = 0.95) {
    let trends = chains.compactMap { LinearTrend(x: $0.map(\.x), y: $0.map(\.y)) }
    guard !trends.isEmpty else { return nil }
    slopes = trends.map(\.slope)
    summary = SampleSummary(slopes)
    interval =
      trends.count == 1
      ? trends[0].interval(confidence: confidence)
      : summary.studentInterval(confidence: confidence)
  }

  /// The mean slope.
  public var slope: Double { summary.mean }

  /// Does the interval lie on one side of zero?
  public var isClear: Bool { interval.map { $0.low > 0 || $0.high < 0 } ?? false }
}
