// What the reader of grammars says to a user. The other sentences of this module are in
// CorporaDiagnostics.swift; the pages behind the ids are in CorporaExplanations.swift.

import Diagnostics

extension Diagnostic {
  static func grammarVersion(at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "grammar-version", "this is not version 1 of the grammar format", at: span,
      help: "write 'version: 1'")
  }

  static func grammarMissing(_ key: String, of owner: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic("grammar-missing", "\(owner) has no '\(key)'", at: span)
  }

  static func grammarName(_ name: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "grammar-name", "'\(name)' cannot be the name of a rule", at: span,
      help: "names are lower-case letters, digits and _, begin with a letter, and are not 'label'")
  }

  static func grammarTwice(_ name: String, at span: SourceSpan?, first: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "grammar-twice", "'\(name)' is defined twice", at: span,
      notes: first.map { [Note("it stands here first", at: $0)] } ?? [],
      help: "rules, variables and labels have one name each")
  }

  static func grammarEmpty(_ name: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "grammar-empty", "'\(name)' has no alternatives", at: span,
      help: "write \"\" for an alternative without words")
  }

  static func grammarWeight(_ weight: Double, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "grammar-weight", "a weight must be above 0, not \(weight)", at: span,
      help: "leave the alternative out if it is never to be taken")
  }

  static func grammarTemplate(_ reason: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "grammar-template", reason, at: span,
      help: "write {rule}, {^rule}, {a rule}, {2-3 of rule}, {this|that}, or {{ for a brace")
  }

  static func grammarUndefined(_ name: String, among names: [String], at span: SourceSpan?)
    -> Diagnostic
  {
    Diagnostic(
      "grammar-undefined", "there is no rule or variable '\(name)'", at: span,
      help: suggestion(for: name, among: names, called: "the rule"))
  }

  static func grammarAxis(_ name: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "grammar-axis", "'by: \(name)' names neither the label nor a variable", at: span,
      help: "a rule is drawn anew each time: move '\(name)' to 'variables' to have it stay")
  }

  static func grammarOpenAxis(_ axis: String, of rule: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "grammar-axis", "'\(rule)' has cases by '\(axis)', whose values are not plain words",
      at: span, help: "draw '\(axis)' from texts without braces")
  }

  static func grammarUnknownCase(_ value: String, _ values: [String], at span: SourceSpan?)
    -> Diagnostic
  {
    Diagnostic(
      "grammar-case", "the case '\(value)' never occurs", at: span,
      help: suggestion(for: value, among: values, called: "the value"))
  }

  static func grammarMissingCase(
    _ value: String, _ axis: String, of rule: String, at span: SourceSpan?
  ) -> Diagnostic {
    Diagnostic(
      "grammar-case", "'\(rule)' has no case for \(axis) '\(value)'", at: span,
      help: "add the case, or an 'else'")
  }

  static func grammarEndless(_ name: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "grammar-endless", "'\(name)' cannot come to an end: it always needs itself", at: span,
      help: "give it an alternative that does without")
  }

  static func grammarUnused(_ name: String, at span: SourceSpan?) -> Diagnostic {
    Diagnostic(
      "grammar-unused", "no document can contain '\(name)'", at: span,
      help: "use it somewhere, or remove it", severity: .warning)
  }

  static func grammarDepth(_ name: String, limit: Int) -> Diagnostic {
    Diagnostic(
      "grammar-depth", "an expansion of '\(name)' went deeper than \(limit) rules",
      help: "give the alternatives that recur a lower weight", consequence: .stageFailed)
  }

  static func composeLabel(_ label: String, among labels: [String]) -> Diagnostic {
    Diagnostic(
      "compose-label", "the grammar has no label '\(label)'",
      help: suggestion(for: label, among: labels, called: "the label"))
  }

  static func composeTwice(_ label: String) -> Diagnostic {
    Diagnostic(
      "compose-label-twice", "'labels' names '\(label)' twice",
      help: "to let a label write more often, give it a larger weight in 'weights'")
  }

  static func composeWeights(labels: Int, weights: Int) -> Diagnostic {
    Diagnostic(
      "compose-weights",
      weights == labels
        ? "a weight is below 0, or all are 0" : "\(weights) weights for \(labels) labels",
      help: "give one weight, at least 0, per label; one must be above 0")
  }

  static func composeSentences(_ least: Int, _ most: Int) -> Diagnostic {
    Diagnostic(
      "compose-sentences", "from \(least) to \(most) sentences is no range",
      help: "'least_sentences' must not exceed 'most_sentences'")
  }
}
