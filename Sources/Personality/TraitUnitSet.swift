// The units that explain-trait found for a trait, and what two traits' sets share. Within one tuned model
// ModelAnalysis compares groups of prompts; here are sets of several tuned models.

import CanonicalJSON
import Diagnostics
import Reports
import Statistics

/// Top units of the model that was tuned towards a trait.
public struct TraitUnitSet: Sendable, Equatable {
  public let trait: String
  /// `residual/11/204`: kind, block and number.
  public let units: Set<String>
  /// Units that were compared to find them.
  public let compared: Int

  public init(trait: String, units: Set<String>, compared: Int) {
    self.trait = trait
    self.units = units
    self.compared = compared
  }

  /// Reads what explain-trait writes; nil where it has no group of the trait itself.
  ///
  /// **Throws**: `trait-units`.
  public init?(_ bytes: [UInt8], shown path: String) throws(Diagnostic) {
    var (own, compared): (String?, Int) = (nil, 0)
    var units: Set<String> = []
    for (number, line) in bytes.split(separator: UInt8(ascii: "\n")).enumerated() {
      guard
        let object = Array(line).withUnsafeBufferPointer({ try? JSONValue(parsing: $0) })?.object,
        let name = object["trait"]?.string, let group = object["group"]?.string,
        let kind = object["kind"]?.string, let layer = object["layer"]?.integer,
        let unit = object["unit"]?.integer, let all = object["compared"]?.integer
      else { throw .traitUnits(path, number + 1) }
      guard group == name else { continue }
      own = name
      compared = all
      units.insert("\(kind)/\(layer)/\(unit)")
    }
    guard let name = own else { return nil }
    guard units.count <= compared else { throw .traitUnits(path, 1) }
    self.init(trait: name, units: units, compared: compared)
  }

  /// What two sets share, beside random sets of these sizes.
  public struct Overlap: Sendable, Equatable {
    public let first: String
    public let second: String
    public let shared: Int
    public let expected: Double
    /// Of at least as many.
    public let p: Double
    public var adjustedP: Double
    /// Units that both were chosen from.
    public let population: Int
  }

  /// Every two of the sets, Holm over the pairs.
  public static func overlaps(_ sets: [TraitUnitSet]) -> [Overlap] {
    var overlaps: [Overlap] = []
    for (place, first) in sets.enumerated() {
      for second in sets.dropFirst(place + 1) {
        let population = max(first.compared, second.compared)
        let chance = Hypergeometric(
          population: population, first: first.units.count, second: second.units.count)
        let shared = first.units.intersection(second.units).count
        let p = chance.tail(atLeast: shared)
        overlaps.append(
          Overlap(
            first: first.trait, second: second.trait, shared: shared, expected: chance.mean, p: p,
            adjustedP: p, population: population))
      }
    }
    let adjusted = MultipleTesting.holm(overlaps.map(\.p))
    for index in overlaps.indices { overlaps[index].adjustedP = adjusted[index] }
    return overlaps
  }
}

extension TraitSection {
  var unitFigures: [Metric] {
    TraitUnitSet.overlaps(units).flatMap { overlap -> [Metric] in
      let at: KeyValuePairs<String, JSONValue> = [
        "first": .string(overlap.first), "second": .string(overlap.second),
      ]
      return [
        Metric(
          "trait_unit_overlap", Double(overlap.shared), unit: "units", count: overlap.population,
          at: at),
        Metric(
          "trait_unit_overlap_expected", overlap.expected, unit: "units",
          count: overlap.population, at: at),
        Metric(
          "trait_unit_overlap_p", overlap.adjustedP, unit: "probability",
          count: overlap.population, at: at),
      ]
    }
  }

  /// nil where units of fewer than two traits are known.
  var unitTable: ReportTable? {
    let overlaps = TraitUnitSet.overlaps(units)
    guard !overlaps.isEmpty else { return nil }
    return ReportTable(
      caption:
        "Units that tunings towards two traits have in common among those found for each, beside two random "
        + "sets of as many units; p of at least as many, Holm over pairs. Units that vary much in any "
        + "tuning are shared by themselves.",
      columns: [.init("first"), .init("second")]
        + ["shared", "expected", "of units", "adjusted p"].map { .init($0, isNumber: true) },
      rows: overlaps.map {
        [
          $0.first, $0.second, String($0.shared), Format.figure($0.expected),
          String($0.population), Format.probability($0.adjustedP),
        ]
      })
  }
}

extension Diagnostic {
  static func traitUnits(_ path: String, _ line: Int) -> Diagnostic {
    Diagnostic(
      "trait-units", "line \(line) of '\(path)' is no unit that explain-trait found",
      help: "give the output 'units' of explain-trait", consequence: .stageFailed)
  }
}
