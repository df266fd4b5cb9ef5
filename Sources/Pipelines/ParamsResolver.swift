// Values of `params`: defaults, then `--params` files in order, then `--set` in order.

import Diagnostics
import YAMLSyntax

struct ParamsResolver {
  let declarations: [ParamDeclaration]
  let overrides: ManifestOverrides
  let problems: Problems

  /// Values by name, and one problem for each required parameter that was not given.
  func resolve() -> (values: [String: TemplateValue], unset: [Diagnostic]) {
    var values: [String: TemplateValue] = [:]
    var required: [ParamDeclaration] = []
    for declaration in declarations {
      let name = declaration.name.value
      guard let definition = declaration.definition else {
        values[name] = .broken
        continue
      }
      if let value = definition.default {
        values[name] = located(value, definition, from: declaration.folder)
      } else {
        values[name] = .unset(param: name)
        required.append(declaration)
      }
    }
    for file in overrides.files { read(file, into: &values) }
    for assignment in overrides.assignments { assign(assignment, into: &values) }
    let unset = required.compactMap { declaration -> Diagnostic? in
      guard case .unset? = values[declaration.name.value], let definition = declaration.definition
      else { return nil }
      return .paramNotGiven(definition, at: declaration.name.span)
    }
    return (values, unset)
  }

  /// Paths become absolute, all else stays.
  private func located(
    _ value: ParameterValue, _ definition: ParameterDefinition, from folder: String
  ) -> TemplateValue {
    guard case .path = definition.type, case .string(let path) = value else {
      return .value(value)
    }
    return .path(absolute: Paths.absolute(path, from: folder), shown: path)
  }

  private func definition(
    _ name: Located<String>
  ) throws(Diagnostic) -> ParameterDefinition? {
    guard let declaration = declarations.first(where: { $0.name.value == name.value }) else {
      throw .unknownParam(name.value, among: declarations.map(\.name.value), at: name.span)
    }
    return declaration.definition
  }

  // MARK: --params

  private func read(_ file: String, into values: inout [String: TemplateValue]) {
    let path = Paths.absolute(file, from: overrides.workingFolder)
    guard
      let source = problems.attempt({ () throws(Diagnostic) in
        try Paths.read(path, shown: file, at: nil)
      })
    else { return }
    let (root, syntax) = YAMLNode.read(source)
    problems.add(syntax)
    guard let root,
      let mapping = problems.attempt({ () throws(Diagnostic) in
        try root.members("a file of parameters")
      })
    else { return }
    for member in mapping.members {
      let value = problems.attempt { () throws(Diagnostic) -> TemplateValue? in
        guard let definition = try definition(member.key) else { return nil }
        let value = try ParameterReader.literal(
          member.value, named: "the parameter '\(member.key.value)'")
        return located(
          try definition.check(value, at: member.value.span), definition,
          from: Paths.folder(of: path))
      }
      values[member.key.value] = value ?? values[member.key.value].map { _ in .broken }
    }
  }

  // MARK: --set

  private func assign(_ assignment: String, into values: inout [String: TemplateValue]) {
    let source = SourceText(path: "--set", text: assignment)
    func place(_ range: Range<Int>) -> SourceSpan { SourceSpan(source: source, range: range) }
    let bytes = source.bytes
    guard let equals = bytes.firstIndex(of: UInt8(ascii: "=")), equals > 0 else {
      problems.add(.badAssignment(at: place(0..<bytes.count)))
      return
    }
    let name = Located(
      String(decoding: bytes[..<equals], as: UTF8.self), at: place(0..<equals))
    let text = String(decoding: bytes[(equals + 1)...], as: UTF8.self)
    let span = place(equals + 1..<bytes.count)
    let value = problems.attempt { () throws(Diagnostic) -> TemplateValue? in
      guard let definition = try definition(name) else { return nil }
      let value: ParameterValue
      if case .list(let item) = definition.type {
        var inner = text
        if inner.hasPrefix("["), inner.hasSuffix("]") {
          inner = String(inner.dropFirst().dropLast())
        }
        let items = inner.split(separator: ",", omittingEmptySubsequences: true)
        value = .list(items.map { Self.value(of: Self.trimmed($0), as: item) })
      } else {
        value = Self.value(of: text, as: definition.type)
      }
      return located(
        try definition.check(value, at: span), definition, from: overrides.workingFolder)
    }
    if let value, let value {
      values[name.value] = value
    } else if values[name.value] != nil {
      values[name.value] = .broken
    }
  }

  /// Text by the declared type: for text and paths, no quotes are needed and none are removed.
  private static func value(of text: String, as type: ParameterType) -> ParameterValue {
    switch type {
    case .string, .path, .choice: return .string(text)
    case .boolean, .integer, .number, .list:
      switch YAMLScalar.Value(plain: text) {
      case .boolean(let value): return .boolean(value)
      case .integer(let value): return .integer(value)
      case .number(let value): return .number(value)
      case .null, .text: return .string(text)
      }
    }
  }

  private static func trimmed(_ text: Substring) -> String {
    var text = text
    while text.first == " " { text = text.dropFirst() }
    while text.last == " " { text = text.dropLast() }
    return String(text)
  }
}
