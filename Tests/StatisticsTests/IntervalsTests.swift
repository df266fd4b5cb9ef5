import Testing

@testable import Statistics

@Suite struct IntervalsTests {
  @Test func wilsonMatchesSciPy() {
    for index in 0..<Reference.wilsonCases.count / 2 {
      let interval = Interval.wilson(
        successes: Reference.wilsonCases[2 * index], of: Reference.wilsonCases[2 * index + 1])
      #expect(abs(interval.low - Reference.wilsonIntervals[2 * index]) < 1e-12)
      #expect(abs(interval.high - Reference.wilsonIntervals[2 * index + 1]) < 1e-12)
    }
  }

  @Test func summaryMatchesSciPy() throws {
    let summary = SampleSummary(Reference.sample)
    let student = try #require(summary.studentInterval())
    let normal = try #require(summary.normalInterval())
    let found = [
      summary.mean, try #require(summary.deviation), student.low, student.high, normal.low,
      normal.high,
    ]
    for (a, b) in zip(found, Reference.sampleResult) { #expect(abs(a - b) < 1e-10) }
  }

  @Test func oneValueHasNoSpread() {
    let summary = SampleSummary([3])
    #expect(summary.mean == 3 && summary.deviation == nil)
    #expect(summary.studentInterval() == nil && summary.normalInterval() == nil)
  }

  @Test func quantilesMatchNumPy() {
    for (p, expected) in zip([0, 0.025, 0.31, 0.5, 0.975, 1], Reference.sortedQuantiles) {
      #expect(abs(quantile(p, ofSorted: Reference.sorted) - expected) < 1e-12)
    }
  }
}
