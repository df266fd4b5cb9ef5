// Reads section.json. It may come from anywhere (an import, an older version, an edit by hand), so
// sizes are bounded, unknown members refused and every number checked before anything is drawn.

import CanonicalJSON
import Diagnostics
import Foundation

extension ReportSection {
  static let mostBytes = 16 << 20
  static let mostBlocks = 400
  /// Points of one figure.
  static let mostPoints = 20_000
  static let mostRows = 5_000

  /// **Throws**: `json-syntax`, `section-malformed`.
  public static func read(_ bytes: [UInt8], shown path: String) throws(Diagnostic) -> ReportSection
  {
    guard bytes.count <= mostBytes else {
      throw .sectionMalformed(path, "it has \(bytes.count) bytes, more than \(mostBytes)")
    }
    let value = try JSONValue(parsing: SourceText(path: path, bytes: bytes))
    let fields = try JSONFields(
      value, "", path: path, members: ["version", "id", "title", "order", "summary", "blocks"])
    _ = try fields.integer("version", in: version...version)
    let id = try anchor("id", fields)
    var blocks: [Block] = []
    var figures: Set<String> = []
    for (index, item) in try fields.list("blocks", most: mostBlocks).enumerated() {
      let block = try Block(item, "blocks[\(index)]", path: path)
      if case .figure(let figure) = block, !figures.insert(figure.id).inserted {
        throw fields.fault("has two figures with the id '\(figure.id)'")
      }
      blocks.append(block)
    }
    return ReportSection(
      id: id, title: try fields.text("title", most: 500),
      order: try fields.integer("order", in: -1_000_000...1_000_000),
      summary: try fields.text("summary"), blocks: blocks)
  }

  fileprivate static func anchor(_ key: String, _ fields: JSONFields) throws(Diagnostic) -> String {
    let text = try fields.text(key, most: 1000)
    guard isAnchor(text) else {
      throw fields.fault(
        "has the \(key) '\(text.prefix(80))': 1 to 64 lower-case letters, digits and hyphens are "
          + "wanted, a letter first")
    }
    return text
  }
}

extension ReportSection.Block {
  fileprivate init(_ value: JSONValue, _ place: String, path: String) throws(Diagnostic) {
    let kinds = ["text", "figure", "table", "claims", "texts", "images"]
    let fields = try JSONFields(value, place, path: path, members: kinds)
    guard fields.object.count == 1, let kind = fields.object.keys.first else {
      throw fields.fault("is not one of \(kinds.joined(separator: ", "))")
    }
    let content = try fields.value(kind)
    let inside = fields.inside(kind)
    switch kind {
    case "text": self = .text(try fields.text(kind))
    case "figure": self = .figure(try Figure(content, inside, path: path))
    case "table": self = .table(try ReportTable(content, inside, path: path))
    case "claims":
      var claims: [Claim] = []
      for (index, item) in try fields.list(kind, most: 1000).enumerated() {
        claims.append(try Claim(item, "\(inside)[\(index)]", path: path))
      }
      self = .claims(claims)
    case "images": self = .images(try ImageGrid(content, inside, path: path))
    default:
      let texts = try JSONFields(content, inside, path: path, members: ["title", "items"])
      var excerpts: [ReportSection.Excerpt] = []
      for (index, item) in try texts.list("items", most: 1000).enumerated() {
        let excerpt = try JSONFields(
          item, "\(inside).items[\(index)]", path: path, members: ["title", "text"])
        excerpts.append(
          .init(title: try excerpt.text("title"), text: try excerpt.text("text")))
      }
      self = .texts(title: try texts.text("title"), excerpts)
    }
  }
}

extension ImageGrid {
  fileprivate init(_ value: JSONValue, _ place: String, path: String) throws(Diagnostic) {
    let fields = try JSONFields(
      value, place, path: path, members: ["title", "caption", "width", "items"])
    var items: [Item] = []
    for (index, value) in try fields.list("items", most: Self.mostItems).enumerated() {
      items.append(try Item(value, "\(place).items[\(index)]", path: path))
    }
    self.init(
      title: try fields.text("title", most: 500), caption: try fields.text("caption"),
      width: try fields.integer("width", in: Self.widths), items: items)
  }
}

extension ImageGrid.Item {
  fileprivate init(_ value: JSONValue, _ place: String, path: String) throws(Diagnostic) {
    let fields = try JSONFields(
      value, place, path: path, members: ["title", "caption", "alt", "tone", "data"])
    let alt = try fields.text("alt")
    guard !alt.isEmpty else { throw fields.fault("has no words in 'alt'") }
    let most = ImageGrid.mostBytes
    let data = try fields.text("data", most: (most + 2) / 3 * 4)
    guard let bytes = Data(base64Encoded: data), bytes.count <= most,
      ImageGrid.mediaType([UInt8](bytes.prefix(8))) != nil
    else { throw fields.fault("has 'data' that are no PNG or JPEG file in base64") }
    self.init(
      title: fields.object["title"] == nil ? "" : try fields.text("title", most: 500),
      caption: fields.object["caption"] == nil ? "" : try fields.text("caption"), alt: alt,
      tone: try fields.choice("tone", default: .plain), bytes: [UInt8](bytes))
  }
}

