// A table of a report section: text that is already formatted, columns that say what it is.

/// Rows of texts under columns with units.
public struct ReportTable: Sendable, Equatable {
  public struct Column: Sendable, Equatable {
    public var title: String
    /// "points", "%"; empty for none.
    public var unit: String
    /// Set to the right, digits under digits.
    public var isNumber: Bool

    public init(_ title: String, unit: String = "", isNumber: Bool = false) {
      self.title = title
      self.unit = unit
      self.isNumber = isNumber
    }
  }

  /// Says what is listed, n, and what intervals are.
  public var caption: String
  public var columns: [Column]
  public var rows: [[String]]

  /// - Precondition: every row has a cell for each column.
  public init(caption: String, columns: [Column], rows: [[String]]) {
    for row in rows {
      precondition(
        row.count == columns.count, "a row of \(row.count) cells under \(columns.count) columns")
    }
    self.caption = caption
    self.columns = columns
    self.rows = rows
  }
}
