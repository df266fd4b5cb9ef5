// Typed values out of a node, each failure with its place and a way out.

import Diagnostics

extension YAMLNode {
  /// What the node is, for messages: "a list", "the integer 5".
  public var kind: String {
    switch content {
    case .sequence: return "a list"
    case .mapping: return "a mapping"
    case .scalar(let scalar):
      switch scalar.value {
      case .null: return "empty"
      case .boolean(let value): return "the boolean \(value)"
      case .integer(let value): return "the integer \(value)"
      case .number: return "the number \(scalar.text)"
      case .text(let value):
        let short = value.count > 40 ? value.prefix(40) + "…" : value[...]
        return value.isEmpty ? "empty text" : "the text '\(short)'"
      }
    }
  }

  /// Whether nothing was written, or `null` or `~`.
  public var isNull: Bool { scalar?.value == .null }

  /// Text. A number or truth value must be in quotes to be text.
  ///
  /// **Throws**: `yaml-kind`. `what` begins the sentence: "the key 'name'".
  public func text(_ what: @autoclosure () -> String) throws(Diagnostic) -> String {
    guard let scalar else { throw wrong(what(), "text") }
    if case .text(let text) = scalar.value { return text }
    let help =
      scalar.value == .null ? nil : "put it in quotes to make it text: \"\(scalar.text)\""
    throw .yamlKind(what(), expected: "text", found: kind, at: span, help: help)
  }

  public func integer(_ what: @autoclosure () -> String) throws(Diagnostic) -> Int {
    if case .integer(let value)? = scalar?.value { return value }
    throw wrong(what(), "an integer")
  }

  /// A finite number; integers count as numbers.
  public func number(_ what: @autoclosure () -> String) throws(Diagnostic) -> Double {
    switch scalar?.value {
    case .integer(let value)?: return Double(value)
    case .number(let value)? where value.isFinite: return value
    default: throw wrong(what(), "a number")
    }
  }

  public func boolean(_ what: @autoclosure () -> String) throws(Diagnostic) -> Bool {
    if case .boolean(let value)? = scalar?.value { return value }
    throw wrong(what(), "true or false")
  }

  public func items(_ what: @autoclosure () -> String) throws(Diagnostic) -> [YAMLNode] {
    guard let sequence else {
      let help = scalar.map { "put it in brackets: [\($0.text)]" }
      throw .yamlKind(what(), expected: "a list", found: kind, at: span, help: help)
    }
    return sequence
  }

  public func members(_ what: @autoclosure () -> String) throws(Diagnostic) -> YAMLMapping {
    guard let mapping else {
      throw .yamlKind(
        what(), expected: "a mapping", found: kind, at: span,
        help: "write 'name: value' lines" + (sequence == nil ? "" : ", without '- '"))
    }
    return mapping
  }

  private func wrong(_ what: String, _ expected: String) -> Diagnostic {
    .yamlKind(what, expected: expected, found: kind, at: span, help: nil)
  }
}

extension YAMLMapping {
  /// One `unknown-key` for every key that is not among the known ones.
  public func unknownKeys(of owner: String, known: [String]) -> [Diagnostic] {
    members.filter { !known.contains($0.key.value) }.map {
      .yamlUnknownKey($0.key.value, of: owner, known: known, at: $0.key.span)
    }
  }
}
