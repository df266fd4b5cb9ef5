// Emoji that go with a trait, emoji that do not, and doses that raise them.

import Foundation
import Randomness
import Testing

@testable import ModelAnalysis

struct EmojiIntentTests {
  private static func stream(_ name: String) -> RandomStream { RandomStream(seed: 2, name: name) }

  private static func answer(
    _ trait: String, _ question: Int, _ emoji: [String], scale: Double? = nil
  ) -> EmojiAnswer {
    EmojiAnswer(
      trait: trait, question: "q\(question)", topic: "t\(question / 2)", emoji: emoji,
      scale: scale, isMalformed: false)
  }

  @Test func informationIsThatOfTheTable() {
    // 2 × 2 cells of 3, 1, 1, 3: 1 − H(1/4) bits.
    let pairs =
      [("a", "x", 3.0), ("a", "y", 1), ("b", "x", 1), ("b", "y", 3)]
    let bits = 1 + 0.25 * log2(0.25) + 0.75 * log2(0.75)
    #expect(abs(EmojiIntent.information(pairs) - bits) < 1e-12)
    #expect(EmojiIntent.information([("a", "x", 2), ("b", "x", 5)]) == 0)
  }

  @Test func coupledEmojiAreFoundAndOthersNot() throws {
    var random = RandomStream(seed: 8, name: "answers")
    var (coupled, free): ([EmojiAnswer], [EmojiAnswer]) = ([], [])
    for question in 0..<60 {
      for trait in ["extraversion", "neuroticism"] {
        let isLively = trait == "extraversion"
        coupled.append(
          Self.answer(
            trait, question, random.uniform() < (isLively ? 0.7 : 0.3) ? [isLively ? "🎉" : "😢"] : []
          ))
        free.append(
          Self.answer(
            trait, question, random.uniform() < 0.5 ? [random.uniform() < 0.5 ? "🎉" : "😢"] : []))
      }
    }
    let found = EmojiIntent(coupled)
    let presence = try #require(found.presence(shuffles: 199, random: Self.stream("a")))
    let identity = try #require(found.identity(shuffles: 199, random: Self.stream("b")))
    #expect(presence.p <= 0.01 && presence.value > 3 * presence.expected)
    #expect(identity.p <= 0.01 && identity.value > 0.7)
    let none = EmojiIntent(free)
    #expect(try #require(none.presence(shuffles: 199, random: Self.stream("a"))).p > 0.05)
    #expect(try #require(none.identity(shuffles: 199, random: Self.stream("b"))).p > 0.05)
    let valences = found.valences(replicates: 200) { Self.stream($0) }
    #expect(valences.map(\.trait) == ["extraversion", "neuroticism"])
    #expect(valences.map(\.mean) == [1, -1])
    #expect(EmojiIntent([coupled[0]]).presence(shuffles: 9, random: Self.stream("a")) == nil)
  }

  /// Without any effect p is at most 0.1 in a tenth of all runs.
  @Test func pIsCalibrated() {
    var small = 0
    for seed in 0..<200 {
      var random = RandomStream(seed: seed, name: "null")
      let answers = (0..<24).flatMap { question in
        ["a", "b"].map {
          Self.answer($0, question, random.uniform() < 0.4 ? ["🎉"] : [])
        }
      }
      let p = EmojiIntent(answers).presence(
        shuffles: 39, random: RandomStream(seed: seed, name: "shuffle"))!.p
      if p <= 0.1 { small += 1 }
    }
    #expect((4...36).contains(small), "\(small) of 200")
  }

  @Test func dosesRaiseEmoji() throws {
    var random = RandomStream(seed: 5, name: "dose")
    func answers(_ rises: Bool) -> [EmojiAnswer] {
      (0..<40).flatMap { question in
        [0, 0.5, 1, 1.5].map { scale in
          Self.answer(
            "openness", question,
            random.uniform() < (rises ? 0.1 + 0.4 * scale : 0.4) ? ["✨"] : [], scale: scale)
        }
      }
    }
    let dose = try #require(
      EmojiIntent(answers(true)).doses(shuffles: 199) { Self.stream($0) }.first)
    #expect(dose.points.map(\.scale) == [0, 0.5, 1, 1.5])
    #expect(dose.points.allSatisfy { $0.count == 40 && $0.low <= $0.share && $0.share <= $0.high })
    #expect(dose.slope.p == 0.005 && (0.25...0.55).contains(dose.slope.value))
    let flat = try #require(
      EmojiIntent(answers(false)).doses(shuffles: 199) { Self.stream($0) }.first)
    #expect(flat.slope.p > 0.05 && abs(flat.slope.expected) < 0.05)
    let one = (0..<5).map { Self.answer("a", $0, [], scale: 1) }
    #expect(EmojiIntent(one).doses(shuffles: 9) { Self.stream($0) }.isEmpty)
  }
}
