import Foundation
import Testing

@testable import Tokenizers

@Suite struct BytePairTrainerTests {
  @Test func mergesTheMostFrequentPairFirst() {
    var trainer = BytePairTrainer(vocabularySize: 260, minimumCount: 1)
    trainer.count(Array("low low low lower lowest".utf8))
    let tokenizer = trainer.train()
    // `lo` and `ow` both occur five times: `l` comes before `o`.
    #expect(Array(tokenizer.bytes(of: 256)) == Array("lo".utf8))
    #expect(Array(tokenizer.bytes(of: 257)) == Array("low".utf8))
    #expect(Array(tokenizer.bytes(of: 258)) == Array(" low".utf8))
    #expect(tokenizer.endOfText == 259)
    #expect(tokenizer.vocabularySize == 260)
  }

  @Test func incrementalCountsAgreeWithCountingAnew() {
    var random = SplitMix(state: 3)
    for _ in 0..<20 {
      let words = (0..<12).map { _ in
        String(
          decoding: (0..<1 + random.below(9)).map { _ in 97 + UInt8(random.below(3)) },
          as: UTF8.self)
      }
      let text = words.joined(separator: " ")
      var trainer = BytePairTrainer(vocabularySize: 290)
      trainer.count(Array(text.utf8))
      #expect(trainer.train().tokens.dropFirst(256) == Self.slowlyTrained(text, 33)[...])
    }
  }

  /// Algorithm 1 of Sennrich et al. with every count made anew.
  static func slowlyTrained(_ text: String, _ wanted: Int) -> [[UInt8]?] {
    var pieces: [[[UInt8]]] = []
    Array(text.utf8).withUnsafeBufferPointer { bytes in
      PreTokenizer().forEachPiece(of: bytes) { pieces.append($0.map { [$0] }) }
    }
    var tokens: [[UInt8]] = []
    while tokens.count < wanted {
      var counts: [[[UInt8]]: Int] = [:]
      for piece in pieces {
        for (a, b) in zip(piece, piece.dropFirst()) { counts[[a, b], default: 0] += 1 }
      }
      let best = counts.filter { $0.value >= 2 }.min { a, b in
        if a.value != b.value { return a.value > b.value }
        if a.key[0] != b.key[0] { return a.key[0].lexicographicallyPrecedes(b.key[0]) }
        return a.key[1].lexicographicallyPrecedes(b.key[1])
      }
      guard let pair = best?.key else { break }
      let merged = pair[0] + pair[1]
      if !tokens.contains(merged) { tokens.append(merged) }
      pieces = pieces.map { piece in
        var out: [[UInt8]] = []
        var at = 0
        while at < piece.count {
          if at + 1 < piece.count, piece[at] == pair[0], piece[at + 1] == pair[1] {
            out.append(merged)
            at += 2
          } else {
            out.append(piece[at])
            at += 1
          }
        }
        return out
      }
    }
    return tokens
  }

  @Test func sameTextsGiveTheSameBytes() throws {
    // WRITE_FIXTURES=1 renews the file; then run fixtures/make_fixtures.py again.
    if ProcessInfo.processInfo.environment["WRITE_FIXTURES"] == "1" {
      try Data(Fixtures.train().tokenizerJSON).write(
        to: Fixtures.folder.appendingPathComponent("tokenizer.json"))
    }
    #expect(Fixtures.train().tokenizerJSON == Fixtures.train().tokenizerJSON)
    #expect(try Fixtures.train().tokenizerJSON == Fixtures.bytes("tokenizer.json"))
  }

  @Test func aSmallCorpusGivesASmallVocabulary() {
    var trainer = BytePairTrainer(vocabularySize: 5000)
    trainer.count(Array("aa aa".utf8))
    // `aa` occurs twice; ` aa` once.
    #expect(trainer.train().vocabularySize == 258)
    #expect(BytePairTrainer(vocabularySize: 300).train().vocabularySize == 257)
  }
}
