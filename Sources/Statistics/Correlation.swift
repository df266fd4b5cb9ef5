// How two series go together: Pearson's coefficient, and Cohen's κ for two judges.

/// Pearson's r with its two-sided p under independence.
public struct Correlation: Sendable, Equatable {
  public let r: Double
  public let count: Int

  /// - Returns: nil for fewer than three points or where a series does not vary.
  public init?(_ x: [Double], _ y: [Double]) {
    precondition(x.count == y.count, "\(x.count) x values for \(y.count) y values")
    guard x.count >= 3 else { return nil }
    let n = Double(x.count)
    let meanX = x.reduce(0, +) / n
    let meanY = y.reduce(0, +) / n
    var (xx, yy, xy) = (0.0, 0.0, 0.0)
    for (a, b) in zip(x, y) {
      xx += (a - meanX) * (a - meanX)
      yy += (b - meanY) * (b - meanY)
      xy += (a - meanX) * (b - meanY)
    }
    guard xx > 0, yy > 0 else { return nil }
    r = max(-1, min(1, xy / (xx * yy).squareRoot()))
    count = x.count
  }

  /// t = r·√((n − 2)/(1 − r²)) with n − 2 degrees of freedom.
  public var p: Double {
    let degrees = Double(count - 2)
    guard abs(r) < 1 else { return 0 }
    let t = abs(r) * (degrees / (1 - r * r)).squareRoot()
    return 2 * Student.cumulative(-t, degrees: degrees)
  }
}

/// Cohen's κ: agreement of two judges beyond chance, (p₀ − pₑ)/(1 − pₑ).
///
/// - Returns: nil without items, or where both judges know one class only.
public func cohensKappa(_ first: [Int], _ second: [Int], classes: Int) -> Double? {
  precondition(
    first.count == second.count, "\(first.count) judgements against \(second.count)")
  guard !first.isEmpty else { return nil }
  let n = Double(first.count)
  var left = [Double](repeating: 0, count: classes)
  var right = left
  var equal = 0.0
  for (a, b) in zip(first, second) {
    left[a] += 1
    right[b] += 1
    if a == b { equal += 1 }
  }
  let chance = zip(left, right).reduce(0) { $0 + $1.0 * $1.1 } / (n * n)
  guard chance < 1 else { return nil }
  return (equal / n - chance) / (1 - chance)
}
