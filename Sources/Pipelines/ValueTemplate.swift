// `$(params.x)` and `$(matrix.x)`: found once, when the manifest is read, replaced once, for each
// instance. What a replaced text contains is never looked at again.

import Diagnostics
import YAMLSyntax

/// A value with references in it.
struct ValueTemplate: Sendable {
  indirect enum Form: Sendable {
    case constant(TemplateValue)
    case text([Piece])
    case list([ValueTemplate])
  }
  enum Piece: Sendable {
    case text(String)
    case reference(TemplateReference)
  }

  let form: Form
  let span: SourceSpan

  /// **Throws**: `bad-substitution` for a malformed `$(`, `value-kind` for mappings.
  init(_ node: YAMLNode, named what: String) throws(Diagnostic) {
    span = node.span
    switch node.content {
    case .mapping:
      throw .valueKind(
        what, expected: "a value or a list of values", found: "a mapping",
        at: node.span)
    case .sequence(let items):
      var templates: [ValueTemplate] = []
      for item in items {
        if item.sequence != nil {
          throw .valueKind(
            "an item of \(what)", expected: "a single value", found: "a list",
            at: item.span)
        }
        templates.append(try ValueTemplate(item, named: "an item of \(what)"))
      }
      form = .list(templates)
    case .scalar(let scalar):
      if case .text(let text) = scalar.value, text.utf8.contains(UInt8(ascii: "$")) {
        form = .text(try Self.pieces(of: text, in: node))
      } else {
        form = .constant(TemplateValue(scalar.value))
      }
    }
  }

  /// Text and references; `$$(` stands for `$(`.
  private static func pieces(of text: String, in node: YAMLNode) throws(Diagnostic) -> [Piece] {
    let bytes = Array(text.utf8)
    var pieces: [Piece] = []
    var plain: [UInt8] = []
    var at = 0
    func flush() {
      if !plain.isEmpty { pieces.append(.text(String(decoding: plain, as: UTF8.self))) }
      plain = []
    }
    while at < bytes.count {
      if bytes[at...].starts(with: "$$(".utf8) {
        plain += "$(".utf8
        at += 3
      } else if bytes[at...].starts(with: "$(".utf8) {
        flush()
        let reference = try TemplateReference(in: bytes, at: at, of: node)
        pieces.append(.reference(reference))
        at = reference.end
      } else {
        plain.append(bytes[at])
        at += 1
      }
    }
    flush()
    return pieces
  }

  /// Every reference, for checks that need no values.
  var references: [TemplateReference] {
    switch form {
    case .constant: []
    case .text(let pieces):
      pieces.compactMap { if case .reference(let reference) = $0 { reference } else { nil } }
    case .list(let items): items.flatMap(\.references)
    }
  }

  var usesMatrix: Bool { references.contains { $0.table == .matrix } }

  /// Replaces every reference.
  ///
  /// **Throws**: `unknown-substitution`, `value-kind` (a list inside text or inside a list).
  func evaluate(_ surroundings: Surroundings) throws(Diagnostic) -> TemplateValue {
    switch form {
    case .constant(let value): return value
    case .list(let items):
      var values: [ParameterValue] = []
      for item in items {
        switch try item.evaluate(surroundings) {
        case .value(.list):
          throw .valueKind(
            "an item of a list", expected: "a single value", found: "a list",
            at: item.span)
        case .value(let value): values.append(value)
        case .null:
          throw .valueKind(
            "an item of a list", expected: "a value", found: "empty",
            at: item.span)
        case .path: throw .pathAsValue(at: item.span)
        case .unset(let param): return .unset(param: param)
        case .broken: return .broken
        }
      }
      return .value(.list(values))
    case .text(let pieces):
      if pieces.count == 1, case .reference(let reference) = pieces[0] {
        return try reference.value(in: surroundings)
      }
      var text = ""
      var isPath = false
      var shown = ""
      for piece in pieces {
        switch piece {
        case .text(let part):
          text += part
          shown += part
        case .reference(let reference):
          switch try reference.value(in: surroundings) {
          case .value(.list):
            throw .valueKind(
              "'\(reference)' inside text", expected: "a single value",
              found: "a list", at: reference.span)
          case .value(let value):
            text += value.description
            shown += value.description
          case .path(let absolute, let written):
            guard text.isEmpty else { throw .pathInsideText(at: reference.span) }
            isPath = true
            text += absolute
            shown += written
          case .null: break
          case .unset(let param): return .unset(param: param)
          case .broken: return .broken
          }
        }
      }
      return isPath ? .path(absolute: text, shown: shown) : .value(.string(text))
    }
  }
}

/// One `$(params.x)` or `$(matrix.x)`.
struct TemplateReference: Sendable, CustomStringConvertible {
  enum Table: String, Sendable { case params, matrix }

  let table: Table
  let name: String
  let span: SourceSpan
  /// Byte after the closing bracket, in the scalar's text.
  let end: Int

  /// Reads the reference that begins with `$(` at a byte of a scalar's text.
  init(in bytes: [UInt8], at start: Int, of node: YAMLNode) throws(Diagnostic) {
    guard let close = bytes[start...].firstIndex(of: UInt8(ascii: ")")) else {
      throw .badSubstitution(
        "this '$(' has no closing bracket", at: node.span(ofText: start..<bytes.count))
    }
    let inside = String(decoding: bytes[start + 2..<close], as: UTF8.self)
    let whole = node.span(ofText: start..<close + 1)
    let parts = inside.split(separator: ".", omittingEmptySubsequences: false).map(String.init)
    guard parts.count == 2, let table = Table(rawValue: parts[0]) else {
      throw .badSubstitution("'$(\(inside))' is not a reference", at: whole)
    }
    guard NameRule.param.accepts(parts[1]) else {
      throw .badSubstitution("'\(parts[1])' is not a name", at: whole)
    }
    self.table = table
    name = parts[1]
    span = whole
    end = close + 1
  }

  var description: String { "$(\(table).\(name))" }

  /// **Throws**: `unknown-substitution` with the names that there are.
  func value(in surroundings: Surroundings) throws(Diagnostic) -> TemplateValue {
    switch table {
    case .params:
      guard let value = surroundings.params[name] else {
        throw .unknownParam(name, among: surroundings.params.keys.sorted(), at: span)
      }
      return value
    case .matrix:
      guard let axes = surroundings.axes else { throw .matrixNotHere(at: span) }
      guard let value = surroundings.coordinates[name] else {
        throw .unknownMatrixAxis(name, among: axes, at: span)
      }
      return .value(value.parameter)
    }
  }

  /// The mistake that can be seen without values, if there is one.
  func problem(params: some Collection<String>, axes: [String]?) -> Diagnostic? {
    switch table {
    case .params:
      if params.contains(name) { return nil }
      return .unknownParam(name, among: params.sorted(), at: span)
    case .matrix:
      guard let axes else { return .matrixNotHere(at: span) }
      return axes.contains(name) ? nil : .unknownMatrixAxis(name, among: axes, at: span)
    }
  }
}
