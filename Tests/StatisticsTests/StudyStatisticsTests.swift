import Randomness
import Statistics
import Testing

@Suite struct StudyStatisticsTests {
  private typealias R = StudyReference

  private func close(_ value: Double, _ expected: Double, _ tolerance: Double = 1e-8) -> Bool {
    abs(value - expected) <= tolerance * max(1, abs(expected))
  }

  @Test(arguments: [1, 3]) func neweyWestEqualsStatsmodels(_ lags: Int) throws {
    let expected = lags == 1 ? R.neweyWest1 : R.neweyWest3
    let fit = try #require(LeastSquares(R.y, on: [R.x, R.z], chains: [22], lags: lags))
    for index in 0..<3 {
      #expect(close(fit.coefficients[index], expected[index]))
      #expect(close(fit.standardErrors[index], expected[3 + index]))
      #expect(close(fit.p(index), expected[6 + index]))
    }
  }

  @Test func lagsStopAtChainBorders() throws {
    let fit = try #require(LeastSquares(R.y, on: [R.x, R.z], chains: [11, 11], lags: 1))
    for index in 0..<3 { #expect(close(fit.standardErrors[index], R.twoChainErrors[index])) }
  }

  @Test func dependentColumnsHaveNoFit() {
    #expect(LeastSquares(R.y, on: [R.x, R.x.map { 2 * $0 }], chains: [22], lags: 1) == nil)
    #expect(LeastSquares([1, 2], on: [[0, 1]], chains: [2], lags: 0) == nil)
  }

  @Test func pearsonEqualsSciPy() throws {
    let correlation = try #require(Correlation(R.x, R.y))
    #expect(close(correlation.r, R.pearson[0]))
    #expect(close(correlation.p, R.pearson[1]))
    #expect(Correlation([1, 1, 1], [1, 2, 3]) == nil)
  }

  @Test func adjustedValuesEqualStatsmodels() {
    for (ours, theirs) in [
      (MultipleTesting.holm(R.pValues), R.holm),
      (MultipleTesting.benjaminiHochberg(R.pValues), R.benjaminiHochberg),
      (MultipleTesting.bonferroni(R.pValues), R.bonferroni),
    ] {
      for (a, b) in zip(ours, theirs) { #expect(close(a, b)) }
    }
  }

  /// The study's own sets: 3,243 and 1,033 of 9,216, 389 in both.
  @Test func overlapOfChanceEqualsSciPy() {
    let overlap = Hypergeometric(population: 9216, first: 3243, second: 1033)
    #expect(close(overlap.mean, 363.5, 1e-4))
    #expect(close(overlap.tail(atLeast: 389), R.overlapTails[0]))
    #expect(close(overlap.tail(atMost: 389), R.overlapTails[1]))
    #expect(close(overlap.probability(389), R.overlapTails[2]))
    #expect(close(overlap.tail(atLeast: 400), R.overlapTails[3]))
    let small = Hypergeometric(population: 5, first: 4, second: 4)
    #expect(small.probability(2) == 0)
    #expect(close(small.tail(atLeast: 0), 1))
  }

  @Test func kappaEqualsStatsmodels() throws {
    let kappa = try #require(cohensKappa(R.firstJudge, R.secondJudge, classes: 3))
    #expect(close(kappa, R.kappa[0]))
    #expect(cohensKappa([0, 0], [0, 0], classes: 3) == nil)
  }

  @Test func signFlipsCountAllPatterns() throws {
    let random = RandomStream(seed: 1, name: "sign-flip-tests")
    let test = try #require(SignFlipTest(R.differences, random: random))
    #expect(test.isExact)
    #expect(close(test.p, R.signFlipP[0]))
    #expect(try #require(SignFlipTest([1, 1, 1, 1, 1, 1], random: random)).p == 2.0 / 64)
  }

  /// Under the hypothesis p is uniform: 5 % of many sets lie below 0.05.
  @Test func drawnSignFlipsAreCalibrated() throws {
    var stream = RandomStream(seed: 4, name: "sign-flip-calibration")
    var below = 0
    for round in 0..<400 {
      let values = (0..<20).map { _ in stream.normal() }
      let test = try #require(
        SignFlipTest(values, draws: 500, random: RandomStream(seed: round, name: "flip")))
      #expect(!test.isExact)
      if test.p < 0.05 { below += 1 }
    }
    // 20 expected; the binomial standard deviation is 4.4.
    #expect((5...38).contains(below))
  }

  @Test func equivalenceEqualsTwoOneSidedTests() throws {
    let test = try #require(EquivalenceTest(R.equivalenceValues, target: 0, margin: 0.01))
    #expect(close(test.p, R.equivalenceP[0]))
    #expect(test.isWithin() == (test.interval.low > -0.01 && test.interval.high < 0.01))
    #expect(EquivalenceTest([1], target: 1, margin: 0.1) == nil)
    #expect(try #require(EquivalenceTest([1, 1], target: 1, margin: 0.1)).p == 0)
  }
}
