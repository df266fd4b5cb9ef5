import Diagnostics
import Foundation
import Testing

@testable import Corpora

@Suite struct CorpusImportTests {
  static func read(_ rules: CorpusImport, _ bytes: [UInt8]) throws -> (Corpus, [String]) {
    let folder = try TemporaryFolder()
    var log: [String] = []
    let corpus = try rules.read(files: ["file": folder.file("file", bytes)]) { log.append($0) }
    return (corpus, log)
  }

  static func rows(_ text: String, separator: UInt8 = UInt8(ascii: ",")) throws -> [[String]] {
    var reader = try CSVReader(Array(text.utf8), path: "x", separator: separator)
    var rows: [[String]] = []
    while let row = try reader.next() {
      rows.append(
        row.fields.map { String(decoding: $0, as: UTF8.self) } + [row.fault].compactMap { $0 })
    }
    return rows
  }

  static let csv: [(String, [[String]])] = [
    ("a,b\nc,d", [["a", "b"], ["c", "d"]]), ("a,b\r\nc,d\r\n", [["a", "b"], ["c", "d"]]),
    ("a\rb", [["a"], ["b"]]), ("\u{FEFF}a,b", [["a", "b"]]),
    ("a,,\n,", [["a", "", ""], ["", ""]]),
    ("\"a,b\",\"c\"\"d\"", [["a,b", "c\"d"]]), ("\"a\nb\r\nc\",d", [["a\nb\r\nc", "d"]]),
    ("\"\",x", [["", "x"]]), ("5\" pipe,x", [["5\" pipe", "x"]]), ("\n\na\n\n", [["a"]]),
    ("\"a\"b,c\nd,e", [["a", "c", "text after the closing quote of a field"], ["d", "e"]]),
  ]

  @Test(arguments: csv)
  func csvFollowsTheStandard(_ text: String, _ expected: [[String]]) throws {
    #expect(try Self.rows(text) == expected)
  }

  @Test func csvRowsKnowTheirLines() throws {
    var reader = try CSVReader(Array("a\n\"x\ny\r\nz\"\n\nb".utf8), path: "x")
    var lines: [Int] = []
    while let row = try reader.next() { lines.append(row.line) }
    #expect(lines == [1, 2, 6])
    #expect(throws: Diagnostic.self) { try Self.rows("a\nb,\"open\nc") }
  }

  @Test func badRowsAreCountedByReasonAndLine() throws {
    var rules = CorpusImport(format: .jsonl)
    rules.labels = try LabelMapping(["L=left", "R=right"])
    let text = """
      {"id":"a","text":"one","label":"L","extra":1}
      not json
      {"id":"b","text":"two","label":"X"}
      {"id":"c","label":"L"}

      {"id":"a","text":"three","label":"R","source":"S","date":"2018"}
      {"text":"four","id":17}
      {"text":"five"}
      {"id":"d","text":["no"]}
      {"id":"e","text":"nul \\u0000"}
      [1]
      """
    let (corpus, log) = try Self.read(rules, Array(text.utf8))
    #expect(corpus.documents.map(\.id) == ["a", "a~2", "17", "row-8"])
    #expect(corpus.documents.map(\.label) == ["left", "right", nil, nil])
    #expect(corpus.facts.skipped.count == 6)
    #expect(corpus.facts.skipped.examples.map(\.line) == [2, 3, 4, 9, 10, 11])
    #expect(corpus.facts.renamed == 1)
    #expect(log.contains { $0.contains("file:2: column ") })
    #expect(log.contains("skipped 1 rows: no 'text'"))
    rules.maximumBadRows = 5
    #expect(throws: Diagnostic.self) { try Self.read(rules, Array(text.utf8)) }
    rules.maximumBadRows = 6
    rules.duplicates = .refuse
    #expect(throws: Diagnostic.self) { try Self.read(rules, Array(text.utf8)) }
  }

  @Test func skippedRowsAreKeptInTheArtifact() throws {
    let (corpus, _) = try Self.read(
      CorpusImport(format: .jsonl), Array("{\"text\":\"x\"}\nbad\n".utf8))
    let folder = try TemporaryFolder()
    try corpus.write(to: folder.path)
    #expect(try Corpus.read(files: folder.corpusFiles) == corpus)
  }

  @Test func csvColumnsBecomeArticles() throws {
    var rules = CorpusImport(format: .csv)
    rules.separator = .semicolon
    rules.fields.title = "t"
    rules.fields.body = "b"
    let text = Array("id;t;b;label\n1;T;\"B;\nC\";x\n2;T\n3;;B;x\n".utf8)
    let (corpus, _) = try Self.read(rules, text + [0x34, 0x3B, 0xFF, 0x3B, 0x62, 0x3B, 0x0A])
    #expect(corpus.documents == [Document(id: "1", text: "title: T\nbody: B;\nC", label: "x")])
    #expect(corpus.facts.skipped.examples.map(\.line) == [4, 5, 6])
    #expect(corpus.facts.skipped.reasons.map(\.reason).last == "'t' is not valid UTF-8")
    #expect(throws: Diagnostic.self) { try Self.read(rules, Array("id;t;text\n1;2;3".utf8)) }
    #expect(throws: Diagnostic.self) { try Self.read(rules, Array("b;t;b\n1;2;3".utf8)) }
  }

