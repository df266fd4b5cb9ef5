import Randomness
import Testing

@testable import ModelAnalysis

@Suite struct AblationContrastTests {
  private func randomSets(_ count: Int, _ random: inout RandomStream) -> [AblationChange] {
    (0..<count).map { _ in
      AblationChange(bias: 0.02 * random.normal(), quality: 0.3 * random.normal())
    }
  }

  private func model(
    bias: AblationChange, quality: AblationChange, count: Int = 20, seed: Int
  ) -> AblatedModel {
    var random = RandomStream(seed: seed, name: "ablations")
    return AblatedModel(
      name: "\(seed)", biasOnly: bias, qualityOnly: quality,
      randomForBias: randomSets(count, &random), randomForQuality: randomSets(count, &random))
  }

  private let random = RandomStream(seed: 1, name: "exchange")

  @Test func doubleDissociationIsSeen() throws {
    let result = try #require(
      DoubleDissociation(
        [
          model(
            bias: .init(bias: -0.12, quality: 0.1), quality: .init(bias: 0.01, quality: 1.9),
            seed: 1)
        ], random: random))
    #expect(result.p < 0.01 && result.biasContrast > 2 && result.qualityContrast > 2)
    #expect(result.interval.low > 0 && result.isExact && result.exchanges == 441)
    #expect(result.biasContrastP == 1.0 / 21 && result.betweenModels == nil)
    #expect(abs(result.interaction - result.biasContrast - result.qualityContrast) < 1e-12)
  }

  /// Units that move both scores, however strongly, are no dissociation; swapped sets are its reverse.
  @Test func strongUnitsAreNoDissociation() throws {
    let strong = AblationChange(bias: 0.12, quality: 1.8)
    let both = try #require(
      DoubleDissociation([model(bias: strong, quality: strong, seed: 2)], random: random))
    #expect(both.p > 0.05)
    let swapped = try #require(
      DoubleDissociation(
        [
          model(
            bias: .init(bias: 0, quality: 1.9), quality: .init(bias: -0.12, quality: 0), seed: 3)
        ], random: random))
    #expect(swapped.interval.high < 0 && swapped.p > 0.9)
  }

  /// Random sets in the place of named ones: p is uniform, so 5 % lie below 0.05.
  @Test func randomSetsAreCalibrated() throws {
    var stream = RandomStream(seed: 7, name: "named")
    var below = 0
    for round in 0..<400 {
      let named = randomSets(2, &stream)
      let result = try #require(
        DoubleDissociation([model(bias: named[0], quality: named[1], seed: round)], random: random))
      if result.p <= 0.05 { below += 1 }
    }
    // 20 expected; the binomial standard deviation is 4.4.
    #expect((7...36).contains(below), "\(below)")
  }

  @Test func severalModelsAreTakenTogether() throws {
    let models = (0..<6).map {
      model(
        bias: .init(bias: -0.05, quality: 0.1), quality: .init(bias: 0.01, quality: 0.7), seed: $0)
    }
    let result = try #require(DoubleDissociation(models, random: random))
    #expect(!result.isExact && result.parts.count == 6)
    #expect(try #require(result.betweenModels).low > 0 && result.p < 0.01)
    #expect(DoubleDissociation(models, random: random) == result)
  }

  @Test func scoresWithoutSpreadHaveNoEffect() {
    let still = AblationChange(bias: 0, quality: 0.1)
    let flat = AblatedModel(
      name: "", biasOnly: still, qualityOnly: still,
      randomForBias: .init(repeating: still, count: 5),
      randomForQuality: .init(repeating: still, count: 5))
    #expect(DoubleDissociation([flat], random: random) == nil)
    #expect(DoubleDissociation([], random: random) == nil)
    #expect(
      DoubleDissociation([model(bias: still, quality: still, count: 1, seed: 1)], random: random)
        == nil)
  }
}
