// How wide a grammar is. Counting distinct sentences exactly is only possible for small grammars
// (two derivations may spell the same words), so there are two measures that bracket it.

import Diagnostics

/// Measures of the sentences a grammar can write in one voice.
public struct GrammarMeasure: Sendable {
  /// Derivations of a sentence: an upper bound of the distinct sentences, infinite where rules
  /// recur. Exact for derivations; each variable counts once where the sentence uses it first.
  public let derivations: Double
  /// A lower bound of the distinct sentences at 95 % confidence, from coincidences among drawn
  /// sentences.
  ///
  /// If two draws coincide with probability p = Σ pᵢ², there are at least 1/p sentences
  /// (Cauchy–Schwarz), and exactly that many if all are equally likely. A few frequent sentences
  /// would hide a long tail of rare ones, so the same bound is also taken of those draws alone
  /// whose derivation was improbable (below a quartile that other draws set), and the larger
  /// counts.
  public let distinctAtLeast: Double
  public let draws: Int

  /// **Throws**: `grammar-depth`.
  /// **Cost**: `draws` expansions, some microseconds each.
  public init(_ composition: Composition, label: String, draws: Int = 30_000) throws(Diagnostic) {
    precondition(draws >= 100, "\(draws) draws measure nothing")
    self.draws = draws
    let drawn = try composition.sentences(draws, label: label)
    let pilot = drawn.prefix(draws / 10).map(\.logProbability).sorted()
    let quartile = pilot[pilot.count / 4]
    let rest = drawn.dropFirst(draws / 10)
    distinctAtLeast = max(
      Self.leastSupport(rest.map(\.text)),
      Self.leastSupport(rest.filter { $0.logProbability < quartile }.map(\.text)))
    derivations = Self.derivations(composition.grammar, label: label)
  }

  /// How many values a distribution has at least, from independent draws; 97.5 % confidence.
  private static func leastSupport(_ draws: [String]) -> Double {
    var counts: [String: Int] = [:]
    for draw in draws { counts[draw, default: 0] += 1 }
    let pairs = counts.values.reduce(0.0) { $0 + Double($1) * Double($1 - 1) / 2 }
    // Upper limit of a Poisson mean: exact for none, else the normal approximation.
    let upper = pairs == 0 ? 3.69 : pairs + 1.96 * (pairs + 1).squareRoot() + 1.92
    return Double(draws.count) * Double(max(0, draws.count - 1)) / 2 / upper
  }

  private static func derivations(_ grammar: Grammar, label: String) -> Double {
    // Per value of the variables that cases ask for, one after the other; the rest multiplies.
    var total = 0.0
    let axes = Set(
      grammar.symbols.flatMap { $0.body.axes }.compactMap { axis in
        if case .variable(let index) = axis { index } else { nil }
      }
    ).sorted()
    func visit(_ rest: ArraySlice<Int>, _ values: [Int: String]) {
      guard let axis = rest.first else {
        total += count(grammar.form.sentence, grammar, label, values)
        return
      }
      let leaf = alternatives(grammar.symbols[axis].body, label, values)
      for alternative in leaf {
        var word = ""
        for part in alternative.template { if case .text(let text) = part { word += text } }
        visit(rest.dropFirst(), values.merging([axis: word]) { $1 })
      }
    }
    visit(axes[...], [:])
    return total
  }

  private static func alternatives(
    _ body: Grammar.Body, _ label: String, _ values: [Int: String]
  ) -> [Grammar.Alternative] {
    switch body {
    case .alternatives(let list): return list
    case .cases(let axis, let bodies, let otherwise):
      let value: String?
      switch axis {
      case .label: value = label
      case .variable(let index): value = values[index]
      }
      let inner = bodies.first { $0.value == value }?.body ?? otherwise
      return inner.map { alternatives($0, label, values) } ?? []
    }
  }

  private static func count(
    _ template: Grammar.Template, _ grammar: Grammar, _ label: String, _ values: [Int: String]
  ) -> Double {
    var known: [Int: Double] = [:]
    var active: Set<Int> = []
    func symbol(_ index: Int) -> Double {
      if values[index] != nil { return 1 }
      if let count = known[index] { return count }
      guard active.insert(index).inserted else { return .infinity }
      defer { active.remove(index) }
      let list = alternatives(grammar.symbols[index].body, label, values)
      let sum = list.reduce(0) { $0 + product($1.template) }
      known[index] = sum
      return sum
    }
    func product(_ template: Grammar.Template) -> Double {
      var seen: Set<Int> = []
      return template.reduce(1) { result, part in
        switch part {
        case .text: return result
        case .choice(let options): return result * options.reduce(0) { $0 + product($1) }
        case .symbol(let index, _):
          if grammar.symbols[index].isVariable, !seen.insert(index).inserted { return result }
          return result * symbol(index)
        case .list(let index, let counts):
          let single = symbol(index)
          // Ordered draws without repetition, for every length.
          let ways = counts.reduce(0.0) { sum, length in
            sum + (0..<length).reduce(1.0) { $0 * max(0, single - Double($1)) }
          }
          return result * ways
        }
      }
    }
    return product(template)
  }
}
