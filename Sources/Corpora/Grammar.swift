// A weighted grammar: rules with alternatives from which documents are composed. Read from YAML by
// GrammarReader.swift, expanded by GrammarExpander.swift, counted by GrammarMeasure.swift; the
// syntax is explained in Corpora.docc/Grammars.md.

import Diagnostics

/// A checked grammar: every name it uses is there, and every expansion can end.
public struct Grammar: Sendable {
  public let name: String
  /// What documents are classed by, such as left, center, right.
  public let labels: [String]
  public let origin: String?
  public let licence: String?
  let symbols: [Symbol]
  let form: DocumentForm

  /// A rule, or a variable: a rule that is drawn once per document and then stays.
  struct Symbol: Sendable {
    let name: String
    let isVariable: Bool
    let body: Body
    let span: SourceSpan?
  }

  indirect enum Body: Sendable {
    case alternatives([Alternative])
    /// Which body counts depends on the label or on a variable.
    case cases(axis: Axis, bodies: [(value: String, body: Body)], otherwise: Body?)
  }

  enum Axis: Sendable, Hashable {
    case label
    case variable(Int)
  }

  struct Alternative: Sendable {
    let template: Template
    let weight: Double
  }

  typealias Template = [Part]

  indirect enum Part: Sendable {
    case text(String)
    case symbol(Int, Form)
    /// Different expansions of one rule as a list: `a, b and c`.
    case list(Int, count: ClosedRange<Int>)
    case choice([Template])
  }

  enum Form: Sendable {
    case plain
    /// First letter in upper case.
    case capital
    /// With `a` or `an` before it; `true` for `A` and `An`.
    case article(capital: Bool)
  }

  /// Which template makes which part of a document.
  struct DocumentForm: Sendable {
    let title: Template
    let opening: Template?
    let sentence: Template
    let closing: Template?
    let source: Template?
    let date: Template?
  }

  func index(of name: String) -> Int? { symbols.firstIndex { $0.name == name } }
}

extension Grammar.Body {
  /// All bodies below, with the values that lead to them left out.
  var leaves: [[Grammar.Alternative]] {
    switch self {
    case .alternatives(let list): [list]
    case .cases(_, let bodies, let otherwise):
      bodies.flatMap(\.body.leaves) + (otherwise?.leaves ?? [])
    }
  }

  var axes: [Grammar.Axis] {
    switch self {
    case .alternatives: []
    case .cases(let axis, let bodies, let otherwise):
      [axis] + bodies.flatMap(\.body.axes) + (otherwise?.axes ?? [])
    }
  }
}

extension Grammar.Part {
  /// The symbols that a part expands, in a set of alternatives of which one is enough.
  var symbols: [Int] {
    switch self {
    case .text: []
    case .symbol(let symbol, _), .list(let symbol, _): [symbol]
    case .choice(let templates): templates.flatMap { $0.flatMap(\.symbols) }
    }
  }
}
