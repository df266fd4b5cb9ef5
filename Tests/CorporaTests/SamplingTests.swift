// Parts of a corpus that share no document: what is asked about is never learnt.

import Diagnostics
import Testing

@testable import Corpora

@Suite struct SamplingTests {
  private static func documents(_ range: Range<Int>) -> [Document] {
    range.map {
      Document(id: "d\($0)", text: "text \($0)", label: ["left", "right"][$0 % 2])
    }
  }

  @Test func whatIsDrawnAndTheRestShareNothing() throws {
    let all = Corpus(documents: Self.documents(0..<40))
    let drawn = try all.balanced(perLabel: 5, seed: 1)
    let rest = try all.without(drawn)
    #expect(rest.documents.count == 30 && rest.facts.excluded == 10)
    #expect(Set(rest.documents.map(\.id)).isDisjoint(with: drawn.documents.map(\.id)))
    #expect(rest.documents == all.documents.filter { !drawn.documents.contains($0) })
  }

  /// Reprints have another id; equal ids have another text after an edit; é has two spellings.
  @Test func aDocumentIsKnownByItsIDOrItsText() throws {
    let all = Corpus(documents: [
      Document(id: "a", text: "one"), Document(id: "b", text: "two"),
      Document(id: "c", text: "three"), Document(id: "caf\u{E9}", text: "four"),
    ])
    let other = Corpus(documents: [
      Document(id: "a", text: "edited"), Document(id: "x", text: "two"),
      Document(id: "cafe\u{301}", text: "another"),
    ])
    #expect(try all.without(other).documents.map(\.text) == ["three", "four"])
  }

  @Test func theCountIsKeptInTheFacts() throws {
    let corpus = try Corpus(documents: Self.documents(0..<4))
      .without(Corpus(documents: Self.documents(0..<1)))
    #expect(corpus.json["excluded"]?.integer == 1)
    #expect(Corpus(documents: []).json["excluded"] == nil)
  }

  @Test func nothingLeftIsAnError() {
    let all = Corpus(documents: Self.documents(0..<4))
    let error = #expect(throws: Diagnostic.self) { try all.without(all) }
    #expect(error?.id == "import-all-excluded")
  }

  static let outlets: [(String, String)] = [
    ("Fox News (Online)", "fox"), ("Fox Online News", "fox"), ("CNN (Web News)", "cnn"),
    ("New York Times - News", "new york times"), ("NEW YORK TIMES - Opinion", "new york times"),
    ("The Week - News", "week"), ("TheBlaze.com", "theblaze"), ("U.S. News", "u s"),
    ("News", "news"), (" - ", " - "), ("", ""), ("(x)", "x"), ("El País (Web)", "el país"),
  ]

  @Test(arguments: outlets)
  func outletsAreWhatStaysOfANameWithoutItsDepartment(_ source: String, _ name: String) {
    #expect(outletName(source) == name)
  }

  @Test func sourcesOfAnotherCorpusAreLeftOut() throws {
    let all = Corpus(documents: [
      Document(id: "a", text: "1", source: "Fox News"), Document(id: "b", text: "2"),
      Document(id: "c", text: "3", source: "Vox"),
      Document(id: "d", text: "4", source: "Fox Online News"),
    ])
    let held = Corpus(documents: [
      Document(id: "x", text: "9", source: "Fox News"), Document(id: "y", text: "8"),
    ])
    let exact = try all.withoutSources(of: held) { $0 }
    #expect(exact.documents.map(\.id) == ["b", "c", "d"] && exact.facts.excluded == 1)
    let outlet = try all.withoutSources(of: held, named: outletName)
    #expect(outlet.documents.map(\.id) == ["b", "c"] && outlet.facts.excluded == 2)
    let error = #expect(throws: Diagnostic.self) {
      try Corpus(documents: [all.documents[0]]).withoutSources(of: held) { $0 }
    }
    #expect(error?.id == "import-all-excluded")
  }
}
