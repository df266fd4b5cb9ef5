import Diagnostics
import Testing

@testable import Corpora

@Suite struct FactCompositionTests {
  @Test func factsAreAskedOnceAndSplitBySubject() throws {
    let composition = FactComposition(testShare: 0.2, seed: 2)
    #expect(composition.subjects.count >= 170)
    #expect(Set(composition.subjects.map(\.name)).count == composition.subjects.count)
    let training = try composition.answers(200, test: false)
    let test = try composition.answers(40, test: true)
    #expect(Set(training.map(\.topic)).isDisjoint(with: test.map(\.topic)))
    #expect(Set((training + test).map(\.question)).count == 240)
    #expect(throws: Diagnostic.self) { try composition.answers(10_000, test: true) }
    #expect(try FactComposition(testShare: 0.2, seed: 2).answers(40, test: true) == test)
  }

  @Test func everyFactIsFilledAndPlain() throws {
    #expect(
      FactTable.kinds.allSatisfy { $0.forms.count == FactTable.forms && $0.facts.count >= 20 })
    let composition = FactComposition(testShare: 0.2, seed: 1)
    let rest = composition.subjects.count - composition.testSubjects
    let all =
      try composition.answers(3 * composition.testSubjects, test: true)
      + composition.answers(3 * rest, test: false)
    #expect(Set(all.map(\.question)).count == 3 * composition.subjects.count)
    for fact in all {
      #expect(!(fact.question + fact.answer).contains { "{}=".contains($0) }, "\(fact.question)")
      #expect(fact.question.hasSuffix("?") && fact.answer.hasSuffix("."))
      #expect(Emoji.all(in: fact.question + fact.answer).isEmpty)
      #expect(fact.label == "neutral" && fact.form == nil)
      let again = Opinion(fact.document(id: "x"))
      #expect(again == fact)
    }
  }

  /// Whoever is tuned on opinions has not read of these subjects, nor in these forms.
  @Test func factsAreNoOpinions() throws {
    let topics = Set(try OpinionCompositionTests.composition().topics.map(\.name))
    let composition = FactComposition(testShare: 0.2, seed: 1)
    #expect(topics.isDisjoint(with: composition.subjects.map(\.name)))
    for fact in try composition.answers(100, test: true) {
      #expect(OpinionQuestions.match(fact.question) == nil, "\(fact.question)")
    }
  }
}
