import CanonicalJSON
import Foundation
import Testing

@testable import Reports

@Suite struct RunPageTests {
  @Test func standsAloneWithoutAReport() {
    let page = RunPage.wrap(reportHTML: nil, run: SyntheticStudy.run)
    #expect(page.hasPrefix("<!DOCTYPE html>"))
    for text in [
      "20261123T003000-4f2a", "a &lt;b&gt; &amp; c", "train[strategy=preserve,generation=7]",
      "1 reused", "no report stage", "<svg class=\"timeline\"",
      "title=\"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef\"",
    ] { #expect(page.contains(text), "\(text)") }
  }

  /// Whatever HTML a report stage of someone else makes, the facts get in and the page still ends.
  @Test(arguments: [
    "<html><body>mine</body></html>", "<html><BODY>mine</BODY></html>", "mine",
    "<p>mine " + Page.runMarker + " end",
  ])
  func goesIntoAnyReport(html: String) {
    let page = RunPage.wrap(reportHTML: html, run: SyntheticStudy.run)
    #expect(page.contains("mine") && page.contains("id=\"provenance\""))
    #expect(page.lowercased().components(separatedBy: "</body>").count <= 2)
  }

  /// A run without names, numbers and stages is still a page.
  @Test func emptyRun() {
    let page = RunPage.wrap(
      reportHTML: nil, run: RunSummary(name: "<script>", id: "", started: "", seconds: 0))
    #expect(page.contains("&lt;script&gt;") && !page.contains("<script>"))
    #expect(!page.contains("class=\"timeline\""))
    #expect(page.contains("0 produced"))
  }

  @Test func summaryBecomesJSON() throws {
    let json = SyntheticStudy.run.json
    #expect(try JSONValue(parsing: json.canonicalText) == json)
    #expect(json["stages"]?.array?.count == 33)
    #expect(json["stages"]?.array?.last?["outcome"] == "failed")
  }
}

@Suite struct TimelineTests {
  private func run(_ spans: [(Double, Double)]) -> RunSummary {
    RunSummary(
      name: "", id: "", started: "", seconds: 10,
      stages: spans.enumerated().map {
        .init(
          id: "s\($0)", kind: "k\($0 % 3)", outcome: .produced, start: $1.0, seconds: $1.1)
      })
  }

  @Test func lanesAreAsManyAsRanSideBySide() throws {
    let heights = try [[(0.0, 5.0), (5.0, 5.0)], [(0.0, 5.0), (1.0, 5.0)]].map { spans in
      let svg = try #require(Timeline(run: run(spans))).svg
      return try #require(svg.firstMatch(of: /viewBox="0 0 960 (\d+)"/)?.1).description
    }
    #expect(Int(heights[1])! - Int(heights[0])! == 26)
  }

  @Test func nothingRanNothingDrawn() {
    #expect(Timeline(run: run([])) == nil)
  }

  @Test(arguments: [(0.3, 0.5), (1, 1), (1.01, 2), (2.2, 5), (7, 10), (30, 50), (0.0001, 0.001)])
  func ticksAreRound(wish: Double, tick: Double) {
    #expect(abs(Timeline.tick(wish) - tick) < 1e-12 * tick)
  }

  @Test func ofTenThousandRowsTheTellingOnesAreListed() {
    var run = SyntheticStudy.run
    let one = run.stages[0]
    run.stages = (0..<3000).map { index in
      var stage = one
      stage.id = "many[i=\(index)]"
      stage.outcome = index == 2900 ? .failed : index % 10 == 0 ? .produced : .reused
      return stage
    }
    let page = RunPage.wrap(reportHTML: nil, run: run)
    #expect(page.components(separatedBy: "<td>many[i=").count - 1 == RunPage.rowLimit)
    #expect(page.contains("<td>many[i=2900]"), "what failed is there")
    #expect(page.contains("<td>many[i=2990]"), "what ran is there")
    #expect(!page.contains("<td>many[i=2991]"))
    #expect(page.contains("3000 instances"))
    #expect(page.contains("1000 of them are listed"))
  }
}
