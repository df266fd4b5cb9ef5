// Is this value one that the definition allows? The same check serves `with`, `params`, `--set` and
// the defaults in stage.yaml.

import Diagnostics

extension ParameterDefinition {
  /// The value as the definition's type, in its range.
  ///
  /// **Throws**: `parameter-type`, `parameter-range`, `parameter-choice`, `path-as-value`.
  func check(_ value: ParameterValue, at span: SourceSpan?) throws(Diagnostic) -> ParameterValue {
    guard case .list(let item) = type else { return try check(value, as: type, at: span) }
    guard case .list(let values) = value else {
      throw .parameterType(
        name, expected: type.phrase, found: value.kind, at: span,
        help: "put it in brackets: [\(value)]")
    }
    var checked: [ParameterValue] = []
    for value in values { checked.append(try check(value, as: item, at: span)) }
    return .list(checked)
  }

  private func check(
    _ value: ParameterValue, as type: ParameterType, at span: SourceSpan?
  ) throws(Diagnostic) -> ParameterValue {
    func wrong(_ help: String? = nil) -> Diagnostic {
      .parameterType(name, expected: type.phrase, found: value.kind, at: span, help: help)
    }
    switch (type, value) {
    case (.boolean, .boolean), (.path, .string): return value
    case (.string, .string): return value
    case (.string, .list): throw wrong()
    case (.string, _): throw wrong("put it in quotes to make it text: \"\(value)\"")
    case (.integer, .integer(let number)):
      try checkRange(Double(number), shown: value, at: span)
      return value
    case (.integer, .number(let number)) where number == number.rounded() && abs(number) < 1e15:
      throw wrong("write it without a fraction: \(Int(number))")
    case (.number, .integer(let number)):
      try checkRange(Double(number), shown: value, at: span)
      return .number(Double(number))
    case (.number, .number(let number)):
      guard number.isFinite else { throw wrong("it must be finite") }
      try checkRange(number, shown: value, at: span)
      return value
    case (.boolean, .string(let text)):
      let near = ["yes": "true", "on": "true", "no": "false", "off": "false"][text.lowercased()]
      throw wrong(near.map { "'\(text)' is text in YAML 1.2: write \($0)" })
    case (.integer, .string(let text)), (.number, .string(let text)):
      throw wrong(Double(text) == nil ? nil : "remove the quotes")
    case (.choice(let choices), .string(let text)):
      guard choices.contains(text) else {
        throw .parameterChoice(name, text, choices: choices, at: span)
      }
      return value
    case (.choice(let choices), _) where choices.contains(value.description):
      throw wrong("put it in quotes to make it text: \"\(value)\"")
    default: throw wrong()
    }
  }

  private func checkRange(
    _ number: Double, shown: ParameterValue, at span: SourceSpan?
  ) throws(Diagnostic) {
    let isInside =
      number >= atLeast ?? -.infinity && number > above ?? -.infinity
      && number <= atMost ?? .infinity && number < below ?? .infinity
    guard isInside else {
      throw .parameterRange(name, "\(shown)", allowed: range ?? "", unit: unit, at: span)
    }
  }

  /// "at least 1 and below 10"; nothing without bounds.
  public var range: String? {
    func text(_ number: Double) -> String {
      number == number.rounded() && abs(number) < 1e15 ? String(Int(number)) : number.description
    }
    let parts = [
      atLeast.map { "at least \(text($0))" }, above.map { "above \(text($0))" },
      atMost.map { "at most \(text($0))" }, below.map { "below \(text($0))" },
    ].compactMap(\.self)
    return parts.isEmpty ? nil : parts.joined(separator: " and ")
  }
}

extension ParameterType {
  /// As a noun with its article, for sentences.
  var phrase: String {
    switch self {
    case .boolean: "true or false"
    case .integer: "an integer"
    case .number: "a number"
    case .string: "text"
    case .path: "a path"
    case .choice(let values): "one of \(values.joined(separator: ", "))"
    case .list(.boolean): "a list of booleans"
    case .list(.integer): "a list of integers"
    case .list(.number): "a list of numbers"
    case .list(.string): "a list of texts"
    case .list(.path): "a list of paths"
    case .list(let item): "a list, each \(item.phrase)"
    }
  }

  /// Short name, for tables: `integer`, `list of number`, `none | overfit`.
  public var name: String {
    switch self {
    case .boolean: "boolean"
    case .integer: "integer"
    case .number: "number"
    case .string: "string"
    case .path: "path"
    case .choice(let values): values.joined(separator: " | ")
    case .list(let item): "list of \(item.name)"
    }
  }
}
