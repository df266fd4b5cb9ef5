// From scores of many chains to tests. Figures and tables are in DriftSection.swift, claims in words in
// DriftEvidence.swift, metrics in DriftMetrics.swift.

import Diagnostics
import Randomness
import Reports
import Statistics

/// The analysis of a study's drift.
public struct DriftAnalysis: Sendable {
  public let settings: DriftSettings
  public let versions: [DriftVersion]
  public let tests: [DriftTest]
  /// First and last generation of the bias.
  public let span: Contrast.Span

  let input: DriftInput
  let measures: DriftMeasures
  let corrections: DriftCorrections
  let random: @Sendable (String) -> RandomStream

  /// - Parameter random: named streams of the stage's seed.
  ///
  /// **Throws**: `drift-axis`, `drift-axis-number`, `drift-target`, `drift-baseline`,
  /// `drift-quality`, `drift-twice`, `drift-contrast`.
  public init(
    _ input: DriftInput, _ settings: DriftSettings,
    random: @escaping @Sendable (String) -> RandomStream
  ) throws(Diagnostic) {
    self.input = input
    self.settings = settings
    self.random = random
    measures = try DriftMeasures(input, settings)
    corrections = DriftCorrections(input, settings, measures)
    versions = corrections.versions
    let raw = versions[0].grid
    guard raw.strategies.contains(settings.baseline) else {
      throw .driftBaseline(settings.baseline, strategies: raw.strategies)
    }
    span = Contrast.Span(first: raw.generations.first ?? 0, last: raw.generations.last ?? 0)
    var claims = DriftClaim.declared(baseline: settings.baseline)
    for (name, kind) in settings.contrasts {
      guard let index = claims.firstIndex(where: { $0.id == name }) else {
        throw .driftContrast("\(name)=\(kind.rawValue)", claims: claims.map(\.id))
      }
      let old = claims[index].contrast
      claims[index].contrast = Contrast(kind, of: old.strategy, against: old.against)
    }
    var tests: [DriftTest] = []
    for claim in claims {
      tests.append(
        Self.test(claim, measures, corrections, settings, span, random))
    }
    Self.adjust(&tests, measures, settings, span, random)
    self.tests = tests
  }

  private static func test(
    _ claim: DriftClaim, _ measures: DriftMeasures, _ corrections: DriftCorrections,
    _ settings: DriftSettings, _ span: Contrast.Span,
    _ random: @Sendable (String) -> RandomStream
  ) -> DriftTest {
    let grid = grid(claim.quantity, measures, settings)
    func none(_ reason: String) -> DriftTest {
      DriftTest(
        claim: claim, result: nil, reason: reason, versions: [], adjustedP: nil,
        level: settings.level)
    }
    if let data = claim.data, data != settings.data {
      return none(
        "The study claims this for \(data.rawValue) articles; these are \(settings.data.rawValue).")
    }
    if grid.isEmpty {
      return none(
        claim.quantity == .quality
          ? "There are no metrics of score-quality among the inputs that say how good texts are."
          : "There is no perplexity among the inputs.")
    }
    for strategy in [claim.contrast.strategy, claim.contrast.against].compactMap({ $0 })
    where !grid.strategies.contains(strategy) {
      return none("No chain has the strategy “\(strategy)”.")
    }
    guard
      let result = ContrastResult(
        claim.contrast.values(grid, span), random: random("signs/\(claim.id)"))
    else {
      return none("No chain has the generations that \(claim.contrast.kind.words) needs.")
    }
    var versions: [(kind: DriftVersion.Kind, result: ContrastResult)] = []
    if claim.quantity == .bias {
      for version in corrections.versions {
        if let result = ContrastResult(
          claim.contrast.values(version.grid, span), random: random("signs/\(claim.id)"))
        {
          versions.append((version.kind, result))
        }
      }
    }
    return DriftTest(
      claim: claim, result: result, reason: nil, versions: versions, adjustedP: nil,
      level: settings.level)
  }

  static func grid(
    _ quantity: DriftClaim.Quantity, _ measures: DriftMeasures, _ settings: DriftSettings
  ) -> ChainGrid {
    switch quantity {
    case .bias: measures.shares[settings.target] ?? ChainGrid()
    case .quality: measures.quality
    case .logPerplexity: measures.logPerplexity
    }
  }

  private static func adjust(
    _ tests: inout [DriftTest], _ measures: DriftMeasures, _ settings: DriftSettings,
    _ span: Contrast.Span, _ random: @Sendable (String) -> RandomStream
  ) {
    let indices = tests.indices.filter { tests[$0].result != nil }
    guard !indices.isEmpty else { return }
    let adjusted: [Double]
    switch settings.adjustment {
    case .holm: adjusted = MultipleTesting.holm(indices.map { tests[$0].result!.p })
    case .maxT:
      // Chains of all quantities in one order, so that a flip is one chain's.
      let chains = (measures.shares[settings.target] ?? ChainGrid()).chains
      let values = indices.map { index -> [Double?] in
        let claim = tests[index].claim
        let grid = grid(claim.quantity, measures, settings)
        let found = claim.contrast.values(grid, span)
        return chains.map { chain in
          grid.chains.firstIndex(of: chain).flatMap { found[$0] }
        }
      }
      adjusted = JointSignFlip(values, random: random("signs/joint")).adjusted
    }
    for (index, p) in zip(indices, adjusted) { tests[index].adjustedP = p }
  }

  /// Claims that were tested together.
  var familySize: Int { tests.count { $0.result != nil } }

  /// The smallest adjusted p that the most chains of any test could reach.
  var smallestReachable: Double? {
    guard let most = tests.compactMap(\.result).map(\.smallestP).min() else { return nil }
    return min(1, settings.adjustment == .holm ? most * Double(familySize) : most)
  }
}
