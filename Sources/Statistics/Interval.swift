// A range that a method puts around an estimate; the method is named where the range is made
// (Bootstrap.swift, Intervals.swift).

/// Lower and upper end of an interval, both included.
public struct Interval: Sendable, Equatable {
  public let low: Double
  public let high: Double

  public init(low: Double, high: Double) {
    precondition(!(low > high), "an interval from \(low) to \(high) is upside down")
    self.low = low
    self.high = high
  }

  public func contains(_ value: Double) -> Bool { low <= value && value <= high }
}
