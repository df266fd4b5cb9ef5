import CanonicalJSON
import Diagnostics
import Foundation
import Testing

@testable import Reports

@Suite struct SectionTests {
  /// A PNG file of one gray pixel.
  static let dot = [UInt8](
    Data(
      base64Encoded:
        "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNoAAAAggCBd81ytgAAAABJRU5ErkJggg=="
    )!)

  /// A section with every kind of block, figure, scale and member.
  static var full: ReportSection {
    let points: [Figure.Point] = [
      .init(x: 1, y: 2, low: 1.5, high: 2.5), .init(x: 2, y: 3), .init(x: 3, y: 1, low: 0.5),
      .init(x: 4, y: 2, count: 7),
    ]
    var figures = Figure.Kind.allCases.map { kind in
      Figure(
        kind, id: "figure-\(kind.rawValue)", title: "A \(kind.rawValue) <of> & things",
        xLabel: "amount (words)", yLabel: "share (%)", categories: ["first", "second & more"],
        series: [
          .init(name: "none", points: points),
          .init(
            name: "own", style: .init(colour: 5, dash: .dots, marker: 13),
            points: points.map { .init(x: $0.x, y: 2 * $0.y) }),
        ], caption: "n = 4 <things>; bars are ranges.",
        references: [.init(name: "even", y: 2), .init(name: "threshold", x: 2.5)], wholeX: true,
        include: [0])
    }
    figures.append(
      Figure(
        id: "logs", title: "Both logarithmic", xLabel: "p", yLabel: "p", xScale: .log,
        yScale: .log, series: [.init(name: "p", points: [.init(x: 1e-9, y: 0.5)])], caption: "",
        drawsMarkers: false))
    figures.append(
      Figure(
        id: "square", title: "Square", xLabel: "x", yLabel: "y",
        series: [.init(name: "s", points: [.init(x: 0.2, y: 0.3)])], caption: "",
        isUnitSquare: true))
    return ReportSection(
      id: "full", title: "Everything <b>", order: 5, summary: "What is in it & more.",
      blocks: [
        .text("A paragraph with <i>no</i> markup."),
        .claims([
          Claim(
            id: "bias-rises-synthetic", statement: "It rises (5.1)", verdict: .reproduced,
            evidence: "+1.5 points <per> generation", effect: 1.5, low: 0.5, high: 2.5, p: 0.03125,
            adjustedP: 0.04, chains: 6),
          .notTestable(id: "base-uneven", statement: "Uneven", because: "There is no base."),
        ]),
      ] + figures.map { .figure($0) } + [
        .table(
          ReportTable(
            caption: "n = 2.",
            columns: [.init("claim"), .init("drift", unit: "points", isNumber: true)],
            rows: [["a <b>", "+1"], ["b", "−2"]])),
        .texts(
          title: "One prompt",
          [.init(title: "generation 0", text: "old"), .init(title: "generation 1", text: "new")]),
        .images(
          ImageGrid(
            title: "Frames <b>", caption: "n = 2 & more.", width: 96,
            items: [
              .init(
                title: "000.png <i>", caption: "blurred & dark", alt: "a \"dot\"", tone: .bad,
                bytes: Self.dot),
              .init(alt: "another dot", bytes: [0xff, 0xd8, 0xff, 0xd9]),
            ])),
      ])
  }

  @Test func bytesReadBackTheSame() throws {
    let read = try ReportSection.read(Self.full.bytes, shown: "section.json")
    #expect(read == Self.full)
    #expect(read.bytes == Self.full.bytes)
    #expect(read.figures.count == 6 && read.claims.count == 2)
  }

  /// Numbers that are none are left out, never written.
  @Test func valuesThatAreNotFiniteAreLeftOut() throws {
    let figure = Figure(
      id: "f", title: "", xLabel: "", yLabel: "",
      series: [
        .init(
          name: "s",
          points: [
            .init(x: .nan, y: 1), .init(x: 0, y: .infinity), .init(x: 1, y: 2, low: -.infinity),
          ])
      ], caption: "", references: [.init(name: "r", y: .nan)], include: [.nan])
    let claim = Claim(
      id: "c", statement: "", verdict: .unclear, evidence: "", effect: .nan, p: .infinity)
    let section = ReportSection(
      id: "s", title: "", order: 0, blocks: [.figure(figure), .claims([claim])])
    let read = try ReportSection.read(section.bytes, shown: "s")
    #expect(read.figures[0].series[0].points == [.init(x: 1, y: 2)])
    #expect(read.figures[0].references.isEmpty && read.claims[0].effect == nil)
  }

