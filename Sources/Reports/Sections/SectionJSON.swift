// A section as canonical JSON. Members that say nothing (empty, absent, the default) are left out, so
// that equal sections have equal bytes; numbers that are not finite are left out too.

import CanonicalJSON

extension ReportSection {
  static let version = 1

  public var json: JSONValue {
    .object([
      "version": .integer(Self.version), "id": .string(id), "title": .string(title),
      "order": .integer(order), "summary": .string(summary), "blocks": .array(blocks.map(\.json)),
    ])
  }

  /// The bytes of `section.json`.
  public var bytes: [UInt8] { json.canonicalBytes + [UInt8(ascii: "\n")] }
}

extension ReportSection.Block {
  var json: JSONValue {
    switch self {
    case .text(let text): .object(["text": .string(text)])
    case .figure(let figure): .object(["figure": figure.json])
    case .table(let table): .object(["table": table.json])
    case .claims(let claims): .object(["claims": .array(claims.map(\.json))])
    case .images(let grid): .object(["images": grid.json])
    case .texts(let title, let excerpts):
      .object([
        "texts": .object([
          "title": .string(title),
          "items": .array(
            excerpts.map { .object(["title": .string($0.title), "text": .string($0.text)]) }),
        ])
      ])
    }
  }
}

extension ImageGrid {
  var json: JSONValue {
    .object([
      "title": .string(title), "caption": .string(caption), "width": .integer(width),
      "items": .array(items.map(\.json)),
    ])
  }
}

extension ImageGrid.Item {
  var json: JSONValue {
    var members: [(String, JSONValue)] = [("alt", .string(alt)), ("data", .string(base64))]
    if !title.isEmpty { members.append(("title", .string(title))) }
    if !caption.isEmpty { members.append(("caption", .string(caption))) }
    if tone != .plain { members.append(("tone", .string(tone.rawValue))) }
    return .object(JSONObject(members))
  }
}

extension Figure {
  public var json: JSONValue {
    var members: [(String, JSONValue)] = [
      ("kind", .string(kind.rawValue)), ("id", .string(id)), ("title", .string(title)),
      ("x", .string(xLabel)), ("y", .string(yLabel)), ("caption", .string(caption)),
      ("series", .array(series.map(\.json))),
    ]
    if xScale != .linear { members.append(("x_scale", .string(xScale.rawValue))) }
    if yScale != .linear { members.append(("y_scale", .string(yScale.rawValue))) }
    if !categories.isEmpty {
      members.append(("categories", .array(categories.map { .string($0) })))
    }
    if !references.isEmpty {
      let lines = references.filter(\.value.isFinite).map { reference -> JSONValue in
        .object([
          "name": .string(reference.name), "line": .string(reference.line.rawValue),
          "value": .number(reference.value),
        ])
      }
      members.append(("references", .array(lines)))
    }
    if !include.isEmpty {
      members.append(("include", .array(include.filter(\.isFinite).map { .number($0) })))
    }
    if wholeX { members.append(("whole_x", true)) }
    if isUnitSquare { members.append(("unit_square", true)) }
    if !drawsMarkers { members.append(("markers", false)) }
    return .object(JSONObject(members))
  }
}

extension Figure.Series {
  /// Points are lists [x, y, low, high, count], cut after the last one that says something.
  var json: JSONValue {
    let rows = points.filter { $0.x.isFinite && $0.y.isFinite }.map { point -> JSONValue in
      func end(_ value: Double?) -> JSONValue {
        value.flatMap { $0.isFinite ? .number($0) : nil } ?? .null
      }
      var row: [JSONValue] = [
        .number(point.x), .number(point.y), end(point.low), end(point.high),
        point.count == 1 ? .null : .integer(point.count),
      ]
      while row.last == .null { row.removeLast() }
      return .array(row)
    }
    var members: [(String, JSONValue)] = [("name", .string(name)), ("points", .array(rows))]
    if let style {
      members.append(
        (
          "style",
          .object([
            "colour": .integer(style.colour), "dash": .string(style.dash.rawValue),
            "marker": .integer(style.marker),
          ])
        ))
    }
    return .object(JSONObject(members))
  }
}

extension ReportTable {
  var json: JSONValue {
    .object([
      "caption": .string(caption),
      "columns": .array(
        columns.map {
          .object([
            "title": .string($0.title), "unit": .string($0.unit), "number": .boolean($0.isNumber),
          ])
        }), "rows": .array(rows.map { .array($0.map { .string($0) }) }),
    ])
  }
}

extension Claim {
  public var json: JSONValue {
    var members: [(String, JSONValue)] = [
      ("id", .string(id)), ("statement", .string(statement)),
      ("verdict", .string(verdict.rawValue)), ("evidence", .string(evidence)),
      ("chains", .integer(chains)),
    ]
    let numbers = [
      ("effect", effect), ("low", low), ("high", high), ("p", p), ("adjusted_p", adjustedP),
    ]
    for (name, value) in numbers {
      if let value, value.isFinite { members.append((name, .number(value))) }
    }
    return .object(JSONObject(members))
  }
}
