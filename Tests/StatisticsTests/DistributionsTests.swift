import Testing

@testable import Statistics

@Suite struct DistributionsTests {
  @Test func normalQuantilesMatchSciPy() {
    for (p, expected) in zip(Reference.shares, Reference.normalQuantiles) {
      #expect(abs(Normal.quantile(p) - expected) <= 1e-12 * max(1, abs(expected)), "p = \(p)")
      #expect(abs(Normal.cumulative(expected) - p) <= 1e-14 + 1e-11 * p)
    }
  }

  @Test func studentMatchesSciPy() {
    var index = 0
    for degrees in Reference.degrees {
      for p in Reference.studentShares {
        let expected = Reference.studentQuantiles[index]
        index += 1
        let found = Student.quantile(p, degrees: degrees)
        #expect(abs(found - expected) <= 1e-9 * max(1, abs(expected)), "\(p), \(degrees)")
      }
    }
    index = 0
    for degrees in Reference.degrees {
      for t in Reference.studentValues {
        let found = Student.cumulative(t, degrees: degrees)
        #expect(abs(found - Reference.studentCumulative[index]) <= 1e-12, "\(t), \(degrees)")
        index += 1
      }
    }
  }
}

@Suite struct VarianceRatioTests {
  /// scipy.stats.f.ppf.
  @Test(arguments: [
    (3, 4, 0.025, 0.06622087246793584),
    (3, 4, 0.975, 9.97919853224388),
    (14, 2, 0.025, 0.20590121697646271),
    (14, 2, 0.975, 39.426504691265784),
    (28, 4, 0.5, 1.163013351789491),
    (1, 1, 0.9, 39.86345818906141),
    (200, 300, 0.975, 1.2845279177246842),
  ])
  func quantilesEqualSciPy(d1: Double, d2: Double, p: Double, value: Double) {
    #expect(abs(FisherF.quantile(p, d1, d2) - value) <= 1e-9 * value)
    #expect(abs(FisherF.cumulative(value, d1, d2) - p) <= 1e-10)
  }

  @Test func ratiosArePooledOverGroups() throws {
    let found = try #require(
      DeviationRatio([[1, 3], [10, 12, 14]], over: [[0, 1], [5, 6]]))
    #expect(found.degrees == (3, 2))
    #expect(abs(found.ratio - ((2 + 8) / 3.0 / 0.5).squareRoot()) < 1e-12)
    let square = found.ratio * found.ratio
    #expect(abs(found.interval.low - (square / FisherF.quantile(0.975, 3, 2)).squareRoot()) < 1e-12)
    #expect(found.interval.high > found.ratio)
    #expect(DeviationRatio([[1], [2]], over: [[1, 2]]) == nil)
    #expect(DeviationRatio([[1, 1]], over: [[1, 1]]) == nil)
    #expect(DeviationRatio([[1, 2]], over: [[1, 1]])?.ratio == .infinity)
  }
}
