// Every family of tokenizers against the `tokenizers` library: fixtures/families.py trained the small
// ones and hashed the library's ids over the same texts; here the texts are made again.

import CanonicalJSON
import Diagnostics
import Foundation
import Testing

@testable import Tokenizers

@Suite struct FamilyTests {
  static let names = ["smollm", "roberta", "uncased", "cased", "flags", "uncased-flags"]

  static func tokenizer(_ name: String) throws -> any Tokenizer {
    try TokenizerFile.read(tokenizerJSON: Fixtures.bytes("families/\(name).json"))
  }

  static func fixture(_ name: String) throws -> JSONValue {
    try JSONValue(parsing: SourceText(path: name, bytes: Fixtures.bytes(name)))
  }

  static func numbers(_ value: JSONValue?) -> [Int32] {
    (value?.array ?? []).compactMap { $0.integer.map { Int32($0) } }
  }

  @Test(arguments: names) func idsOfWholeSetsAreThoseOfTheLibrary(_ name: String) throws {
    let expected = try Self.fixture("families/hashes.json")[name]
    try TextSets.compare(
      Self.tokenizer(name), with: #require(expected), moreEdges: Self.edges(name).map(\.text))
  }

  struct Edge {
    let text: String
    let row: [JSONValue]
  }

  static func edges(_ name: String) throws -> [Edge] {
    let rows = try #require(fixture("families/edges.json")[name]?.array).dropLast()
    return rows.compactMap { row in
      guard let row = row.array, let text = row.first?.string else { return nil }
      return Edge(text: text, row: row)
    }
  }

  @Test(arguments: names) func idsOfEdgesAreThoseOfTheLibrary(_ name: String) throws {
    let tokenizer = try Self.tokenizer(name)
    let edges = try Self.edges(name)
    #expect(edges.count == 25)
    for edge in edges {
      let shown = edge.text.debugDescription
      #expect(tokenizer.encode(edge.text) == Self.numbers(edge.row[1]), "\(shown)")
      #expect(
        tokenizer.encode(trusted: Array(edge.text.utf8)) == Self.numbers(edge.row[2]), "\(shown)")
      #expect(tokenizer.encodeWithTemplate(edge.text) == Self.numbers(edge.row[3]), "\(shown)")
    }
  }

  @Test(arguments: names) func pairsAndTextsAreThoseOfTheLibrary(_ name: String) throws {
    let tokenizer = try Self.tokenizer(name)
    let row = try #require(Self.fixture("families/edges.json")[name]?.array?.last?.array)
    let pair = tokenizer.encodePair(Array("the mayor".utf8), Array("said so".utf8))
    #expect(pair.ids == Self.numbers(row[0]))
    #expect(pair.types == Self.numbers(row[1]))
    #expect(tokenizer.text(of: pair.ids) == row[2].string)
    #expect(
      String(decoding: tokenizer.decode(pair.ids, keepingSpecial: true), as: UTF8.self)
        == row[3].string)
  }

  /// The library ignores the ids of `added_tokens`: they are looked up in the vocabulary, else counted on.
  @Test(arguments: names + ["gguf", "holes"])
  func theLibraryGivesAddedTokensTheirIDs(_ name: String) throws {
    let tokenizer: any Tokenizer
    switch name {
    case "gguf": tokenizer = try GGUFVocabularyTests.vocabulary().0.tokenizer()
    case "holes":
      tokenizer = ByteLevelBPE(
        tokens: (UInt8(0)...255).map { [$0] } + [nil, nil, Array("ab".utf8)],
        merges: [(97, 98, 258)],
        addedTokens: [
          AddedToken(id: 259, content: "<x>", isSpecial: true),
          AddedToken(id: 300, content: "<y>", isSpecial: true),
        ])
    default: tokenizer = try Self.tokenizer(name)
    }
    let file = try JSONValue(
      parsing: SourceText(path: "tokenizer.json", bytes: tokenizer.tokenizerJSON))
    let vocabulary = try #require(file["model"]?["vocab"]?.object)
    var next = vocabulary.count
    for token in tokenizer.addedTokens {
      if let id = vocabulary[token.content]?.integer {
        #expect(id == Int(token.id))
      } else {
        #expect(next == Int(token.id))
        next += 1
      }
    }
  }

  @Test(arguments: names) func whatIsWrittenIsReadBackAndGivesTheSameIds(_ name: String) throws {
    let tokenizer = try Self.tokenizer(name)
    let copy = try TokenizerFile.read(tokenizerJSON: tokenizer.tokenizerJSON)
    #expect(copy.tokenizerJSON == tokenizer.tokenizerJSON)
    #expect(copy.template == tokenizer.template)
    #expect(copy.addedTokens == tokenizer.addedTokens)
    for edge in try Self.edges(name) {
      #expect(copy.encodeWithTemplate(edge.text) == tokenizer.encodeWithTemplate(edge.text))
    }
  }
}

/// The sets of texts of fixtures/families.py.
enum TextSets {
  static func hash(
    _ tokenizer: any Tokenizer, _ texts: some Sequence<String>, special: Bool = false
  ) -> String {
    var hash: UInt64 = 0xcbf2_9ce4_8422_2325
    for text in texts {
      let bytes = Array(text.utf8)
      for id in special ? tokenizer.encode(trusted: bytes) : tokenizer.encode(bytes) {
        hash = (hash ^ UInt64(id)) &* 0x100_0000_01b3
      }
      hash = (hash ^ 0xFFFF_FFFF) &* 0x100_0000_01b3
    }
    let text = String(hash, radix: 16)
    return String(repeating: "0", count: 16 - text.count) + text
  }

  static func compare(
    _ tokenizer: any Tokenizer, with expected: JSONValue, moreEdges: [String]
  ) throws {
    let words = (0..<tokenizer.vocabularySize).map { tokenizer.text(of: [Int32($0)]) }
    #expect(hash(tokenizer, words) == expected["vocabulary"]?.string, "vocabulary")

    let ascii = (0..<128 * 128).lazy.map { index in
      var text = String.UnicodeScalarView()
      text.append(Unicode.Scalar(UInt8(index / 128)))
      text.append(Unicode.Scalar(UInt8(index % 128)))
      return String(text)
    }
    #expect(hash(tokenizer, ascii) == expected["ascii"]?.string, "ASCII pairs")

    let blocks = try #require(expected["random"]?.array)
    var random = SplitMix(state: 2024)
    let texts = (0..<500 * blocks.count).map { _ in random.text() }
    for (block, wanted) in blocks.enumerated() {
      #expect(
        hash(tokenizer, texts[500 * block..<500 * (block + 1)]) == wanted.string,
        "random texts, block \(block)")
    }
    #expect(
      hash(tokenizer, texts, special: true) == expected["random with special"]?.string,
      "random texts with special tokens")

    let file = try FamilyTests.fixture("edge.json")
    let edges = try #require(file.array).compactMap { $0.array?[0].string } + moreEdges
    #expect(hash(tokenizer, edges) == expected["edges"]?.string, "edges")
    #expect(
      hash(tokenizer, edges, special: true) == expected["edges with special"]?.string,
      "edges with special tokens")

    if let wanted = expected["characters"]?.string {
      let points = Array(UInt32(0)..<0x32000) + Array(UInt32(0xE0000)..<0xE0200)
      let characters = points.lazy.compactMap { Unicode.Scalar($0) }.map { scalar in
        var text = String.UnicodeScalarView()
        text.append("a")
        text.append(scalar)
        text.append("b")
        text.append(scalar)
        return String(text)
      }
      #expect(hash(tokenizer, characters) == wanted, "every character")
    }
  }
}
