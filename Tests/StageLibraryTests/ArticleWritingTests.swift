// Articles become prompts and continuations articles: nothing is lost, nothing is mixed up, and a
// stopped writing goes on where it was.

import Corpora
import Diagnostics
import Foundation
import LanguageModels
import Testing
import Tokenizers

@testable import StageLibrary

@Suite struct ArticleWritingTests {
  /// Bytes as tokens, and one merge that never applies to digits.
  private static let tokenizer: ByteLevelBPE = {
    var trainer = BytePairTrainer(vocabularySize: 257, minimumCount: 2)
    trainer.count(Array("a b".utf8))
    return trainer.train { _, _ in }
  }()

  private static let prompts = Corpus(
    documents: [
      Document(
        id: "first", text: "title: T\nbody: 0123456789", label: "left", source: "outlet",
        date: "2018-01-01"),
      Document(id: "untitled", text: "abcde"),
      Document(id: "empty", text: "title: \nbody: "),
    ], facts: Corpus.Facts(origins: ["somewhere"], licences: ["CC0"]))

  private func writing(marksTitle: Bool = false) throws -> ArticleWriting {
    ArticleWriting(
      Self.prompts, Self.tokenizer, try BlockContinuation(block: 4, context: 32),
      marksTitle: marksTitle)
  }

  private func text(_ request: GenerationRequest) -> String {
    Self.tokenizer.text(of: request.prompt)
  }

  @Test func theTitleIsBlockZeroAndTheBodyFollowsInBlocks() throws {
    var writing = try writing()
    let requests = writing.requests()
    #expect(requests.map(text) == ["T", "0123", "4567", "89", "abcd", "e"])
    #expect(requests.allSatisfy { $0.length == 4 })
    #expect(
      requests.map(\.stream) == [
        "first/block-0", "first/block-1", "first/block-2", "first/block-3", "untitled/block-0",
        "untitled/block-1",
      ])
    var marked = try self.writing(marksTitle: true)
    #expect(text(marked.requests()[0]) == "title: T\nbody:")
  }

  @Test func promptsWithoutTextStayEmptyAndAreCounted() throws {
    let writing = try writing()
    #expect(writing.emptyCount == 1 && writing.finishedCount == 1)
    #expect(writing.summary.contains("1 prompts had no text to continue"))
  }

  /// Blocks may end in any order; only new tokens are kept, in the order of the blocks.
  @Test func continuationsAreJoinedInTheOrderOfTheirBlocks() throws {
    var writing = try writing()
    let requests = writing.requests()
    let words = ["  A", "B ", "C", "", "x", "y"]
    for index in requests.indices.reversed() {
      writing.take(index, Self.tokenizer.encode(words[index]))
    }
    #expect(writing.finishedCount == 3)
    let made = writing.corpus
    #expect(made.documents.map(\.id) == ["first", "untitled", "empty"])
    #expect(made.documents[0].text == "title: T\nbody: AB C")
    #expect(made.documents[0].source == "outlet")
    // True of the real article only.
    #expect(made.documents.allSatisfy { $0.label == nil && $0.date == nil })
    #expect(made.facts.origins == ["somewhere"] && made.facts.licences == ["CC0"])
  }

  @Test func aStoppedWritingGoesOnWhereItWas() throws {
    let folder = NSTemporaryDirectory() + "/plumb-writing-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var stopped = try writing()
    _ = stopped.requests()
    stopped.take(0, Self.tokenizer.encode("lost"))
    stopped.take(4, Self.tokenizer.encode("kept"))
    stopped.take(5, Self.tokenizer.encode("!"))
    try stopped.save(to: folder)

    var resumed = try writing()
    resumed.resume(from: folder) { _ in }
    // A half-written article starts anew, with the same streams.
    let requests = resumed.requests()
    #expect(
      requests.map(\.stream) == [
        "first/block-0", "first/block-1", "first/block-2", "first/block-3",
      ])
    for index in requests.indices { resumed.take(index, Self.tokenizer.encode("\(index)")) }
    #expect(resumed.corpus.documents[0].article.body == "0123")
    #expect(resumed.corpus.documents[1].article.body == "kept!")
  }

  @Test(arguments: ["", "{", "[]", "{}", "[1]", "[null, null]"])
  func aStrangeResumeFileIsLeftAside(_ content: String) throws {
    let folder = NSTemporaryDirectory() + "/plumb-writing-" + UUID().uuidString
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(atPath: folder) }
    try content.write(toFile: folder + "/written.json", atomically: true, encoding: .utf8)
    var writing = try writing()
    writing.resume(from: folder) { _ in }
    #expect(writing.requests().count == 6)
  }

  @Test func textsAreContinuedOnceAndTheContinuationStaysAlone() throws {
    let prompts = Corpus(documents: [
      Document(
        id: "a/title", text: "title: T\nbody:", label: "left", source: "S",
        group: "topic=x;class=title;seen=no"),
      Document(id: "long", text: String(repeating: "0123456789", count: 3)),
      Document(id: "empty", text: ""),
    ])
    var writing = ArticleWriting(
      prompts, Self.tokenizer, try BlockContinuation(block: 12, context: 32),
      form: .continuation, marksTitle: true)
    let requests = writing.requests()
    // A long prompt loses its start: what stands before the continuation decides it.
    #expect(requests.map(text) == ["title: T\nbody:", "01234567890123456789"])
    #expect(requests.allSatisfy { $0.length == 12 })
    #expect(requests.map(\.stream) == ["a/title/block-0", "long/block-0"])
    writing.take(1, Self.tokenizer.encode("two"))
    writing.take(0, Self.tokenizer.encode(" one"))
    #expect(
      writing.corpus.documents == [
        Document(id: "a/title", text: "one", source: "S", group: "topic=x;class=title;seen=no"),
        Document(id: "long", text: "two"), Document(id: "empty", text: ""),
      ])
    #expect(writing.summary.contains("1 prompts were cut (10 tokens left out)"))
  }
}
