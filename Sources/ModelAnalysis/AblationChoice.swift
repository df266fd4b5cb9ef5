// Which units are taken out: a set of the table, its top, or as many others drawn at random in the same
// layers.

import Diagnostics
import Randomness

/// Chooses units of a table.
public struct AblationChoice: Sendable, Equatable {
  public var set: UnitSet
  public var measure: NeuronTable.Measure
  /// This many units by their p values, whatever the sets say; nil takes the set as it is.
  public var top: Int?
  /// With `top`: the level above which the other score's p must lie.
  public var level: Double

  /// - Parameter set: not `none`.
  public init(
    _ set: UnitSet, measure: NeuronTable.Measure = .weight, top: Int? = nil, level: Double = 0.05
  ) {
    precondition(set != .none, "units of no set cannot be chosen")
    self.set = set
    self.measure = measure
    self.top = top
    self.level = level
  }

  /// The named set, in ascending order.
  ///
  /// **Throws**: `neuron-set-empty`, `neuron-table` where the measure is missing.
  public func units(of table: NeuronTable) throws(Diagnostic) -> [Int] {
    guard let column = table.columns[measure] else {
      throw .neuronTable(
        "the table", "has no '\(measure.rawValue)': it was made without a corpus")
    }
    let all = Array(column.set.indices)
    guard let top else {
      let units = all.filter { column.set[$0] == set }
      guard !units.isEmpty else {
        throw .neuronSetEmpty(
          set.rawValue, measure: measure.rawValue, why: "no unit passed the table's correction")
      }
      return units
    }
    let rank: (Int) -> Double
    let candidates: [Int]
    switch set {
    case .biasOnly:
      candidates = all.filter { column.qualityP[$0] > level }
      rank = { column.biasP[$0] }
    case .qualityOnly:
      candidates = all.filter { column.biasP[$0] > level }
      rank = { column.qualityP[$0] }
    case .both, .none:
      candidates = all
      rank = { max(column.biasP[$0], column.qualityP[$0]) }
    }
    guard candidates.count >= top else {
      throw .neuronSetEmpty(
        set.rawValue, measure: measure.rawValue,
        why: "\(candidates.count) units qualify, and top asks for \(top)")
    }
    return candidates.sorted { (rank($0), $0) < (rank($1), $1) }.prefix(top).sorted()
  }

  /// As many units of each layer, drawn from its units outside the set; from all of the layer's where
  /// these are too few.
  ///
  /// - Parameters:
  ///   - units: the set to be matched.
  ///   - random: a stream named after set and draw.
  /// - Returns: in ascending order.
  public static func random(
    matching units: [Int], in layout: UnitLayout, random: RandomStream
  ) -> [Int] {
    var random = random
    var isMember = [Bool](repeating: false, count: layout.count)
    for unit in units { isMember[unit] = true }
    var drawn: [Int] = []
    for layer in 0..<layout.layers {
      let all = Array(layer * layout.width..<(layer + 1) * layout.width)
      let wanted = all.count { isMember[$0] }
      let others = all.filter { !isMember[$0] }
      let pool = others.count >= wanted ? others : all
      drawn += random.sample(wanted, of: pool.count).map { pool[$0] }
    }
    return drawn.sorted()
  }
}
