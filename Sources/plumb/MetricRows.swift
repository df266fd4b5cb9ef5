// Metrics of many instances as rows with one column per axis: filtered, averaged, laid across.

import CanonicalJSON
import Console
import Diagnostics
import Pipelines
import Reports

/// Rows of figures; a column is an axis of a stage's matrix or a member of a metric's `at`.
struct MetricRows {
  struct Row {
    var stage: String
    /// How many of the columns in `place` are axes of the stage's matrix; they come first.
    var axes: Int
    /// Column → value.
    var place: [(column: String, value: JSONValue)]
    var name: String
    var unit: String
    var value: Double
    var low: Double?
    var high: Double?
    var count: Int

    init(stage: InstanceID, metric: Metric) {
      self.stage = stage.stage
      place = stage.coordinates.axes.map { ($0.name, $0.value.json) }
      axes = place.count
      for (key, value) in metric.at.members {
        guard let axis = place.prefix(axes).first(where: { $0.column == key }) else {
          place.append((key, value))
          continue
        }
        // As a rule both say the same. A model tuned to one trait may be measured on another.
        if axis.value != value { place.append(("at.\(key)", value)) }
      }
      name = metric.name
      unit = metric.unit
      value = metric.value
      low = metric.low
      high = metric.high
      count = metric.count
    }

    subscript(column: String) -> JSONValue? { place.first { $0.column == column }?.value }
  }

  /// A table as cells, with which columns hold numbers.
  struct Cells {
    var titles: [String]
    var numeric: [Bool]
    var rows: [[String]]

    var table: Table {
      var table = Table(
        zip(titles, numeric).map { Table.Column($0, numeric: $1, mayShrink: !$1) })
      for row in rows { table.add(row) }
      return table
    }

    /// RFC 4180, with plain line feeds.
    var csv: [String] {
      ([titles] + rows).map { row in
        row.map { cell in
          cell.contains { "\",\r\n".contains($0) }
            ? "\"" + cell.replacing("\"", with: "\"\"") + "\"" : cell
        }.joined(separator: ",")
      }
    }
  }

  private(set) var rows: [Row]

  init(_ rows: [Row]) { self.rows = rows }

  /// Axes of matrices, then members of `at`, each in the order in which they first appear.
  var columns: [String] {
    var seen: [String] = []
    func add(_ places: some Sequence<(column: String, value: JSONValue)>) {
      for (column, _) in places where !seen.contains(column) { seen.append(column) }
    }
    for row in rows { add(row.place.prefix(row.axes)) }
    for row in rows { add(row.place.dropFirst(row.axes)) }
    return seen
  }

  func check(columns asked: [String]) throws(Diagnostic) {
    let known = columns + ["stage"]
    for column in asked where !known.contains(column) {
      throw .axisUnknown(column, known: known)
    }
  }

  mutating func keep(_ column: String, _ value: String) {
    rows = rows.filter { row in
      column == "stage" ? row.stage == value : row[column].map(Self.shown) == value
    }
  }

  mutating func keepNames(_ names: [String]) { rows = rows.filter { names.contains($0.name) } }

  /// One row for all values of a column: the mean of the values. The interval goes: that of a mean is
  /// not the mean of intervals.
  mutating func average(over column: String) {
    var order: [String] = []
    var groups: [String: [Row]] = [:]
    for row in rows {
      let group = key(of: row, without: column)
      if groups[group] == nil { order.append(group) }
      groups[group, default: []].append(row)
    }
    rows = order.map { group in
      let members = groups[group]!
      var row = members[0]
      row.axes -= row.place.prefix(row.axes).count { $0.column == column }
      row.place.removeAll { $0.column == column }
      guard members.count > 1 else { return row }
      row.value = members.reduce(0) { $0 + $1.value } / Double(members.count)
      row.low = nil
      row.high = nil
      row.count = members.reduce(0) { $0 + $1.count }
      return row
    }
  }

  // MARK: Cells

  func cells() -> Cells {
    let columns = self.columns
    var cells = Cells(
      titles: ["stage"] + columns + ["metric", "value", "low", "high", "unit", "n"],
      numeric: [false] + columns.map(isNumeric) + [false, true, true, true, false, true], rows: [])
    for row in rows {
      let place = columns.map { row[$0].map(Self.shown) ?? "" }
      let figures = [row.value, row.low, row.high].map { $0.map { Figures.value($0) } ?? "" }
      cells.rows.append(
        [row.stage] + place + [row.name] + figures + [row.unit, String(row.count)])
    }
    return cells
  }

  /// The values of one column become columns; each row of the table is one metric at one place.
  func cells(across column: String) throws(Diagnostic) -> Cells {
    let others = columns.filter { $0 != column }
    var values: [String] = []
    var order: [String] = []
    var lines: [String: (row: Row, cells: [String: Double])] = [:]
    for row in rows {
      guard let value = row[column].map(Self.shown) else { continue }
      if !values.contains(value) { values.append(value) }
      let group = key(of: row, without: column)
      if lines[group] == nil {
        order.append(group)
        lines[group] = (row, [:])
      }
      lines[group]!.cells[value] = row.value
    }
    let metrics = Set(rows.map(\.name)).count
    // Columns in which every row says the same are left out: the question named them already.
    let shown = others.filter { other in
      Set(order.map { lines[$0]!.row[other].map(Self.shown) ?? "" }).count > 1
    }
    let stages = Set(rows.map(\.stage)).count
    var cells = Cells(titles: [], numeric: [], rows: [])
    if stages > 1 { cells.add("stage", numeric: false) }
    for other in shown { cells.add(other, numeric: isNumeric(other)) }
    if metrics > 1 || shown.isEmpty { cells.add("metric", numeric: false) }
    for value in values { cells.add("\(column) \(value)", numeric: true) }
    for group in order {
      let (row, figures) = lines[group]!
      var line: [String] = stages > 1 ? [row.stage] : []
      line += shown.map { row[$0].map(Self.shown) ?? "" }
      if metrics > 1 || shown.isEmpty { line.append(row.name) }
      line += values.map { figures[$0].map { Figures.value($0) } ?? "" }
      cells.rows.append(line)
    }
    return cells
  }

  private func isNumeric(_ column: String) -> Bool {
    rows.allSatisfy { $0[column].map { $0.double != nil } ?? true }
  }

  private func key(of row: Row, without column: String) -> String {
    let place = row.place.filter { $0.column != column }
      .map { JSONValue.array([.string($0.column), $0.value]) }
    return JSONValue.array([.string(row.stage), .string(row.name), .array(place)]).canonicalText
  }

  static func shown(_ value: JSONValue) -> String { value.string ?? value.canonicalText }

  var json: JSONValue {
    .array(
      rows.map { row in
        var members: [(String, JSONValue)] = [
          ("stage", .string(row.stage)), ("name", .string(row.name)),
          ("value", .number(row.value)), ("unit", .string(row.unit)), ("n", .integer(row.count)),
          ("at", .object(JSONObject(row.place.map { ($0.column, $0.value) }))),
        ]
        if let low = row.low { members.append(("low", .number(low))) }
        if let high = row.high { members.append(("high", .number(high))) }
        return .object(JSONObject(members))
      })
  }
}

extension MetricRows.Cells {
  fileprivate mutating func add(_ title: String, numeric isNumeric: Bool) {
    titles.append(title)
    numeric.append(isNumeric)
  }
}
