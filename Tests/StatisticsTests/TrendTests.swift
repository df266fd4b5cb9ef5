import Testing

@testable import Statistics

@Suite struct TrendTests {
  @Test func lineMatchesSciPy() throws {
    let trend = try #require(LinearTrend(x: Reference.lineX, y: Reference.lineY))
    let interval = try #require(trend.interval())
    let found = [
      trend.slope, trend.intercept, try #require(trend.standardError), interval.low, interval.high,
    ]
    for (a, b) in zip(found, Reference.lineResult) { #expect(abs(a - b) < 1e-10) }
  }

  @Test func tooFewPointsHaveNoTrendOrNoError() throws {
    #expect(LinearTrend(x: [1], y: [1]) == nil)
    #expect(LinearTrend(x: [2, 2, 2], y: [1, 2, 3]) == nil)
    let two = try #require(LinearTrend(x: [0, 1], y: [0, 3]))
    #expect(two.slope == 3 && two.interval() == nil)
  }

  /// Slopes 1 and 2: mean 1.5, s = 0.707, t(1) = 12.706, so ± 6.353.
  @Test func chainsAreTheUnit() throws {
    let trend = try #require(
      ReplicatedTrend(chains: [[(0, 0), (1, 1), (2, 2)], [(0, 5), (1, 7), (2, 9)], [(0, 1)]]))
    #expect(trend.slopes == [1, 2] && trend.slope == 1.5)
    let interval = try #require(trend.interval)
    #expect(abs(interval.high - 1.5 - 6.353102368) < 1e-6)
    #expect(!trend.isClear)
    #expect(ReplicatedTrend(chains: [[(0, 1)]]) == nil)
  }
}
