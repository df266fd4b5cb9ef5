// A table of results as others released it: CSV with a header, columns by name, every cell checked.

import CanonicalJSON
import Corpora
import Diagnostics
import DriftAnalysis

/// Rows of a CSV file under the names of its first one.
struct ResultTable {
  let path: String
  let columns: [String]
  private let rows: [(line: Int, cells: [String])]

  static let mostBytes = 1 << 30

  /// **Throws**: `result-table`, `import-encoding`, `csv-quote`.
  init(_ bytes: [UInt8], path: String) throws(Diagnostic) {
    self.path = path
    var reader = try CSVReader(bytes, path: path)
    guard let header = try reader.next() else {
      throw .resultTable(path, line: 1, "has no header: the file is empty")
    }
    columns = try Self.cells(header, path)
    for (index, name) in columns.enumerated() {
      if columns[..<index].contains(where: { bytesEqual($0, name) }) {
        throw .resultTable(path, line: header.line, "names the column '\(name)' twice")
      }
    }
    var rows: [(line: Int, cells: [String])] = []
    while let row = try reader.next() {
      let cells = try Self.cells(row, path)
      guard cells.count == columns.count else {
        throw .resultTable(
          path, line: row.line, "has \(cells.count) fields under \(columns.count) columns")
      }
      rows.append((row.line, cells))
    }
    guard !rows.isEmpty else { throw .resultTable(path, line: header.line, "has no rows after it") }
    self.rows = rows
  }

  private static func cells(_ row: CSVRow, _ path: String) throws(Diagnostic) -> [String] {
    if let fault = row.fault { throw .resultTable(path, line: row.line, "has \(fault)") }
    var cells: [String] = []
    for field in row.fields {
      guard let text = String(validating: field, as: UTF8.self) else {
        throw .resultTable(path, line: row.line, "is not valid UTF-8")
      }
      var trimmed = Substring(text)
      while let first = trimmed.first, first == " " || first == "\t" { trimmed.removeFirst() }
      while let last = trimmed.last, last == " " || last == "\t" { trimmed.removeLast() }
      cells.append(String(trimmed))
    }
    return cells
  }

  var count: Int { rows.count }

  func has(_ column: String) -> Bool { columns.contains { bytesEqual($0, column) } }

  /// **Throws**: `result-column`.
  private func index(_ column: String, _ parameter: String) throws(Diagnostic) -> Int {
    guard let index = columns.firstIndex(where: { bytesEqual($0, column) }) else {
      throw .resultColumn(path, column, parameter: parameter, there: columns)
    }
    return index
  }

  /// The cells of a column as they stand.
  func texts(_ column: String, parameter: String) throws(Diagnostic) -> [String] {
    let index = try index(column, parameter)
    for row in rows where row.cells[index].isEmpty {
      throw .resultTable(path, line: row.line, "has nothing in the column '\(column)'")
    }
    return rows.map { $0.cells[index] }
  }

  /// Whole numbers; "3.0" is one.
  func integers(_ column: String, parameter: String) throws(Diagnostic) -> [Int] {
    let index = try index(column, parameter)
    var values: [Int] = []
    for row in rows {
      guard let number = Self.number(row.cells[index]), abs(number) <= 1e9,
        number == number.rounded()
      else {
        throw .resultTable(
          path, line: row.line,
          "has '\(row.cells[index].prefix(40))' in the column '\(column)', not a whole number")
      }
      values.append(Int(number))
    }
    return values
  }

  /// Finite numbers. Where `range` is given they lie in it.
  func numbers(
    _ column: String, parameter: String, in range: ClosedRange<Double>? = nil
  ) throws(Diagnostic) -> [Double] {
    var values: [Double] = []
    for (row, value) in zip(
      rows, try optionalNumbers(column, parameter: parameter, in: range))
    {
      guard let value else {
        throw .resultTable(path, line: row.line, "has no number in the column '\(column)'")
      }
      values.append(value)
    }
    return values
  }

