// The vocabulary that a GGUF file carries in its metadata (`tokenizer.ggml.*`). ModelFiles reads the
// file, whoever has both fills this value; it becomes a tokenizer and, by that, a tokenizer.json.

import CanonicalJSON
import Diagnostics

/// A vocabulary as llama.cpp's converter writes it.
public struct GGUFVocabulary: Sendable {
  /// `tokenizer.ggml.model`: `gpt2` is byte-level BPE.
  public var model: String
  /// `tokenizer.ggml.pre`: how texts are cut; nil if the file does not say.
  public var pre: String?
  /// `tokenizer.ggml.tokens`: spelled in GPT-2's alphabet of bytes, UTF-8; the index is the id.
  public var tokens: [[UInt8]]
  /// `tokenizer.ggml.token_type`: 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte;
  /// nil: all normal.
  public var types: [Int]?
  /// `tokenizer.ggml.merges`: two tokens with a space between, best first.
  public var merges: [[UInt8]]
  public var beginOfText: Int?
  public var endOfText: Int?
  /// `tokenizer.ggml.add_bos_token`, `add_eos_token`.
  public var addsBegin: Bool
  public var addsEnd: Bool
  /// `tokenizer.chat_template`: Jinja; see `ChatTemplate`.
  public var chatTemplate: String?

  public init(
    model: String, pre: String?, tokens: [[UInt8]], types: [Int]? = nil, merges: [[UInt8]],
    beginOfText: Int? = nil, endOfText: Int? = nil, addsBegin: Bool = false,
    addsEnd: Bool = false, chatTemplate: String? = nil
  ) {
    self.model = model
    self.pre = pre
    self.tokens = tokens
    self.types = types
    self.merges = merges
    self.beginOfText = beginOfText
    self.endOfText = endOfText
    self.addsBegin = addsBegin
    self.addsEnd = addsEnd
    self.chatTemplate = chatTemplate
  }

  /// **Throws**: `tokenizer-unsupported`, `tokenizer-malformed`.
  public func tokenizer() throws(Diagnostic) -> ByteLevelBPE {
    guard model == "gpt2" else {
      throw .vocabularyUnsupported("tokenizer.ggml.model", model)
    }
    let preTokenizer: PreTokenizer
    switch pre {
    case "gpt-2"?, "roberta-bpe"?: preTokenizer = PreTokenizer()
    case "smollm"?: preTokenizer = PreTokenizer(isolatesDigits: true)
    case let name: throw .vocabularyUnsupported("tokenizer.ggml.pre", name ?? "none")
    }
    let types = types ?? [Int](repeating: 1, count: tokens.count)
    guard types.count == tokens.count else {
      throw .tokenizerMalformed(
        "of the GGUF file has \(types.count) token types for \(tokens.count) tokens")
    }
    guard !tokens.isEmpty, tokens.count <= Int(Int32.max) else {
      throw .tokenizerMalformed("of the GGUF file has \(tokens.count) tokens")
    }
    var members: [(String, JSONValue)] = []
    var added: [AddedToken] = []
    for (id, token) in tokens.enumerated() {
      guard let spelling = String(validating: token, as: UTF8.self), !token.isEmpty else {
        throw .tokenizerMalformed("of the GGUF file has the token \(id), which is no text")
      }
      members.append((spelling, .integer(id)))
      switch types[id] {
      case 1: break
      // Unknown, control and unused tokens never stand for text.
      case 2, 3, 5:
        added.append(AddedToken(id: Int32(id), content: spelling, isSpecial: true))
      case 4: added.append(AddedToken(id: Int32(id), content: spelling, isSpecial: false))
      default:
        throw .vocabularyUnsupported("tokenizer.ggml.token_type", "\(types[id])")
      }
      if types[id] != 1, token.count > AddedTokenFinder.longestContent {
        throw .tokenizerMalformed("of the GGUF file has the added token \(id) of many bytes")
      }
    }
    if let twice = Self.repeated(tokens) {
      throw .tokenizerMalformed("of the GGUF file has the token '\(twice)' twice")
    }
    let table = try VocabularyTable(.object(JSONObject(members)))
    var mergeList: [(left: Int32, right: Int32, merged: Int32)] = []
    mergeList.reserveCapacity(merges.count)
    for (rank, merge) in merges.enumerated() {
      guard let text = String(validating: merge, as: UTF8.self), let halves = mergeHalves(text)
      else {
        throw .tokenizerMalformed("of the GGUF file has merge \(rank) that is no pair of tokens")
      }
      mergeList.append(try table.merge(halves.0, halves.1, rank: rank))
    }
    return ByteLevelBPE(
      tokens: try table.tokens(except: added), merges: mergeList, addedTokens: added,
      preTokenizer: preTokenizer, template: try template())
  }

  private static func repeated(_ tokens: [[UInt8]]) -> String? {
    var seen: Set<[UInt8]> = []
    seen.reserveCapacity(tokens.count)
    return tokens.first { !seen.insert($0).inserted }.map { String(decoding: $0, as: UTF8.self) }
  }

  private func template() throws(Diagnostic) -> TokenTemplate {
    func id(_ id: Int?, _ name: String) throws(Diagnostic) -> [Int32] {
      guard let id, id >= 0, id < tokens.count else {
        throw .tokenizerMalformed("of the GGUF file adds a token \(name) that it does not have")
      }
      return [Int32(id)]
    }
    let begin = addsBegin ? try id(beginOfText, "at the start") : []
    let end = addsEnd ? try id(endOfText, "at the end") : []
    guard addsBegin || addsEnd else { return .bare }
    func wrapped(_ text: Int) -> [TokenTemplate.Piece] {
      (begin.isEmpty ? [] : [.special(begin, type: 0)]) + [.text(text, type: 0)]
        + (end.isEmpty ? [] : [.special(end, type: 0)])
    }
    return TokenTemplate(single: wrapped(0), pair: wrapped(0) + wrapped(1))
  }
}
