import Foundation
import Testing

@testable import Corpora

@Suite struct EmojiTests {
  static func listed() throws -> [String] {
    let path = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .appendingPathComponent("fixtures/emoji.txt").path
    return try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n").map(String.init)
  }

  /// Against PyPI's `emoji`: every one of Unicode 15.1 and before, in all its spellings.
  @Test func everyListedEmojiIsOneEmoji() throws {
    let listed = try Self.listed()
    #expect(listed.count > 5000)
    // On lines of their own: a skin tone behind a letter would belong to the letter's cluster.
    let missed = listed.filter { Emoji.all(in: "a\n\($0)\nb") != [$0] }
    #expect(Set(missed) == ["©", "®"], "\(missed)")
  }

  @Test(arguments: [
    "plain", "1 2 # *", "© 2024 ®", "☀\u{FE0E}", "\u{1F1E6}", "\u{FFFD}", "→ ∑ ñ 漢字", "e\u{301}",
    "\u{200D}\u{FE0F}",
  ])
  func whatIsNoEmoji(_ text: String) { #expect(Emoji.all(in: text).isEmpty) }

  @Test func clustersCountOnce() {
    #expect(Emoji.all(in: "👨‍👩‍👧‍👦🇩🇪1️⃣👍🏽").count == 4)
    #expect(Emoji.all(in: "🇩🇪🇫🇷") == ["🇩🇪", "🇫🇷"])
    #expect(Emoji.removed(from: "Great 🎉🎉, see you 👍🏽") == "Great, see you")
    #expect(Emoji.malformed(in: "a\u{FFFD}\u{FFFD}") == 2)
  }

  @Test func valenceIgnoresSkinAndPresentation() {
    #expect(Emoji.valence("👍🏽") == 1)
    #expect(Emoji.valence("❤️") == 1 && Emoji.valence("❤") == 1)
    #expect(Emoji.valence("😭") == -1 && Emoji.valence("🤔") == 0 && Emoji.valence("🦷") == nil)
  }
}
