// A corpus out of a grammar. Every document has a random stream of its own, named by its number, so
// a longer corpus begins with the shorter one.

import Diagnostics
import Randomness

/// Composes documents.
public struct Composition: Sendable {
  public let grammar: Grammar
  public let labels: [String]
  public let weights: [Double]
  /// Sentences of a body, opening and closing included.
  public let sentences: ClosedRange<Int>
  public let seed: Int
  let idPrefix: String

  /// - Parameters:
  ///   - labels: which voices speak; empty: all of the grammar.
  ///   - weights: how often, relative to each other; empty: equally often.
  ///   - idPrefix: ids are `<idPrefix>-<number>`; nil takes the name of the grammar.
  ///
  /// **Throws**: `compose-label`, `compose-label-twice`, `compose-weights`, `compose-sentences`.
  public init(
    grammar: Grammar, labels: [String] = [], weights: [Double] = [], leastSentences: Int,
    mostSentences: Int, seed: Int, idPrefix: String? = nil
  ) throws(Diagnostic) {
    let labels = labels.isEmpty ? grammar.labels : labels
    for label in labels where !grammar.labels.contains(label) {
      throw .composeLabel(label, among: grammar.labels)
    }
    for (index, label) in labels.enumerated() where labels[..<index].contains(label) {
      throw .composeTwice(label)
    }
    let weights = weights.isEmpty ? labels.map { _ in 1 } : weights
    guard weights.count == labels.count, weights.allSatisfy({ $0 >= 0 && $0.isFinite }),
      weights.contains(where: { $0 > 0 })
    else { throw .composeWeights(labels: labels.count, weights: weights.count) }
    guard leastSentences >= 1, leastSentences <= mostSentences else {
      throw .composeSentences(leastSentences, mostSentences)
    }
    self.grammar = grammar
    self.labels = labels
    self.weights = weights
    sentences = leastSentences...mostSentences
    self.seed = seed
    self.idPrefix = idPrefix ?? grammar.name
  }

  /// The first `count` documents.
  ///
  /// Labels follow their weights as closely as whole documents can at every length (largest
  /// deficit first), so no draw decides the balance.
  ///
  /// **Throws**: `grammar-depth`.
  public func corpus(count: Int, progress: (Int) -> Void = { _ in }) throws(Diagnostic) -> Corpus {
    var documents: [Document] = []
    documents.reserveCapacity(count)
    var given = weights.map { _ in 0.0 }
    let total = weights.reduce(0, +)
    for number in 0..<count {
      let deficits = weights.indices.map { weights[$0] / total * Double(number + 1) - given[$0] }
      // A rounding error of the division must not decide between equal weights.
      let most = deficits.max()! - 1e-9
      let label = deficits.indices.first { weights[$0] > 0 && deficits[$0] >= most }!
      given[label] += 1
      documents.append(try document(number, label: labels[label]))
      progress(number + 1)
    }
    return Corpus(
      documents: documents,
      facts: Corpus.Facts(
        origins: [grammar.origin ?? "composed from the grammar '\(grammar.name)'"],
        licences: grammar.licence.map { [$0] } ?? []))
  }

  /// One document by its number.
  public func document(_ number: Int, label: String) throws(Diagnostic) -> Document {
    var expander = GrammarExpander(
      grammar: grammar, label: label,
      stream: RandomStream(seed: seed, name: "document-\(number)"))
    let form = grammar.form
    let source = try form.source.map { part throws(Diagnostic) in try expander.text(part) }
    let date = try form.date.map { part throws(Diagnostic) in try expander.text(part) }
    let title = capitalised(try expander.text(form.title))
    let wanted = sentences.lowerBound + expander.stream.integer(below: sentences.count)
    var body: [String] = []
    if let opening = form.opening { body.append(capitalised(try expander.text(opening))) }
    let closing = form.closing == nil || body.count + 1 >= wanted ? 0 : 1
    while body.count < wanted - closing {
      var sentence = capitalised(try expander.text(form.sentence))
      // The same sentence twice in an article reads like a fault; a small grammar may have no other.
      for _ in 0..<8 where body.contains(sentence) {
        sentence = capitalised(try expander.text(form.sentence))
      }
      body.append(sentence)
    }
    if closing == 1 { body.append(capitalised(try expander.text(form.closing!))) }
    return Document(
      id: "\(idPrefix)-\(number)",
      text: Article(title: title, body: body.joined(separator: " ")).text, label: label,
      source: source, date: date)
  }

  /// Sentences of one voice, each as in a document of its own, with the probability of their
  /// derivation: what GrammarMeasure.swift counts.
  func sentences(_ count: Int, label: String)
    throws(Diagnostic) -> [(text: String, logProbability: Double)]
  {
    var out: [(text: String, logProbability: Double)] = []
    out.reserveCapacity(count)
    for number in 0..<count {
      var expander = GrammarExpander(
        grammar: grammar, label: label,
        stream: RandomStream(seed: seed, name: "sentence-\(number)"))
      let text = try expander.text(grammar.form.sentence)
      out.append((text: text, logProbability: expander.logProbability))
    }
    return out
  }
}
