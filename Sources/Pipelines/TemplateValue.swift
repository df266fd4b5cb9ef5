// A value on its way from text to a checked parameter, and what `$(…)` may refer to.

import Diagnostics
import YAMLSyntax

/// What a template gives once its references are replaced.
enum TemplateValue: Sendable, Hashable {
  case null
  case value(ParameterValue)
  /// A path of the manifest or of the command line.
  case path(absolute: String, shown: String)
  /// It depends on a required parameter that was not given.
  case unset(param: String)
  /// It depends on something that was reported already.
  case broken

  init(_ scalar: YAMLScalar.Value) {
    switch scalar {
    case .null: self = .null
    case .boolean(let value): self = .value(.boolean(value))
    case .integer(let value): self = .value(.integer(value))
    case .number(let value): self = .value(.number(value))
    case .text(let value): self = .value(.string(value))
    }
  }
}

extension TemplateValue {
  /// What `when:` understands: a boolean, or the word with or without `not` before it.
  var truth: Bool? {
    switch self {
    case .value(.boolean(let value)): return value
    case .value(.string(let text)):
      var words = text.split(separator: " ")
      let isNegated = words.first == "not"
      if isNegated { words.removeFirst() }
      guard words.count == 1, words[0] == "true" || words[0] == "false" else { return nil }
      return (words[0] == "true") != isNegated
    default: return nil
    }
  }

  /// For messages: "the integer 5", "the text 'many'".
  var kind: String {
    switch self {
    case .null: "empty"
    case .path(_, let shown): "the path '\(shown)'"
    case .unset, .broken: "not known"
    case .value(let value): value.kind
    }
  }
}

extension ParameterValue {
  var kind: String {
    switch self {
    case .boolean(let value): "the boolean \(value)"
    case .integer(let value): "the integer \(value)"
    case .number(let value): "the number \(value)"
    case .string(let value):
      "the text '\(value.count > 40 ? String(value.prefix(40)) + "…" : value)'"
    case .list: "a list"
    }
  }
}

/// What `$(params.x)` and `$(matrix.x)` stand for at one place.
struct Surroundings {
  var params: [String: TemplateValue]
  /// Axes of the stage; nothing where `$(matrix.x)` makes no sense.
  var axes: [String]?
  var coordinates: Coordinates = .none
}
