import Diagnostics
import Randomness
import Testing

@testable import Reports

@Suite struct FigureKindTests {
  @Test(arguments: Figure.Kind.allCases)
  func everyKindIsDrawn(_ kind: Figure.Kind) throws {
    let figure = try #require(
      SectionTests.full.figures.first { $0.id == "figure-\(kind.rawValue)" })
    let svg = try Gnuplot.draw([figure])[0]
    #expect(svg.contains("var(--s2)") && svg.contains("var(--s5)"), "\(kind)")
    #expect(!svg.contains("rgb("))
    #expect(svg.contains("even") && svg.contains("threshold"))
    if kind == .bars { #expect(svg.contains("second &amp; more")) }
  }

  @Test func figuresOfNothingKeepTheirAxes() throws {
    for kind in Figure.Kind.allCases {
      let figure = Figure(
        kind, id: "empty", title: "Nothing", xLabel: "x", yLabel: "y", categories: [],
        series: [.init(name: "none", points: [])], caption: "")
      #expect(try Gnuplot.draw([figure])[0].hasPrefix("<svg"))
    }
  }

  /// What a logarithm does not have is left out; nothing else moves.
  @Test func logarithmicAxesLeaveOutWhatIsNotPositive() throws {
    let points: [Figure.Point] = [
      .init(x: 0, y: 1), .init(x: 1, y: -1), .init(x: 10, y: 100), .init(x: 100, y: 1000),
    ]
    let figure = Figure(
      id: "log", title: "Log", xLabel: "x", yLabel: "y", xScale: .log, yScale: .log,
      series: [.init(name: "s", points: points)], caption: "")
    #expect(try Gnuplot.draw([figure])[0].contains("var(--s1)"))
    let axes = FigureAxes(figure)
    #expect(axes.x.low > 0.5 && axes.x.high > 100 && axes.y.low > 0.5 && axes.y.high > 1000)
  }

  @Test func hugeAndTinyValuesHaveAxes() throws {
    let large = Double.greatestFiniteMagnitude
    for values in [[-large, large], [large, large], [1e-300, 2e-300], [0, 0], [-5, 0]] {
      let figure = Figure(
        id: "range", title: "Range", xLabel: "x", yLabel: "y",
        series: [.init(name: "s", points: values.map { .init(x: $0, y: $0) })], caption: "")
      let axes = FigureAxes(figure)
      #expect(axes.y.low.isFinite && axes.y.high.isFinite && axes.y.low <= values.min()!)
      #expect(axes.y.high >= values.max()!)
    }
  }

  /// 9,216 neurons: a drawing of a few score kilobytes that still shows every unit's place.
  @Test func thousandsOfPointsStaySmall() throws {
    var random = RandomStream(seed: 2, name: "scatter")
    let points = (0..<9216).map { _ in (x: random.normal(), y: random.normal()) }
    let series = Figure.Series(binned: points, name: "neurons")
    #expect(series.points.count < 48 * 32 && series.points.reduce(0) { $0 + $1.count } == 9216)
    let mean = points.reduce(0) { $0 + $1.x } / 9216
    let kept = series.points.reduce(0) { $0 + $1.x * Double($1.count) } / 9216
    #expect(abs(mean - kept) < 1e-12)
    let figure = Figure(
      .scatter, id: "neurons", title: "Neurons", xLabel: "r", yLabel: "r", series: [series],
      caption: "")
    let svg = try Gnuplot.draw([figure])[0]
    #expect(svg.utf8.count < 120_000, "\(svg.utf8.count) bytes")
    #expect(Figure.Series(binned: Array(points.prefix(300)), name: "few").points.count == 300)
    #expect(Figure.Series(binned: points.map { ($0.x, .nan) }, name: "none").points.isEmpty)
    let same = Array(repeating: (x: 1.0, y: 1.0), count: 500)
    #expect(Figure.Series(binned: same, name: "one").points == [.init(x: 1, y: 1, count: 500)])
  }

  @Test func histogramsCountEveryValue() {
    let series = Figure.Series(
      histogramOf: [-1, 0, 0.1, 0.5, 0.99, 1, 7, .nan], name: "h", from: 0, to: 1, bins: 4)
    #expect(series.points.map(\.count) == [3, 0, 1, 3])
    #expect(series.points.map(\.x) == [0.125, 0.375, 0.625, 0.875])
    #expect(abs(series.points.reduce(0) { $0 + $1.y } - 100) < 1e-12)
    #expect(Figure.Series(histogramOf: [], name: "h", from: 0, to: 1, bins: 4).points.isEmpty)
  }

  @Test func longNamesGetRowsOfTheirOwn() {
    var figure = FigureTests.figure(name: "none")
    #expect(FigureKey(figure).columns == 4 && FigureKey(figure).rows == 1)
    figure.series = (0..<5).map {
      .init(name: "a rather long name of series \($0)", points: [.init(x: 0, y: 0)])
    }
    #expect(FigureKey(figure).columns == 1 && FigureKey(figure).rows == 5)
    #expect(FigureKey.shown(String(repeating: "n", count: 80)).count == 44)
  }
}
