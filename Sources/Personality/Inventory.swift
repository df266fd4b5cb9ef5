// A personality inventory (the 120 items of the public-domain IPIP-NEO): items with the trait they belong
// to and the direction they are keyed in, and how answers become scores.

import Corpora
import Diagnostics

public struct Inventory: Sendable {
  public struct Item: Sendable, Equatable {
    public let number: Int
    public let trait: Trait
    public let facet: String
    /// Agreeing speaks against the trait.
    public let isReversed: Bool
    public let text: String
  }

  public let items: [Item]

  /// Reads a table with the columns n, trait (O, C, E, A, N), facet, key (1 or -1), item; tabs between.
  ///
  /// **Throws**: `inventory-table`.
  public init(table bytes: [UInt8], path: String) throws(Diagnostic) {
    var reader = try CSVReader(bytes, path: path, separator: UInt8(ascii: "\t"))
    func fault(_ line: Int, _ reason: String) -> Diagnostic { .inventoryTable(path, line, reason) }
    guard let header = try reader.next() else { throw fault(1, "is missing: the file is empty") }
    let names = header.fields.map { String(decoding: $0, as: UTF8.self) }
    var columns: [Int] = []
    for name in ["n", "trait", "facet", "key", "item"] {
      guard let place = names.firstIndex(of: name) else {
        throw fault(header.line, "names no column '\(name)'")
      }
      columns.append(place)
    }
    var items: [Item] = []
    while let row = try reader.next() {
      if let reason = row.fault { throw fault(row.line, "has \(reason)") }
      guard row.fields.count == names.count else {
        throw fault(row.line, "has \(row.fields.count) fields under \(names.count) columns")
      }
      let cells = columns.map { String(validating: row.fields[$0], as: UTF8.self) ?? "" }
      guard let number = Int(cells[0]), !items.contains(where: { $0.number == number }) else {
        throw fault(row.line, "has no number of its own")
      }
      guard let trait = Trait(letter: cells[1]) else {
        throw fault(row.line, "has the trait '\(cells[1].prefix(20))', not O, C, E, A or N")
      }
      guard cells[3] == "1" || cells[3] == "-1" else {
        throw fault(row.line, "has the key '\(cells[3].prefix(20))', not 1 or -1")
      }
      guard !cells[4].isEmpty else { throw fault(row.line, "has no item") }
      items.append(
        Item(
          number: number, trait: trait, facet: cells[2], isReversed: cells[3] == "-1",
          text: cells[4]))
    }
    guard !items.isEmpty else { throw fault(header.line + 1, "is missing: there are no items") }
    self.items = items
  }

  /// Answers from 1 (very inaccurate) to 5 turned so that more is more of the trait: 6 − x where reversed.
  public func keyed(_ answers: [Double]) -> [Double] {
    precondition(answers.count == items.count, "\(answers.count) answers to \(items.count) items")
    return zip(items, answers).map { $0.isReversed ? 6 - $1 : $1 }
  }

  /// Sum of the keyed answers to a trait's items; nil where it has none.
  public func sum(_ trait: Trait, _ answers: [Double]) -> Double? {
    let own = zip(items, keyed(answers)).filter { $0.0.trait == trait }
    return own.isEmpty ? nil : own.reduce(0) { $0 + $1.1 }
  }

  /// Mean keyed answer of a trait's items, 1 to 5.
  public func mean(_ trait: Trait, _ answers: [Double]) -> Double? {
    sum(trait, answers).map { $0 / Double(items.count { $0.trait == trait }) }
  }

  /// Mean answer before turning, over as many reversed as plain items of each trait's share: how much is
  /// agreed to whatever is asked. 3 is none where a trait has both directions.
  public func acquiescence(_ answers: [Double]) -> Double {
    func mean(_ reversed: Bool) -> Double? {
      let own = zip(items, answers).filter { $0.0.isReversed == reversed }
      return own.isEmpty ? nil : own.reduce(0) { $0 + $1.1 } / Double(own.count)
    }
    let both = [mean(true), mean(false)].compactMap { $0 }
    return both.reduce(0, +) / Double(both.count)
  }

  /// Cronbach's α of a trait: k/(k − 1)·(1 − Σ variances of items / variance of sums).
  ///
  /// - Parameter sheets: answers of several respondents; here one model asked in several ways.
  /// - Returns: nil for fewer than two sheets or items, or where sums do not vary.
  ///
  /// **Source**: Cronbach 1951, equation 2.
  public func alpha(_ trait: Trait, sheets: [[Double]]) -> Double? {
    let own = items.indices.filter { items[$0].trait == trait }
    guard sheets.count >= 2, own.count >= 2 else { return nil }
    let turned = sheets.map(keyed)
    func variance(_ values: [Double]) -> Double {
      let mean = values.reduce(0, +) / Double(values.count)
      return values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(values.count - 1)
    }
    let parts = own.reduce(0.0) { sum, item in sum + variance(turned.map { $0[item] }) }
    let whole = variance(turned.map { sheet in own.reduce(0) { $0 + sheet[$1] } })
    guard whole > 0 else { return nil }
    let k = Double(own.count)
    return k / (k - 1) * (1 - parts / whole)
  }
}

extension Diagnostic {
  static func inventoryTable(_ path: String, _ line: Int, _ reason: String) -> Diagnostic {
    Diagnostic(
      "inventory-table", "line \(line) of '\(path)' \(reason)",
      help: "an inventory is a table with tabs: n, trait (O, C, E, A, N), facet, key (1, -1), item",
      consequence: .stageFailed)
  }
}
