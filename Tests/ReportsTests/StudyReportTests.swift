import CanonicalJSON
import Diagnostics
import Foundation
import Testing

@testable import Reports

@Suite struct StudyReportTests {
  /// A page that asks for nothing and is the same every time.
  @Test func isSelfContainedAndReproducible() throws {
    let html = try StudyReport(SyntheticStudy.input()).html()
    #expect(try html == StudyReport(SyntheticStudy.input()).html())
    for word in ["http://", "https://", "<script", "url(", "@import", "src="] {
      #expect(!html.contains(word), "\(word)")
    }
    #expect(html.contains("A bill &lt;reaches&gt; the floor"))
    #expect(!html.contains("{{"))
    for anchor in html.matches(of: /href="#([a-z]+)"/) {
      #expect(html.contains("id=\"\(anchor.1)\""), "\(anchor.1)")
    }
    let ids = html.matches(of: /\sid=["']([^"']+)["']/).map { String($0.1) }
    #expect(Set(ids).count == ids.count)
    if let path = ProcessInfo.processInfo.environment["PLUMB_SHOW_REPORT"] {
      try RunPage.wrap(reportHTML: html, run: SyntheticStudy.run).write(
        toFile: path, atomically: true, encoding: .utf8)
    }
  }

  @Test func oneSeriesOnePointNoExtras() throws {
    var input = SyntheticStudy.input(strategies: ["none"], generations: 0, seeds: 1)
    input.quality = []
    input.classifier = []
    input.samples = []
    input.history = []
    let html = try StudyReport(input).html()
    #expect(html.contains("one point: no trend"))
    #expect(!html.contains("id=\"quality\"") && !html.contains("id=\"classifier\""))
  }

  @Test func auditsAndBenchmarkHaveSections() throws {
    var input = SyntheticStudy.input(strategies: ["none"], generations: 1, seeds: 2)
    let nothing = try StudyReport(input).html()
    #expect(
      !nothing.contains("What the judges say of nothing")
        && !nothing.contains("titles and blocks continued"))
    #expect(!nothing.contains("Outlet style"))
    func audit(_ excess: Double, neutral: Double) -> StudyInput.Item<[Metric]> {
      .init(
        JSONObject([]),
        [
          Metric("macro_f1", 0.31, count: 96),
          Metric(
            "largest_excess", excess, low: 0.01, high: 0.2, count: 96,
            at: ["texts": "shuffled", "class": "right", "direction": "too often"]),
          Metric("is_neutral", neutral, count: 96, at: ["texts": "shuffled", "tolerance": 0.05]),
        ])
    }
    input.audits = [audit(0.123, neutral: 0), audit(0.02, neutral: 1)]
    func answers(_ place: [(String, JSONValue)], _ share: Double) -> StudyInput.Item<[Metric]> {
      .init(
        JSONObject(place),
        [
          Metric(
            "share", share, low: share - 0.1, high: share + 0.1, count: 8, at: ["class": "right"]),
          Metric(
            "group_share", share / 2, count: 4,
            at: ["by": "class", "group": "title", "class": "right"]),
        ])
    }
    input.benchmark = [answers([], 0.4)]
    for (seed, first) in [(1, 0.55), (2, 0.6)] {
      for generation in [0, 1] {
        let place: [(String, JSONValue)] = [
          ("strategy", "none"), ("generation", .integer(generation)), ("seed", .integer(seed)),
        ]
        input.benchmark.append(answers(place, first + 0.1 * Double(generation)))
      }
    }
    input.classifier.append(Metric("is_leaning", 0, count: 900, at: ["floor": 0.5]))
    let html = try StudyReport(input).html()
    #expect(html.contains("What the judges say of nothing") && html.contains("right, too often"))
    #expect(html.contains("12.3") && html.contains("1.0 to 20.0"))
    #expect(html.contains("Outlet style, not leaning."))
    // The base model's 8, and the last generation's 16 of two chains: (0.65 + 0.7) / 2.
    #expect(html.contains("40.0 (8)") && html.contains("67.5 (16)"))
    #expect(html.contains("20.0 (4)") && html.contains("33.8 (8)"))
    #expect(html.contains("benchmark-share"))
  }

  @Test func axesAreChecked() {
    var input = SyntheticStudy.input(seeds: 1)
    input.axes.x = "generatoin"
    let missing = #expect(throws: Diagnostic.self) { try StudyReport(input) }
    #expect(missing?.id == "report-axis-missing")
    #expect(missing?.help == "did you mean 'generation'?")
    input.axes.x = "strategy"
    let words = #expect(throws: Diagnostic.self) { try StudyReport(input) }
    #expect(words?.id == "report-axis-number")
  }
}

@Suite struct StudyTableTests {
  private static func item(_ place: [(String, JSONValue)], _ share: Double)
    -> StudyInput.Item<[Metric]>
  {
    .init(
      JSONObject(place),
      [
        Metric(
          "share", share, low: share - 0.1, high: share + 0.1, count: 10, at: ["class": "right"])
      ])
  }

