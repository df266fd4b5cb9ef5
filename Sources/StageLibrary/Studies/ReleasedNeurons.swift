// Tables of neurons as released: for each unit how it goes with bias and with quality. Counts at
// thresholds, overlap against chance, layers.

import Diagnostics
import Foundation
import Statistics

/// Correlations and p values of every unit, from one or several files.
struct ReleasedNeurons {
  struct Columns {
    let layer: String
    let unit: String
    /// Names of r, p and β of bias and of quality.
    let r: [String]
    let p: [String]
    let beta: [String]
  }

  static let sides = ["bias", "quality"]

  let layers: [Int]
  /// `[side][unit]`; nil where a table has no number.
  private(set) var r: [[Double?]]
  private(set) var p: [[Double?]]
  private(set) var beta: [[Double?]]

  var count: Int { layers.count }

  /// Units are joined by layer and number; a column may stand in one file only.
  ///
  /// **Throws**: `result-table`, `result-column`.
  init(_ tables: [ResultTable], _ columns: Columns) throws(Diagnostic) {
    var order: [Place] = []
    var place: [Place: Int] = [:]
    for table in tables {
      let keys = try Self.places(table, columns)
      for key in keys where place[key] == nil {
        place[key] = order.count
        order.append(key)
      }
    }
    let empty = [[Double?]](
      repeating: [Double?](repeating: nil, count: order.count), count: Self.sides.count)
    var read = [empty, empty, empty]
    let wanted = [
      ("r", columns.r, -1.0...1.0), ("p", columns.p, 0.0...1.0), ("beta", columns.beta, nil),
    ]
    for (kind, item) in wanted.enumerated() {
      for (side, name) in item.1.enumerated() where !name.isEmpty {
        let holders = tables.filter { $0.has(name) }
        let parameter = "\(Self.sides[side])_\(item.0)_column"
        guard let table = holders.first else {
          // β is not in every release; r and p are what counts are made of.
          if item.0 == "beta" { continue }
          throw .resultColumn(
            tables[0].path, name, parameter: parameter, there: tables.flatMap(\.columns))
        }
        guard holders.count == 1 else {
          throw .resultTable(
            holders[1].path, line: 1,
            "has the column '\(name)', which stands in '\(table.path)' too")
        }
        let values = try table.optionalNumbers(name, parameter: parameter, in: item.2)
        for (key, value) in zip(try Self.places(table, columns), values) {
          read[kind][side][place[key]!] = value
        }
      }
    }
    layers = order.map(\.layer)
    (r, p, beta) = (read[0], read[1], read[2])
  }

  private struct Place: Hashable {
    let layer: Int
    let unit: Int
  }

  private static func places(
    _ table: ResultTable, _ columns: Columns
  ) throws(Diagnostic) -> [Place] {
    let layers = try table.integers(columns.layer, parameter: "layer_column")
    let units = try table.integers(columns.unit, parameter: "unit_column")
    var seen: Set<Place> = []
    var places: [Place] = []
    for row in 0..<table.count {
      let place = Place(layer: layers[row], unit: units[row])
      guard seen.insert(place).inserted else {
        throw .resultTable(
          table.path, line: table.line(row),
          "has unit \(place.unit) of layer \(place.layer) again")
      }
      places.append(place)
    }
    return places
  }

  /// Units of each side below a threshold, and of both.
  struct Sets {
    let threshold: Double
    let bias: Int
    let quality: Int
    let both: Int
    let chance: Hypergeometric

    /// P(an overlap as large or larger) and P(as small or smaller) for independent sets.
    var atLeast: Double { chance.tail(atLeast: both) }
    var atMost: Double { chance.tail(atMost: both) }
    var jaccard: Double {
      bias + quality > both ? Double(both) / Double(bias + quality - both) : 0
    }
  }

  func sets(below threshold: Double) -> Sets {
    let significant = p.map { side in side.map { ($0 ?? 1) < threshold } }
    let both = zip(significant[0], significant[1]).count { $0 && $1 }
    let (bias, quality) = (significant[0].count { $0 }, significant[1].count { $0 })
    return Sets(
      threshold: threshold, bias: bias, quality: quality, both: both,
      chance: Hypergeometric(population: count, first: bias, second: quality))
  }

  /// Units of a side below a threshold by layer, ascending.
  func byLayer(_ side: Int, below threshold: Double) -> [(layer: Int, count: Int, of: Int)] {
    Set(layers).sorted().map { layer in
      let units = layers.indices.filter { layers[$0] == layer }
      return (layer, units.count { (p[side][$0] ?? 1) < threshold }, units.count)
    }
  }

  /// Units whose β and r have one sign, of those that have both.
  func signAgreement(_ side: Int) -> (agreeing: Int, of: Int)? {
    let pairs = zip(beta[side], r[side]).compactMap { beta, r in
      beta.flatMap { beta in r.map { (beta, $0) } }
    }
    return pairs.isEmpty ? nil : (pairs.count { $0.0 * $0.1 > 0 }, pairs.count)
  }

  /// Units without a p value.
  func missing(_ side: Int) -> Int { p[side].count { $0 == nil } }
}
