import CanonicalJSON
import Diagnostics
import LanguageModels
import ModelFiles
import Randomness
import Statistics
import Testing

@testable import ModelAnalysis

/// Versions whose weights follow what a test says.
struct PlantedStudy {
  let series: UnitSeries
  let bias: VersionScore
  let quality: VersionScore
  /// Of each unit.
  let planted: [UnitSet]

  /// Random walks, to which a share of the change of the score is added where it is planted.
  ///
  /// - Parameter strength: of the planted part, in standard deviations of the walk's steps.
  init(
    units: Int, chains: Int = 6, versions: Int = 11, biasOnly: Range<Int>,
    qualityOnly: Range<Int>, both: Range<Int>, strength: Double = 3, seed: Int
  ) {
    var random = RandomStream(seed: seed, name: "planted-study")
    func walk() -> [Double] {
      var value = 0.0
      return (0..<versions).map { _ in
        value += random.normal()
        return value
      }
    }
    planted = (0..<units).map {
      UnitSet(
        bias: biasOnly.contains($0) || both.contains($0),
        quality: qualityOnly.contains($0) || both.contains($0))
    }
    var (bias, quality): ([Double], [Double]) = ([], [])
    var rows: [[Double]] = []
    for _ in 0..<chains {
      let b = walk()
      let q = walk()
      let own = planted.map { set -> [Double] in
        let w = walk()
        return (0..<versions).map {
          w[$0] + (set.followsBias ? strength * b[$0] : 0)
            - (set.followsQuality ? strength * q[$0] : 0)
        }
      }
      bias += b.map { 0.5 + 0.02 * $0 }
      quality += q.map { 2 + 0.05 * $0 }
      rows += (0..<versions).map { version in own.map { 1e-4 * $0[version] } }
    }
    series = UnitSeries(units: units, chains: .init(repeating: versions, count: chains), rows: rows)
    self.bias = VersionScore(name: "share right", values: bias)
    self.quality = VersionScore(name: "quality", values: quality)
  }

  func attribution(_ settings: AttributionSettings = AttributionSettings()) -> UnitAttribution {
    UnitAttribution(series, bias: bias, quality: quality, settings: settings)
  }

  /// Share of planted units that were found, and share of found units that were not planted.
  func rates(_ found: [Bool], _ isPlanted: (UnitSet) -> Bool) -> (recall: Double, false: Double) {
    let truth = planted.map(isPlanted)
    let hits = zip(found, truth).count { $0 && $1 }
    return (
      Double(hits) / Double(truth.count { $0 }),
      Double(found.count { $0 } - hits) / Double(max(1, found.count { $0 }))
    )
  }
}

@Suite struct UnitAttributionTests {
  /// Acceptance: at least 95 % of what was planted, at a false-discovery rate of 5 %.
  @Test(arguments: AttributionSettings.Regression.allCases)
  func plantedUnitsAreFound(_ regression: AttributionSettings.Regression) throws {
    let study = PlantedStudy(
      units: 2304, biasOnly: 100..<250, qualityOnly: 400..<520, both: 600..<630, seed: 3)
    let attribution = study.attribution(AttributionSettings(regression: regression))
    let overlap = attribution.overlap(.benjaminiHochberg)
    let bias = study.rates(overlap.bias) { $0.followsBias }
    let quality = study.rates(overlap.quality) { $0.followsQuality }
    #expect(bias.recall >= 0.95 && quality.recall >= 0.95, "\(bias) \(quality)")
    #expect(bias.false <= 0.08 && quality.false <= 0.08, "\(bias) \(quality)")
    #expect(attribution.sets[120] == .biasOnly && attribution.sets[450] == .qualityOnly)
    #expect(attribution.sets[610] == .both && attribution.obstacle == nil)
  }

