// How many units would be found, and how far two sets would overlap, if scores had nothing to do with
// units but kept their course in time: whole chains exchange their scores, or a chain's scores are
// turned around in a circle.

import Diagnostics
import Randomness

/// What is done with the scores of chains.
public enum UnitNullKind: String, Sendable, CaseIterable {
  /// Chains of equal length exchange their scores. What all chains have in common over time stays.
  case exchange
  /// Each chain's scores begin at another place of the chain and go on from its end at its start. What
  /// chains have in common over time goes too.
  case shift
}

/// Two sets whose overlap is asked about.
public struct UnitOverlap: Sendable, Equatable {
  public let correction: UnitCorrection
  public let bias: [Bool]
  public let quality: [Bool]

  public var biasCount: Int { bias.count { $0 } }
  public var qualityCount: Int { quality.count { $0 } }
  public var both: Int { zip(bias, quality).count { $0 && $1 } }
  /// |A ∩ B| / |A ∪ B|; 0 for empty sets.
  public var jaccard: Double {
    let union = biasCount + qualityCount - both
    return union == 0 ? 0 : Double(both) / Double(union)
  }
}

/// Counts over draws.
public struct UnitNull: Sendable, Equatable {
  public let kind: UnitNullKind
  /// Units found at the level without correction, per draw.
  public let biasCounts: [Int]
  public let qualityCounts: [Int]
  /// For each overlap asked about, per draw: the bias set as it was found against equally many units
  /// that go with the moved quality best.
  public let overlaps: [[Int]]
  /// The same for both sets from moved scores, moved together: what two scores that go with each other
  /// make of units that follow neither.
  public let pairedOverlaps: [[Int]]
  /// Different ways to move the scores, at most 10⁶.
  public let arrangements: Int

  /// (1 + draws with at least as many) / (1 + draws), as Phipson & Smyth 2010.
  public static func p(_ draws: [Int], atLeast observed: Int) -> Double {
    Double(1 + draws.count { $0 >= observed }) / Double(1 + draws.count)
  }

  public static func p(_ draws: [Int], atMost observed: Int) -> Double {
    Double(1 + draws.count { $0 <= observed }) / Double(1 + draws.count)
  }
}

extension UnitAttribution {
  /// The sets that p values make under a correction.
  public func overlap(_ correction: UnitCorrection) -> UnitOverlap {
    let members = usedEffects.map { effects in
      effects?.members(correction, level: settings.level)
        ?? [Bool](repeating: false, count: series.units)
    }
    return UnitOverlap(correction: correction, bias: members[0], quality: members[1])
  }

  /// - Parameters:
  ///   - draws: at least 1.
  ///   - overlaps: sets as they were found.
  ///   - random: a stream named after the kind.
  ///   - progress: draws done.
  /// - Returns: nil where there is nothing to move or nothing was fitted.
  ///
  /// **Throws**: what `progress` throws.
  public func null(
    _ kind: UnitNullKind, draws: Int, overlaps: [UnitOverlap], random: RandomStream,
    progress: (Int) throws(Diagnostic) -> Void = { _ in }
  ) throws(Diagnostic) -> UnitNull? {
    precondition(draws > 0, "\(draws) draws")
    let arrangements = arrangements(kind)
    guard arrangements > 1, !usedEffects.contains(where: { $0 == nil }) else { return nil }
    let columns = [bias, quality].map {
      UnitSeries.score($0.values, chains: levels.chains, in: settings.form)
    }
    var random = random
    var counts: [[Int]] = [[], []]
    var separate = [[Int]](repeating: [], count: overlaps.count)
    var paired = separate
    for draw in 0..<draws {
      let order = order(kind, &random)
      let moved = columns.map { column in order.map { column[$0] } }
      guard let fits = fits(moved) else { continue }
      for (index, fit) in fits.enumerated() {
        counts[index].append(fit.ratios.count { abs($0) >= fit.bound })
      }
      let ranks = fits.map { Self.ranked($0.ratios) }
      for (index, overlap) in overlaps.enumerated() {
        let bias = Self.first(overlap.biasCount, of: ranks[0])
        let quality = Self.first(overlap.qualityCount, of: ranks[1])
        separate[index].append(zip(overlap.bias, quality).count { $0 && $1 })
        paired[index].append(zip(bias, quality).count { $0 && $1 })
      }
      try progress(draw + 1)
    }
    guard !counts[0].isEmpty else { return nil }
    return UnitNull(
      kind: kind, biasCounts: counts[0], qualityCounts: counts[1], overlaps: separate,
      pairedOverlaps: paired, arrangements: arrangements)
  }

  /// Ratios and their bounds on moved scores; nil where they cannot be fitted.
  private func fits(_ columns: [[Double]]) -> [(ratios: [Double], bound: Double)]? {
    let designs =
      settings.regression == .joint
      ? [UnitDesign(columns, chains: series.chains, lags: settings.lags)]
      : columns.map { UnitDesign([$0], chains: series.chains, lags: settings.lags) }
    var result: [(ratios: [Double], bound: Double)] = []
    for design in designs {
      guard let design else { return nil }
      let fit = UnitRegression(series, on: design, inference: settings.inference)
      for column in design.columns.indices {
        result.append((fit.ratios(column), fit.bound(column, level: settings.level)))
      }
    }
    return result
  }

  /// Units by falling |ratio|.
  private static func ranked(_ ratios: [Double]) -> [Int] {
    let sizes = ratios.map { abs($0) }
    return sizes.indices.sorted { sizes[$0] == sizes[$1] ? $0 < $1 : sizes[$0] > sizes[$1] }
  }

  private static func first(_ count: Int, of ranks: [Int]) -> [Bool] {
    var members = [Bool](repeating: false, count: ranks.count)
    for unit in ranks.prefix(count) { members[unit] = true }
    return members
  }

  /// Chains of equal length, by length.
  private var classes: [[Int]] {
    let lengths = Set(series.chains).sorted()
    return lengths.map { length in series.chains.indices.filter { series.chains[$0] == length } }
  }

  /// Different ways to move scores, the one that leaves them included, at most 10⁶.
  private func arrangements(_ kind: UnitNullKind) -> Int {
    var count = 1
    let factors =
      kind == .exchange ? classes.flatMap { Array(1...max(1, $0.count)) } : series.chains
    for factor in factors { count = min(1_000_000, count * max(1, factor)) }
    return count
  }

  /// For each point the point whose scores it gets.
  private func order(_ kind: UnitNullKind, _ random: inout RandomStream) -> [Int] {
    var starts: [Int] = []
    var next = 0
    for length in series.chains {
      starts.append(next)
      next += length
    }
    var order = [Int](repeating: 0, count: next)
    switch kind {
    case .exchange:
      for members in classes {
        var givers = members
        random.shuffle(&givers)
        for (chain, giver) in zip(members, givers) {
          for place in 0..<series.chains[chain] {
            order[starts[chain] + place] = starts[giver] + place
          }
        }
      }
    case .shift:
      for (chain, length) in series.chains.enumerated() {
        let offset = random.integer(below: length)
        for place in 0..<length {
          order[starts[chain] + place] = starts[chain] + (place + offset) % length
        }
      }
    }
    return order
  }
}
