// The shipped grammar: wide enough that a small model must generalise, small enough in words that
// it can, and clean.

import Diagnostics
import Foundation
import Testing

@testable import Corpora

@Suite struct NewsGrammarTests {
  static func composition() throws -> Composition {
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let path = root.appendingPathComponent("stages/compose-corpus/grammars/news.yaml").path
    var warnings: [Diagnostic] = []
    let grammar = try Grammar.read(fileAt: path, shown: "news.yaml") { warnings.append($0) }
    #expect(warnings.isEmpty, "\(warnings.map(\.description))")
    return try Composition(grammar: grammar, leastSentences: 4, mostSentences: 6, seed: 42)
  }

  @Test(arguments: ["left", "center", "right"])
  func aVoiceHasMoreThanAMillionSentences(_ label: String) throws {
    let measure = try GrammarMeasure(Self.composition(), label: label)
    #expect(measure.distinctAtLeast > 1_000_000, "\(label): \(measure)")
    #expect(measure.derivations > measure.distinctAtLeast)
  }

  @Test func articlesAreCleanAndOfTheRightSize() throws {
    let composition = try Self.composition()
    let topic = try #require(composition.grammar.index(of: "topic"))
    let topics = try #require(composition.grammar.values(of: topic))
    #expect(topics.count >= 12)
    let corpus = try composition.corpus(count: 1500)
    #expect(corpus.labelCounts.map(\.count) == [500, 500, 500])
    var words: Set<Substring> = []
    var sources: [String: Set<String>] = [:]
    var total = 0
    for document in corpus.documents {
      let article = document.article
      #expect(!article.title.isEmpty && article.title.count < 160)
      for mark in ["{", "}", "  ", " .", " ,", "..", ",,", "|", " a a ", " the the "] {
        #expect(!document.text.contains(mark), "\(document.id): \(document.text)")
      }
      let parts = document.text.lowercased().split { !$0.isLetter && $0 != "'" }
      total += parts.count
      words.formUnion(parts)
      sources[document.label!, default: []].insert(document.source!)
    }
    #expect(words.count < 2500)
    #expect((60...160).contains(total / corpus.documents.count), "\(total / 1500)")
    for label in corpus.labels { #expect(sources[label]!.count >= 3) }
    #expect(Set(corpus.documents.map(\.text)).count == 1500)
  }
}
