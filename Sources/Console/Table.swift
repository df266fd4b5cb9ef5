// Columns of text under headings, for everything that lists.

/// A table whose columns are as wide as they must be.
public struct Table: Sendable {
  public struct Column: Sendable {
    public let title: String
    public let isNumeric: Bool
    /// Whether this column gives way first when the table is wider than the terminal.
    public let mayShrink: Bool

    public init(_ title: String, numeric: Bool = false, mayShrink: Bool = false) {
      self.title = title
      self.isNumeric = numeric
      self.mayShrink = mayShrink
    }
  }

  public let columns: [Column]
  public private(set) var rows: [[String]] = []

  public init(_ columns: [Column]) { self.columns = columns }

  public mutating func add(_ cells: [String]) {
    precondition(
      cells.count == columns.count,
      "a row of \(cells.count) cells in a table of \(columns.count) columns")
    rows.append(cells.map(\.drawable))
  }

  /// The lines, each at most `width` columns wide where shrinking columns allow it; a width of nil
  /// cuts nothing (piped output must lose nothing).
  public func lines(width: Int? = nil, style: Style = Style(colours: false)) -> [String] {
    var widths = columns.indices.map { index in
      max(columns[index].title.columns, rows.map { $0[index].columns }.max() ?? 0)
    }
    if let width {
      var excess = widths.reduce(0, +) + 2 * (widths.count - 1) - width
      while excess > 0 {
        let candidates = columns.indices.filter { columns[$0].mayShrink && widths[$0] > 8 }
        guard let widest = candidates.max(by: { widths[$0] < widths[$1] }) else { break }
        widths[widest] -= 1
        excess -= 1
      }
    }
    let hasTitles = columns.contains { !$0.title.isEmpty }
    let heading = hasTitles ? [style(.faint, line(columns.map(\.title), widths))] : []
    return heading + rows.map { line($0, widths) }
  }

  private func line(_ cells: [String], _ widths: [Int]) -> String {
    var out = ""
    for index in columns.indices {
      if index > 0 { out += "  " }
      let isLast = index == columns.count - 1
      let cell = cells[index].cut(to: widths[index])
      out +=
        columns[index].isNumeric
        ? cell.padded(to: widths[index], right: true)
        : isLast ? cell : cell.padded(to: widths[index])
    }
    while out.hasSuffix(" ") { out.removeLast() }
    return out
  }
}
