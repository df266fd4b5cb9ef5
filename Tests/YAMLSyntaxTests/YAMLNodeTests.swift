import Diagnostics
import Foundation
import Testing

@testable import YAMLSyntax

func source(_ text: String) -> SourceText { SourceText(path: "t.yaml", text: text) }

@Suite struct CoreSchemaTests {
  @Test(
    arguments: [
      ("no", .text("no")), ("yes", .text("yes")), ("on", .text("on")), ("null", .null),
      ("~", .null),
      ("", .null), ("true", .boolean(true)), ("FALSE", .boolean(false)), ("tRue", .text("tRue")),
      ("12", .integer(12)), ("-7", .integer(-7)), ("+3", .integer(3)), ("010", .integer(10)),
      ("0o17", .integer(15)), ("0x1F", .integer(31)), ("0x-1", .text("0x-1")), ("0o", .text("0o")),
      ("0x", .text("0x")), ("1:30", .text("1:30")), ("1_000", .text("1_000")),
      ("1.5", .number(1.5)),
      ("1.", .number(1)), (".5", .number(0.5)), ("-.5", .number(-0.5)), ("5.0e-5", .number(5e-5)),
      ("1.e3", .number(1000)), ("1e3", .number(1000)), ("1E+3", .number(1000)), ("1e", .text("1e")),
      (".", .text(".")), ("-", .text("-")), ("+", .text("+")), ("1.2.3", .text("1.2.3")),
      ("0..10", .text("0..10")), (".inf", .number(.infinity)), ("-.INF", .number(-.infinity)),
      ("2018-01-02", .text("2018-01-02")), ("99999999999999999999", .number(1e20)),
      ("infinity", .text("infinity")), ("nan", .text("nan")), ("٣", .text("٣")),
    ] as [(String, YAMLScalar.Value)])
  func plainText(text: String, value: YAMLScalar.Value) {
    #expect(YAMLScalar.Value(plain: text) == value)
  }

  @Test func notANumberIsANumber() {
    guard case .number(let value) = YAMLScalar.Value(plain: ".NaN") else {
      Issue.record("expected a number")
      return
    }
    #expect(value.isNaN)
  }
}

@Suite struct YAMLNodeTests {
  @Test func everyNodeKnowsItsBytes() throws {
    let text = """
      # comment
      é: "x y"   # after
      list:
        - a b
        - {k: [1, 'it''s'], z: &q !!str 5}
      alias: *q
      block: |
        one
        two
      empty:
      """
    let node = try YAMLNode.parse(source(text))
    func written(_ node: YAMLNode) -> String {
      String(decoding: node.span.source.bytes[node.span.range], as: UTF8.self)
    }
    let map = try #require(node.mapping)
    #expect(map.keys == ["é", "list", "alias", "block", "empty"])
    #expect(written(try #require(map["é"])) == "\"x y\"")
    #expect(try #require(map.member("é")).key.span?.range.count == 2)
    let list = try #require(map["list"]?.sequence)
    #expect(written(list[0]) == "a b")
    #expect(written(list[1]) == "{k: [1, 'it''s'], z: &q !!str 5}")
    #expect(written(try #require(map["list"])) == "- a b\n  - {k: [1, 'it''s'], z: &q !!str 5}")
    let inner = try #require(list[1].mapping)
    #expect(inner["k"]?.sequence?[1].scalar?.text == "it's")
    #expect(written(try #require(inner["z"])) == "5")
    #expect(inner["z"]?.scalar?.value == .text("5"))
    #expect(map["alias"]?.scalar?.value == .text("5"))
    #expect(map["block"]?.scalar?.text == "one\ntwo\n")
    #expect(written(try #require(map["block"])) == "|\n  one\n  two")
    #expect(map["empty"]?.isNull == true)
    #expect(written(node).hasPrefix("é:"))
  }

  @Test func placesInsideScalars() throws {
    let text = "a: plain text\nb: 'it''s here'\nc: \"x y\"\nd: one\n  two\ne: \"a\\nb\"\nf: 'é z'\n"
    let map = try #require(try YAMLNode.parse(source(text)).mapping)
    func part(_ key: String, _ range: Range<Int>) -> String {
      let span = map[key]!.span(ofText: range)
      return String(decoding: span.source.bytes[span.range], as: UTF8.self)
    }
    #expect(part("a", 6..<10) == "text")
    #expect(part("b", 5..<9) == "here")
    #expect(part("c", 2..<3) == "y")
    #expect(part("d", 4..<7) == "two")
    #expect(part("e", 2..<3) == "\"a\\nb\"")
    #expect(part("f", 3..<4) == "z")
    #expect(part("f", 4..<4) == "")
  }

  @Test func lineEndingsDoNotMovePlaces() throws {
    for ending in ["\n", "\r\n"] {
      let node = try YAMLNode.parse(
        source("a: 1\n# ü\nb:\n  c: here\n".replacing("\n", with: ending)))
      let value = try #require(node.mapping?["b"]?.mapping?["c"])
      #expect("\(value.span.start.line):\(value.span.start.column)" == "4:6")
    }
  }

