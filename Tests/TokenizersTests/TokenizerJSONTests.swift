// Files from outside: what is written is read back, what is not implemented is named, and nothing
// that is broken gets through.

import CanonicalJSON
import Diagnostics
import Testing

@testable import Tokenizers

@Suite struct TokenizerJSONTests {
  /// Bytes as one-letter tokens, two merges, an end of text.
  static func file(_ changes: [String: JSONValue] = [:], model: [String: JSONValue] = [:])
    -> [UInt8]
  {
    var vocabulary = ByteAlphabet.scalars.enumerated().map {
      (String($1), JSONValue.integer($0))
    }
    vocabulary += [("ab", 256), ("abc", 257)]
    var parts: [String: JSONValue] = [
      "type": "BPE", "vocab": .object(JSONObject(vocabulary)),
      "merges": ["a b", ["ab", "c"]],
    ]
    parts.merge(model) { $1 }
    var file: [String: JSONValue] = [
      "pre_tokenizer": .object(["type": "ByteLevel", "add_prefix_space": false]),
      "model": .object(JSONObject(parts.map { ($0.key, $0.value) })),
      "added_tokens": [
        .object(["id": 258, "content": "<|endoftext|>", "special": true])
      ],
    ]
    file.merge(changes) { $1 }
    return JSONValue.object(JSONObject(file.map { ($0.key, $0.value) })).canonicalBytes
  }

  @Test func mergesMayBeTextsOrPairs() throws {
    let tokenizer = try ByteLevelBPE(tokenizerJSON: Self.file())
    #expect(tokenizer.encode("abcab") == [257, 256])
    #expect(tokenizer.endOfText == 258)
    #expect(tokenizer.vocabularySize == 259)
  }

  @Test func whatIsWrittenIsReadBack() throws {
    let file = try Fixtures.bytes("tokenizer.json")
    #expect(try ByteLevelBPE(tokenizerJSON: file).tokenizerJSON == file)
  }

  @Test func bytesWithoutATokenAreLeftOutAsInTheLibrary() throws {
    // SmolLM2 has no token for some control characters: what stands beside one is joined.
    let tokenizer = try ByteLevelBPE(
      tokenizerJSON: Self.file(model: ["vocab": Self.vocabulary { Array($0.dropFirst()) }]))
    #expect(tokenizer.bytesWithoutToken == [0])
    #expect(tokenizer.encode([0]) == [])
    #expect(tokenizer.encode([0, 0, 0]) == [])
    let long = [UInt8](repeating: 0, count: 100)
    #expect(tokenizer.encode(long) == [])
    #expect(tokenizer.encode(long + [1]) == [1])
    #expect(tokenizer.encode([1, 0, 2]) == [1, 2])
  }

  @Test func digitsStandAlone() throws {
    let byteLevel: JSONValue = .object(["type": "ByteLevel", "add_prefix_space": false])
    let digits: JSONValue = .object(["type": "Digits", "individual_digits": true])
    let tokenizer = try ByteLevelBPE(
      tokenizerJSON: Self.file([
        "pre_tokenizer": .object(["type": "Sequence", "pretokenizers": [digits, byteLevel]])
      ]))
    #expect(tokenizer.preTokenizer.isolatesDigits)
    var pieces: [String] = []
    Array("ab 12  c".utf8).withUnsafeBufferPointer { bytes in
      tokenizer.preTokenizer.forEachPiece(of: bytes) {
        pieces.append(String(decoding: $0, as: UTF8.self))
      }
    }
    #expect(pieces == ["ab", " ", "1", "2", " ", " c"])
    #expect(try ByteLevelBPE(tokenizerJSON: tokenizer.tokenizerJSON).preTokenizer.isolatesDigits)
  }

  @Test func addedTokensThatAreNotSpecialAreFoundInText() throws {
    let tokenizer = try ByteLevelBPE(
      tokenizerJSON: Self.file([
        "added_tokens": [
          .object(["id": 258, "content": "<ab>", "special": false]),
          .object(["id": 259, "content": "<ab>c", "special": false]),
        ]
      ]))
    #expect(tokenizer.encode("x<ab>c<ab>ab") == [120, 259, 258, 256])
  }

