// Vocabularies of GGUF files: the same tokenizer as from tokenizer.json, unknown kinds by name.

import Diagnostics
import Testing

@testable import Tokenizers

@Suite struct GGUFVocabularyTests {
  /// The small SmolLM tokenizer as llama.cpp's converter would write it.
  static func vocabulary() throws -> (GGUFVocabulary, ByteLevelBPE) {
    let tokenizer = try #require(FamilyTests.tokenizer("smollm") as? ByteLevelBPE)
    let added = Dictionary(uniqueKeysWithValues: tokenizer.addedTokens.map { ($0.id, $0) })
    let spellings = (0..<tokenizer.vocabularySize).map { id in
      added[Int32(id)]?.content ?? ByteAlphabet.text(of: tokenizer.tokens[id]!)
    }
    return (
      GGUFVocabulary(
        model: "gpt2", pre: "smollm", tokens: spellings.map { Array($0.utf8) },
        types: spellings.indices.map { added[Int32($0)] == nil ? 1 : 3 },
        merges: tokenizer.mergeList.map {
          Array("\(spellings[Int($0.left)]) \(spellings[Int($0.right)])".utf8)
        }), tokenizer
    )
  }

  @Test func becomesTheSameTokenizer() throws {
    let (vocabulary, tokenizer) = try Self.vocabulary()
    let made = try vocabulary.tokenizer()
    #expect(made.tokenizerJSON == tokenizer.tokenizerJSON)
    for edge in try FamilyTests.edges("smollm") {
      #expect(made.encode(edge.text) == tokenizer.encode(edge.text))
    }
  }

  @Test func tokensAtTheBordersAreTheTemplate() throws {
    var (vocabulary, _) = try Self.vocabulary()
    vocabulary.addsBegin = true
    vocabulary.beginOfText = 1
    #expect(try vocabulary.tokenizer().template.apply([5]).ids == [1, 5])
    vocabulary.beginOfText = 1_000_000
    #expect(throws: Diagnostic.self) { try vocabulary.tokenizer() }
  }

  @Test func whatIsUnknownOrBrokenIsNamed() throws {
    let whole = try Self.vocabulary().0
    func refusal(_ change: (inout GGUFVocabulary) -> Void) -> Diagnostic? {
      var vocabulary = whole
      change(&vocabulary)
      return #expect(throws: Diagnostic.self) { try vocabulary.tokenizer() }
    }
    let unknown: [(String, (inout GGUFVocabulary) -> Void)] = [
      ("'llama'", { $0.model = "llama" }), ("'qwen2'", { $0.pre = "qwen2" }),
      ("'none'", { $0.pre = nil }), ("'6'", { $0.types?[9] = 6 }),
    ]
    for (says, change) in unknown {
      let error = refusal(change)
      #expect(error?.id == "tokenizer-unsupported" && error?.message.contains(says) == true)
    }
    let broken: [(inout GGUFVocabulary) -> Void] = [
      { $0.tokens = [] }, { $0.types = [1] }, { $0.tokens[7] = [] }, { $0.tokens[7] = [0xFF] },
      { $0.tokens[8] = $0.tokens[7] }, { $0.merges[0] = Array("ab".utf8) },
      { $0.merges[0] = [0xC3, 0x20, 0x61] }, { $0.merges.append(Array("zzz qqq".utf8)) },
      { $0.tokens.removeAll { $0 == [0x71] } },
    ]
    for change in broken { #expect(refusal(change)?.id == "tokenizer-malformed") }
  }
}
