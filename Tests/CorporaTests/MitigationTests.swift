import CanonicalJSON
import Testing

@testable import Corpora

@Suite struct MitigationTests {
  static func corpus(_ name: String, _ count: Int, generation: Int? = nil) -> Corpus {
    Corpus(
      documents: (0..<count).map {
        Document(id: "\(name)\($0)", text: "\(name) \($0)", label: "left", generation: generation)
      }, facts: .init(origins: [name]))
  }

  static let real = corpus("real-", 1518)
  static let written = [
    corpus("real-", 1518, generation: 0), corpus("w1-", 1518, generation: 1),
  ]

  static func mitigation(_ strategy: Mitigation.Strategy, round: Int = 1, seed: Int = 42)
    -> Mitigation
  {
    Mitigation(
      strategy: strategy, round: round, seed: seed, preserveFraction: 0.1, overfitEpochs: 25,
      overfitWeightDecay: 0)
  }

  @Test func generationZeroIsTheRealCorpusUnderEveryStrategy() {
    for strategy in Mitigation.Strategy.allCases {
      #expect(Self.mitigation(strategy, round: 0).mix(real: Self.real, synthetic: []) == Self.real)
    }
  }

  @Test func theNewestCorpusAloneIsLearntWithoutMitigation() {
    for strategy in [Mitigation.Strategy.none, .overfit] {
      let mixed = Self.mitigation(strategy).mix(real: Self.real, synthetic: Self.written)
      #expect(mixed == Self.written[1])
    }
  }

  @Test func preserveAddsATenthDrawnAnewEachRound() {
    func drawn(_ round: Int, seed: Int = 42) -> [Document] {
      let mixed = Self.mitigation(.preserve, round: round, seed: seed)
        .mix(real: Self.real, synthetic: Self.written)
      #expect(Array(mixed.documents.prefix(1518)) == Self.written[1].documents)
      return Array(mixed.documents.dropFirst(1518))
    }
    // 152 of 1,518, as in the study.
    #expect(drawn(1).count == 152)
    #expect(Set(drawn(1)).isSubset(of: Self.real.documents))
    #expect(drawn(1) == drawn(1))
    #expect(drawn(1) != drawn(2))
    #expect(drawn(1) != drawn(1, seed: 43))
    let order = drawn(1).compactMap(Self.real.documents.firstIndex)
    #expect(order == order.sorted())
  }

  @Test func accumulateKeepsEverythingInOrder() {
    let mixed = Self.mitigation(.accumulate).mix(real: Self.real, synthetic: Self.written)
    #expect(mixed.documents.count == 3 * 1518)
    #expect(
      mixed.documents.map(\.text)
        == (Self.real.documents + Self.written[0].documents + Self.written[1].documents).map(\.text)
    )
    // The first written corpus has the real ids: they are kept apart.
    #expect(Set(mixed.documents.map(\.id)).count == 3 * 1518)
    #expect(mixed.documents[1518].id == "real-0~2")
    #expect(mixed.facts.origins == ["real-", "w1-"])
  }

  @Test func onlyOverfitChangesTheTraining() {
    for strategy in Mitigation.Strategy.allCases {
      let recipe = Self.mitigation(strategy, round: 0).recipe.canonicalText
      #expect(recipe == (strategy == .overfit ? #"{"epochs":25,"weight_decay":0.0}"# : "{}"))
    }
  }

  @Test func smallCorporaKeepAtLeastOneDocument() {
    let mixed = Self.mitigation(.preserve).mix(
      real: Self.corpus("r", 3), synthetic: [Self.corpus("w", 3)])
    #expect(mixed.documents.count == 4)
  }
}
