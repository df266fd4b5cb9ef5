import Foundation
import Randomness
import Statistics
import Testing

@testable import Estimation

@Suite struct EstimationChainTests {
  private func setting(
    _ weights: EstimationSetting.Weights, draws: Int?, generations: Int = 4,
    truth: EstimationSetting.Truth = .beta, fitted: EstimationSetting.Fitted = .right
  ) -> EstimationSetting {
    EstimationSetting(
      truth: truth, fitted: fitted, weights: weights, draws: draws, generations: generations)
  }

  private func parameters(_ density: Density) -> (a: Double, b: Double) {
    guard case .beta(let a, let b) = density else {
      Issue.record("\(density) is no beta density")
      return (0, 0)
    }
    return (a, b)
  }

  @Test(arguments: EstimationSetting.Weights.allCases)
  func infinitelyManyDrawsFollowTheClosedForm(_ weights: EstimationSetting.Weights) {
    // By then the density is 300 times narrower than its support.
    let setting = setting(weights, draws: nil, generations: 16)
    let chain = setting.chain(seed: 1, replicate: 0)
    for row in chain.generations {
      let (a, b) = parameters(row.fit.density)
      let (exactA, exactB) = parameters(setting.closedForm(generation: row.generation)!)
      #expect(row.fit.hasConverged && row.fit.residual < 1e-6)
      #expect(abs(a / exactA - 1) < 1e-6, "generation \(row.generation): a \(a), not \(exactA)")
      #expect(abs(b / exactB - 1) < 1e-6, "generation \(row.generation): b \(b), not \(exactB)")
    }
  }

  @Test(arguments: [EstimationSetting.Weights.previous, .pretrained])
  func drawsFollowItWithinTheirErrors(_ weights: EstimationSetting.Weights) {
    let setting = setting(weights, draws: 10_000, generations: 2)
    let chains = (0..<20).map { setting.chain(seed: 3, replicate: $0).generations }
    for generation in 0...2 {
      let means = SampleSummary(chains.map { $0[generation].fit.density.mean })
      let exact = setting.closedForm(generation: generation)!.mean
      #expect(abs(means.mean - exact) < 3 * means.standardError!)
    }
  }

  @Test func weightsAmplifyAndPlainLikelihoodDoesNot() throws {
    func last(_ weights: EstimationSetting.Weights) -> [Double] {
      let setting = setting(weights, draws: 1000, generations: 3)
      return (0..<12).map { setting.chain(seed: 5, replicate: $0).generations[3].fit.density.mean }
    }
    #expect(try #require(EquivalenceTest(last(.none), target: 0.5, margin: 0.02)).isWithin())
    #expect(try #require(EquivalenceTest(last(.unbiased), target: 0.5, margin: 0.02)).isWithin())
    #expect(!(try #require(EquivalenceTest(last(.previous), target: 0.5, margin: 0.02)).isWithin()))
    #expect(SampleSummary(last(.previous)).mean > 0.58)
  }

  @Test func replicatesDifferAndRepeat() {
    let setting = setting(.previous, draws: 200, generations: 2)
    let one = setting.chain(seed: 1, replicate: 0).generations
    #expect(one == setting.chain(seed: 1, replicate: 0).generations)
    #expect(one != setting.chain(seed: 1, replicate: 1).generations)
    #expect(one != setting.chain(seed: 2, replicate: 0).generations)
    #expect(one[0].effectiveDraws! < 200)
  }

  @Test(arguments: [nil, 2000] as [Int?])
  func mixturesAndWrongFamiliesConverge(_ draws: Int?) {
    for truth in EstimationSetting.Truth.allCases {
      for fitted in EstimationSetting.Fitted.allCases {
        for weights in EstimationSetting.Weights.allCases {
          let setting = setting(
            weights, draws: draws, generations: 2, truth: truth, fitted: fitted)
          for row in setting.chain(seed: 2, replicate: 0).generations {
            #expect(row.fit.hasConverged, "\(setting), generation \(row.generation)")
            #expect(row.fit.density.mean.isFinite && row.fit.density.variance > 0)
          }
        }
      }
    }
  }

  /// One normal density with itself as weight keeps its mean; its variance halves.
  @Test func oneNormalForTwoStaysWhereItIs() {
    let setting = setting(
      .previous, draws: nil, generations: 6, truth: .gaussianMixture, fitted: .wrong)
    let rows = setting.chain(seed: 1, replicate: 0).generations.map(\.fit.density)
    for (before, after) in zip(rows, rows.dropFirst()) {
      #expect(abs(after.mean - before.mean) < 1e-9)
      #expect(abs(after.variance / before.variance - 0.5) < 1e-9)
    }
    #expect(rows[0].mean > 0.05)
  }

  /// Without weights and without draws nothing moves, whatever the family, once it has been fitted.
  @Test func plainLikelihoodIsAFixedPoint() {
    for truth in EstimationSetting.Truth.allCases {
      for fitted in EstimationSetting.Fitted.allCases {
        let rows = setting(.none, draws: nil, generations: 4, truth: truth, fitted: fitted)
          .chain(seed: 1, replicate: 0).generations.map(\.fit.density)
        for row in rows {
          #expect(abs(row.mean - rows[0].mean) < 1e-5, "\(truth), \(fitted)")
          #expect(abs(row.variance / rows[0].variance - 1) < 1e-4)
        }
      }
    }
  }

  @Test func aMixtureIsFoundAgain() {
    let setting = setting(.none, draws: nil, generations: 1, truth: .gaussianMixture)
    guard case .mixture(let found) = setting.chain(seed: 1, replicate: 0).pretrained.density
    else {
      Issue.record("no mixture")
      return
    }
    #expect(abs(found.rightShare - 0.6) < 1e-5)
    #expect(abs(found.leftMean + 1) < 1e-5 && abs(found.rightDeviation - 0.5) < 1e-5)
  }
}

@Suite struct DensityTests {
  /// SciPy 1.17: scipy.special.digamma, polygamma(1, ·).
  @Test func derivativesOfTheGammaFunction() {
    for (x, first, second) in [
      (0.1, -10.423754940411076, 101.43329915079276),
      (1.0, -0.5772156649015329, 1.6449340668482264),
      (2.5, 0.7031566406452432, 0.4903577561002349),
      (193.0, 5.260097278139238, 0.0051947935126640124),
    ] {
      #expect(abs(digamma(x) / first - 1) < 1e-13)
      #expect(abs(trigamma(x) / second - 1) < 1e-12)
    }
  }

  @Test(arguments: [
    Density.beta(a: 2, b: 3), .beta(a: 0.5, b: 0.7), .logitNormal(mean: 0.3, deviation: 0.8),
    .gaussian(mean: 1, deviation: 2),
    .mixture(
      GaussianMixture(
        rightShare: 0.3, leftMean: -2, leftDeviation: 0.4, rightMean: 1, rightDeviation: 0.9)),
  ])
  func drawsHaveTheMomentsAndTheDensityHasMassOne(_ density: Density) {
    let grid = QuadratureGrid(for: density)
    let mass = grid.points.indices.reduce(0) {
      $0 + grid.widths[$1] * density.density(grid.points[$1])
    }
    #expect(abs(mass - 1) < 1e-6)
    var stream = RandomStream(seed: 11, name: "density-tests")
    let draws = (0..<40_000).map { _ in density.draw(&stream) }
    let summary = SampleSummary(draws)
    #expect(abs(summary.mean - density.mean) < 4 * summary.standardError!)
    #expect(abs(summary.deviation! / density.variance.squareRoot() - 1) < 0.02)
  }
}
