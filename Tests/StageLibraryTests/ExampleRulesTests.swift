// What one training example is, by the study's text and by its release.

import CanonicalJSON
import Corpora
import Scheduling
import Testing
import Tokenizers

@testable import StageLibrary

@Suite struct ExampleRulesTests {
  private static let article = "title: A \"B\"\nbody: one\r\n\n \ntwo"

  private func pieces(_ parameters: [(String, JSONValue)]) -> [String] {
    ExampleRules(Parameters(JSONObject(parameters))).pieces(of: Self.article)
      .map { String(decoding: $0, as: UTF8.self) }
  }

  @Test func theTextLearnsArticles() {
    #expect(pieces([("preset", "text")]) == [Self.article])
    // fine-tune-adapter has no preset.
    #expect(pieces([("examples", "article")]) == [Self.article])
    #expect(
      pieces([("preset", "text"), ("examples", "line")]) == [
        "title: A \"B\"", "body: one", "", "two",
      ])
  }

  @Test func theReleaseLearnsLinesOfACSVFileBlankOnesIncluded() {
    #expect(
      pieces([("preset", "release")]) == [
        "\"title: A \"\"B\"\"", "body: one", "", " ", "two\"",
      ])
    let rules = ExampleRules(Parameters(JSONObject([("preset", "release")])))
    #expect(rules.keepsBlankLines && !rules.learnsEndOfText && rules.form == .line)
    // Its sequences may be chosen otherwise; then no blank line is one.
    let whole = ExampleRules(
      Parameters(JSONObject([("preset", "release"), ("examples", "article")])))
    #expect(!whole.keepsBlankLines && whole.quotesRecords && whole.form == .article)
  }

  /// Bytes as tokens: blocks may be cut inside a character, and no piece of one is shown.
  @Test func blocksOfTokensAreText() {
    var trainer = BytePairTrainer(vocabularySize: 257, minimumCount: 2)
    trainer.count(Array("a b".utf8))
    let tokenizer = trainer.train { _, _ in }
    func blocks(_ body: String, _ block: Int, most: Int = 9) -> [String] {
      ComposeBenchmarkStage.tokenBlocks(of: body, block: block, most: most, tokenizer)
    }
    #expect(blocks("0123456789", 4) == ["0123", "4567"])
    #expect(blocks("0123456789", 4, most: 1) == ["0123"])
    #expect(blocks("012", 4) == [])
    #expect(blocks("aéb\u{1F600}c", 2) == ["a", "b", "", ""])
  }
}
