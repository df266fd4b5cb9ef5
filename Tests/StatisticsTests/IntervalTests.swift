import Testing

@testable import Statistics

@Suite struct IntervalTests {
  @Test func includesItsEnds() {
    let interval = Interval(low: -1, high: 2)
    #expect(interval.contains(-1) && interval.contains(2) && !interval.contains(2.01))
  }
}