  @Test func typedAccessSaysWhatIsWrong() throws {
    let map = try #require(
      try YAMLNode.parse(source("i: 5\nt: yes\nn: 2.5\nl: [1]\nb: true\nf: .inf")).mapping)
    #expect(try map["i"]!.integer("it") == 5)
    #expect(try map["i"]!.number("it") == 5)
    #expect(try map["t"]!.text("it") == "yes")
    #expect(try map["b"]!.boolean("it"))
    #expect(try map["l"]!.items("it").count == 1)
    #expect(throws: Diagnostic.self) { try map["t"]!.integer("it") }
    #expect(throws: Diagnostic.self) { try map["f"]!.number("it") }
    #expect(throws: Diagnostic.self) { try map["l"]!.members("it") }
    do {
      _ = try map["i"]!.text("the key 'i'")
    } catch {
      #expect(error.message == "the key 'i' must be text, not the integer 5")
      #expect(error.help == "put it in quotes to make it text: \"5\"")
    }
    let unknown = map.unknownKeys(of: "a map", known: ["i", "t", "n", "l", "bb"])
    #expect(unknown.map(\.message) == ["a map has no key 'b'", "a map has no key 'f'"])
  }
}

@Suite struct HostileText {
  private static func laughs(_ levels: Int) -> String {
    var text = "a0: &a0 [x, x]\n"
    for level in 1...levels {
      let alias = Array(repeating: "*a\(level - 1)", count: 9).joined(separator: ", ")
      text += "a\(level): &a\(level) [\(alias)]\n"
    }
    return text
  }

  @Test(arguments: [
    ("", "yaml-empty", "1:1"), ("# only\n", "yaml-empty", "1:1"),
    ("---\n...\n", "yaml-empty", "2:1"),
    ("a: 1\na: 2\n", "yaml-duplicate-key", "2:1"), ("a: 1\n\tb: 2\n", "yaml-tab", "2:1"),
    ("a:\n  - 1\n\t- 2\n", "yaml-tab", "3:1"), ("a:\n \tb: 1\n", "yaml-tab", "2:2"),
    ("a: {b: 1,\n\tc: 2}\n", "yaml-tab", "2:1"),
    ("\u{FEFF}a: 1", "yaml-encoding", "1:1"), ("a: \u{0}", "yaml-character", "1:4"),
    ("a: \u{1B}[31m", "yaml-character", "1:4"), ("a: \u{FFFE}", "yaml-character", "1:4"),
    ("a: 1\n---\nb: 2\n", "yaml-documents", "2:1"), ("a: *b\n", "yaml-alias", "1:4"),
    ("a: &x [*x]\n", "yaml-alias", "1:8"), ("a: &x {b: {c: *x}}\n", "yaml-alias", "1:15"),
    (laughs(9), "yaml-alias-limit", "5:10"),
    (String(repeating: "[", count: 5000), "yaml-depth", "1:65"),
    (String(repeating: "- ", count: 65) + "x", "yaml-depth", "1:129"),
    ("a: {b: 1", "yaml-syntax", "1:9"), ("a: [1, 2}", "yaml-syntax", "1:9"),
    ("a: \"open", "yaml-syntax", "1:9"), ("a: b: c", "yaml-syntax", "1:5"),
    ("a: @x", "yaml-syntax", "1:4"), ("? [1]\n: 2\n", "yaml-key", "1:3"),
    ("a: !!python/object x", "yaml-tag", "1:20"), ("a: !!int x", "yaml-tag", "1:10"),
    ("<<: {a: 1}", "yaml-merge-key", "1:1"), ("a:\n   b: 1\n  c: 2\n", "yaml-syntax", "3:3"),
  ])
  func isRefusedWithAPlace(text: String, id: String, place: String) {
    let (_, problems) = YAMLNode.read(source(text))
    #expect(problems.first?.id == id)
    let start = problems.first?.span?.start
    #expect(start.map { "\($0.line):\($0.column)" } == place)
    #expect(problems.allSatisfy { $0.help != nil || $0.id == "yaml-syntax" })
  }

  @Test(arguments: [
    [0xC0, 0x80], [0xED, 0xA0, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xE2, 0x82], [0x80],
  ])
  func badUTF8IsRefused(bytes: [UInt8]) {
    let text = SourceText(path: "t", bytes: Array("a: ".utf8) + bytes)
    let (node, problems) = YAMLNode.read(text)
    #expect(node == nil)
    #expect(problems.map(\.id) == ["yaml-encoding"])
    #expect(problems.first?.span?.range == 3..<4)
  }