  /// What may be wrong, and a word of what the message says.
  static let hostile: [(String, String)] = [
    ("", "json-syntax"), ("nonsense", "json-syntax"), ("[]", "not an object"),
    ("{}", "no member 'version'"),
    (#"{"version":2,"id":"a","title":"","order":0,"summary":"","blocks":[]}"#, "version"),
    (#"{"version":1,"id":"a","title":"","order":0,"summary":"","blocks":[],"more":1}"#, "'more'"),
    (#"{"version":1,"id":"a","id":"b"}"#, "json-syntax"),
    (section(id: #""""#), "id"), (section(id: #""A""#), "lower-case"),
    (section(id: #""9a""#), "lower-case"), (section(id: #""a b""#), "lower-case"),
    (section(id: #""a\"><script>""#), "lower-case"), (section(id: "7"), "not text"),
    (section(id: "\"" + String(repeating: "a", count: 65) + "\""), "lower-case"),
    (section(order: "1.5"), "order"), (section(order: "1e300"), "order"),
    (section(blocks: "{}"), "not a list"), (section(blocks: "[1]"), "blocks[0]"),
    (section(blocks: "[{}]"), "not one of"), (section(blocks: #"[{"html":"<b>"}]"#), "'html'"),
    (section(blocks: #"[{"text":"a","table":{}}]"#), "not one of"),
    (section(blocks: #"[{"text":1}]"#), "not text"),
    (section(blocks: "[{\"text\":\"" + String(repeating: "x", count: 20_001) + "\"}]"), "at most"),
    (image(#""data":"!!""#), "no PNG or JPEG"), (image(#""data":"bm9wZQ==""#), "no PNG or JPEG"),
    (image(#""data":"PHNjcmlwdD4=""#), "no PNG or JPEG"), (image(#""alt":"""#), "no words"),
    (image(#""tone":"red""#), "not one of plain"), (image(#""src":"x""#), "'src'"),
    (section(blocks: #"[{"images":{"title":"","caption":"","width":4,"items":[]}}]"#), "width"),
    (figure(#""kind":"pie""#), "not one of lines"), (figure(#""id":"../../x""#), "lower-case"),
    (figure(#""id":"a'; system('x')""#), "lower-case"), (figure(#""x_scale":"cubic""#), "x_scale"),
    (figure(#""series":[{"name":"a","points":[[1]]}]"#), "not [x, y"),
    (figure(#""series":[{"name":"a","points":[[1,2,3,4,5,6]]}]"#), "not [x, y"),
    (figure(#""series":[{"name":"a","points":[[1,"2"]]}]"#), "not [x, y"),
    (figure(#""series":[{"name":"a","points":[[1,2,3,1]]}]"#), "upside down"),
    (figure(#""series":[{"name":"a","points":[[1,2,null,null,-1]]}]"#), "count"),
    (figure(#""series":[{"name":"a","points":[[1e999,2]]}]"#), "json-syntax"),
    (
      figure(
        #""series":[{"name":"a","points":[],"style":{"colour":9,"dash":"solid","marker":4}}]"#),
      "colour"
    ),
    (
      figure(#""series":[{"name":"a","points":[],"style":{"colour":1,"dash":"'x'","marker":4}}]"#),
      "dash"
    ),
    (figure(#""references":[{"name":"a","line":"diagonal","value":1}]"#), "line"),
    (figure(#""include":["0"]"#), "include"),
    (
      figure(
        "\"series\":[{\"name\":\"a\",\"points\":["
          + Array(repeating: "[1,2]", count: 20_001).joined(separator: ",") + "]}]"), "at most"
    ),
    (section(blocks: #"[{"table":{"caption":"","columns":[],"rows":[["a"]]}}]"#), "0 cells"),
    (section(blocks: #"[{"table":{"caption":"","columns":[],"rows":[7]}}]"#), "0 cells"),
    (
      section(
        blocks: #"[{"table":{"caption":"","columns":[{"title":"a","unit":""}],"rows":[[1]]}}]"#),
      "not all texts"
    ),
    (claim(#""verdict":"proven""#), "not one of reproduced"),
    (claim(#""p":1.5"#), "no probability"), (claim(#""low":2,"high":1"#), "upside down"),
    (claim(#""chains":-1"#), "chains"), (claim(#""effect":"large""#), "not a number"),
  ]

  private static func section(
    id: String = #""a""#, order: String = "0", blocks: String = "[]"
  ) -> String {
    "{\"version\":1,\"id\":\(id),\"title\":\"\",\"order\":\(order),\"summary\":\"\",\"blocks\":"
      + blocks + "}"
  }

  /// Members given replace those of an object that would be read.
  private static func object(_ members: [(String, String)], with change: String) -> String {
    let kept = members.filter { !change.hasPrefix("\"\($0.0)\":") }
    return "{" + (kept.map { "\"\($0.0)\":\($0.1)" } + [change]).joined(separator: ",") + "}"
  }

  private static func figure(_ change: String) -> String {
    let members = [
      ("kind", #""lines""#), ("id", #""f""#), ("title", #""""#), ("x", #""""#), ("y", #""""#),
      ("caption", #""""#), ("series", "[]"),
    ]
    return section(blocks: "[{\"figure\":\(object(members, with: change))}]")
  }

  private static func image(_ change: String) -> String {
    let members = [
      ("alt", #""a""#), ("data", "\"\(Data(dot).base64EncodedString())\""),
    ]
    let item = object(members, with: change)
    return section(
      blocks: "[{\"images\":{\"title\":\"\",\"caption\":\"\",\"width\":96,\"items\":[\(item)]}}]")
  }

  private static func claim(_ change: String) -> String {
    let members = [
      ("id", #""c""#), ("statement", #""""#), ("verdict", #""unclear""#), ("evidence", #""""#),
      ("chains", "1"),
    ]
    return section(blocks: "[{\"claims\":[\(object(members, with: change))]}]")
  }

  @Test(arguments: hostile.indices) func badBytesAreRefusedWithAWord(_ index: Int) {
    let (text, words) = Self.hostile[index]
    let error = #expect(throws: Diagnostic.self) {
      try ReportSection.read(Array(text.utf8), shown: "section.json")
    }
    #expect(error?.id == (words == "json-syntax" ? words : "section-malformed"))
    if words != "json-syntax" {
      #expect(error?.message.contains(words) == true, "\(error?.message ?? "")")
    }
  }

  /// The same objects without a change are read, so the table above tests what it says.
  @Test func theHostileTablesFramesAreSound() throws {
    for text in [Self.section(), Self.figure(#""markers":true"#), Self.claim(#""effect":1"#)] {
      _ = try ReportSection.read(Array(text.utf8), shown: "s")
    }
    let twice = Self.figure(#""markers":true"#).replacing("[{", with: "[{\"figure\":{")
    #expect(throws: Diagnostic.self) { try ReportSection.read(Array(twice.utf8), shown: "s") }
  }
}

@Suite struct SectionPageTests {
  @Test func sectionsAloneMakeAPage() throws {
    var input = StudyInput(
      title: "Sections", summary: "",
      axes: .init(x: "generation", series: "strategy", replicate: "seed"), target: "right")
    // Two of one id, as two stages of one kind write them, and one that comes earlier.
    var early = SectionTests.full
    early.id = "early"
    early.order = -1
    input.sections = [SectionTests.full, SectionTests.full, early]
    let html = try StudyReport(input).html()
    #expect(try html == StudyReport(input).html())
    #expect(!html.contains("{{") && !html.contains("<b>Everything") && !html.contains("<i>no"))
    #expect(html.contains("Everything &lt;b&gt;") && html.contains("a &lt;b&gt;"))
    let ids = html.matches(of: /\sid=["']([^"']+)["']/).map { String($0.1) }
    #expect(Set(ids).count == ids.count)
    for anchor in html.matches(of: /href="#([A-Za-z0-9-]+)"/) {
      #expect(ids.contains(String(anchor.1)), "\(anchor.1)")
    }
    let (first, second) = (
      try #require(html.range(of: "id=\"section-early\"")),
      try #require(html.range(of: "id=\"section-full\""))
    )
    #expect(first.lowerBound < second.lowerBound)
    // Pictures are in the page, with their words.
    #expect(html.components(separatedBy: "<img src=\"data:image/png;base64,iVBOR").count == 1 + 3)
    #expect(html.components(separatedBy: "<img src=\"data:image/jpeg;base64,/9j").count == 1 + 3)
    #expect(html.contains("alt=\"a &quot;dot&quot;\"") && html.contains("000.png &lt;i&gt;"))
    // At the top all claims with their sections, in each section its own.
    #expect(html.components(separatedBy: "verdict reproduced").count == 1 + 3 + 3)
    #expect(html.contains("3 reproduced here, 3 not testable here"))
    let claims = try #require(html.range(of: "id=\"claims\""))
    #expect(claims.lowerBound < first.lowerBound)
  }

  @Test func sectionsStandAfterTheReportsOwnParts() throws {
    var input = SyntheticStudy.input(generations: 1, seeds: 1)
    input.sections = [SectionTests.full]
    let html = try StudyReport(input).html()
    let samples = try #require(html.range(of: "id=\"samples\""))
    let section = try #require(html.range(of: "id=\"section-full\""))
    let data = try #require(html.range(of: "id=\"data\""))
    #expect(samples.lowerBound < section.lowerBound && section.lowerBound < data.lowerBound)
    if let path = ProcessInfo.processInfo.environment["PLUMB_SHOW_REPORT"] {
      try RunPage.wrap(reportHTML: html, run: SyntheticStudy.run).write(
        toFile: path + ".sections.html", atomically: true, encoding: .utf8)
    }
  }
}
