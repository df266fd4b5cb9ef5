import CanonicalJSON
import Diagnostics
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

  static func mitigation(
    _ strategy: Mitigation.Strategy, round: Int = 1, seed: Int = 42, mix: Double? = nil,
    budget: Mitigation.Budget = .own
  ) -> Mitigation {
    Mitigation(
      strategy: strategy, round: round, seed: seed, preserveFraction: 0.1, mixFraction: mix,
      budget: budget, overfitEpochs: 25,
      overfitWeightDecay: 0)
  }

  @Test func generationZeroIsTheRealCorpusUnderEveryStrategy() throws {
    for strategy in Mitigation.Strategy.allCases {
      let mixed = try Self.mitigation(strategy, round: 0, mix: 0.5)
        .mix(real: Self.real, synthetic: [])
      #expect(mixed == Self.real)
    }
  }

  @Test func theNewestCorpusAloneIsLearntWithoutMitigation() throws {
    for strategy in [Mitigation.Strategy.none, .overfit] {
      let mixed = try Self.mitigation(strategy).mix(real: Self.real, synthetic: Self.written)
      #expect(mixed == Self.written[1])
    }
  }

  @Test func preserveAddsATenthDrawnAnewEachRound() throws {
    func drawn(_ round: Int, seed: Int = 42) throws -> [Document] {
      let mixed = try Self.mitigation(.preserve, round: round, seed: seed)
        .mix(real: Self.real, synthetic: Self.written)
      #expect(Array(mixed.documents.prefix(1518)) == Self.written[1].documents)
      return Array(mixed.documents.dropFirst(1518))
    }
    // 152 of 1,518, as in the study.
    let first = try drawn(1)
    #expect(first.count == 152)
    #expect(Set(first).isSubset(of: Self.real.documents))
    #expect(try drawn(1) == first)
    #expect(try drawn(2) != first)
    #expect(try drawn(1, seed: 43) != first)
    let order = first.compactMap(Self.real.documents.firstIndex)
    #expect(order == order.sorted())
  }

  @Test func accumulateKeepsEverythingInOrder() throws {
    let mixed = try Self.mitigation(.accumulate).mix(real: Self.real, synthetic: Self.written)
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
      #expect(recipe == (strategy.overfits ? #"{"epochs":25,"weight_decay":0.0}"# : "{}"))
    }
  }

  @Test func smallCorporaKeepAtLeastOneDocument() throws {
    let mixed = try Self.mitigation(.preserve).mix(
      real: Self.corpus("r", 3), synthetic: [Self.corpus("w", 3)])
    #expect(mixed.documents.count == 4)
  }

  @Test func combinationsTakeTheCorpusOfTheOneAndTheTrainingOfTheOther() throws {
    for (both, one) in [
      (Mitigation.Strategy.preserveAndOverfit, Mitigation.Strategy.preserve),
      (.accumulateAndOverfit, .accumulate),
    ] {
      let mixed = try Self.mitigation(both).mix(real: Self.real, synthetic: Self.written)
      let alone = try Self.mitigation(one).mix(real: Self.real, synthetic: Self.written)
      #expect(mixed == alone)
      #expect(Self.mitigation(both).recipe == Self.mitigation(.overfit).recipe)
    }
    #expect(
      Mitigation.Strategy.allCases.map(\.rawValue) == [
        "none", "overfit", "preserve", "accumulate", "preserve+overfit", "accumulate+overfit",
      ])
  }

  @Test func aMixFractionHoldsTheSizeAndSaysHowMuchIsReal() throws {
    func mixed(_ fraction: Double, round: Int = 1) throws -> Corpus {
      try Self.mitigation(.preserve, round: round, mix: fraction)
        .mix(real: Self.real, synthetic: [Self.written[1]])
    }
    #expect(try mixed(0) == Self.written[1])
    #expect(try mixed(1) == Self.real)
    let half = try mixed(0.25)
    #expect(half.documents.count == 1518)
    let real = half.documents.filter { $0.generation == nil }
    #expect(real.count == 380)  // 379.5, rounded away from 0
    #expect(Set(real).isSubset(of: Self.real.documents))
    let kept = half.documents.filter { $0.generation == 1 }
    #expect(half.documents == kept + real)
    #expect(Set(kept).count == 1138 && Set(kept).isSubset(of: Self.written[1].documents))
    #expect(try mixed(0.25, round: 2) != half)
    // The fraction moves nothing but how much: strategies without real documents ignore it.
    let none = try Self.mitigation(.none, mix: 0.5).mix(real: Self.real, synthetic: Self.written)
    #expect(none == Self.written[1])
    let error = #expect(throws: Diagnostic.self) {
      try Self.mitigation(.preserve, mix: 0.5).mix(
        real: Self.corpus("r", 3), synthetic: [Self.corpus("w", 10)])
    }
    #expect(error?.id == "mix-too-few")
  }

  @Test func anEqualBudgetIsWhatThePlainLoopWouldSpend() throws {
    for strategy in Mitigation.Strategy.allCases {
      let equal = Self.mitigation(strategy, budget: .equal)
      let own = Self.mitigation(strategy)
      let mixed = try own.mix(real: Self.real, synthetic: Self.written)
      #expect(try equal.mix(real: Self.real, synthetic: Self.written) == mixed)
      func documents(_ mitigation: Mitigation, _ synthetic: [Corpus]) -> Corpus {
        mitigation.budgetDocuments(mixed: mixed, real: Self.real, synthetic: synthetic)
      }
      #expect(documents(own, Self.written) == mixed)
      #expect(documents(equal, Self.written) == Self.written[1])
      #expect(documents(equal, []) == Self.real)
      #expect(equal.recipe["epochs"] == nil)
      #expect(equal.recipe["weight_decay"] == own.recipe["weight_decay"])
      #expect((equal.recipe["budget"] == "equal") == (strategy != .none))
    }
  }

  @Test func aSampleHasTheSizeOfTheNewestCorpusAndItsStrategysEpochs() throws {
    for strategy in Mitigation.Strategy.allCases {
      let whole = try Self.mitigation(strategy, round: 2)
        .mix(real: Self.real, synthetic: Self.written)
      func sample(_ round: Int) throws -> Corpus {
        try Self.mitigation(strategy, round: round, budget: .sample)
          .mix(real: Self.real, synthetic: Self.written)
      }
      let drawn = try sample(2)
      #expect(drawn.documents.count == Self.written[1].documents.count)
      let grows = strategy.accumulates || strategy.preserves
      #expect(try (sample(3).documents == drawn.documents) == !grows)
      #expect((drawn == whole) == !grows)
      let texts = Set(whole.documents.map(\.id))
      #expect(drawn.documents.allSatisfy { texts.contains($0.id) })
      let mitigation = Self.mitigation(strategy, budget: .sample)
      #expect(mitigation.recipe == Self.mitigation(strategy).recipe)
      #expect(
        mitigation.budgetDocuments(mixed: drawn, real: Self.real, synthetic: Self.written) == drawn)
      #expect(try mitigation.mix(real: Self.real, synthetic: []) == Self.real)
    }
  }
}
