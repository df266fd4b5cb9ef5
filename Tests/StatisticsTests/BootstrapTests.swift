import Foundation
import Randomness
import Testing

@testable import Statistics

@Suite struct BootstrapTests {
  static func bootstrap(_ replicates: Int = 2000, seed: Int = 1) -> Bootstrap {
    Bootstrap(replicates: replicates, stream: RandomStream(seed: seed, name: "bootstrap"))
  }

  /// For a share the percentile interval approaches p ± 1.96·√(p(1−p)/n).
  @Test func intervalOfAShareIsTheNormalOne() {
    let column = (0..<400).map { $0 < 120 ? 1.0 : 0 }
    let interval = Self.bootstrap(4000).means(of: [column])[0]
    let half = 1.96 * (0.3 * 0.7 / 400).squareRoot()
    #expect(abs(interval.low - (0.3 - half)) < 0.006)
    #expect(abs(interval.high - (0.3 + half)) < 0.006)
  }

  @Test func pairedDifferencesAreNarrowWherePairsAgree() {
    var random = RandomStream(seed: 2, name: "pairs")
    let first = (0..<200).map { _ in random.normal() }
    let second = first.map { $0 + 0.1 }
    let difference = zip(second, first).map { $0 - $1 }
    let paired = Self.bootstrap().means(of: [difference])[0]
    let alone = Self.bootstrap().means(of: [second])[0]
    #expect(abs(paired.low - 0.1) < 1e-9 && abs(paired.high - 0.1) < 1e-9)
    #expect(alone.high - alone.low > 0.1)
  }

  /// Ten equal copies of each value are no more information than one.
  @Test func clustersAreDrawnWhole() {
    var random = RandomStream(seed: 3, name: "clusters")
    let values = (0..<40).map { _ in random.normal() }
    let copies = values.flatMap { [Double](repeating: $0, count: 10) }
    let owners = (0..<400).map { $0 / 10 }
    let clustered = Self.bootstrap().means(of: [copies], clusters: owners)[0]
    let single = Self.bootstrap().means(of: [values])[0]
    #expect(abs(clustered.low - single.low) < 1e-9 && abs(clustered.high - single.high) < 1e-9)
    let naive = Self.bootstrap().means(of: [copies])[0]
    #expect(naive.high - naive.low < 0.5 * (clustered.high - clustered.low))
  }

  /// Nominal 95 %: over 300 samples of 50 the true mean is missed about 15 times.
  @Test func coversTheTruthAboutAsOftenAsItSays() {
    var random = RandomStream(seed: 5, name: "coverage")
    var missed = 0
    for trial in 0..<300 {
      let values = (0..<50).map { _ in random.normal() }
      if !Self.bootstrap(400, seed: trial).means(of: [values])[0].contains(0) { missed += 1 }
    }
    #expect((5...36).contains(missed), "missed \(missed) of 300")
  }

  @Test func anyStatisticAgreesWithMeans() {
    let values = (0..<30).map { Double($0 * $0 % 17) }
    let bootstrap = Self.bootstrap(200)
    let general = bootstrap.intervals(count: 30) { drawn in
      [drawn.reduce(0) { $0 + values[$1] } / 30]
    }
    let direct = bootstrap.means(of: [values])
    #expect(abs(general[0].low - direct[0].low) < 1e-12)
    #expect(abs(general[0].high - direct[0].high) < 1e-12)
  }

  @Test func seedsAndNamesDecide() {
    let values = (0..<30).map { Double($0 * $0 % 17) }
    #expect(Self.bootstrap().means(of: [values]) == Self.bootstrap().means(of: [values]))
    #expect(Self.bootstrap().means(of: [values]) != Self.bootstrap(seed: 9).means(of: [values]))
  }
}
