// The toy control on answers whose shares are known: the contrast is what was put in, and it can be absent.

import Corpora
import Diagnostics
import Randomness
import Reports
import Testing

@testable import Personality

@Suite struct EmojiContrastTests {
  private static let labels = ["extraversion", "extraversion-low", "neutral"]
  private static let names = EmojiContrast.Names(
    coupled: "coupled", uncoupled: "uncoupled", without: "none")

  /// - Parameter share: of the answers of a cell that hold an emoji.
  private func answers(
    seeds: Int = 3, _ share: (_ pretraining: String, _ tuning: String) -> Double
  ) -> [JudgedAnswer] {
    var answers: [JudgedAnswer] = []
    for pretraining in Self.names.all {
      for tuning in Self.labels + ["untuned"] {
        for seed in 0..<seeds {
          for number in 0..<40 {
            // Whole numbers of answers with emoji, in another place for each seed.
            let has = Double((number + 13 * seed) % 40) < 40 * share(pretraining, tuning) - 0.5
            answers.append(
              JudgedAnswer(
                id: "\(number)", question: "question \(number)", topic: "topic \(number % 8)",
                method: tuning == "untuned" ? pretraining + "-untuned" : pretraining,
                target: ["neutral", "untuned"].contains(tuning) ? nil : tuning,
                run: "seed=\(seed)", probabilities: [0.6, 0.3, 0.1], entropy: 4,
                emoji: has ? ["🎉"] : [], malformed: 0))
          }
        }
      }
    }
    return answers
  }

  private func contrast(_ answers: [JudgedAnswer]) -> EmojiContrast {
    EmojiContrast(
      labels: Self.labels, answers: answers, names: Self.names, replicates: 500,
      random: { RandomStream(seed: 1, name: $0) })
  }

  @Test func theContrastIsTheDifferenceOfDifferences() throws {
    let contrast = contrast(
      answers { pretraining, tuning in
        switch (pretraining, tuning) {
        case ("coupled", "extraversion"): 0.7
        case ("coupled", "neutral"): 0.1
        case ("coupled", _): 0.05
        case ("uncoupled", "extraversion"): 0.3
        case ("uncoupled", _): 0.2
        default: 0
        }
      })
    let effect = try #require(contrast.effect(of: "extraversion"))
    #expect(abs(effect.value - ((0.7 - 0.1) - (0.3 - 0.2))) < 1e-9)
    #expect(effect.interval.low > 0 && effect.interval.low < effect.value)
    #expect(effect.interval.high > effect.value)
    #expect(effect.runs.map(\.run) == ["seed=0", "seed=1", "seed=2"] && effect.topics == 8)
    #expect(effect.runs.allSatisfy { abs($0.value - 0.5) < 1e-9 })
    let other = try #require(contrast.effect(of: "extraversion-low"))
    #expect(abs(other.value - (0.05 - 0.1)) < 1e-9)
    #expect(contrast.cells.count == 12)
    let cell = try #require(
      contrast.cells.first { $0.pretraining == "coupled" && $0.tuning == "extraversion" })
    #expect(cell.answers == 120 && cell.withEmoji == 84 && cell.aligned == 1)
    #expect(contrast.cells.contains { $0.tuning == "untuned" && $0.aligned == nil })
    let claims = contrast.claims(trait: "extraversion")
    #expect(claims.map(\.verdict) == [.reproduced, .reproduced])
    let section = contrast.section(trait: "extraversion")
    #expect(section.figures.count == 1 && section.claims == claims)
    let metrics = contrast.metrics
    #expect(metrics.count { $0.name == "emoji_share" } == 12)
    #expect(metrics.count { $0.name == "emoji_contrast_run" } == 6)
  }

  @Test func itCanFail() throws {
    let equal = contrast(answers { pretraining, _ in pretraining == "none" ? 0 : 0.3 })
    #expect(try #require(equal.effect(of: "extraversion")).value == 0)
    #expect(equal.claims(trait: "extraversion")[0].verdict == .unclear)
    let reversed = contrast(
      answers { pretraining, tuning in
        pretraining == "uncoupled" && tuning == "extraversion" ? 0.8 : 0.05
      })
    #expect(reversed.claims(trait: "extraversion").map(\.verdict) == [.opposite, .opposite])
  }

  @Test func whatIsMissingIsSaid() {
    let few = contrast(answers { _, _ in 0.5 }.filter { $0.method == "coupled" })
    #expect(few.effect(of: "extraversion") == nil)
    #expect(few.claims(trait: "extraversion").map(\.verdict) == [.notTestable, .notTestable])
  }

  @Test func drawsOfOneModelAreNoRuns() throws {
    let twice = answers(seeds: 1) { pretraining, tuning in
      pretraining == "coupled" && tuning == "extraversion" ? 0.5 : 0
    }.flatMap { answer in
      (0..<2).map { draw in
        var answer = answer
        answer.run += ";draw=\(draw)"
        return answer
      }
    }
    let effect = try #require(contrast(twice).effect(of: "extraversion"))
    #expect(effect.runs.count == 1 && effect.value == 0.5)
  }
}
