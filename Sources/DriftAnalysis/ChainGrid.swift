// Values by strategy, chain and generation. The chain is the unit of everything that is claimed.

import CanonicalJSON
import Diagnostics
import Reports

/// A number for each generation of each chain of each strategy, where there is one.
public struct ChainGrid: Sendable, Equatable {
  /// In the order in which they appear.
  public internal(set) var strategies: [String] = []
  public internal(set) var chains: [String] = []
  /// Ascending.
  public internal(set) var generations: [Double] = []
  private var values: [Key: Double] = [:]

  public struct Key: Sendable, Hashable {
    public let strategy: String
    public let chain: String
    public let generation: Double
  }

  /// A point of a chain.
  public struct Point: Sendable, Equatable {
    public let generation: Double
    public let value: Double
  }

  public subscript(key: Key) -> Double? { values[key] }

  mutating func set(_ key: Key, _ value: Double) {
    guard value.isFinite else { return }
    if !strategies.contains(key.strategy) { strategies.append(key.strategy) }
    if !chains.contains(key.chain) { chains.append(key.chain) }
    if !generations.contains(key.generation) {
      generations.append(key.generation)
      generations.sort()
    }
    values[key] = value
  }

  /// In ascending order of the generations.
  public func points(_ strategy: String, _ chain: String) -> [Point] {
    generations.compactMap { generation in
      values[Key(strategy: strategy, chain: chain, generation: generation)].map {
        Point(generation: generation, value: $0)
      }
    }
  }

  /// Values of all chains at a generation.
  public func values(_ strategy: String, at generation: Double) -> [Double] {
    chains.compactMap { values[Key(strategy: strategy, chain: $0, generation: generation)] }
  }

  var isEmpty: Bool { values.isEmpty }

  /// Every value through a function of its place; nil leaves it out.
  func mapped(_ change: (Key, Double) -> Double?) -> ChainGrid {
    var grid = ChainGrid()
    // The same order of strategies and chains as here.
    for strategy in strategies {
      for chain in chains {
        for generation in generations {
          let key = Key(strategy: strategy, chain: chain, generation: generation)
          if let value = values[key], let new = change(key, value) { grid.set(key, new) }
        }
      }
    }
    return grid
  }
}

/// Where items stand: by the axes that play a part; others name the strategy where they differ within it.
struct ChainPlaces {
  private let axes: StudyInput.Axes
  private let others: [String]

  /// - Parameter coordinates: of all items that belong together.
  init(_ coordinates: [JSONObject], axes: StudyInput.Axes) throws(Diagnostic) {
    self.axes = axes
    var names: [String] = []
    for object in coordinates {
      for key in object.keys where !names.contains(key) { names.append(key) }
    }
    for (parameter, axis) in [("x_axis", axes.x), ("replicate_axis", axes.replicate)]
    where !axis.isEmpty && !coordinates.isEmpty && !names.contains(axis) {
      throw .driftAxis(axis, parameter: parameter, there: names)
    }
    // An axis that only repeats what the strategy says (every mitigation with its own budget) is no
    // part of its name; items that then fall together are refused where they are sorted.
    others = names.filter { name in
      guard name != axes.x, name != axes.series, name != axes.replicate else { return false }
      return coordinates.contains { object in
        let series = object[axes.series]
        let first = coordinates.first { $0[axes.series] == series }
        return object[name] != first?[name]
      }
    }
  }

  /// **Throws**: `drift-axis-number`.
  func key(_ coordinates: JSONObject) throws(Diagnostic) -> ChainGrid.Key {
    var names: [String] = []
    if !axes.series.isEmpty, let value = coordinates[axes.series] { names.append(words(value)) }
    for name in others {
      if let value = coordinates[name] { names.append("\(name) \(words(value))") }
    }
    var generation = 0.0
    if !axes.x.isEmpty, let value = coordinates[axes.x] {
      guard let number = value.double else { throw .driftAxisNumber(axes.x, words(value)) }
      generation = number
    }
    return ChainGrid.Key(
      strategy: names.isEmpty ? "all" : names.joined(separator: " · "),
      chain: axes.replicate.isEmpty ? "" : coordinates[axes.replicate].map(words) ?? "",
      generation: generation)
  }

  private func words(_ value: JSONValue) -> String { value.string ?? value.canonicalText }
}