  /// As `numbers`; an empty cell or "nan" is nil.
  func optionalNumbers(
    _ column: String, parameter: String, in range: ClosedRange<Double>? = nil
  ) throws(Diagnostic) -> [Double?] {
    let index = try index(column, parameter)
    var values: [Double?] = []
    for row in rows {
      let text = row.cells[index]
      if text.isEmpty || ["nan", "na"].contains(text.lowercased()) {
        values.append(nil)
        continue
      }
      guard let number = Self.number(text) else {
        throw .resultTable(
          path, line: row.line, "has '\(text.prefix(40))' in the column '\(column)', not a number")
      }
      if let range, !range.contains(number) {
        throw .resultTable(
          path, line: row.line,
          "has \(text.prefix(40)) in the column '\(column)', not a value from \(range.lowerBound) to "
            + "\(range.upperBound)")
      }
      values.append(number)
    }
    return values
  }

  /// Decimal numbers only: Swift's own parser also takes hexadecimal and "inf".
  private static func number(_ text: String) -> Double? {
    guard text.utf8.allSatisfy({ (48...57).contains($0) || "+-.eE".utf8.contains($0) }),
      let number = Double(text), number.isFinite
    else { return nil }
    return number
  }

  func line(_ row: Int) -> Int { rows[row].line }
}

extension Diagnostic {
  static func resultTable(_ path: String, line: Int, _ reason: String) -> Diagnostic {
    Diagnostic(
      "result-table", "line \(line) of '\(path)' \(reason)",
      help:
        "a table of results is CSV in UTF-8 with a header, commas between fields and one row for "
        + "each article or neuron", consequence: .stageFailed)
  }

  static func resultColumn(
    _ path: String, _ column: String, parameter: String, there: [String]
  ) -> Diagnostic {
    Diagnostic(
      "result-column", "'\(path)' has no column '\(column)' (\(parameter))",
      help: suggestion(for: column, among: there, called: "the column"), consequence: .stageFailed)
  }

  static func resultFiles(_ port: String) -> Diagnostic {
    Diagnostic(
      "result-files", "the folder at '\(port)' holds no .csv file",
      help: "name a CSV file, or a folder of CSV files whose names are those of the setups",
      consequence: .stageFailed)
  }

  static func resultClasses(_ text: String) -> Diagnostic {
    Diagnostic(
      "result-classes", "the item '\(text)' of 'classes' does not name a class and its column",
      help: "write CLASS=COLUMN for at least two different classes, such as right=Right_Score",
      consequence: .stageFailed)
  }

  static func resultTarget(_ target: String, classes: [String]) -> Diagnostic {
    Diagnostic(
      "result-classes", "'\(target)' (target) is not one of the classes",
      help: suggestion(for: target, among: classes, called: "the class"),
      consequence: .stageFailed)
  }
}

/// Diagnostic id → page, for `plumb explain`.
public let studyStagesExplanations: [(id: String, text: String)] =
  driftAnalysisExplanations.map { (id: $0.key, text: $0.value) } + [
    (
      "result-table",
      """
      The stage kind reanalyse-tables reads what others released and recomputes from it, so it takes
      nothing on trust: every row has as many fields as the header, an article stands once in each
      generation, numbers are plain decimals in their range. The message names file and line. Where a
      release writes it in another way, convert the file and say so.
      """
    ),
    (
      "result-column",
      """
      Columns are found by their names in the first row. The parameter in brackets says which name is
      looked for; set it to what the file calls the column.
      """
    ),
    (
      "result-files",
      """
      'shares' and 'neurons' take a CSV file or a folder; of a folder only files ending in .csv are read,
      one setup each, named by the file.
      """
    ),
    (
      "result-classes",
      """
      'classes' lists the classes with the columns of their scores: CLASS=COLUMN, in the order that decides
      ties. 'target' names one of them.
      """
    ),
  ]
