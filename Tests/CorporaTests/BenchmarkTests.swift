// Prompts of the benchmark: topics by keywords, whole blocks, and nothing called unseen that was seen.

import Diagnostics
import Testing

@testable import Corpora

@Suite struct BenchmarkTests {
  static let topics = try! Topics([
    "Health: hospital*, insurance, public health", "economy: tax, taxes, job*", "war: peace",
  ])

  static let subjects: [(String, String, String)] = [
    ("", "The HOSPITALS and the insurance.", "health"), ("", "Hospice care", "other"),
    ("Tax", "hospital, hospital", "economy"), ("", "hospital tax", "health"),
    ("", "tax's peace; tax", "economy"), ("", "Public health.", "health"), ("", "public", "other"),
    ("", "peaceful", "other"), ("", "", "other"), ("jobless", "", "economy"),
    ("", "public. Health", "health"),
  ]

  @Test(arguments: subjects)
  func topicsComeFromKeywords(_ title: String, _ body: String, _ topic: String) {
    #expect(Self.topics.topic(of: Article(title: title, body: body)) == topic)
  }

  @Test(arguments: [
    "health", ": a", "a:", "a: one two three", "a: ,", "other: x", "a: b\u{0}c d e", "-: x",
  ])
  func strangeTopicsAreRefused(_ line: String) {
    #expect(throws: Diagnostic.self) { try Topics([line]) }
  }

  @Test func topicNamesAreDifferent() {
    let error = #expect(throws: Diagnostic.self) { try Topics(["a: b", "A: c"]) }
    #expect(error?.id == "benchmark-topic")
  }

  static let cuts: [(String, Int, Int, [String])] = [
    ("a b c d e", 2, 9, ["a b", "c d"]), ("a b c d e", 2, 1, ["a b"]),
    ("a b c d", 2, 9, ["a b", "c d"]),
    (" a\n b  c ", 1, 9, ["a", "b", "c"]), ("a b", 3, 9, []), ("", 1, 9, []), ("a b", 1, 0, []),
    ("é\u{2003}ü x", 2, 1, ["é\u{2003}ü"]),
  ]

  @Test(arguments: cuts)
  func blocksAreWholeAndKeepWhatStandsInThem(
    _ body: String, _ words: Int, _ most: Int, _ blocks: [String]
  ) {
    #expect(Benchmark.wordBlocks(of: words)(body, most) == blocks)
  }

  private static func corpus(_ name: String, _ count: Int) -> Corpus {
    Corpus(
      documents: (0..<count).map {
        Document(
          id: "\(name)\($0)", text: "title: Tax \(name) \($0)\nbody: one two three \(name) \($0)",
          label: ["left", "center", "right"][$0 % 3], source: "S", date: "2018-01-01")
      }, facts: .init(origins: [name]))
  }

  private static func benchmark(articles: Int?) -> Benchmark {
    Benchmark(
      topics: topics, titles: .bare, blocks: 1, articles: articles, seed: 1,
      cut: Benchmark.wordBlocks(of: 2))
  }

  @Test func promptsSayWhatTheyAreComparedBy() throws {
    let prompts = try Self.benchmark(articles: nil)
      .prompts(training: Self.corpus("a", 2), heldBack: Self.corpus("b", 1))
    #expect(
      prompts.documents.map(\.id) == [
        "a0/title", "a0/block-0", "a1/title", "a1/block-0", "b0/title", "b0/block-0",
      ])
    #expect(prompts.documents[0].text == "Tax a 0" && prompts.documents[1].text == "one two")
    #expect(prompts.documents[0].group == "topic=economy;class=title;seen=yes")
    #expect(prompts.documents[5].group == "topic=economy;class=block;seen=no")
    #expect(prompts.documents.allSatisfy { $0.label != nil && $0.source == "S" })
    #expect(prompts.facts.origins == ["a", "b"])
    var heading = Self.benchmark(articles: nil)
    heading.titles = .heading
    heading.blocks = 0
    #expect(
      try heading.prompts(training: Self.corpus("a", 1), heldBack: Self.corpus("b", 1))
        .documents.map(\.text) == ["title: Tax a 0\nbody:", "title: Tax b 0\nbody:"])
  }

  @Test func equallyManyOfEachLabelAreDrawnInTheirOrder() throws {
    let prompts = try Self.benchmark(articles: 7)
      .prompts(training: Self.corpus("a", 30), heldBack: Self.corpus("b", 30))
    #expect(prompts.documents.count == 2 * 2 * 7)
    let seen = prompts.documents.filter { $0.groupValue("seen") == "yes" }
      .filter { $0.groupValue("class") == "title" }
    let counts = Dictionary(grouping: seen, by: { $0.label ?? "" }).mapValues(\.count)
    #expect(counts.values.sorted() == [2, 2, 3])
    let numbers = seen.compactMap { Int($0.id.dropFirst().prefix { $0 != "/" }) }
    #expect(numbers == numbers.sorted())
    let again = try Self.benchmark(articles: 7)
      .prompts(training: Self.corpus("a", 30), heldBack: Self.corpus("b", 30))
    #expect(again == prompts)
  }

  @Test func whatWasSeenIsNotCalledUnseen() {
    func id(_ training: Corpus, _ heldBack: Corpus, articles: Int? = nil, blocks: Int = 1)
      -> String?
    {
      var benchmark = Self.benchmark(articles: articles)
      benchmark.blocks = blocks
      if blocks == 0 { benchmark.titles = nil }
      return #expect(throws: Diagnostic.self) {
        try benchmark.prompts(training: training, heldBack: heldBack)
      }?.id
    }
    var reprint = Self.corpus("a", 1)
    reprint.documents[0].id = "other"
    #expect(id(Self.corpus("a", 3), reprint) == "benchmark-overlap")
    #expect(id(Self.corpus("a", 3), Self.corpus("a", 5)) == "benchmark-overlap")
    #expect(id(Self.corpus("a", 3), Self.corpus("b", 3), articles: 4) == "sample-too-few")
    #expect(id(Self.corpus("a", 3), Self.corpus("b", 3), blocks: 0) == "benchmark-empty")
  }
}
