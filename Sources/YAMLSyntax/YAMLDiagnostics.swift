// All sentences of this module. The pages behind the ids are in YAMLExplanations.swift.

import Diagnostics

extension Diagnostic {
  static func yamlTooLarge(_ count: Int, limit: Int, at span: SourceSpan) -> Diagnostic {
    Diagnostic(
      "yaml-too-large", "the file has \(count) bytes; the limit is \(limit)", at: span,
      help: "put data into files of their own and refer to them")
  }

  static func yamlByteOrderMark(at span: SourceSpan) -> Diagnostic {
    Diagnostic(
      "yaml-encoding", "the file begins with a byte order mark", at: span,
      help: "save it as UTF-8 without a byte order mark")
  }

  static func yamlEncoding(_ hint: String, at span: SourceSpan) -> Diagnostic {
    Diagnostic("yaml-encoding", "this is not valid UTF-8", at: span, help: hint)
  }

  static func yamlCharacter(_ code: UInt32, at span: SourceSpan) -> Diagnostic {
    let digits = String(code, radix: 16, uppercase: true)
    let name = "U+" + String(repeating: "0", count: max(0, 4 - digits.count)) + digits
    return Diagnostic(
      "yaml-character", "YAML does not allow the character \(name) here", at: span,
      help: "remove it, or write it as an escape inside double quotes")
  }

  static func yamlTab(at span: SourceSpan) -> Diagnostic {
    Diagnostic(
      "yaml-tab", "a tab in the indentation", at: span,
      help: "YAML indents with spaces only: replace the tab by spaces")
  }

  static func yamlSyntax(
    _ problem: String, at span: SourceSpan, notes: [Note], help: String?
  ) -> Diagnostic {
    Diagnostic("yaml-syntax", problem, at: span, notes: notes, help: help)
  }

  static func yamlEmpty(at span: SourceSpan) -> Diagnostic {
    Diagnostic(
      "yaml-empty", "the file holds no YAML value", at: span,
      help: "see the examples of `plumb init`")
  }

  static func yamlSecondDocument(at span: SourceSpan) -> Diagnostic {
    Diagnostic(
      "yaml-documents", "a second document begins here", at: span,
      help: "one file holds one document: split the file")
  }

  static func yamlDepth(limit: Int, at span: SourceSpan) -> Diagnostic {
    Diagnostic(
      "yaml-depth", "nested deeper than \(limit) levels", at: span,
      help: "flatten the structure")
  }

  static func yamlDuplicateKey(_ key: String, at span: SourceSpan, first: SourceSpan?) -> Diagnostic
  {
    Diagnostic(
      "yaml-duplicate-key", "the key '\(key)' stands twice", at: span,
      notes: [.init("it stands here first", at: first)], help: "remove or rename one of them")
  }

  static func yamlKey(_ what: String, at span: SourceSpan) -> Diagnostic {
    Diagnostic("yaml-key", "a key must be text, not \(what)", at: span, help: "use a plain name")
  }

  static func yamlMergeKey(at span: SourceSpan) -> Diagnostic {
    Diagnostic(
      "yaml-merge-key", "merge keys ('<<') are not part of YAML 1.2", at: span,
      help: "write the members out, or share values through params")
  }

  static func yamlTag(_ tag: String, at span: SourceSpan) -> Diagnostic {
    Diagnostic(
      "yaml-tag", "the tag '\(tag)' has no meaning here", at: span,
      help: "remove it; quotes make text of any scalar")
  }

  static func yamlTagMismatch(_ tag: String, text: String, at span: SourceSpan) -> Diagnostic {
    Diagnostic(
      "yaml-tag", "'\(text)' cannot be read as \(tag)", at: span, help: "remove the tag")
  }

  static func yamlUnknownAlias(
    _ name: String, among anchors: [String], at span: SourceSpan
  ) -> Diagnostic {
    let help =
      anchors.isEmpty
      ? "no anchor stands before it; text that begins with '*' must be in quotes"
      : suggestion(for: name, among: anchors, called: "an anchor")
    return Diagnostic("yaml-alias", "no anchor '&\(name)' stands before this", at: span, help: help)
  }

  static func yamlAliasLoop(_ name: String, at span: SourceSpan) -> Diagnostic {
    Diagnostic(
      "yaml-alias", "the alias '*\(name)' stands inside its own anchor", at: span,
      help: "a value cannot contain itself: write it out")
  }

  static func yamlAliasLimit(_ limit: Int, _ noun: String, at span: SourceSpan) -> Diagnostic {
    Diagnostic(
      "yaml-alias-limit", "aliases expand to more than \(limit) \(noun)", at: span,
      help: "aliases that refer to aliases multiply: write values out or use params")
  }

  static func yamlKind(
    _ what: String, expected: String, found: String, at span: SourceSpan, help: String?
  ) -> Diagnostic {
    Diagnostic("yaml-kind", "\(what) must be \(expected), not \(found)", at: span, help: help)
  }

  static func yamlUnknownKey(
    _ key: String, of owner: String, known: [String], at span: SourceSpan?
  ) -> Diagnostic {
    Diagnostic(
      "unknown-key", "\(owner) has no key '\(key)'", at: span,
      help: suggestion(for: key, among: known, called: "only"))
  }
}