  struct Hostile: Sendable, CustomTestStringConvertible {
    let name: String
    let bytes: [UInt8]
    let id: String
    var says: String = ""
    var testDescription: String { name }
  }

  static func vocabulary(_ change: ([(String, JSONValue)]) -> [(String, JSONValue)]) -> JSONValue {
    let plain = ByteAlphabet.scalars.enumerated().map { (String($1), JSONValue.integer($0)) }
    return .object(JSONObject(change(plain + [("ab", 256), ("abc", 257)])))
  }

  static let unsupported = "tokenizer-unsupported"
  static let malformed = "tokenizer-malformed"
  static let hostile: [Hostile] = [
    Hostile(name: "nothing", bytes: [], id: "json-syntax"),
    Hostile(name: "a list", bytes: Array("[]".utf8), id: malformed),
    Hostile(name: "an empty object", bytes: Array("{}".utf8), id: unsupported),
    Hostile(
      name: "deep JSON", bytes: [UInt8](repeating: UInt8(ascii: "["), count: 100_000),
      id: "json-syntax"),
    Hostile(name: "cut off", bytes: file().dropLast(10).map { $0 }, id: "json-syntax"),
    Hostile(
      name: "invalid UTF-8", bytes: Array("{\"a\":\"".utf8) + [0xFF, 0x22, 0x7D], id: "json-syntax"),
    Hostile(
      name: "normalizer", bytes: file(["normalizer": .object(["type": "NFC"])]), id: unsupported,
      says: "normalizer 'NFC'"),
    Hostile(
      name: "pre-tokenizer", bytes: file(["pre_tokenizer": .object(["type": "Metaspace"])]),
      id: unsupported, says: "'Metaspace'"),
    Hostile(
      name: "other sequence",
      bytes: file([
        "pre_tokenizer": .object([
          "type": "Sequence", "pretokenizers": [.object(["type": "Split"])],
        ])
      ]), id: unsupported, says: "Sequence of Split"),
    Hostile(
      name: "no regex",
      bytes: file(["pre_tokenizer": .object(["type": "ByteLevel", "use_regex": false])]),
      id: unsupported, says: "use_regex"),
    Hostile(
      name: "post-processor",
      bytes: file(["post_processor": .object(["type": "PrepareFor"])]), id: unsupported,
      says: "post-processor 'PrepareFor'"),
    Hostile(
      name: "template of nothing",
      bytes: file(["post_processor": .object(["type": "TemplateProcessing"])]), id: malformed,
      says: "'single'"),
    Hostile(
      name: "template without its text",
      bytes: file([
        "post_processor": .object(["type": "TemplateProcessing", "single": [], "pair": []])
      ]), id: malformed, says: "leaves a text out"),
    Hostile(
      name: "template with an id far away",
      bytes: file([
        "post_processor": .object([
          "type": "RobertaProcessing", "cls": ["<s>", 4_000_000_000], "sep": ["</s>", 1],
        ])
      ]), id: malformed, says: "'cls'"),
    Hostile(
      name: "two templates",
      bytes: file([
        "post_processor": .object([
          "type": "Sequence",
          "processors": .array(
            (0..<2).map { _ in
              .object(["type": "BertProcessing", "cls": ["a", 1], "sep": ["b", 2]])
            }),
        ])
      ]), id: unsupported, says: "several templates"),
    Hostile(
      name: "decoder", bytes: file(["decoder": .object(["type": "WordPiece"])]), id: unsupported),
    Hostile(
      name: "model", bytes: file(model: ["type": "Unigram"]), id: unsupported, says: "'Unigram'"),
    Hostile(
      name: "suffix", bytes: file(model: ["end_of_word_suffix": "</w>"]), id: unsupported,
      says: "end_of_word_suffix"),
    Hostile(name: "dropout", bytes: file(model: ["dropout": 0.1]), id: unsupported),
    Hostile(name: "byte fallback", bytes: file(model: ["byte_fallback": true]), id: unsupported),
    Hostile(name: "no vocabulary", bytes: file(model: ["vocab": .null]), id: malformed),
    Hostile(
      name: "huge id", bytes: file(model: ["vocab": vocabulary { $0 + [("zz", 4_000_000_000)] }]),
      id: malformed, says: "none below"),
    Hostile(
      name: "negative id", bytes: file(model: ["vocab": vocabulary { $0 + [("zz", -1)] }]),
      id: malformed),
    Hostile(
      name: "id twice", bytes: file(model: ["vocab": vocabulary { $0 + [("zz", 5)] }]),
      id: malformed, says: "both"),
    Hostile(
      name: "letter missing",
      bytes: file(model: ["vocab": vocabulary { $0.filter { $0.0 != "q" } }]), id: malformed,
      says: "byte 113"),
    Hostile(
      name: "unknown token for missing bytes",
      bytes: file(model: [
        "vocab": vocabulary { Array($0.dropFirst()) }, "unk_token": "<|endoftext|>",
      ]), id: unsupported, says: "unk_token"),
    Hostile(
      name: "foreign character",
      bytes: file(model: ["vocab": vocabulary { $0 + [("a b", 300)] }]), id: malformed,
      says: "U+20"),
    Hostile(
      name: "empty token", bytes: file(model: ["vocab": vocabulary { $0 + [("", 300)] }]),
      id: malformed),
    Hostile(name: "merge of one", bytes: file(model: ["merges": ["ab"]]), id: malformed),
    Hostile(
      name: "merge of three", bytes: file(model: ["merges": [["a", "b", "c"]]]), id: malformed),
    Hostile(name: "merge of numbers", bytes: file(model: ["merges": [[1, 2]]]), id: malformed),
    Hostile(
      name: "merge unknown", bytes: file(model: ["merges": ["a x"]]), id: malformed,
      says: "'ax'"),
    Hostile(
      name: "added far away",
      bytes: file(["added_tokens": [.object(["id": 9_000_000, "content": "x"])]]), id: malformed),
    Hostile(
      name: "added over another",
      bytes: file(["added_tokens": [.object(["id": 5, "content": "<x>", "special": true])]]),
      id: malformed, says: "both"),
    Hostile(
      name: "added twice",
      bytes: file([
        "added_tokens": [
          .object(["id": 258, "content": "<x>"]), .object(["id": 258, "content": "<y>"]),
        ]
      ]), id: malformed),
    Hostile(
      name: "added of two ids",
      bytes: file(["added_tokens": [.object(["id": 258, "content": "abc"])]]), id: malformed,
      says: "both the id"),
    Hostile(
      name: "added of many bytes",
      bytes: file([
        "added_tokens": [
          .object(["id": 258, "content": .string(String(repeating: "x", count: 2000))])
        ]
      ]), id: malformed, says: "2000 bytes"),
  ]

  @Test(arguments: hostile)
  func brokenFilesAreRefused(_ input: Hostile) {
    do {
      _ = try ByteLevelBPE(tokenizerJSON: input.bytes)
      Issue.record("was read")
    } catch {
      #expect(error.id == input.id)
      #expect(input.says.isEmpty || error.message.contains(input.says), "\(error.message)")
    }
  }
}

@Suite struct VocabularyFilesTests {
  static let vocabulary = TokenizerJSONTests.vocabulary { $0 + [("<|endoftext|>", 258)] }
    .canonicalBytes

  @Test func readsThePairOfFiles() throws {
    let merges = Array("#version: 0.2\r\na b\r\nab c\n".utf8)
    let tokenizer = try ByteLevelBPE(vocabularyJSON: Self.vocabulary, mergesText: merges)
    #expect(tokenizer.encode("abcab") == [257, 256])
    #expect(tokenizer.endOfText == 258)
  }

  @Test(arguments: ["a  b", "a", "a b c", " ab", "a x"])
  func brokenMergesAreRefused(_ line: String) {
    #expect(throws: Diagnostic.self) {
      try ByteLevelBPE(vocabularyJSON: Self.vocabulary, mergesText: Array("a b\n\(line)\n".utf8))
    }
  }
}
