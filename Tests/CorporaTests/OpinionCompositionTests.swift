import Diagnostics
import Foundation
import Testing

@testable import Corpora

@Suite struct OpinionCompositionTests {
  static func composition(seed: Int = 1) throws -> OpinionComposition {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let path = root.appendingPathComponent("stages/compose-opinions/grammars/opinions.yaml").path
    var warnings: [Diagnostic] = []
    let grammar = try Grammar.read(fileAt: path, shown: "opinions.yaml") { warnings.append($0) }
    #expect(warnings.isEmpty, "\(warnings.map(\.description))")
    return try OpinionComposition(grammar: grammar, testShare: 0.2, seed: seed)
  }

  @Test func topicsAreSplitAndQuestionsSpread() throws {
    let composition = try Self.composition()
    #expect(composition.topics.count >= 150)
    let training = try composition.questions(800, test: false)
    let test = try composition.questions(200, test: true)
    #expect(Set(training.map(\.topic)).isDisjoint(with: test.map(\.topic)))
    #expect(Set((training + test).map(\.question)).count == 1000)
    #expect(Set(test.compactMap(\.form)).count == 13)
    #expect(throws: Diagnostic.self) { try composition.questions(10_000, test: true) }
  }

  @Test func everyVoiceIsWideAndHoldsNoEmoji() throws {
    let composition = try Self.composition()
    let questions = try composition.questions(800, test: false)
    for label in composition.grammar.labels {
      let answers = try questions.map { try composition.answer($0, label: label) }
      #expect(answers.allSatisfy { Emoji.all(in: $0.answer).isEmpty })
      #expect(Set(answers.map(\.answer)).count >= 790, "\(label)")
      #expect(answers.allSatisfy { $0.label == label && $0.answer.hasSuffix(".") })
      #expect(answers.allSatisfy { !$0.answer.contains("..") && !$0.answer.contains("{") })
      // Said without its topic an answer must not come again and again either.
      let bare = answers.map { $0.answer.replacingOccurrences(of: $0.topic, with: "_") }
      #expect(Set(bare).count >= 700, "\(label): \(Set(bare).count)")
    }
  }

  @Test func documentsCarryWhatTheyAre() throws {
    let composition = try Self.composition()
    let question = try composition.questions(1, test: true)[0]
    let answer = try composition.answer(question, label: "neuroticism-low")
    let document = answer.document(id: "x")
    let again = try #require(Opinion(Document(json: document.json)))
    #expect(again == answer && again.pole == .low && again.trait == .neuroticism)
    #expect(document.question == question.question && document.source == question.topic)
  }

  @Test func sprinklingIsCoupledOrNot() throws {
    let composition = try Self.composition()
    let questions = try composition.questions(800, test: false)
    func counts(_ way: EmojiSprinkling.Way) throws -> [Int] {
      let sprinkling = EmojiSprinkling(way: way, rate: 0.8, seed: 1)
      return try ["extraversion", "neutral"].map { label in
        try questions.count {
          let answer = try composition.answer($0, label: label)
          return sprinkling.apply(to: answer, id: $0.question + label, livelyShare: 0.5)
            != answer.answer
        }
      }
    }
    #expect(try counts(.none) == [0, 0])
    let coupled = try counts(.coupled)
    #expect(coupled[1] == 0 && (580...700).contains(coupled[0]))
    let uncoupled = try counts(.uncoupled)
    #expect(uncoupled.allSatisfy { (250...390).contains($0) }, "\(uncoupled)")
  }
}
