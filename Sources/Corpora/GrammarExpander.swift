// One document out of a grammar: draws alternatives, remembers variables, tidies the text.
// Composition.swift makes a corpus of them.

import Diagnostics
import Foundation
import Randomness

/// Expands templates for one document. Variables keep what they were drawn as.
struct GrammarExpander {
  static let depthLimit = 100

  let grammar: Grammar
  let label: String
  var stream: RandomStream
  private var bound: [Int: String] = [:]
  /// Of all draws so far, natural logarithm.
  private(set) var logProbability = 0.0

  /// - Parameter given: variables that are not drawn but set.
  init(
    grammar: Grammar, label: String, stream: RandomStream, given: [Int: String] = [:]
  ) {
    self.grammar = grammar
    bound = given
    self.label = label
    self.stream = stream
  }

  /// The text of a template, tidied: no double spaces, none before punctuation.
  mutating func text(_ template: Grammar.Template) throws(Diagnostic) -> String {
    var out = ""
    try expand(template, into: &out, depth: 0)
    return tidied(out)
  }

  private mutating func expand(_ template: Grammar.Template, into out: inout String, depth: Int)
    throws(Diagnostic)
  {
    for part in template {
      switch part {
      case .text(let text): out += text
      case .choice(let options):
        logProbability -= log(Double(options.count))
        try expand(options[stream.integer(below: options.count)], into: &out, depth: depth)
      case .symbol(let symbol, let form):
        let text = try expansion(of: symbol, depth: depth)
        switch form {
        case .plain: out += text
        case .capital: out += capitalised(text)
        case .article(let capital): out += article(for: text, capital: capital) + " " + text
        }
      case .list(let symbol, let count):
        out += try list(of: symbol, count, depth: depth)
      }
    }
  }

  private mutating func expansion(of symbol: Int, depth: Int) throws(Diagnostic) -> String {
    if let text = bound[symbol] { return text }
    let rule = grammar.symbols[symbol]
    guard depth < Self.depthLimit else { throw .grammarDepth(rule.name, limit: Self.depthLimit) }
    let alternatives = try self.alternatives(of: rule.body, depth: depth)
    var out = ""
    try expand(
      alternatives[draw(alternatives)].template, into: &out, depth: depth + 1)
    if rule.isVariable { bound[symbol] = out }
    return out
  }

  private mutating func draw(_ alternatives: [Grammar.Alternative]) -> Int {
    guard alternatives.count > 1 else { return 0 }
    let weights = alternatives.map(\.weight)
    let index = stream.index(weights: weights)
    logProbability += log(weights[index] / weights.reduce(0, +))
    return index
  }

  private mutating func alternatives(of body: Grammar.Body, depth: Int) throws(Diagnostic)
    -> [Grammar.Alternative]
  {
    switch body {
    case .alternatives(let list): return list
    case .cases(let axis, let bodies, let otherwise):
      let value: String
      switch axis {
      case .label: value = label
      case .variable(let index): value = try expansion(of: index, depth: depth + 1)
      }
      guard let inner = bodies.first(where: { $0.value == value })?.body ?? otherwise else {
        preconditionFailure("a checked grammar has no case for '\(value)'")
      }
      return try alternatives(of: inner, depth: depth)
    }
  }

  /// Different items; fewer than wanted where the rule has no more to offer.
  private mutating func list(of symbol: Int, _ count: ClosedRange<Int>, depth: Int)
    throws(Diagnostic) -> String
  {
    let wanted = count.lowerBound + stream.integer(below: count.count)
    var items: [String] = []
    for _ in 0..<8 * wanted where items.count < wanted {
      let item = try expansion(of: symbol, depth: depth)
      if !items.contains(item) { items.append(item) }
    }
    guard items.count > 1 else { return items.first ?? "" }
    return items.dropLast().joined(separator: ", ") + " and " + items.last!
  }
}

func capitalised(_ text: String) -> String {
  guard let first = text.first else { return text }
  return first.uppercased() + text.dropFirst()
}

/// `a` or `an` by the sound of the next word, as far as spelling tells.
func article(for text: String, capital: Bool) -> String {
  let word = text.lowercased().prefix { $0.isLetter }
  let soundsLikeConsonant =
    ["eu", "one", "once", "use", "usu", "util"].contains { word.hasPrefix($0) }
    || word.hasPrefix("uni") && !word.hasPrefix("unin") && !word.hasPrefix("unim")
  let isSilent = ["hour", "honest", "honor", "heir"].contains { word.hasPrefix($0) }
  let startsWithVowel = word.first.map { "aeiou".contains($0) } ?? text.hasPrefix("8")
  let an = isSilent || startsWithVowel && !soundsLikeConsonant
  return (capital ? "A" : "a") + (an ? "n" : "")
}

private func tidied(_ text: String) -> String {
  var out: [UInt8] = []
  out.reserveCapacity(text.utf8.count)
  for byte in text.utf8 {
    let closes = [UInt8(ascii: ","), UInt8(ascii: "."), UInt8(ascii: ";"), UInt8(ascii: "?")]
    if out.last == 0x20, byte == 0x20 || closes.contains(byte) { out.removeLast() }
    if byte == 0x20, out.isEmpty { continue }
    out.append(byte)
  }
  if out.last == 0x20 { out.removeLast() }
  return String(decoding: out, as: UTF8.self)
}
