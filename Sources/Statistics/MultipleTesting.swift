// Many tests at once: adjusted p values that may be read against one level.

import Foundation

public enum MultipleTesting {
  /// p·m, at most 1.
  public static func bonferroni(_ p: [Double]) -> [Double] {
    p.map { min(1, $0 * Double(p.count)) }
  }

  /// Controls the chance of any false claim (Holm 1979).
  public static func holm(_ p: [Double]) -> [Double] {
    let order = ascending(p)
    var adjusted = [Double](repeating: 1, count: p.count)
    var greatest = 0.0
    for (rank, index) in order.enumerated() {
      greatest = max(greatest, min(1, p[index] * Double(p.count - rank)))
      adjusted[index] = greatest
    }
    return adjusted
  }

  /// Controls the expected share of false claims among the claims (Benjamini & Hochberg 1995).
  public static func benjaminiHochberg(_ p: [Double]) -> [Double] {
    let order = ascending(p)
    var adjusted = [Double](repeating: 1, count: p.count)
    var least = 1.0
    for (rank, index) in order.enumerated().reversed() {
      least = min(least, p[index] * Double(p.count) / Double(rank + 1))
      adjusted[index] = least
    }
    return adjusted
  }

  private static func ascending(_ p: [Double]) -> [Int] {
    p.indices.sorted { (p[$0], $0) < (p[$1], $1) }
  }
}

/// Chance overlap of two sets drawn independently from one population.
public struct Hypergeometric: Sendable, Equatable {
  public let population: Int
  public let first: Int
  public let second: Int

  public init(population: Int, first: Int, second: Int) {
    precondition(
      (0...population).contains(first) && (0...population).contains(second),
      "sets of \(first) and \(second) out of \(population)")
    self.population = population
    self.first = first
    self.second = second
  }

  /// first·second / population
  public var mean: Double { Double(first) * Double(second) / Double(max(1, population)) }

  public func probability(_ overlap: Int) -> Double {
    guard overlap >= 0, overlap <= min(first, second), first - overlap <= population - second
    else { return 0 }
    return exp(
      logChoose(second, overlap) + logChoose(population - second, first - overlap)
        - logChoose(population, first))
  }

  /// P(overlap or more).
  public func tail(atLeast overlap: Int) -> Double {
    min(
      1,
      stride(from: min(first, second), through: max(0, overlap), by: -1).reduce(0) {
        $0 + probability($1)
      })
  }

  /// P(overlap or fewer).
  public func tail(atMost overlap: Int) -> Double {
    guard overlap >= 0 else { return 0 }
    return min(1, (0...min(overlap, min(first, second))).reduce(0) { $0 + probability($1) })
  }

  private func logChoose(_ n: Int, _ k: Int) -> Double {
    lgamma(Double(n + 1)) - lgamma(Double(k + 1)) - lgamma(Double(n - k + 1))
  }
}
