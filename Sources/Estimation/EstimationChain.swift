// A model that is fitted to what its predecessor made, without any network: maximum likelihood on
// draws of the previous estimate, each draw weighted by how likely a biased model finds it (Wang et
// al. 2024, appendix A). Causes can be told apart: with and without weights, with few, many and
// infinitely many draws, with a family that holds the truth and one that does not.

import Randomness

/// One cell of the factorial.
public struct EstimationSetting: Sendable, Equatable {
  /// What the unbiased data and the biased start are.
  public enum Truth: String, Sendable, CaseIterable {
    /// Data of Beta(2, 2), pre-training of Beta(3, 2): the study's.
    case beta
    /// Data of two equal normal components at ±1, pre-training with 60 % on the right.
    case gaussianMixture = "gaussian-mixture"
  }

  /// Whether the fitted family holds the truth.
  public enum Fitted: String, Sendable, CaseIterable {
    case right
    /// Logit-normal for the beta density, one normal density for the mixture.
    case wrong
  }

  /// By what density each draw is weighted.
  public enum Weights: String, Sendable, CaseIterable {
    /// Plain maximum likelihood.
    case none
    /// The estimate of the generation before, first the pre-trained one: the study's.
    case previous
    /// The pre-trained estimate in every generation.
    case pretrained
    /// The truth of the data, which has no bias: what narrowing alone does.
    case unbiased
  }

  public var truth: Truth
  public var fitted: Fitted
  public var weights: Weights
  /// Draws per generation; nil for the limit of infinitely many, which has no sampling error.
  public var draws: Int?
  /// The last generation; the first is 0.
  public var generations: Int

  public init(truth: Truth, fitted: Fitted, weights: Weights, draws: Int?, generations: Int) {
    self.truth = truth
    self.fitted = fitted
    self.weights = weights
    self.draws = draws
    self.generations = generations
  }

  /// What generation 0 learns from; no bias.
  public var unbiased: Density {
    switch truth {
    case .beta: .beta(a: 2, b: 2)
    case .gaussianMixture: .mixture(Self.mixture(rightShare: 0.5))
    }
  }

  /// What the first weights were learnt from; biased to the right.
  public var biased: Density {
    switch truth {
    case .beta: .beta(a: 3, b: 2)
    case .gaussianMixture: .mixture(Self.mixture(rightShare: 0.6))
    }
  }

  /// The family of every fit.
  public var family: Family {
    switch (truth, fitted) {
    case (.beta, .right): .beta
    case (.beta, .wrong): .logitNormal
    case (.gaussianMixture, .right): .mixture
    case (.gaussianMixture, .wrong): .gaussian
    }
  }

  static func mixture(rightShare: Double) -> GaussianMixture {
    GaussianMixture(
      rightShare: rightShare, leftMean: -1, leftDeviation: 0.5, rightMean: 1, rightDeviation: 0.5)
  }

  /// The exact parameters of generation t, where theory has them: beta family, infinitely many draws.
  ///
  /// A product of beta densities is one: Beta(a, b)·Beta(c, d) ∝ Beta(a + c − 1, b + d − 1). With the
  /// previous estimate as weight a_t = 1 + 3·2^t, b_t = 1 + 2·2^t; held at Beta(3, 2) a_t = 4 + 2t,
  /// b_t = 3 + t; with Beta(2, 2) a_t = b_t = 3 + t; without weights it stays Beta(2, 2).
  public func closedForm(generation t: Int) -> Density? {
    guard truth == .beta, fitted == .right else { return nil }
    let step = Double(t)
    switch weights {
    case .none: return .beta(a: 2, b: 2)
    case .previous:
      var power = 1.0
      for _ in 0..<t { power *= 2 }
      return .beta(a: 1 + 3 * power, b: 1 + 2 * power)
    case .pretrained: return .beta(a: 4 + 2 * step, b: 3 + step)
    case .unbiased: return .beta(a: 3 + step, b: 3 + step)
    }
  }
}

/// One estimate of a chain.
public struct EstimatedGeneration: Sendable, Equatable {
  public let generation: Int
  public let fit: Fit
  /// Unweighted draws that say as much as the weighted ones (Kish); nil without draws.
  public let effectiveDraws: Double?
}

extension EstimationSetting {
  /// Runs one chain.
  ///
  /// - Parameters:
  ///   - replicate: names the chain's random stream; without draws all replicates are equal.
  /// - Returns: the pre-trained estimate, then generations 0 to `generations`.
  public func chain(
    seed: Int, replicate: Int
  ) -> (pretrained: Fit, generations: [EstimatedGeneration]) {
    // The name holds no setting but the truth: cells of one replicate share their first draws, which
    // makes their contrasts sharper.
    var stream = RandomStream(seed: seed, name: "estimation/\(truth.rawValue)/\(replicate)")
    let start = Self.mixture(rightShare: 0.55)
    let pretrained = sample(biased, weight: nil, &stream).fit(family, start: start)
    var source = unbiased
    var weight: Density? =
      switch weights {
      case .none: nil
      case .previous, .pretrained: pretrained.density
      case .unbiased: unbiased
      }
    var results: [EstimatedGeneration] = []
    for generation in 0...generations {
      let data = sample(source, weight: weight, &stream)
      var from = start
      if case .mixture(let last) = source { from = last }
      let fit = data.fit(family, start: from)
      results.append(
        EstimatedGeneration(
          generation: generation, fit: fit,
          effectiveDraws: draws == nil ? nil : data.effectiveCount))
      source = fit.density
      if weights == .previous { weight = fit.density }
    }
    return (pretrained, results)
  }

  /// Draws of a density, or the density itself on a grid.
  private func sample(
    _ density: Density, weight: Density?, _ stream: inout RandomStream
  ) -> WeightedSample {
    guard let draws else {
      let grid = QuadratureGrid(for: density)
      let weights = grid.points.indices.map { index in
        let x = grid.points[index]
        return grid.widths[index] * density.density(x) * (weight?.density(x) ?? 1)
      }
      return WeightedSample(values: grid.points, weights: weights)
    }
    var values: [Double] = []
    values.reserveCapacity(draws)
    for _ in 0..<draws { values.append(density.draw(&stream)) }
    return WeightedSample(values: values, weights: values.map { weight?.density($0) ?? 1 })
  }
}
