// Which units a tuning moved on prompts of one kind more than on controls, how far the sets of several
// kinds overlap, and how often all that happens when prompts change their kinds at random.

import Foundation
import Randomness

/// Groups of prompts that share controls: traits with neutral questions, emoji with plain words.
public struct PromptFamily: Sendable, Equatable {
  /// Name → rows of the activations.
  public var groups: [(name: String, rows: [Int])]
  public var controls: [Int]

  public init(groups: [(name: String, rows: [Int])], controls: [Int]) {
    self.groups = groups
    self.controls = controls
  }

  var rows: [Int] { groups.flatMap(\.rows) + controls }

  /// The same sizes with rows drawn anew.
  func shuffled(_ random: inout RandomStream) -> PromptFamily {
    var rows = rows
    random.shuffle(&rows)
    var next = 0
    func take(_ count: Int) -> [Int] {
      defer { next += count }
      return Array(rows[next..<next + count])
    }
    let groups = groups.map { (name: $0.name, rows: take($0.rows.count)) }
    return PromptFamily(groups: groups, controls: take(controls.count))
  }

  public static func == (left: Self, right: Self) -> Bool {
    left.controls == right.controls
      && left.groups.elementsEqual(right.groups) { $0.name == $1.name && $0.rows == $1.rows }
  }
}

/// Units of one group.
public struct TraitUnits: Sendable, Equatable {
  public let name: String
  /// Student's t of (tuned − base) on the group against the controls, pooled variance; 0 where a unit
  /// does not vary.
  public let t: [Double]
  /// Mean (tuned − base) on the group, in standard deviations of the unit's base activation over the
  /// controls; 0 where it has none.
  public let z: [Double]
  /// Probability of a t this large anywhere in the compared units if prompts had no kinds (max-T,
  /// Westfall & Young 1993); 1 where no draw was made.
  public var p: [Double]

  /// The k units with the largest |t| among some, in falling order, ties by place.
  public func top(_ count: Int, of units: [Int]) -> [Int] {
    Array(
      units.sorted { (abs(t[$1]), $0) < (abs(t[$0]), $1) }.prefix(count))
  }
}

/// Two groups' top sets.
public struct TraitOverlap: Sendable, Equatable {
  public let first: String
  public let second: String
  public let shared: Int
  /// Mean over draws in which prompts change their kinds.
  public let expected: Double
  /// (1 + draws with at least as many) / (1 + draws).
  public let p: Double
}

/// Tuned minus base on families of prompts.
public struct TraitUnitSearch: Sendable {
  public let layout: UnitLayout
  public let families: [PromptFamily]
  /// Units that are compared, in ascending order.
  public let compared: [Int]
  private let difference: [[Float]]
  private let base: [[Float]]

  /// - Parameters:
  ///   - base, tuned: on the same prompts.
  ///   - excluded: marks of units that are left out, such as outliers.
  ///   - layers: whose units are compared.
  public init(
    base: TraitActivations, tuned: TraitActivations, families: [PromptFamily],
    layers: Range<Int>, excluded: [Bool]
  ) {
    precondition(base.layout == tuned.layout && base.means.count == tuned.means.count)
    layout = base.layout
    self.families = families
    self.base = base.means
    difference = zip(base.means, tuned.means).map { zip($0, $1).map { $1 - $0 } }
    let width = base.layout.width
    compared = (layers.lowerBound * width..<layers.upperBound * width).filter { !excluded[$0] }
  }

