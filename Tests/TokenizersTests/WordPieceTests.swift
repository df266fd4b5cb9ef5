// WordPiece under attack, and what ids alone do not show. Ids are compared in FamilyTests.swift.

import CanonicalJSON
import Diagnostics
import Dispatch
import Testing

@testable import Tokenizers

@Suite struct WordPieceTests {
  static func file(
    _ changes: [String: JSONValue] = [:], model: [String: JSONValue] = [:]
  ) -> [UInt8] {
    var parts: [String: JSONValue] = [
      "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##",
      "max_input_chars_per_word": 100,
      "vocab": .object(["[UNK]": 0, "a": 1, "##a": 2, "b": 3, "ab": 4]),
    ]
    parts.merge(model) { $1 }
    var file: [String: JSONValue] = [
      "normalizer": .object(["type": "BertNormalizer", "lowercase": true]),
      "pre_tokenizer": .object(["type": "BertPreTokenizer"]),
      "model": .object(JSONObject(parts.map { ($0.key, $0.value) })),
    ]
    file.merge(changes) { $1 }
    return JSONValue.object(JSONObject(file.map { ($0.key, $0.value) })).canonicalBytes
  }

  @Test func theLongestPieceComesFirst() throws {
    let tokenizer = try TokenizerFile.read(tokenizerJSON: Self.file())
    #expect(tokenizer.encode("aba abA\tc") == [4, 2, 4, 2, 0])
    // "##b" is no piece, so the whole word is unknown.
    #expect(tokenizer.encode("aab") == [0])
    #expect(tokenizer.text(of: [4, 2, 1]) == "aba a")
  }

  @Test func longRunsCostNoMoreThanTheirLength() throws {
    let tokenizer = try FamilyTests.tokenizer("uncased")
    let marks = String(repeating: "\u{302E}\u{1D165}", count: 200_000)
    let texts = [
      String(repeating: "a", count: 2_000_000), String(repeating: "é", count: 500_000),
      "x" + marks, String(repeating: "世", count: 300_000),
    ].map { Array($0.utf8) }
    let time = ContinuousClock().measure {
      for text in texts { #expect(!tokenizer.encode(text).isEmpty) }
    }
    // It takes some tenths of a second.
    #expect(time < .seconds(5))
  }

  @Test func bytesThatAreNotUTF8AreReplaced() throws {
    let tokenizer = try TokenizerFile.read(tokenizerJSON: Self.file())
    // Cleaning drops U+FFFD, as it does in the library.
    #expect(tokenizer.encode([0x61, 0xFF, 0x62]) == [4])
    #expect(tokenizer.encode([0xE2, 0x82]) == [])
  }

  @Test func severalThreadsMayEncodeAtOnce() throws {
    let tokenizer = try FamilyTests.tokenizer("uncased")
    let texts = Fixtures.trainingTexts
    let expected = texts.map { tokenizer.encode($0) }
    DispatchQueue.concurrentPerform(iterations: 8) { _ in
      for (text, ids) in zip(texts, expected) {
        precondition(tokenizer.encode(text) == ids, "a thread got other ids")
      }
    }
  }

  static let refused: [(says: String, bytes: [UInt8])] = [
    ("'Whitespace'", file(["pre_tokenizer": .object(["type": "Whitespace"])])),
    ("'none'", file(["pre_tokenizer": .null])),
    ("'NFKC'", file(["normalizer": .object(["type": "NFKC"])])),
    ("'BPEDecoder'", file(["decoder": .object(["type": "BPEDecoder"])])),
    ("other prefix", file(["decoder": .object(["type": "WordPiece", "prefix": "@@"])])),
    ("max_input_chars", file(model: ["max_input_chars_per_word": 4_000_000_000])),
    ("max_input_chars", file(model: ["max_input_chars_per_word": 0])),
    ("for unknown words", file(model: ["unk_token": "<unk>"])),
    ("no vocabulary", file(model: ["vocab": []])),
    ("none below", file(model: ["vocab": .object(["[UNK]": 0, "a": 9_000_000])])),
    ("both", file(model: ["vocab": .object(["[UNK]": 0, "a": 0])])),
  ]

  @Test(arguments: 0..<11) func brokenFilesAreRefused(_ number: Int) {
    let (says, bytes) = Self.refused[number]
    let error = #expect(throws: Diagnostic.self) { try TokenizerFile.read(tokenizerJSON: bytes) }
    #expect(error?.message.contains(says) == true, "\(says)")
    #expect(error?.id.hasPrefix("tokenizer-") == true)
  }

  @Test func everyCutOffFileIsRefused() throws {
    let bytes = Self.file()
    for length in 0..<bytes.count {
      #expect(throws: Diagnostic.self) {
        try TokenizerFile.read(tokenizerJSON: Array(bytes[..<length]))
      }
    }
  }

  @Test func mutatedFilesNeverCrash() throws {
    var random = SplitMix(state: 5)
    let files = [
      Self.file(), TokenizerJSONTests.file(), try Fixtures.bytes("families/uncased.json"),
    ]
    for round in 0..<600 {
      var bytes = files[round % files.count]
      for _ in 0...random.below(3) { bytes[random.below(bytes.count)] = UInt8(random.below(256)) }
      guard let tokenizer = try? TokenizerFile.read(tokenizerJSON: bytes) else { continue }
      let ids = tokenizer.encode("The mayor said [CLS] a b, ab.")
      #expect(ids.allSatisfy { $0 >= 0 && Int($0) < tokenizer.vocabularySize })
    }
  }

  @Test func vocabularyTextIsChecked() throws {
    let text = "[PAD]\n[UNK]\r\n[CLS]\n[SEP]\n[MASK]\na\n##b\n"
    let tokenizer = try WordPiece(vocabularyText: Array(text.utf8), lowercases: true)
    #expect(tokenizer.encodeWithTemplate("AB") == [2, 5, 6, 3])
    #expect(tokenizer.encodeWithTemplate(Array("a a a".utf8), atMost: 4).ids == [2, 5, 5, 3])
    #expect(tokenizer.encodeWithTemplate(Array("a a a".utf8), atMost: 4).cut == 1)
    for broken in [
      "", "a\na\n", "[UNK]\n", "[UNK]\n[CLS]\n[SEP]\n\nx\n", "[UNK]\n[CLS]\n[SEP]\nx\nx",
    ] {
      #expect(throws: Diagnostic.self) {
        try WordPiece(vocabularyText: Array(broken.utf8), lowercases: true)
      }
    }
  }
}
