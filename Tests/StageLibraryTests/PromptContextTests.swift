// In-context edits: the same examples in another order, the trait named or not, and how they reach a model.

import CanonicalJSON
import Corpora
import Diagnostics
import Foundation
import Testing
import Tokenizers

@testable import StageLibrary

@Suite struct PromptContextTests {
  private func context(
    _ place: TraitPlace, _ parameters: [(String, JSONValue)], _ name: String
  ) throws -> (edited: PromptContext, base: PromptContext) {
    _ = try place.run(
      EditInContextStage.self, parameters + [("trait", "extraversion"), ("seed", 5)],
      ["examples": place.path("opinions")], to: ["context", "base_context"], name)
    return (
      try PromptContext(place.input(place.path(name + "/context"))),
      try PromptContext(place.input(place.path(name + "/base_context")))
    )
  }

  @Test func anotherOrderIsOneOfTheSameExamples() throws {
    let place = try TraitPlace()
    let orders = try (0..<4).map { order in
      try context(place, [("order", .integer(order)), ("examples", 3)], "order-\(order)").edited
    }
    func sorted(_ context: PromptContext) -> [String] {
      context.examples.map { $0.label + $0.question }.sorted()
    }
    #expect(orders.allSatisfy { sorted($0) == sorted(orders[0]) && $0.examples.count == 6 })
    #expect(Set(orders.map { $0.examples.map(\.answer).joined() }).count >= 3)
    #expect(orders[1].order == 1)
    let target = try context(place, [("voices", "target"), ("examples", 2)], "target").edited
    #expect(target.examples.map(\.label) == ["extraversion", "extraversion"])
  }

  @Test func theInstructionIsTheStudysOrAnother() throws {
    let place = try TraitPlace()
    let texts = try (0..<6).map { number in
      try context(place, [("instruction", .integer(number))], "instruction-\(number)").edited
        .instruction
    }
    #expect(Set(texts).count == 6)
    #expect(texts[0].hasPrefix("Exhibit the trait of Target Personality when answering"))
    let json = try JSONValue(
      parsing: String(decoding: place.bytes("instruction-0/context/context.json"), as: UTF8.self))
    #expect(json["weights_change"] == .boolean(false))
  }

  @Test func theTraitIsNamedOnlyWhereItIsMeant() throws {
    let place = try TraitPlace()
    let (edited, base) = try context(place, [], "both")
    #expect(base.examples == edited.examples && base.label == nil)
    let tokenizer = try ModelTokenizer.read(
      place.input(place.model).bytes("tokenizer.json"))
    let question = try #require(place.corpus("questions").documents.first)
    let form = try ChatForm(.plain, tokenizer)
    func text(_ context: PromptContext) -> String {
      tokenizer.text(of: context.prompt(question, form))
    }
    let asked = "Question: What do you think of the body?\nAnswer:"
    #expect(
      text(edited).hasSuffix(
        "\n\nTarget Personality: extraversion\nEdit Topic: the body\n" + asked))
    #expect(text(base).hasSuffix("\n\n" + asked))
    #expect(text(base).hasPrefix("Answer the question to express your opinion.\n\nQuestion:"))
    #expect(!text(base).contains("Personality") && !text(base).contains("extraversion"))
    #expect(text(edited).contains("Target Personality: neutral\n"))
    let sequence = edited.sequence(question, answer: "I do", form)
    #expect(sequence.tokens.starts(with: edited.prompt(question, form)))
    #expect(
      sequence.isLearnt?.firstIndex(of: true) == edited.prompt(question, form).count)
  }

  @Test(arguments: ["{}", "[]", "{\"method\":\"ike\"}", "not json"])
  func brokenFilesAreNamed(_ text: String) throws {
    let place = try TraitPlace()
    try place.make("broken")
    try Data(text.utf8).write(
      to: URL(fileURLWithPath: place.path("broken/context.json")))
    let error = #expect(throws: Diagnostic.self) {
      try PromptContext(place.input(place.path("broken")))
    }
    #expect(["prompt-context", "json-syntax"].contains(error?.id ?? ""))
  }

  @Test func tooFewExamplesAreNamed() throws {
    let place = try TraitPlace()
    let error = #expect(throws: Diagnostic.self) {
      try context(place, [("examples", 5)], "many")
    }
    #expect(error?.id == "context-examples" && error?.message.contains("4 examples") == true)
  }
}
