// Numbers of all units over versions of a model, in chains: what is regressed on scores. A chain is a
// line of versions of which each was trained from the one before.

import Tensors

/// What a regression compares.
public enum UnitForm: String, Sendable, CaseIterable {
  /// The values themselves, all chains together.
  case levels
  /// Changes from one version of a chain to the next: what drifts without cause drifts in every level,
  /// and changes of independent random walks are independent.
  case differences
}

/// Values of U units at n points, chain after chain.
public struct UnitSeries: Sendable, Equatable {
  public let units: Int
  /// Points of each chain, at least 1.
  public let chains: [Int]
  /// `[point][unit]`, row major.
  public let values: [Double]
  /// Whether the unit has two different values.
  public let varies: [Bool]

  /// - Parameter rows: one list of U values for each point.
  public init(units: Int, chains: [Int], rows: [[Double]]) {
    precondition(
      chains.allSatisfy { $0 > 0 } && chains.reduce(0, +) == rows.count,
      "chains of \(chains) points do not make \(rows.count)")
    var values: [Double] = []
    values.reserveCapacity(rows.count * units)
    for row in rows {
      precondition(row.count == units, "a point of \(row.count) values for \(units) units")
      values += row
    }
    self.init(units: units, chains: chains, values: values)
  }

  private init(units: Int, chains: [Int], values: [Double]) {
    self.units = units
    self.chains = chains
    self.values = values
    var varies = [Bool](repeating: false, count: units)
    for start in stride(from: units, to: values.count, by: max(1, units)) {
      for unit in 0..<units where values[start + unit] != values[unit] { varies[unit] = true }
    }
    self.varies = varies
  }

  public var points: Int { chains.reduce(0, +) }

  public func inForm(_ form: UnitForm) -> UnitSeries {
    guard form == .differences else { return self }
    var changes: [Double] = []
    changes.reserveCapacity(values.count)
    var first = 0
    for length in chains {
      for point in first + 1..<max(first + 1, first + length) {
        for unit in 0..<units {
          changes.append(values[point * units + unit] - values[(point - 1) * units + unit])
        }
      }
      first += length
    }
    return UnitSeries(units: units, chains: Self.lengths(chains, in: form), values: changes)
  }

  /// Points of each chain that has any in this form.
  public static func lengths(_ chains: [Int], in form: UnitForm) -> [Int] {
    form == .levels ? chains : chains.map { $0 - 1 }.filter { $0 > 0 }
  }

  /// A score in the same form as the units.
  public static func score(_ score: [Double], chains: [Int], in form: UnitForm) -> [Double] {
    precondition(
      chains.reduce(0, +) == score.count, "chains of \(chains) points for \(score.count) scores")
    guard form == .differences else { return score }
    var changes: [Double] = []
    var first = 0
    for length in chains {
      for point in first + 1..<max(first + 1, first + length) {
        changes.append(score[point] - score[point - 1])
      }
      first += length
    }
    return changes
  }
}