  @Test func largeFilesAreRefused() {
    let text = SourceText(path: "t", bytes: Array(repeating: 0x20, count: YAMLLimits.bytes + 1))
    #expect(YAMLNode.read(text).1.map(\.id) == ["yaml-too-large"])
  }

  @Test func depthAndAliasesBelowTheLimitPass() throws {
    _ = try YAMLNode.parse(
      source(String(repeating: "[", count: 64) + String(repeating: "]", count: 64)))
    let list = Array(repeating: "*x", count: 1000).joined(separator: ", ")
    let node = try YAMLNode.parse(source("a: &x 1\nb: [\(list)]\n"))
    #expect(node.mapping?["b"]?.sequence?.count == 1000)
    let (_, problems) = YAMLNode.read(source("a: &x 1\nb: [\(list), *x]\n"))
    #expect(problems.map(\.id) == ["yaml-alias-limit"])
  }

  @Test func aliasesCountForDepth() {
    let deep = String(repeating: "[", count: 40) + String(repeating: "]", count: 40)
    let (_, problems) = YAMLNode.read(
      source(
        "a: &x \(deep)\nb: \(String(repeating: "[", count: 30))*x\(String(repeating: "]", count: 30))"
      ))
    #expect(problems.map(\.id) == ["yaml-depth"])
  }

  @Test func everyDuplicateIsReported() {
    let (node, problems) = YAMLNode.read(source("a: 1\na: 2\nb: {c: 1, c: 2}\n"))
    #expect(problems.map(\.id) == ["yaml-duplicate-key", "yaml-duplicate-key"])
    #expect(node?.mapping?["a"]?.scalar?.value == .integer(1))
  }

  @Test func bracketsInFlowStyleGetAWayOut() {
    for text in ["{a: s[*].m}", "{a: s[g - 1].m, b: 2}", "{a: s[x=1,y=2].m}"] {
      let (_, problems) = YAMLNode.read(source(text))
      #expect(problems.first?.help?.contains("must be in quotes") == true, "\(text)")
    }
  }

  @Test func everyIdHasAPage() throws {
    let ids = Set(yamlExplanations.map(\.id))
    #expect(ids.count == yamlExplanations.count)
    let file = #filePath.replacing("Tests/YAMLSyntaxTests/YAMLNodeTests.swift", with: "")
    let text = try String(
      contentsOfFile: file + "Sources/YAMLSyntax/YAMLDiagnostics.swift", encoding: .utf8)
    let used = Set(text.matches(of: #/"((?:yaml|unknown)-[a-z-]+)"/#).map { String($0.1) })
    #expect(used.subtracting(["unknown-key"]).subtracting(ids).isEmpty)
    #expect(used.count > 12)
  }
}

@Suite struct YAMLStrictnessTests {
  @Test(arguments: [
    "a: {b: 1}#no", "a: 'b'#no", "a: [b,#no\n c]", "a: >#no\n  b", "a: [b,\nc]", "a: 'b\nc'",
    "a: \"b\n\tc\"", "a: [-]", "a: [b, -]", "a: [?b]", "a: {?b: c}", "a: &b:c d", "a: &b?c d",
    "a: &b:c {d: 1}", "a: >\n   \n  b\n", "a:\n  - [b,\n  c]", "a:\n- [b,\nc]",
  ])
  func whatYAMLForbidsIsRefused(text: String) {
    let (_, problems) = YAMLNode.read(source(text))
    #expect(problems.map(\.id) == ["yaml-syntax"], "\(problems)")
    #expect(problems.allSatisfy { $0.help != nil })
  }

  @Test(arguments: [
    ("a: [b, # yes\n  c]", "[b,c]"), ("a: [\n  b,\n# yes\n  c,\n]", "[b,c]"),
    ("- a: [\n    b\n  ]", "[b]"), ("a: 'b\n\n  c'", "b\nc"), ("a: '#b'", "#b"),
    ("a: b#c", "b#c"), ("a: &b_-1 c", "c"), ("a: &b [c] # d", "[c]"), ("a: [\"-\"]", "-"),
    ("a: >\n\n  b\n", "\nb\n"), ("a: >2\n    \n  b\n", "  \nb\n"), ("a: |\n  b\n   ", "b\n \n"),
    ("? a\n: b", "b"), ("{ a:\nb}", "b"), ("a:\n- [b,\n  c]", "[b,c]"),
    ("a: &x\n  b: [c,\n   d]", "[c,d]"),
  ])
  func whatItAllowsIsRead(text: String, value: String) throws {
    func flat(_ node: YAMLNode) -> String {
      if let items = node.sequence { return "[" + items.map(flat).joined(separator: ",") + "]" }
      return node.scalar?.text ?? ""
    }
    var node = try YAMLNode.parse(source(text))
    while let inner = node.mapping?.members.first?.value ?? node.sequence?.first {
      if node.sequence != nil, inner.mapping == nil { break }
      node = inner
    }
    #expect(flat(node) == value || flat(node) == "[\(value)]")
  }
}
