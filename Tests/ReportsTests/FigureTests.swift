import Diagnostics
import Foundation
import Testing

@testable import Reports

@Suite struct FigureTests {
  static func figure(_ title: String = "A figure", name: String = "none") -> Figure {
    Figure(
      id: "test", title: title, xLabel: title, yLabel: "share (%)",
      series: [
        .init(
          name: name, style: .numbered(0),
          points: [.init(x: 0, y: 1, low: 0.5, high: 2), .init(x: 1, y: 3, low: 2, high: 4)])
      ], caption: "")
  }

  /// Text in a script is never a command: no quote ends early, backquotes sit in single quotes.
  @Test func textCannotLeaveItsQuotes() throws {
    #expect(FigureScript.quote("it's `date`\nquit") == "'it’s `date` quit'")
    let path = NSTemporaryDirectory() + "/plumb-must-not-exist-\(getpid())"
    let evil = "'; system('touch \(path)'); '`touch \(path)`\nset output"
    _ = try Gnuplot.draw([Self.figure(evil, name: evil)])
    #expect(!FileManager.default.fileExists(atPath: path))
  }

  @Test func drawingFitsIntoAPage() throws {
    let svg = try Gnuplot.draw([Self.figure()])[0]
    #expect(svg.hasPrefix("<svg viewBox=\"0 0 440 "))
    #expect(svg.hasSuffix("</svg>\n"))
    for word in ["GNUPLOT", "<?xml", "rgb(", "width=\"440\"", "font-family", "xlink", "/tmp"] {
      #expect(!svg.contains(word), "\(word)")
    }
    #expect(svg.contains("var(--s1)") && svg.contains("var(--ink)"))
    #expect(svg.contains("test-gnuplot_plot_1"))
    // Well-formed: every group that opens also closes.
    #expect(svg.components(separatedBy: "<g ").count == svg.components(separatedBy: "</g>").count)
    #expect(try svg == Gnuplot.draw([Self.figure()])[0])
  }

  @Test func missingGnuplotSaysHowToGetIt() {
    let error = #expect(throws: Diagnostic.self) {
      try Gnuplot.draw([Self.figure()], path: "/nonexistent:/dev")
    }
    #expect(error?.id == "gnuplot-missing")
    #expect(error?.help?.contains("apt-get install gnuplot-nox") == true)
  }

  @Test func constantAndSinglePointsHaveAxes() throws {
    var figure = Self.figure()
    figure.series = [
      .init(name: "flat", style: .numbered(0), points: [.init(x: 2, y: 0, low: nil, high: nil)])
    ]
    #expect(try Gnuplot.draw([figure])[0].contains("flat"))
  }

  @Test func strategiesAlwaysLookTheSame() {
    let all = Figure.Style.styles(for: ["none", "overfit", "preserve", "accumulate"])
    #expect(Figure.Style.styles(for: ["accumulate", "preserve"]) == [all[3], all[2]])
    let mixed = Figure.Style.styles(for: ["other", "none", "third"])
    #expect(Set(mixed.map(\.colour)).count == 3 && mixed[1] == all[0])
    #expect(Set(all.map(\.dash)).count == 4 && Set(all.map(\.marker)).count == 4)
  }
}

@Suite struct FormatTests {
  @Test func numbersReadTheSameEverywhere() {
    #expect(Format.fixed(-1.25, 1) == "−1.2" && Format.fixed(-0.01, 1) == "0.0")
    #expect(Format.signed(0.04, 1) == "0.0" && Format.signed(0.06, 1) == "+0.1")
    #expect(Format.count(1_234_567) == "1\u{202F}234\u{202F}567")
    #expect(Format.figure(12) == "12" && Format.figure(0.12345) == "0.1235")
    #expect(Format.duration(61) == "1 min 1 s" && Format.bytes(3 << 20) == "3 MiB")
    #expect(Format.shortReference("tree:sha256:0123456789ab") == "tree:01234567")
    #expect(Format.escape("<a href='x'>\u{7}") == "&lt;a href=&#39;x&#39;&gt;\u{FFFD}")
  }
}
