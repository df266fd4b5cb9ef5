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
