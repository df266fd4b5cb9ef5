import Diagnostics
import Foundation
import Testing

@testable import Corpora

@Suite struct CorpusTests {
  static let corpus = Corpus(
    documents: [
      Document(id: "b", text: "title: T\nbody: B", label: "right", source: "S", date: "2018-01-02"),
      Document(id: "a", text: "\u{0} \u{2028} \u{1F600}", label: "left", generation: 3),
      Document(id: "e\u{301}", text: "", group: "topic=a b;class=title"),
      Document(id: "\u{E9}", text: "x"),
    ], facts: .init(origins: ["o"], licences: ["l"], renamed: 2))

  @Test func whatIsWrittenIsReadInOrder() throws {
    let folder = try TemporaryFolder()
    // Ids are compared by bytes: the two spellings of é are different ids.
    try Self.corpus.write(to: folder.path)
    #expect(try Corpus.read(files: folder.corpusFiles) == Self.corpus)
    let facts = String(decoding: try folder.bytes("corpus.json"), as: UTF8.self)
    #expect(facts.contains("\"documents\": 4"))
    #expect(facts.contains("\"left\": 1"))
    #expect(facts.contains("\"unlabelled\": 2"))
    let lines = String(decoding: try folder.bytes("documents.jsonl"), as: UTF8.self)
    #expect(
      lines.hasPrefix(
        #"{"date":"2018-01-02","id":"b","label":"right","source":"S","text":"title: T\nbody: B"}"#))
  }

  @Test func groupsAreReadByName() {
    let document = Document(id: "a", text: "", group: "topic=x=y;class=;seen")
    #expect(document.groupValue("topic") == "x=y")
    #expect(document.groupValue("class") == "")
    #expect(document.groupValue("seen") == nil)
    #expect(document.groupValue("top") == nil)
    #expect(Document(id: "a", text: "").groupValue("topic") == nil)
  }

  static let hostile: [(String, String, Int)] = [
    ("{\"id\":\"a\",\"text\":\"x\"}\n{\"id\":\"a\",\"text\":\"y\"}", "corpus-duplicate-id", 2),
    ("\n", "corpus-line", 1), ("{}", "corpus-line", 1), ("[1]", "corpus-line", 1),
    ("{\"id\":\"a\",\"text\":\"x\"}\n{\"id\":3,\"text\":\"x\"}", "corpus-line", 2),
    ("{\"id\":\"\",\"text\":\"x\"}", "corpus-line", 1), ("{\"id\":\"a\"}", "corpus-line", 1),
    ("{\"id\":\"a\",\"text\":\"x\",\"lable\":\"l\"}", "corpus-line", 1),
    ("{\"id\":\"a\",\"text\":\"x\",\"generation\":-1}", "corpus-line", 1),
    ("{\"id\":\"a\",\"text\":\"x\",\"group\":[]}", "corpus-line", 1),
    ("{\"id\":\"a\",\"text\":\"x\",\"text\":\"y\"}", "corpus-line", 1),
    ("{\"id\":\"a\",\"text\":\"x\"", "corpus-line", 1),
    ("{\"id\":\"a\",\"text\":\"\\ud800\"}", "corpus-line", 1),
    ("{\"id\":\"a\",\"text\":" + String(repeating: "[", count: 100_000), "corpus-line", 1),
  ]

  @Test(arguments: hostile)
  func brokenLinesAreNamed(_ text: String, _ id: String, _ line: Int) throws {
    let folder = try TemporaryFolder()
    let files = ["documents.jsonl": try folder.file("documents.jsonl", text)]
    do {
      _ = try Corpus.read(files: files)
      Issue.record("was read")
    } catch {
      #expect(error.id == id)
      #expect(error.span?.start.line == line)
    }
  }

  @Test func invalidUTF8AndMissingFilesAreRefused() throws {
    let folder = try TemporaryFolder()
    let bytes = Array("{\"id\":\"a\",\"text\":\"".utf8) + [0xC0, 0x80] + Array("\"}".utf8)
    let files = ["documents.jsonl": try folder.file("documents.jsonl", bytes)]
    #expect(throws: Diagnostic.self) { try Corpus.read(files: files) }
    #expect(throws: Diagnostic.self) { try Corpus.read(files: [:]) }
    #expect(throws: Diagnostic.self) { try Corpus.read(files: ["documents.jsonl": "/nowhere"]) }
  }

  @Test func linesAreReadAcrossBlocks() throws {
    let folder = try TemporaryFolder()
    let path = try folder.file("x", "\u{FEFF}ab\r\n\ncdefghi\nlast")
    for size in [1, 2, 3, 7, 100] {
      var reader = try LineReader(path: path, shown: "x", limit: 10, blockSize: size)
      var lines: [String] = []
      while let line = try reader.next() {
        #expect(line.number == lines.count + 1)
        lines.append(String(decoding: line.bytes, as: UTF8.self))
      }
      #expect(lines == ["ab", "", "cdefghi", "last"])
    }
    // An endless line takes no more memory than the limit.
    do {
      var reader = try LineReader(path: path, shown: "x", limit: 6, blockSize: 2)
      while try reader.next() != nil {}
      Issue.record("was read")
    } catch {
      #expect(error.id == "line-too-long")
      #expect(error.message.contains("line 3"))
    }
  }

  @Test(arguments: [
    ("title: T\nbody: B\nmore", "T", "B\nmore"), ("title: T", "T", ""),
    ("just text", "", "just text"),
    ("title: T\nB", "T", "B"), ("title: \nbody: ", "", ""),
  ])
  func articlesAreSplit(_ text: String, _ title: String, _ body: String) {
    #expect(Article(text) == Article(title: title, body: body))
  }

  @Test func articlesComeBackFromTheirText() {
    for article in [
      Article(title: "One", body: "a\r\n\nb"), Article(title: "", body: "body: x"),
      Article(title: "e\u{301}", body: "\u{301}"),
    ] { #expect(Article(article.text) == article) }
    #expect(Article(title: "a\nb\r\nc", body: "x").text == "title: a b c\nbody: x")
  }

  @Test(arguments: [
    ("one two three", 2, "one two"), ("one two  \n", 2, "one two  \n"), ("a\n\nb c", 2, "a\n\nb"),
    ("  lead in", 1, "  lead"), ("one", 5, "one"), ("é\u{A0}ü ñ", 2, "é\u{A0}ü"),
  ])
  func shortensAfterWords(text: String, words: Int, expected: String) {
    let corpus = Corpus(documents: [Document(id: "a", text: text)])
    let short = corpus.shortened(toWords: words)
    #expect(short.documents[0].text == expected)
    #expect(short.facts.shortened == (expected == text ? 0 : 1))
    #expect(corpus.shortened(toWords: nil) == corpus)
  }
}
