// Plots of a few values, as Braille and as stars.

import Testing

@testable import Console

@Suite struct PlotTests {
  @Test func aRiseGoesFromTheLowerLeftToTheUpperRight() {
    let plot = Plot([0, 1, 2, 3], height: 4, isUnicode: false)
    #expect(
      plot.lines(width: 40) == [
        "3 |                       *", "  |               *", "  |        *", "0 |*",
      ])
  }

  @Test func brailleDrawsLinesBetweenValues() {
    let lines = Plot([0, 1], height: 1, isUnicode: true).lines(width: 20)
    #expect(lines.count == 1)
    #expect(lines[0].unicodeScalars.contains { (0x2801...0x28FF).contains($0.value) })
    #expect(lines[0].columns <= 20)
  }

  @Test(arguments: [20, 40, 80, 120])
  func noLineIsWiderThanTheTerminal(width: Int) {
    let values = (0..<500).map { index in Double((index * 37) % 101) * 1e5 }
    for isUnicode in [true, false] {
      let lines = Plot(values, isUnicode: isUnicode).lines(width: width)
      #expect(lines.count == 5)
      #expect(lines.allSatisfy { $0.columns <= width })
    }
  }

  @Test func whatIsNoNumberIsAGap() {
    #expect(Plot([], isUnicode: true).lines(width: 80).isEmpty)
    #expect(Plot([nil, .nan, .infinity], isUnicode: true).lines(width: 80).isEmpty)
    let gap = Plot([1, nil, 1], height: 3, isUnicode: false).lines(width: 40)
    #expect(gap.joined().filter { $0 == "*" }.count == 2)
    #expect(gap[1].contains("1 |"), "equal values are a line in the middle, with their value")
    #expect(gap[0] == "  |" && gap[2] == "  |")
    #expect(!Plot([-1e308, 1e308], isUnicode: true).lines(width: 80).isEmpty)
  }
}
