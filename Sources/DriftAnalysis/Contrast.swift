// One number for each chain: what a claim is tested with.

import Randomness
import Statistics

/// How a chain's course becomes one number.
public struct Contrast: Sendable, Equatable {
  public enum Kind: String, Sendable, CaseIterable {
    /// Level at the last generation minus at the first.
    case change
    /// Slope of a straight line, per generation.
    case slope
    /// The same without the first generation: what happens once a model reads itself.
    case lateSlope = "late-slope"

    var words: String {
      switch self {
      case .change: "last generation minus first"
      case .slope: "slope per generation"
      case .lateSlope: "slope per generation after the first"
      }
    }
  }

  public let kind: Kind
  public let strategy: String
  /// Taken off, chain by chain; nil for the strategy's own course.
  public let against: String?

  /// The generations from and to which chains are compared.
  public struct Span: Sendable, Equatable {
    public let first: Double
    public let last: Double
  }

  public init(_ kind: Kind, of strategy: String, against: String? = nil) {
    self.kind = kind
    self.strategy = strategy
    self.against = against
  }

  /// - Returns: a value for each of the grid's chains; nil where one of its ends is missing.
  public func values(_ grid: ChainGrid, _ span: Span) -> [Double?] {
    grid.chains.map { chain in
      guard let own = value(grid.points(strategy, chain), span) else { return nil }
      guard let against else { return own }
      guard let other = value(grid.points(against, chain), span) else { return nil }
      return own - other
    }
  }

  private func value(_ points: [ChainGrid.Point], _ span: Span) -> Double? {
    switch kind {
    case .change:
      guard let first = points.first(where: { $0.generation == span.first }),
        let last = points.first(where: { $0.generation == span.last }), span.first < span.last
      else { return nil }
      return last.value - first.value
    case .slope: return Self.slope(points)
    case .lateSlope:
      let late = points.filter { $0.generation > span.first }
      return Self.slope(late.count >= 3 ? late : points)
    }
  }

  private static func slope(_ points: [ChainGrid.Point]) -> Double? {
    LinearTrend(x: points.map(\.generation), y: points.map(\.value))?.slope
  }
}

/// What the chains say together.
public struct ContrastResult: Sendable, Equatable {
  /// Of the chains that have one.
  public let values: [Double]
  public let mean: Double
  /// Student's over chains; nil for one.
  public let interval: Interval?
  /// Two-sided sign-flip test.
  public let p: Double
  /// What unanimous chains would reach.
  public let smallestP: Double

  init?(_ values: [Double?], random: @autoclosure () -> RandomStream) {
    let kept = values.compactMap { $0 }
    guard let test = SignFlipTest(kept, random: random()) else { return nil }
    let summary = SampleSummary(kept)
    self.values = kept
    mean = summary.mean
    interval = summary.studentInterval()
    p = test.p
    smallestP = test.smallestPossible
  }

  /// Chains below which a result is called descriptive: five unanimous ones end at p = 0.0625.
  public static let fewChains = 6

  public var isDescriptive: Bool { values.count < Self.fewChains }
}