  /// Every group's figures for all units; p over the compared ones.
  ///
  /// - Parameters:
  ///   - draws: shuffles of prompts behind p.
  ///   - top: size of the sets whose overlap is asked about.
  public func search(
    draws: Int, top: Int, random: RandomStream, progress: (Int) -> Bool = { _ in true }
  ) -> (units: [TraitUnits], overlaps: [TraitOverlap]) {
    var units = figures(families, over: Array(0..<layout.count))
    let sets = units.map { Set($0.top(top, of: compared)) }
    let pairs = units.indices.flatMap { first in
      ((first + 1)..<units.count).map { (first, $0) }
    }
    var random = random
    var peaks = [[Double]](repeating: [], count: units.count)
    var shared = [[Int]](repeating: [], count: pairs.count)
    for draw in 0..<draws {
      let moved = figures(families.map { $0.shuffled(&random) }, over: compared)
      for (number, group) in moved.enumerated() {
        peaks[number].append(compared.reduce(0) { max($0, abs(group.t[$1])) })
      }
      let movedSets = moved.map { Set($0.top(top, of: compared)) }
      for (number, pair) in pairs.enumerated() {
        shared[number].append(movedSets[pair.0].intersection(movedSets[pair.1]).count)
      }
      if !progress(draw + 1) { break }
    }
    for number in units.indices where !peaks[number].isEmpty {
      let sorted = peaks[number].sorted()
      var p = [Double](repeating: 1, count: layout.count)
      for unit in compared {
        let size = abs(units[number].t[unit])
        let larger = sorted.count - Self.firstIndex(sorted, atLeast: size - 1e-12 * max(1, size))
        p[unit] = Double(1 + larger) / Double(1 + sorted.count)
      }
      units[number].p = p
    }
    let overlaps = pairs.enumerated().map { number, pair in
      let count = sets[pair.0].intersection(sets[pair.1]).count
      let draws = shared[number]
      return TraitOverlap(
        first: units[pair.0].name, second: units[pair.1].name, shared: count,
        expected: draws.isEmpty ? 0 : Double(draws.reduce(0, +)) / Double(draws.count),
        p: Double(1 + draws.count { $0 >= count }) / Double(1 + draws.count))
    }
    return (units, overlaps)
  }

  private static func firstIndex(_ sorted: [Double], atLeast value: Double) -> Int {
    var (low, high) = (0, sorted.count)
    while low < high {
      let middle = (low + high) / 2
      if sorted[middle] < value { low = middle + 1 } else { high = middle }
    }
    return low
  }

  private func figures(_ families: [PromptFamily], over units: [Int]) -> [TraitUnits] {
    families.flatMap { family -> [TraitUnits] in
      let controls = moments(difference, family.controls, units)
      let spread = moments(base, family.controls, units)
      return family.groups.map { group in
        let own = moments(difference, group.rows, units)
        let (n, m) = (Double(group.rows.count), Double(family.controls.count))
        var t = [Double](repeating: 0, count: layout.count)
        var z = t
        for (place, unit) in units.enumerated() {
          let pooled = (own.squares[place] + controls.squares[place]) / max(1, n + m - 2)
          let error = (pooled * (1 / n + 1 / m)).squareRoot()
          if error > 0 { t[unit] = (own.mean[place] - controls.mean[place]) / error }
          let deviation = (spread.squares[place] / max(1, m - 1)).squareRoot()
          if deviation > 0 { z[unit] = own.mean[place] / deviation }
        }
        return TraitUnits(
          name: group.name, t: t, z: z, p: Array(repeating: 1, count: layout.count))
      }
    }
  }

  /// Mean and sum of squared deviations of some rows.
  private func moments(
    _ values: [[Float]], _ rows: [Int], _ units: [Int]
  ) -> (mean: [Double], squares: [Double]) {
    var mean = [Double](repeating: 0, count: units.count)
    for row in rows {
      values[row].withUnsafeBufferPointer { row in
        for (place, unit) in units.enumerated() { mean[place] += Double(row[unit]) }
      }
    }
    for place in mean.indices { mean[place] /= Double(rows.count) }
    var squares = [Double](repeating: 0, count: units.count)
    for row in rows {
      values[row].withUnsafeBufferPointer { row in
        for (place, unit) in units.enumerated() {
          let own = Double(row[unit]) - mean[place]
          squares[place] += own * own
        }
      }
    }
    return (mean, squares)
  }
}
