// Llama's and Mistral's tokenizers against the `tokenizers` library: fixtures/sentencepiece.py trained them
// and wrote what the library makes of texts that go wrong easily.

import CanonicalJSON
import Diagnostics
import Testing

@testable import Tokenizers

@Suite struct SentencePieceTests {
  static let names = ["llama", "mistral"]

  static func tokenizer(_ name: String) throws -> SentencePieceBPE {
    try #require(
      try TokenizerFile.read(tokenizerJSON: Fixtures.bytes("families/\(name).json"))
        as? SentencePieceBPE)
  }

  @Test(arguments: names) func idsAndTextsAreThoseOfTheLibrary(_ name: String) throws {
    let tokenizer = try Self.tokenizer(name)
    let rows = try #require(FamilyTests.fixture("sentencepiece.json")["texts"]?[name]?.array)
    #expect(rows.count > 40)
    for row in rows {
      let row = try #require(row.array)
      let text = try #require(row[0].string)
      let shown = text.prefix(40).debugDescription
      #expect(tokenizer.encode(text) == FamilyTests.numbers(row[1]), "\(shown)")
      #expect(
        tokenizer.encode(trusted: Array(text.utf8)) == FamilyTests.numbers(row[2]), "\(shown)")
      #expect(tokenizer.encodeWithTemplate(text) == FamilyTests.numbers(row[3]), "\(shown)")
      #expect(tokenizer.text(of: tokenizer.encode(text)) == row[4].string, "\(shown)")
    }
    // Words, not letters: merges are made.
    #expect(tokenizer.encode("The mayor said").count <= 5)
    #expect(tokenizer.endOfText == 2 && tokenizer.isSpecial(1) && !tokenizer.isSpecial(70))
  }

  @Test(arguments: names) func whatIsWrittenIsReadBack(_ name: String) throws {
    let tokenizer = try Self.tokenizer(name)
    let copy = try TokenizerFile.read(tokenizerJSON: tokenizer.tokenizerJSON)
    #expect(copy.tokenizerJSON == tokenizer.tokenizerJSON)
    #expect(copy.encode("na\u{EF}ve 1,000 🙂") == tokenizer.encode("na\u{EF}ve 1,000 🙂"))
  }

  @Test func partsOfATextAreTheWhole() throws {
    let tokenizer = try Self.tokenizer("llama")
    let whole = tokenizer.encode("The mayor said so")
    let parts =
      tokenizer.encode("The mayor") + tokenizer.encode(Array(" said so".utf8), at: .continuing)
    #expect(parts == whole)
    // A text of its own gets another mark.
    #expect(
      tokenizer.encode(" said so") != tokenizer.encode(Array(" said so".utf8), at: .continuing))
  }

  @Test func bytesThatAreNoTextComeBack() throws {
    let tokenizer = try Self.tokenizer("mistral")
    let bytes: [UInt8] = [0x61, 0xFF, 0xC3, 0x20, 0x80, 0xF0, 0x9F]
    #expect(tokenizer.decode(tokenizer.encode(bytes)) == bytes)
    #expect(tokenizer.encode([UInt8]()).isEmpty)
  }

  struct Hostile: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let id: String
    let says: String
    let change: @Sendable (JSONValue) -> JSONValue
  }

  private static func setting(_ value: JSONValue, _ name: String, _ new: JSONValue) -> JSONValue {
    let others = (value.object?.members ?? []).filter { $0.key != name }
    return .object(JSONObject(others.map { ($0.key, $0.value) } + [(name, new)]))
  }

  private static func model(_ name: String, _ new: JSONValue) -> @Sendable (JSONValue) -> JSONValue
  {
    { setting($0, "model", setting($0["model"] ?? .null, name, new)) }
  }

  private static func part(_ name: String, _ new: JSONValue) -> @Sendable (JSONValue) -> JSONValue {
    { setting($0, name, new) }
  }

  static let hostile = [
    Hostile(
      testDescription: "another model", id: "tokenizer-unsupported", says: "Unigram",
      change: model("type", "Unigram")),
    Hostile(
      testDescription: "dropout", id: "tokenizer-unsupported", says: "dropout",
      change: model("dropout", .number(0.1))),
    Hostile(
      testDescription: "a suffix", id: "tokenizer-unsupported", says: "end_of_word_suffix",
      change: model("end_of_word_suffix", "</w>")),
    Hostile(
      testDescription: "whole pieces", id: "tokenizer-unsupported", says: "ignore_merges",
      change: model("ignore_merges", true)),
    Hostile(
      testDescription: "no bytes", id: "tokenizer-unsupported", says: "<0x00>",
      change: {
        model("merges", .array([]))(model("vocab", .object(["<unk>": 0, "<s>": 1, "</s>": 2]))($0))
      }),
    Hostile(
      testDescription: "no vocabulary", id: "tokenizer-malformed", says: "vocabulary",
      change: model("vocab", .null)),
    Hostile(
      testDescription: "merges of strangers", id: "tokenizer-malformed", says: "merge 0",
      change: model("merges", ["qq zz"])),
    Hostile(
      testDescription: "a normalizer that folds", id: "tokenizer-unsupported", says: "NFKC",
      change: part("normalizer", .object(["type": "NFKC"]))),
    Hostile(
      testDescription: "a mark that is none", id: "tokenizer-unsupported", says: "Prepend",
      change: part("normalizer", .object(["type": "Prepend", "prepend": "_"]))),
    Hostile(
      testDescription: "spaces left alone", id: "tokenizer-unsupported", says: "spaces",
      change: part("normalizer", .object(["type": "Prepend", "prepend": "\u{2581}"]))),
    Hostile(
      testDescription: "no marks at all", id: "tokenizer-unsupported", says: "marks of spaces",
      change: part("normalizer", .null)),
    Hostile(
      testDescription: "cut at words", id: "tokenizer-unsupported", says: "Metaspace",
      change: {
        setting(
          setting($0, "normalizer", .null), "pre_tokenizer",
          .object([
            "type": "Metaspace", "replacement": "\u{2581}", "prepend_scheme": "first",
            "split": true,
          ]))
      }),
    Hostile(
      testDescription: "another decoder", id: "tokenizer-unsupported", says: "CTC",
      change: part("decoder", .object(["type": "CTC"]))),
    Hostile(
      testDescription: "an added token without id", id: "tokenizer-malformed", says: "added token",
      change: part("added_tokens", [.object(["content": "<x>"])])),
  ]

  @Test(arguments: hostile) func brokenFilesAreNamed(_ hostile: Hostile) throws {
    let file = hostile.change(try FamilyTests.fixture("families/llama.json"))
    let error = #expect(throws: Diagnostic.self) {
      try TokenizerFile.read(tokenizerJSON: file.canonicalBytes)
    }
    #expect(error?.id == hostile.id)
    #expect(error?.message.contains(hostile.says) == true, "\(error?.message ?? "")")
  }
}
