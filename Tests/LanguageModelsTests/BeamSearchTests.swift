// Beam search against transformers, and what it promises whatever the model.

import CanonicalJSON
import Diagnostics
import Foundation
import Testing

@testable import LanguageModels

@Suite(.serialized) struct BeamSearchTests {
  static let cases: [JSONValue] = {
    let bytes = try! [UInt8](Data(contentsOf: fixtureURL("beam-search.json")))
    let json = try! bytes.withUnsafeBufferPointer { try JSONValue(parsing: $0) }
    return json["cases"]!.array!
  }()

  private func integers(_ value: JSONValue?) -> [Int32] {
    value!.array!.map { Int32($0.integer!) }
  }

  private func search(_ value: JSONValue) -> BeamSearch {
    BeamSearch(
      beams: 4, lengthPenalty: value["penalty"]!.double!,
      earlyStopping: ["True": .whenFull, "False": .whenUnlikely, "never": .never][
        value["early"]!.string!]!,
      repetitionPenalty: value["repetition"]!.double!, stopTokens: Set(integers(value["stops"])),
      returned: 4)
  }

  private func request(_ value: JSONValue) -> GenerationRequest {
    GenerationRequest(
      prompt: integers(value["prompt"]), length: value["length"]!.integer!, stream: "")
  }

  /// Tokens, order, ends and scores of all four hypotheses.
  @Test func findsWhatTransformersFinds() throws {
    let generator = Generator(try formulaModel(), batch: 4)
    var stopped = 0
    for value in Self.cases {
      let found = try generator.search([request(value)], search(value))[0]
      let expected = value["hypotheses"]!.array!.map { $0.array! }
      let name = "\(search(value)) behind \(request(value).prompt)"
      #expect(found.map(\.tokens) == expected.map { integers($0[0]) }, "\(name)")
      for (hypothesis, reference) in zip(found, expected) {
        #expect(hypothesis.isStopped == (reference[1] == .boolean(true)), "\(name)")
        let score = reference[2].double!
        #expect(abs(hypothesis.score - score) <= 2e-5 * max(1, abs(score)), "\(name)")
      }
      stopped += found.filter(\.isStopped).count
    }
    #expect(Self.cases.count >= 60 && stopped >= 100)
  }

  @Test func promptsSearchedTogetherFindTheSameBits() throws {
    let model = try formulaModel()
    for value in Self.cases[..<6] + Self.cases[36..<40] {
      let requests = Self.cases[..<7].map(request)
      let alone = try withThreads(1) {
        try requests.map { try Generator(model, batch: 4).search([$0], search(value))[0] }
      }
      for batch in [8, 13, 64] {
        let together = try withThreads(2) {
          try Generator(model, batch: batch).search(requests, search(value))
        }
        #expect(together == alone)
      }
    }
  }

  @Test func oneBeamIsGreedy() throws {
    let model = try formulaModel()
    let requests = Self.cases[..<3].map(request)
    let generator = Generator(model, batch: 3)
    let greedy = try generator.run(requests, .greedy())
    let found = try generator.search(requests, BeamSearch(beams: 1))
    #expect(found.map { $0[0].tokens } == greedy.map(\.tokens))
  }

  /// What has ended is told at once, so that a stop loses no more than what runs.
  @Test func searchesAreToldAsTheyEnd() throws {
    let model = try formulaModel()
    let requests = Self.cases[..<3].map(request)
    let all = try Generator(model, batch: 4).search(requests, BeamSearch(beams: 4))
    var told: [Int] = []
    let thrown = #expect(throws: Diagnostic.self) {
      try Generator(model, batch: 4).search(requests, BeamSearch(beams: 4)) {
        (number, found) throws(Diagnostic) in
        #expect(found == all[number])
        told.append(number)
        if told.count == 2 { throw Diagnostic("enough", "", help: "", consequence: .stageFailed) }
      }
    }
    #expect(thrown?.id == "enough")
    #expect(told == [0, 1])
  }

  @Test func beamsThatDoNotFitAreRefused() throws {
    let model = try formulaModel()
    let requests = Self.cases[..<1].map(request)
    for (batch, beams) in [(2, 3), (4096, 4096)] {
      let thrown = #expect(throws: Diagnostic.self) {
        try Generator(model, batch: batch).search(requests, BeamSearch(beams: beams))
      }
      #expect(thrown?.id == "beams")
    }
  }
}
