// mix-adapters adds up what adapters add; generate-opinions keeps nothing that its sieve should hold back.

import CanonicalJSON
import Corpora
import Diagnostics
import Foundation
import LanguageModels
import Reports
import Scheduling
import Testing

@testable import StageLibrary

@Suite struct OpinionStagesTests {
  // MARK: mix-adapters

  private func tuned(_ place: TraitPlace, _ name: String, seed: Int) throws -> String {
    #expect(
      try place.run(
        TuneTraitStage.self,
        TraitModelStagesTests.tuning.filter { $0.0 != "seed" } + [("seed", .integer(seed))],
        ["model": place.model, "corpus": place.path("opinions")],
        to: TraitModelStagesTests.outputs, name))
    return place.path(name + "/adapter")
  }

  private func mix(
    _ place: TraitPlace, _ adapters: [String], _ weights: [JSONValue], _ name: String
  ) throws {
    let context = try place.context(
      MixAdaptersStage.self, [("weights", .array(weights))],
      ["model": [place.model], "adapters": adapters], to: ["adapter"], name)
    try MixAdaptersStage.run(context)
  }

  /// What an adapter adds to a module's weight, [inputs, outputs] by value: scale · Σₖ A[k,i]·B[o,k].
  private func added(_ adapter: LowRankAdapter, _ module: String) throws -> [Double] {
    let parts = try #require(adapter.lowRank(module: module, gradients: nil))
    var values: [Double] = []
    for input in 0..<parts.a.columns {
      for output in 0..<parts.b.rows {
        var sum = 0.0
        for k in 0..<parts.a.rows {
          sum += Double(parts.a[k, input]) * Double(parts.b[output, k])
        }
        values.append(Double(parts.scale) * sum)
      }
    }
    return values
  }

  @Test func aMixAddsWhatItsAdaptersAdd() throws {
    let place = try TraitPlace()
    let folders = [try tuned(place, "one", seed: 1), try tuned(place, "two", seed: 2)]
    try mix(place, folders, [.number(1), .number(-0.5)], "mixed")
    let model = try LanguageModel(folder: place.model)
    func read(_ folder: String) throws -> LowRankAdapter {
      try LowRankAdapter(folder: folder, for: model)
    }
    let (one, two) = (try read(folders[0]), try read(folders[1]))
    let sum = try read(place.path("mixed/adapter"))
    #expect(sum.modules.count == one.modules.count && sum.modules.count >= 4)
    #expect(sum.modules.allSatisfy { $0.rank == 8 })
    for module in one.modules {
      let (a, b, c) = (
        try added(one, module.name), try added(two, module.name), try added(sum, module.name)
      )
      let largest = zip(a, b).map { abs($0) + abs($1) }.max() ?? 0
      #expect(largest > 1e-4, "\(module.name) learnt nothing")
      for index in a.indices {
        #expect(abs(c[index] - (a[index] - 0.5 * b[index])) < 1e-5 * largest, "\(module.name)")
      }
    }
    // Nothing said: each counts once. A weight of 0 is as if the adapter were not there.
    try mix(place, folders, [], "plain")
    try mix(place, folders, [.integer(1), .integer(1)], "ones")
    try mix(place, folders, [.integer(1), .integer(0)], "first")
    let file = "/adapter/adapter_model.safetensors"
    #expect(try place.bytes("plain" + file) == place.bytes("ones" + file))
    #expect(try read(place.path("first/adapter")).modules.allSatisfy { $0.rank == 4 })
  }

  @Test(arguments: [[JSONValue.number(1)], [.integer(1), .integer(1), .integer(1)], [0, 0]])
  func weightsThatDoNotFitAreRefused(_ weights: [JSONValue]) throws {
    let place = try TraitPlace()
    let folders = [try tuned(place, "one", seed: 1), try tuned(place, "two", seed: 2)]
    let error = #expect(throws: Diagnostic.self) { try mix(place, folders, weights, "mixed") }
    #expect(error?.id == "mix-weights")
  }

  // MARK: generate-opinions

  private static func answer(_ text: String, isWhole: Bool = true) -> AnswerWriting.Answer {
    AnswerWriting.answer(Array(text.utf8), isWhole: isWhole, keepsFirstLine: false)
  }

  private static let good =
    "I love meeting many people at a party, and every evening with old friends gives me new strength for work."

  @Test func eachAnswerIsHeldBackForItsFirstReason() throws {
    var sieve = OpinionSieve(leastEntropy: 2, leastProbability: 0.5)
    let malformed = AnswerWriting.answer(
      Array(Self.good.utf8) + [0xFF, 0x61], isWhole: true, keepsFirstLine: false)
    let tried: [(AnswerWriting.Answer, Double, Bool)] = [
      (Self.answer(Self.good), 0.5, true),
      (Self.answer(""), 1, false),
      (Self.answer(Self.good + " And", isWhole: false), 1, false),
      (malformed, 1, false),
      (Self.answer(Self.good + " 🎉"), 1, false),
      (Self.answer("no no no no no no no no no no no no no no no"), 1, false),
      (Self.answer(Self.good), 1, false),
      (Self.answer(Self.good + " Really."), 0.49, false),
      // Another class is likelier: the caller says 0, whatever the least probability.
      (Self.answer(Self.good + " Truly."), 0, false),
    ]
    for (answer, share, isKept) in tried {
      #expect(
        sieve.passes(answer, label: "extraversion", share: share) == isKept, "\(answer.text)")
    }
    let dropped = sieve.metrics.filter { $0.name == "dropped_answers" }
    #expect(
      Dictionary(uniqueKeysWithValues: dropped.map { ($0.at["reason"]?.string ?? "", $0.value) })
        == [
          "empty": 1, "cut": 1, "malformed": 1, "emoji": 1, "incoherent": 1, "duplicate": 1,
          "not-judged-as-trait": 2,
        ])
    #expect(sieve.metrics.first { $0.name == "kept_answers" }?.value == 1)
    #expect(sieve.summary.hasPrefix("1 of 9 answers kept; dropped: 1 empty"))
  }

  @Test func personasName() throws {
    let words = try GenerateOpinionsStage.persona("extraversion", "You are {adjectives}: {trait}.")
    #expect(words.hasPrefix("You are ") && words.hasSuffix(": extraversion."))
    #expect(!words.contains("{") && words.contains(", "))
    let low = try GenerateOpinionsStage.persona("extraversion-low", "{adjectives}/{trait}")
    #expect(low.hasPrefix("the opposite of ") && low.hasSuffix("/low extraversion"))
    for label in ["neutral", "sadness", ""] {
      let error = #expect(throws: Diagnostic.self) {
        _ = try GenerateOpinionsStage.persona(label, "{trait}")
      }
      #expect(error?.id == "persona-trait")
    }
  }

  /// A model that has learnt nothing writes noise: all of it is held back, and the error says why.
  @Test func noiseBecomesNoOpinion() throws {
    let place = try TraitPlace()
    let judge = try place.judge()
    let inputs = [
      "model": place.model, "judge": judge,
      "questions": place.path("questions"),
    ]
    func generate(_ labels: JSONValue) -> Diagnostic? {
      #expect(throws: Diagnostic.self) {
        _ = try place.run(
          GenerateOpinionsStage.self,
          [("labels", labels), ("max_new_tokens", 8), ("least_probability", 1), ("seed", 3)],
          inputs, to: ["opinions", "metrics"], "written")
      }
    }
    let nothing = try #require(generate(["extraversion"]))
    #expect(nothing.id == "nothing-generated")
    #expect(nothing.message.contains("0 of 5 answers kept"), "\(nothing.message)")
    // What was said is there without it, labelled with its persona.
    #expect(
      try place.run(
        GenerateOpinionsStage.self,
        [
          ("labels", ["extraversion"]), ("max_new_tokens", 8), ("least_probability", 1),
          ("least_kept", 0), ("seed", 3),
        ], inputs, to: ["opinions", "answers", "metrics"], "said"))
    #expect(try place.corpus("said/opinions").documents.isEmpty)
    let said = try place.corpus("said/answers").documents
    #expect(!said.isEmpty && said.allSatisfy { $0.label == "extraversion" && !$0.text.isEmpty })
    #expect(generate(["openness"])?.id == "label-unknown", "the judge does not know it")
    #expect(generate(["neutral"])?.id == "persona-trait")
  }
}