  static func table(_ shares: [[Double]]) throws -> StudyTable {
    var items: [StudyInput.Item<[Metric]>] = []
    for (seed, chain) in shares.enumerated() {
      for (generation, share) in chain.enumerated() {
        items.append(
          item(
            [("strategy", "none"), ("generation", .integer(generation)), ("seed", .integer(seed))],
            share))
      }
    }
    return try StudyTable(
      items, axes: .init(x: "generation", series: "strategy", replicate: "seed"))
  }

  /// An axis bound to one value is no part of a name; where it differs it is, and nothing is averaged.
  @Test func axesNameSeriesOnlyWhereTheyDiffer() throws {
    func series(_ budgets: [JSONValue]) throws -> [String] {
      let items = budgets.enumerated().map { index, budget in
        Self.item(
          [
            ("strategy", "none"), ("generation", .integer(index)), ("seed", 1), ("budget", budget),
          ], 0.5)
      }
      return try StudyTable(
        items, axes: .init(x: "generation", series: "strategy", replicate: "seed")
      ).series
    }
    #expect(try series(["own", "own"]) == ["none"])
    #expect(try series(["own", "equal"]) == ["none · budget own", "none · budget equal"])
  }

  @Test func bandsHoldAllIntervalsOfTheReplicates() throws {
    let average = try Self.table([[0.3, 0.4], [0.5, 0.6]]).averages("none") { _ in true }
    #expect(average.map(\.mean) == [0.4, 0.5])
    #expect(abs(try #require(average[0].low) - 0.2) < 1e-12)
    #expect(abs(try #require(average[0].high) - 0.6) < 1e-12)
  }

  @Test func otherAxesAreNeverAveragedOver() throws {
    let items = ["greedy", "top-p"].map {
      Self.item([("generation", 0), ("decoding", .string($0))], 0.5)
    }
    let table = try StudyTable(items, axes: .init(x: "generation", series: "", replicate: ""))
    #expect(table.series == ["decoding greedy", "decoding top-p"])
  }
}

@Suite struct ConclusionsTests {
  private func finding(_ shares: [[Double]]) throws -> (DriftFinding, StudyTable) {
    let table = try StudyTableTests.table(shares)
    return (try #require(DriftFinding(table, series: "none") { _ in true }), table)
  }

  @Test(arguments: [
    ([[0.3, 0.4, 0.5, 0.6]], "rises in this one chain, which cannot tell drift from chance"),
    ([[0.3, 0.5, 0.2, 0.4]], "no clear trend in this one chain"),
    ([[0.3, 0.5], [0.3, 0.4]], "both chains rise, but so few chains cannot exclude zero"),
    ([[0.3, 0.4], [0.4, 0.3]], "no clear trend"),
    ([[0.5, 0.4, 0.3], [0.5, 0.4, 0.3]], "falls in these 2 seeds; descriptive"),
    (
      [[0.3, 0.4], [0.3, 0.41], [0.3, 0.42], [0.3, 0.4], [0.3, 0.41], [0.3, 0.39]],
      "rises over 6 seeds"
    ),
    ([[0.3]], "one point: no trend"),
  ])
  func wordsClaimNoMoreThanTheNumbers(shares: [[Double]], words: String) throws {
    let (finding, table) = try finding(shares)
    #expect(finding.verdictWords(table).contains(words), "\(finding.verdictWords(table))")
  }

  @Test func sentenceHoldsTheNumbers() throws {
    let (finding, table) = try finding([[0.34, 0.33, 0.31], [0.34, 0.35, 0.31]])
    let sentence = finding.sentence(table, quantity: "right share", percent: true)
    #expect(
      sentence
        == "right share 34.0 % → 31.0 % (at the end 21.0 to 41.0 % over all intervals of the "
        + "2 seeds) over generations 0–2, slope −1.50 points per generation (95 % interval −1.50 "
        + "to −1.50): falls in these 2 seeds; descriptive, as so few chains are.")
  }
}

@Suite struct StudySamplesTests {
  @Test func onlySharedIdsAreShownAndLongTextsCut() throws {
    var input = SyntheticStudy.input(strategies: ["none"], generations: 1, seeds: 1)
    input.shownPrompts = 10
    input.samples[1] = .init(
      input.samples[1].coordinates,
      [.init(id: "news-3", text: String(repeating: "é", count: 900))])
    let samples = try StudySamples(input)
    #expect(samples.context.map { $0["id"] as? String } == ["news-3"])
    #expect(StudySamples.cut(String(repeating: "é", count: 900)).count == 701)
  }

  @Test func spreadTakesFirstAndLast() {
    #expect(StudyFigures.spread(Array(0..<10), 3) == [0, 4, 9])
    #expect(StudyFigures.spread([1, 2], 3) == [1, 2])
    #expect(StudyFigures.spread([1, 2], 1) == [1])
  }
}
