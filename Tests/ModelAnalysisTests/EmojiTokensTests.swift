// Which pieces of text count as the beginning of an emoji.

import CanonicalJSON
import Diagnostics
import Testing
import Tokenizers

@testable import ModelAnalysis

struct EmojiTokensTests {
  @Test(arguments: ["😀", " 😀", "😀!", "🇩", "🇩🇪", "❤", "☀️", "👨‍👩‍👧", " 👍🏽", "❤ yes"])
  func wholeOnes(_ text: String) {
    #expect(EmojiTokens.start(Array(text.utf8)) == .whole)
  }

  /// A vocabulary's pieces: bytes it falls back to, first bytes of byte-level pairs.
  @Test func pieces() {
    let cases: [([UInt8], EmojiStart?)] = [
      ([0xF0], .part), ([0xF0, 0x9F], .part), ([0xF0, 0x9F, 0x98], .part),
      ([0x20, 0xF0, 0x9F], .part), ([0xE2], .ambiguous), ([0xE2, 0x9C], .ambiguous),
      ([0x20, 0xE2], .ambiguous), ([0xE3], .ambiguous),
      // Linear B, and a plane that has no emoji.
      ([0xF0, 0x90], nil), ([0xF0, 0xA0], nil), ([0xF3], nil),
      // Arabic, Cyrillic, Han, © as bytes.
      ([0xD8], nil), ([0xD0], nil), ([0xE4, 0xBD], nil), ([0xC2], nil), ([0xC2, 0xA9], nil),
      // A middle of an emoji begins nothing.
      ([0x9F, 0x98, 0x80], nil), ([0x98], nil), ([], nil), ([0x20], nil),
      // Broken: what follows is no continuation.
      ([0xF0, 0x41], nil), ([0xF0, 0x9F, 0x41], nil), ([0xFF], nil), ([0xF5], nil),
      ([0xF0, 0x9F, 0x98, 0x41], nil),
    ]
    for (bytes, expected) in cases { #expect(EmojiTokens.start(bytes) == expected, "\(bytes)") }
  }

  @Test(arguments: ["a", "1", "#", "*", "©", "®", "“", "–", "é", "☀\u{FE0E}", "Ωmega", "x😀", "…"])
  func others(_ text: String) {
    #expect(EmojiTokens.start(Array(text.utf8)) == nil)
  }

  @Test func ofAVocabulary() throws {
    var trainer = BytePairTrainer(vocabularySize: 300)
    for _ in 0..<40 { trainer.count(Array("😀 😀 yes 😀 “no”".utf8)) }
    let tokenizer = trainer.train()
    let tokens = EmojiTokens(tokenizer, vocabulary: tokenizer.vocabularySize)
    // Every emoji of a text begins with a token that counts.
    let ids = tokenizer.encode("yes 🎉 no 😀")
    let counted = Set(tokens.counted)
    #expect(ids.count { counted.contains($0) } >= 2)
    #expect(!tokens.whole.isEmpty && !tokens.part.isEmpty && !tokens.ambiguous.isEmpty)
    #expect(tokenizer.encode("yes no").allSatisfy { !counted.contains($0) })
    #expect(Set(tokens.counted).isDisjoint(with: tokens.ambiguous))
    #expect(EmojiTokens(tokenizer, vocabulary: 10).counted.allSatisfy { $0 < 10 })
  }
}