  @Test func textsAreCutIntoUnits() throws {
    let text = Array("one\ntwo\n\n \nthree\n".utf8)
    var rules = CorpusImport(format: .text)
    #expect(try Self.read(rules, text).0.documents.map(\.text) == ["one\ntwo\n\n \nthree"])
    rules.textUnit = .paragraph
    let paragraphs = try Self.read(rules, text).0.documents
    #expect(paragraphs.map(\.text) == ["one\ntwo", "three"])
    #expect(paragraphs.map(\.id) == ["file-1", "file-5"])
    rules.textUnit = .line
    #expect(try Self.read(rules, text).0.documents.map(\.text) == ["one", "two", "three"])
  }

  @Test(arguments: CorpusImport.Format.allCases)
  func hopelessFilesAreRefused(_ format: CorpusImport.Format) throws {
    let rules = CorpusImport(format: format)
    for bytes: [UInt8] in [[], [0x0A, 0x0A], [0xFF, 0xFE, 0x61, 0], [0xFE, 0xFF, 0, 0x61], [0]] {
      #expect(throws: Diagnostic.self) { try Self.read(rules, bytes) }
    }
  }

  @Test(arguments: ["", "=", "a=", "=b", "a"])
  func mappingsNeedBothSides(_ text: String) {
    #expect(throws: Diagnostic.self) { try LabelMapping([text]) }
    #expect(throws: Diagnostic.self) { try LabelMapping(["x=1", "x=2"]) }
  }

  @Test func balancedDrawsGiveEveryLabelTheSame() throws {
    let documents = (0..<90).map {
      Document(id: "\($0)", text: "x", label: $0 < 10 ? "rare" : $0 < 40 ? "some" : "many")
    }
    let corpus = Corpus(documents: documents + [Document(id: "none", text: "x")])
    let drawn = try corpus.balanced(perLabel: 10, seed: 42)
    #expect(drawn.labelCounts.map(\.count) == [10, 10, 10])
    #expect(Set(drawn.documents.map(\.id)).count == 30)
    #expect(try drawn == corpus.balanced(perLabel: 10, seed: 42))
    #expect(try drawn != corpus.balanced(perLabel: 10, seed: 43))
    // Shuffled: the labels do not come in blocks.
    #expect(Set(drawn.documents.prefix(10).map(\.label)).count > 1)
    #expect(throws: Diagnostic.self) { try corpus.balanced(perLabel: 11, seed: 42) }
    #expect(try corpus.sampled(5, seed: 1).documents.count == 5)
    #expect(throws: Diagnostic.self) { try corpus.sampled(92, seed: 1) }
  }

  @Test func rowsThatAreNotWantedAreLeftOutAndCounted() throws {
    var rules = CorpusImport(format: .jsonl)
    rules.fields.text = "statement"
    rules.conditions = [
      try RowCondition("answer= Yes"), RowCondition(field: "level", value: "3"),
      RowCondition(field: "sure", value: "true"),
    ]
    let (corpus, log) = try Self.read(
      rules,
      Array(
        """
        {"statement":"one","answer":" Yes","level":3,"sure":true}
        {"statement":"two","answer":"Yes","level":3,"sure":true}
        {"statement":"three","answer":" Yes","level":4,"sure":true}
        {"statement":"four","answer":" Yes","level":3,"sure":false}
        {"statement":"five","answer":" Yes","level":3}
        {"answer":" Yes","level":3,"sure":true}
        """.utf8))
    #expect(corpus.documents == [Document(id: "row-1", text: "one")])
    #expect(corpus.facts.filtered == 4 && corpus.facts.skipped.count == 1)
    #expect(log.contains("left out 4 rows that 'keep' does not want"))
    #expect(corpus.json["filtered"]?.integer == 4)
  }

  static let conditions: [(String, String, String)] = [
    ("csv", "kind=a", "kind,text\na,x\nb,y\n"), ("csv", "kind=a=", "text,kind\nx,a=\ny,a\n"),
  ]

  @Test(arguments: conditions)
  func conditionsHoldForColumns(_ format: String, _ condition: String, _ text: String) throws {
    var rules = CorpusImport(format: .csv)
    rules.conditions = [try RowCondition(condition)]
    let (corpus, _) = try Self.read(rules, Array(text.utf8))
    #expect(corpus.documents.map(\.text) == ["x"] && corpus.facts.filtered == 1)
  }

  static let mistaken: [(String, String)] = [
    ("=a", "import-condition"), ("a", "import-condition"), ("", "import-condition"),
    ("kind=c", "import-all-filtered"), ("kid=a", "csv-header"),
  ]

  @Test(arguments: mistaken)
  func mistakenConditionsAreNamed(_ condition: String, _ id: String) {
    let error = #expect(throws: Diagnostic.self) {
      var rules = CorpusImport(format: .csv)
      rules.conditions = [try RowCondition(condition)]
      _ = try Self.read(rules, Array("kind,text\na,x\n".utf8))
    }
    #expect(error?.id == id)
  }
}