extension Figure {
  fileprivate init(_ value: JSONValue, _ place: String, path: String) throws(Diagnostic) {
    let fields = try JSONFields(
      value, place, path: path,
      members: [
        "kind", "id", "title", "x", "y", "caption", "series", "x_scale", "y_scale", "categories",
        "references", "include", "whole_x", "unit_square", "markers",
      ])
    var series: [Series] = []
    for (index, item) in try fields.list("series", most: 64).enumerated() {
      series.append(try Series(item, "\(place).series[\(index)]", path: path))
    }
    let points = series.reduce(0) { $0 + $1.points.count }
    guard points <= ReportSection.mostPoints else {
      throw fields.fault(
        "has \(points) points; at most \(ReportSection.mostPoints) are drawn: bin them")
    }
    var references: [Reference] = []
    for (index, item) in try fields.list("references", most: 16, optional: true).enumerated() {
      references.append(try Reference(item, "\(place).references[\(index)]", path: path))
    }
    var include: [Double] = []
    for item in try fields.list("include", most: 16, optional: true) {
      guard let number = item.double else { throw fields.fault("has 'include' that is no number") }
      include.append(number)
    }
    self.init(
      try fields.choice("kind"), id: try ReportSection.anchor("id", fields),
      title: try fields.text("title", most: 500), xLabel: try fields.text("x", most: 500),
      yLabel: try fields.text("y", most: 500),
      xScale: try fields.choice("x_scale", default: Scale.linear),
      yScale: try fields.choice("y_scale", default: Scale.linear),
      categories: try fields.texts("categories", most: 200, optional: true), series: series,
      caption: try fields.text("caption"), references: references,
      wholeX: try fields.flag("whole_x", default: false), include: include,
      isUnitSquare: try fields.flag("unit_square", default: false),
      drawsMarkers: try fields.flag("markers", default: true))
  }
}

extension Figure.Reference {
  fileprivate init(_ value: JSONValue, _ place: String, path: String) throws(Diagnostic) {
    let fields = try JSONFields(value, place, path: path, members: ["name", "line", "value"])
    let name = try fields.text("name", most: 500)
    let number = try fields.number("value")
    let line: Line = try fields.choice("line")
    switch line {
    case .horizontal: self.init(name: name, y: number)
    case .vertical: self.init(name: name, x: number)
    }
  }
}

extension Figure.Series {
  fileprivate init(_ value: JSONValue, _ place: String, path: String) throws(Diagnostic) {
    let fields = try JSONFields(value, place, path: path, members: ["name", "points", "style"])
    var points: [Figure.Point] = []
    for item in try fields.list("points", most: ReportSection.mostPoints) {
      guard let row = item.array, (2...5).contains(row.count), let x = row[0].double,
        let y = row[1].double
      else { throw fields.fault("has a point that is not [x, y, low?, high?, count?]") }
      var ends: [Double?] = [nil, nil]
      for (index, end) in row.dropFirst(2).prefix(2).enumerated() where end != .null {
        guard let number = end.double else { throw fields.fault("has an interval of no numbers") }
        ends[index] = number
      }
      if let low = ends[0], let high = ends[1], low > high {
        throw fields.fault("has an interval that is upside down")
      }
      var count = 1
      if row.count == 5 {
        guard let number = row[4].integer, number >= 0 else {
          throw fields.fault("has a point with a count that is none")
        }
        count = number
      }
      points.append(.init(x: x, y: y, low: ends[0], high: ends[1], count: count))
    }
    var style: Figure.Style?
    if let value = fields.object["style"] {
      let look = try JSONFields(
        value, "\(place).style", path: path, members: ["colour", "dash", "marker"])
      style = .init(
        colour: try look.integer("colour", in: 1...8), dash: try look.choice("dash"),
        marker: try look.integer("marker", in: 4...13))
    }
    self.init(name: try fields.text("name", most: 500), style: style, points: points)
  }
}

extension ReportTable {
  fileprivate init(_ value: JSONValue, _ place: String, path: String) throws(Diagnostic) {
    let fields = try JSONFields(
      value, place, path: path, members: ["caption", "columns", "rows"])
    var columns: [Column] = []
    for (index, item) in try fields.list("columns", most: 64).enumerated() {
      let column = try JSONFields(
        item, "\(place).columns[\(index)]", path: path, members: ["title", "unit", "number"])
      columns.append(
        Column(
          try column.text("title", most: 500), unit: try column.text("unit", most: 500),
          isNumber: try column.flag("number", default: false)))
    }
    var rows: [[String]] = []
    for (index, item) in try fields.list("rows", most: ReportSection.mostRows).enumerated() {
      var cells: [String] = []
      for cell in item.array ?? [] {
        guard let text = cell.string, text.utf8.count <= 20_000 else {
          throw fields.fault("has a row \(index) whose cells are not all texts")
        }
        cells.append(text)
      }
      guard item.array != nil, cells.count == columns.count else {
        throw fields.fault("has a row \(index) that is no list of \(columns.count) cells")
      }
      rows.append(cells)
    }
    self.init(caption: try fields.text("caption"), columns: columns, rows: rows)
  }
}

extension Claim {
  fileprivate init(_ value: JSONValue, _ place: String, path: String) throws(Diagnostic) {
    let fields = try JSONFields(
      value, place, path: path,
      members: [
        "id", "statement", "verdict", "evidence", "chains", "effect", "low", "high", "p",
        "adjusted_p",
      ])
    self.init(
      id: try ReportSection.anchor("id", fields), statement: try fields.text("statement"),
      verdict: try fields.choice("verdict"), evidence: try fields.text("evidence"),
      effect: try fields.optionalNumber("effect"), low: try fields.optionalNumber("low"),
      high: try fields.optionalNumber("high"), p: try fields.optionalNumber("p"),
      adjustedP: try fields.optionalNumber("adjusted_p"),
      chains: try fields.integer("chains", in: 0...1_000_000))
    if let low, let high, low > high { throw fields.fault("has an interval that is upside down") }
    for (name, value) in [("p", p), ("adjusted_p", adjustedP)] {
      if let value, !(0...1).contains(value) {
        throw fields.fault("has the \(name) \(value), which is no probability")
      }
    }
  }
}
