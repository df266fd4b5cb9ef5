// What a scalar under `inputs` or `matrix` says, as a tree with places. ExpressionParser.swift reads
// it; ReferenceResolver.swift and MatrixResolver.swift give it meaning.

import Diagnostics

/// `a ?? b ?? none`: the first that exists.
struct InputExpression: Sendable {
  enum Alternative: Sendable {
    case reference(Reference)
    case none(SourceSpan)

    var span: SourceSpan {
      switch self {
      case .reference(let reference): reference.span
      case .none(let span): span
      }
    }
  }

  let alternatives: [Alternative]
}

/// `stage[selectors].port`.
struct Reference: Sendable {
  let stage: Located<String>
  let selectors: [AxisSelector]
  let port: Located<String>
  let span: SourceSpan
  /// As it was written.
  let text: String

  var isList: Bool {
    selectors.contains {
      switch $0.choice {
      case .all, .range: true
      case .shift, .value: false
      }
    }
  }
}

/// One part between the brackets of a reference.
struct AxisSelector: Sendable {
  enum Choice: Sendable {
    /// `*` alone covers every axis that is not named; `axis=*` covers one.
    case all
    case shift(Int)
    case value(AxisLiteral)
    case range(Bound, Bound, includesUpper: Bool)
  }

  /// Nothing for `*` alone.
  let axis: Located<String>?
  let choice: Choice
  let span: SourceSpan
}

/// `preserve`, `0.5`, `"a b"`, `generation - 1`: what it means depends on the axis.
struct AxisLiteral: Sendable {
  let text: String
  let isQuoted: Bool
  /// As an integer or the consumer's axis; nothing where the text is neither.
  let bound: Bound?
  let span: SourceSpan
}

/// An integer: written, taken from one of the consumer's axes, or replaced from params.
struct Bound: Sendable {
  enum Base: Sendable {
    case integer(Int)
    case axis(String)
    case reference(TemplateReference)
  }

  let base: Base
  var offset = 0
  let span: SourceSpan
}

/// A scalar under `matrix`.
enum AxisExpression: Sendable {
  /// `0..10`, `0..<$(params.n)`.
  case range(Bound, Bound, includesUpper: Bool)
  /// `train.strategy`.
  case axis(stage: Located<String>, axis: Located<String>)
}
