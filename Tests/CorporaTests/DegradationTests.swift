import Randomness
import Testing

@testable import Corpora

@Suite struct DegradationTests {
  private let words = (0..<60).map { "word\($0)" }
  private let vocabulary = ["alpha", "beta", "gamma"]

  private func apply(_ way: Degradation, _ strength: Double, seed: Int = 1) -> [String] {
    var stream = RandomStream(seed: seed, name: "degradation-tests")
    return way.apply(to: words, strength: strength, vocabulary: vocabulary, &stream)
  }

  @Test(arguments: Degradation.allCases) func noStrengthChangesNothing(_ way: Degradation) {
    #expect(apply(way, 0) == words)
    #expect(apply(way, 0.5) != words)
    #expect(apply(way, 0.5) == apply(way, 0.5))
    // A loop has six possible lengths, so two seeds may agree; eight do not.
    #expect((2...9).contains { apply(way, 0.5, seed: $0) != apply(way, 0.5) })
  }

  @Test func eachWayDoesWhatItSays() {
    #expect(apply(.shuffle, 1).sorted() == words.sorted())
    #expect(apply(.cut, 0.5).count == 30)
    #expect(apply(.cut, 1).count == 1)
    #expect(Set(apply(.cut, 0.5)).isSubset(of: Set(words)))
    let looped = apply(.loop, 0.5)
    #expect(looped.count == 60 && Array(looped.prefix(30)) == Array(words.prefix(30)))
    #expect(Set(looped).count == 30)
    #expect(apply(.replace, 0.5).filter(vocabulary.contains).count == 30)
    let noisy = apply(.noise, 1)
    #expect(noisy.allSatisfy { $0.utf8.allSatisfy { (0x61...0x7A).contains($0) } })
    #expect(zip(noisy, words).allSatisfy { $0.count == $1.count })
  }

  @Test func documentsKeepTheirLinesAndNames() {
    let corpus = Corpus(documents: [
      Document(id: "a", text: "title: one two three\nbody: four five six seven", label: "left"),
      Document(id: "b", text: "title: one\nbody: two three four five six", label: "right"),
    ])
    let worse = corpus.degraded([.shuffle, .cut], strength: 0.5, seed: 1)
    #expect(worse.documents.map(\.id) == ["a", "b"])
    #expect(worse.documents.map(\.label) == ["left", "right"])
    for document in worse.documents { #expect(document.text.split(separator: "\n").count == 2) }
    #expect(worse != corpus)
    #expect(corpus.degraded([.shuffle], strength: 0, seed: 1) == corpus)
  }

  @Test func theFourClassesAreBalancedAndTraceable() {
    let text = (0..<40).map { "the \($0) quick brown fox jumps over it" }.joined(separator: ". ")
    let corpus = Corpus(documents: [Document(id: "fox", text: text)])
    let sentences = corpus.gibberish(perClass: 8, leastWords: 4, seed: 1)
    #expect(sentences.labelCounts.map(\.count) == [8, 8, 8, 8])
    #expect(sentences.documents.allSatisfy { $0.source == "fox" })
    let clean = sentences.documents.filter { $0.label == "clean" }.map(\.text)
    #expect(clean.allSatisfy { text.contains($0) })
    // The same sentences in another document are no new ones: none may be in two classes.
    let twice = Corpus(documents: [
      Document(id: "fox", text: text), Document(id: "copy", text: text),
    ])
    #expect(twice.gibberish(perClass: 100, leastWords: 4, seed: 1).documents.count == 40)
    // Whatever is not called clean has changed.
    let whole = Set(Corpus.sentences(of: text))
    #expect(
      sentences.documents.allSatisfy { ($0.label == "clean") == whole.contains($0.text) })
    let fewer = corpus.gibberish(perClass: 100, leastWords: 4, seed: 1)
    #expect(fewer.documents.count == 40)
    #expect(corpus.gibberish(perClass: 8, leastWords: 50, seed: 1).documents.isEmpty)
  }

  @Test func sentencesEndAtFullStops() {
    #expect(
      Corpus.sentences(of: "One two.  Three\nfour. . five") == ["One two", "Three four", "five"])
  }
}