  /// The 30 units that follow both make the sets overlap far more than independent draws would. Moved
  /// scores reach that sometimes: units that follow one score move as one, so where moved quality happens
  /// to resemble bias all of them come at once. That is what the hypergeometric does not know.
  @Test(arguments: UnitNullKind.allCases)
  func sharedUnitsOverlapMoreThanMostMovedScores(_ kind: UnitNullKind) throws {
    let study = PlantedStudy(
      units: 600, biasOnly: 0..<40, qualityOnly: 40..<80, both: 80..<110, seed: 5)
    let attribution = study.attribution()
    let overlap = attribution.overlap(.benjaminiHochberg)
    let chance = Hypergeometric(
      population: 600, first: overlap.biasCount, second: overlap.qualityCount)
    #expect(overlap.both >= 28 && chance.tail(atLeast: overlap.both) < 1e-8)
    let null = try #require(
      try attribution.null(
        kind, draws: 60, overlaps: [overlap], random: RandomStream(seed: 1, name: "null")))
    #expect(null.overlaps[0].count == 60 && null.biasCounts.count == 60)
    let p = UnitNull.p(null.overlaps[0], atLeast: overlap.both)
    #expect(p < 0.2 && p > 1.0 / 61, "\(p)")
    #expect(UnitNull.p(null.overlaps[0], atMost: overlap.both) > 0.8)
  }

  /// Sets of units that follow one score each, in equal parts of the model, are nearly independent.
  @Test func separateUnitsDoNotOverlapMoreThanMovedScores() throws {
    let study = PlantedStudy(
      units: 600, biasOnly: 0..<60, qualityOnly: 300..<360, both: 0..<0, seed: 6)
    let attribution = study.attribution(AttributionSettings(correction: .none))
    let overlap = attribution.overlap(.none)
    let null = try #require(
      try attribution.null(
        .exchange, draws: 60, overlaps: [overlap], random: RandomStream(seed: 1, name: "null")))
    #expect(UnitNull.p(null.overlaps[0], atLeast: overlap.both) > 0.05)
    #expect(null.arrangements == 720)
  }

  /// One chain has nothing to exchange; its scores can still be shifted.
  @Test func oneChainIsShiftedOnly() throws {
    let study = PlantedStudy(
      units: 20, chains: 1, versions: 9, biasOnly: 0..<2, qualityOnly: 2..<4, both: 4..<5, seed: 1)
    let attribution = study.attribution()
    let overlaps = [attribution.overlap(.none)]
    let random = RandomStream(seed: 1, name: "null")
    #expect(
      try attribution.null(.exchange, draws: 5, overlaps: overlaps, random: random) == nil)
    let null = try attribution.null(.shift, draws: 5, overlaps: overlaps, random: random)
    #expect(try #require(null).arrangements == 8)
  }

  @Test func scoresThatSayNothingAreNamed() throws {
    let rows = (0..<4).map { [Double($0), 1.0] }
    let series = UnitSeries(units: 2, chains: [4], rows: rows)
    let moving = VersionScore(name: "moving", values: [1, 3, 2, 5])
    let constant = VersionScore(name: "constant", values: [2, 2, 2, 2])
    let one = UnitAttribution(
      series, bias: constant, quality: moving, settings: AttributionSettings(form: .levels))
    #expect(one.biasEffects == nil && one.qualityEffects != nil && one.jointEffects == nil)
    #expect(try #require(one.obstacle).contains("'constant' has the same value"))
    #expect(one.sets == [.none, .none] || one.sets[1] == .none)
    let equal = UnitAttribution(
      series, bias: moving, quality: moving, settings: AttributionSettings(form: .levels))
    #expect(try #require(equal.obstacle).contains("determine each other"))
    let short = UnitAttribution(
      UnitSeries(units: 2, chains: [1, 1], rows: [[1, 2], [2, 3]]),
      bias: VersionScore(name: "a", values: [1, 2]),
      quality: VersionScore(name: "b", values: [2, 1]),
      settings: AttributionSettings())
    #expect(try #require(short.obstacle).contains("too few"))
    let null = try short.null(
      .shift, draws: 3, overlaps: [short.overlap(.none)], random: RandomStream(seed: 1, name: "n"))
    #expect(null == nil)
  }

  @Test func nullsRepeat() throws {
    let study = PlantedStudy(
      units: 700, chains: 3, versions: 5, biasOnly: 0..<5, qualityOnly: 5..<9, both: 9..<11, seed: 2
    )
    let attribution = study.attribution()
    let overlaps = [attribution.overlap(.none)]
    func draw() throws -> UnitNull? {
      try attribution.null(
        .shift, draws: 8, overlaps: overlaps, random: RandomStream(seed: 9, name: "null"))
    }
    #expect(try draw() == draw())
  }
}
