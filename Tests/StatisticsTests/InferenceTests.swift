import Randomness
import Testing

@testable import Statistics

private func close(_ a: [Double], _ b: [Double], _ tolerance: Double = 1e-8) -> Bool {
  a.count == b.count && zip(a, b).allSatisfy { abs($0 - $1) <= tolerance * max(1, abs($1)) }
}

@Suite struct DetectableEffectTests {
  @Test func powerIsThatOfTheNoncentralT() {
    let power = InferenceReference.counts.flatMap { count in
      InferenceReference.effects.map {
        DetectableEffect.power(effect: $0, count: Int(count))
      }
    }
    #expect(close(power, InferenceReference.power))
  }

  @Test func smallestEffectIsThatOfStatsmodels() {
    let found = [3, 6, 10, 40].flatMap { count in
      [0.05, 0.005].map { DetectableEffect.smallest(count: count, level: $0) }
    }
    // statsmodels searches to about 1e-8 itself.
    #expect(close(found, InferenceReference.detectable, 1e-6))
    #expect(abs(DetectableEffect.power(effect: found[2], count: 6) - 0.8) < 1e-10)
  }
}

@Suite struct ChiSquareTests {
  @Test func tailIsThatOfSciPy() {
    let tails = [1, 2, 3, 8, 40].flatMap { degrees in
      InferenceReference.chiSquareX.map { ChiSquare.tail($0, degrees: degrees) }
    }
    #expect(close(tails, InferenceReference.chiSquareTails, 1e-12))
    #expect(ChiSquare.tail(-1, degrees: 2) == 1)
  }

  @Test func evenCountsAreTestedAsSciPyDoes() throws {
    let test = try #require(ChiSquare.uniform([8, 72, 70]))
    #expect(close([test.statistic, test.p], InferenceReference.uniform, 1e-12))
    #expect(ChiSquare.uniform([3]) == nil && ChiSquare.uniform([0, 0]) == nil)
  }
}

@Suite struct MisclassificationCorrectionTests {
  static let confusion: [[Double]] = [[80, 15, 5], [10, 70, 20], [6, 14, 80]]

  @Test func turnsObservedSharesBackIntoTrueOnes() throws {
    let correction = try #require(MisclassificationCorrection(confusion: Self.confusion))
    #expect(close([correction.conditionNumber], InferenceReference.conditionNumber, 1e-12))
    #expect(close(correction.shares(InferenceReference.observed), [0.2, 0.3, 0.5], 1e-12))
    #expect(close(correction.shares([0.07, 0.3, 0.63]), InferenceReference.clipped, 1e-12))
    let clipped = correction.shares([0, 0, 1])
    #expect(clipped.allSatisfy { $0 >= 0 } && abs(clipped.reduce(0, +) - 1) < 1e-12)
  }

  @Test func aJudgeThatNeverErrsChangesNothing() throws {
    let correction = try #require(
      MisclassificationCorrection(confusion: [[9, 0], [0, 3]]))
    #expect(correction.conditionNumber == 1)
    #expect(correction.shares([0.25, 0.75]) == [0.25, 0.75])
  }

  @Test func aJudgeThatSaysNothingHasNoCorrection() {
    #expect(MisclassificationCorrection(confusion: [[5, 5], [7, 7]]) == nil)
    #expect(MisclassificationCorrection(confusion: [[5, 5], [0, 0]]) == nil)
    #expect(MisclassificationCorrection(confusion: []) == nil)
  }
}

@Suite struct JointSignFlipTests {
  private static let stream = RandomStream(seed: 1, name: "joint")

  @Test func oneClaimIsTheSignFlipTest() throws {
    let values = [0.4, -0.1, 0.7, 0.3, 0.2, 0.9]
    let joint = JointSignFlip([values], random: Self.stream)
    #expect(joint.isExact)
    #expect(try joint.adjusted == [#require(SignFlipTest(values, random: Self.stream)).p])
  }

  /// Six unanimous chains carry several claims at once, which Holm's bound cannot.
  @Test func sixChainsCanCarrySeveralClaims() {
    let claims = (1...4).map { claim in
      (1...6).map { Double($0 * claim % 7) / 10 + 0.5 as Double? }
    }
    let adjusted = JointSignFlip(claims, random: Self.stream).adjusted
    #expect(adjusted.allSatisfy { $0 == 2 / 64 })
    #expect(MultipleTesting.holm([2 / 64.0, 2 / 64, 2 / 64, 2 / 64]).allSatisfy { $0 > 0.05 })
  }

  @Test func adjustedValuesAreOrderedAndNeverSmallerThanAlone() throws {
    let claims: [[Double?]] = [
      [0.5, 0.4, 0.6, 0.5, 0.7, 0.3], [0.1, -0.2, 0.3, nil, 0.2, 0.1],
      [-0.1, 0.1, -0.2, 0.2, 0.1, -0.1],
    ]
    let adjusted = JointSignFlip(claims, random: Self.stream).adjusted
    #expect(adjusted == adjusted.sorted())
    for (claim, p) in zip(claims, adjusted) {
      let alone = try #require(SignFlipTest(claim.compactMap { $0 }, random: Self.stream)).p
      #expect(p >= alone - 1e-12)
    }
    #expect(JointSignFlip([[nil, nil]], random: Self.stream).adjusted == [1])
  }

  /// Five claims without any effect, dependent through their chains: some claim is called clear in at
  /// most 5 % of 1,500 studies (three standard errors above: 6.7 %).
  @Test func anyFalseClaimIsRare() {
    var random = RandomStream(seed: 4, name: "size")
    var falseStudies = 0
    for _ in 0..<1500 {
      let shared = (0..<7).map { _ in random.normal() }
      let claims = (0..<5).map { _ in shared.map { 0.6 * $0 + random.normal() as Double? } }
      if JointSignFlip(claims, random: random).adjusted.contains(where: { $0 < 0.05 }) {
        falseStudies += 1
      }
    }
    #expect(falseStudies <= 100, "\(falseStudies) of 1500")
    #expect(falseStudies > 20, "a test that never rejects would pass: \(falseStudies)")
  }

  /// The size of one sign-flip test over eight chains of heavy-tailed, symmetric values.
  @Test func oneTestKeepsItsLevel() throws {
    var random = RandomStream(seed: 5, name: "size-one")
    var rejected = 0
    for _ in 0..<3000 {
      let values = (0..<8).map { _ in
        let z = random.normal()
        return z * z * z
      }
      if try #require(SignFlipTest(values, random: random)).p < 0.05 { rejected += 1 }
    }
    // p takes steps of 2/2⁸, so the true size is 12/256 = 4.7 %.
    #expect((100...182).contains(rejected), "\(rejected) of 3000")
  }
}
