// "No trend" as a finding: two one-sided tests. A missing star says only that nothing was found.

/// Whether a mean lies within a margin of a value.
///
/// **Source**: Schuirmann 1987, "A comparison of the two one-sided tests procedure and the power
/// approach".
public struct EquivalenceTest: Sendable, Equatable {
  public let mean: Double
  /// The larger of the two one-sided p values: below 0.05, the mean is within the margin.
  public let p: Double
  /// The interval at 1 − 2·0.05 that lies within the margin exactly if p < 0.05.
  public let interval: Interval

  /// - Parameters:
  ///   - values: at least two independent values, in the unit of the margin.
  ///   - target: the value that the mean should equal.
  ///   - margin: the largest difference that does not matter, > 0.
  /// - Returns: nil for fewer than two values.
  public init?(_ values: [Double], target: Double, margin: Double) {
    precondition(margin > 0, "an equivalence test needs a positive margin, not \(margin)")
    guard values.count >= 2 else { return nil }
    let summary = SampleSummary(values)
    guard let error = summary.standardError, let interval = summary.studentInterval(confidence: 0.9)
    else { return nil }
    mean = summary.mean
    self.interval = interval
    let difference = summary.mean - target
    guard error > 0 else {
      p = abs(difference) < margin ? 0 : 1
      return
    }
    let degrees = Double(values.count - 1)
    let above = 1 - Student.cumulative((difference + margin) / error, degrees: degrees)
    let below = Student.cumulative((difference - margin) / error, degrees: degrees)
    p = max(above, below)
  }

  public func isWithin(level: Double = 0.05) -> Bool { p < level }
}
