// What only the whole grammar shows: rules that cannot end, cases that are missing, rules that
// nothing uses. GrammarReader.swift calls it once all names are known.

import CanonicalJSON
import Diagnostics

extension Grammar {
  func check() -> [Diagnostic] {
    var problems: [Diagnostic] = []
    let productive = productiveSymbols()
    for (index, symbol) in symbols.enumerated() where !productive.contains(index) {
      problems.append(.grammarEndless(symbol.name, at: symbol.span))
    }
    for symbol in symbols { problems += missingCases(of: symbol) }
    problems += loopsOfVariables()
    let used = usedSymbols()
    for (index, symbol) in symbols.enumerated() where !used.contains(index) {
      problems.append(.grammarUnused(symbol.name, at: symbol.span))
    }
    return problems
  }

  /// Symbols with an expansion that ends, in every case: the least fixed point.
  private func productiveSymbols() -> Set<Int> {
    var productive: Set<Int> = []
    func ends(_ template: Template) -> Bool {
      template.allSatisfy { part in
        switch part {
        case .text: true
        case .symbol(let symbol, _), .list(let symbol, _): productive.contains(symbol)
        case .choice(let options): options.contains(where: ends)
        }
      }
    }
    var count = -1
    while count != productive.count {
      count = productive.count
      for (index, symbol) in symbols.enumerated() where !productive.contains(index) {
        let leaves = symbol.body.leaves
        if leaves.allSatisfy({ $0.contains { ends($0.template) } }) { productive.insert(index) }
      }
    }
    return productive
  }

  /// The values a variable can take, if all its alternatives are plain words.
  func values(of variable: Int) -> [String]? {
    var values: [String] = []
    for alternative in symbols[variable].body.leaves.joined() {
      guard let text = Self.plainText(alternative.template) else { return nil }
      if !values.contains(text) { values.append(text) }
    }
    return values
  }

  private static func plainText(_ template: Template) -> String? {
    var out = ""
    for part in template {
      guard case .text(let text) = part else { return nil }
      out += text
    }
    return out
  }

  private func missingCases(of symbol: Symbol) -> [Diagnostic] {
    var problems: [Diagnostic] = []
    func look(_ body: Body) {
      guard case .cases(let axis, let bodies, let otherwise) = body else { return }
      let values: [String]
      let axisName: String
      switch axis {
      case .label: (values, axisName) = (labels, "label")
      case .variable(let index):
        axisName = symbols[index].name
        guard let found = self.values(of: index) else {
          problems.append(.grammarOpenAxis(axisName, of: symbol.name, at: symbol.span))
          return
        }
        values = found
      }
      for value in values
      where otherwise == nil && !bodies.contains(where: { $0.value == value }) {
        problems.append(.grammarMissingCase(value, axisName, of: symbol.name, at: symbol.span))
      }
      for (value, inner) in bodies {
        if !values.contains(value) {
          problems.append(.grammarUnknownCase(value, values, at: symbol.span))
        }
        look(inner)
      }
      if let otherwise { look(otherwise) }
    }
    look(symbol.body)
    return problems
  }

  /// A variable that needs itself to be drawn would never be drawn.
  private func loopsOfVariables() -> [Diagnostic] {
    var problems: [Diagnostic] = []
    for (start, symbol) in symbols.enumerated() where symbol.isVariable {
      var seen: Set<Int> = []
      var waiting = needs(of: start)
      while let next = waiting.popLast() {
        if next == start {
          problems.append(.grammarEndless(symbol.name, at: symbol.span))
          break
        }
        if seen.insert(next).inserted { waiting += needs(of: next) }
      }
    }
    return problems
  }

  private func needs(of index: Int) -> [Int] {
    let body = symbols[index].body
    let axes = body.axes.compactMap { axis in
      if case .variable(let index) = axis { index } else { nil }
    }
    return axes + body.leaves.joined().flatMap { $0.template.flatMap(\.symbols) }
  }

  private func usedSymbols() -> Set<Int> {
    let templates = [form.title, form.opening, form.sentence, form.closing, form.source, form.date]
    var used: Set<Int> = []
    var waiting = templates.compactMap { $0 }.flatMap { $0.flatMap(\.symbols) }
    while let next = waiting.popLast() {
      if used.insert(next).inserted { waiting += needs(of: next) }
    }
    return used
  }
}
