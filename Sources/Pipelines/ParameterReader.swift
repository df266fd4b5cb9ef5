// Reads `{type: integer, at_least: 1, default: 5}`, the form that stage.yaml and a manifest's
// `params` share.

import Diagnostics
import YAMLSyntax

enum ParameterReader {
  /// The definition, unless it is too broken to check values against; `required_when` is read by
  /// `requirements`, once all parameters are known.
  static func read(
    _ fields: Fields, name: Located<String>, problems: Problems
  ) -> ParameterDefinition? {
    guard let type = type(fields, problems: problems) else { return nil }
    let bounds = bounds(fields, type: type, problems: problems)
    let summary = text(fields, "summary", problems: problems) ?? ""
    let unit = text(fields, "unit", problems: problems)
    func definition(default value: ParameterValue?, isRequired: Bool) -> ParameterDefinition {
      ParameterDefinition(
        name: name.value, type: type, default: value, isRequired: isRequired,
        atLeast: bounds["at_least"], above: bounds["above"], atMost: bounds["at_most"],
        below: bounds["below"], unit: unit, requiredWhen: [], summary: summary)
    }
    guard let node = fields["default"] else { return definition(default: nil, isRequired: true) }
    let value = problems.attempt { () throws(Diagnostic) in
      try definition(default: nil, isRequired: false).check(
        try literal(node, named: "the default"), at: node.span)
    }
    return definition(default: value, isRequired: false)
  }

  /// A value without references.
  static func literal(_ node: YAMLNode, named what: String) throws(Diagnostic) -> ParameterValue {
    let template = try ValueTemplate(node, named: what)
    if let reference = template.references.first {
      throw .substitutionNotHere(what, at: reference.span)
    }
    guard
      case .value(let value) = try template.evaluate(Surroundings(params: [:], axes: nil))
    else { throw .valueKind(what, expected: "a value", found: "empty", at: node.span) }
    return value
  }

  static func text(_ fields: Fields, _ key: String, problems: Problems) -> String? {
    fields[key].flatMap { node in
      problems.attempt { () throws(Diagnostic) in try node.text("the key '\(key)'") }
    }
  }

  static func boolean(_ fields: Fields, _ key: String, problems: Problems) -> Bool {
    fields[key].flatMap { node in
      problems.attempt { () throws(Diagnostic) in try node.boolean("the key '\(key)'") }
    } ?? false
  }

  private static func type(_ fields: Fields, problems: Problems) -> ParameterType? {
    let isList = boolean(fields, "list", problems: problems)
    guard let node = fields["type"], let name = text(fields, "type", problems: problems) else {
      return nil
    }
    let single: ParameterType
    switch name {
    case "boolean": single = .boolean
    case "integer": single = .integer
    case "number": single = .number
    case "string": single = .string
    case "path": single = .path
    case "choice":
      guard let list = fields["choices"] else {
        problems.add(.choicesMissing(at: node.span))
        return nil
      }
      let choices = problems.attempt { () throws(Diagnostic) in
        var texts: [String] = []
        for item in try list.items("the key 'choices'") {
          let text = try item.text("a choice")
          if texts.contains(text) { throw .duplicateValue(text, in: "choices", at: item.span) }
          texts.append(text)
        }
        if texts.isEmpty { throw .emptyList("choices", at: list.span) }
        return texts
      }
      guard let choices else { return nil }
      single = .choice(choices)
    default:
      let known = ["boolean", "integer", "number", "string", "choice", "path"]
      problems.add(.unknownType(name, known: known, at: node.span))
      return nil
    }
    if name != "choice", let span = fields.keySpan("choices") {
      problems.add(.keyNeedsType("choices", "choice", found: name, at: span))
    }
    return isList ? .list(single) : single
  }

  private static func bounds(
    _ fields: Fields, type: ParameterType, problems: Problems
  ) -> [String: Double] {
    let isNumeric: Bool
    switch type {
    case .integer, .number, .list(.integer), .list(.number): isNumeric = true
    default: isNumeric = false
    }
    var bounds: [String: Double] = [:]
    for key in ["at_least", "above", "at_most", "below"] {
      guard let node = fields[key] else { continue }
      guard isNumeric else {
        problems.add(
          .keyNeedsType(key, "integer or number", found: type.name, at: fields.keySpan(key)))
        continue
      }
      bounds[key] = problems.attempt { () throws(Diagnostic) in
        try node.number("the key '\(key)'")
      }
    }
    let low = max(bounds["at_least"] ?? -.infinity, bounds["above"] ?? -.infinity)
    let high = min(bounds["at_most"] ?? .infinity, bounds["below"] ?? .infinity)
    let isOpen = bounds["above"] == low || bounds["below"] == high
    if low > high || low == high && isOpen {
      problems.add(.emptyRange(at: fields.node.span))
      return [:]
    }
    return bounds
  }
}
