// The vocabulary that a GGUF file carries, as it stands there.

import Diagnostics

/// The members `tokenizer.ggml.…` and the chat template.
public struct StoredVocabulary: Sendable {
  /// `gpt2` (byte-level BPE), `llama` (sentencepiece), `bert`, …
  public let model: String
  /// How text is cut before merging: `smollm`, `gpt-2`, `llama-bpe`, …
  public let preTokenizer: String?
  /// By id.
  public let tokens: [[UInt8]]
  /// 1 normal, 2 unknown, 3 control, 4 user-defined, 5 unused, 6 byte; by id, or empty.
  public let types: [Int]
  /// "left right", best first.
  public let merges: [[UInt8]]
  /// By id, or empty.
  public let scores: [Double]
  public let beginOfText: Int?
  public let endOfText: Int?
  public let unknown: Int?
  public let padding: Int?
  public let addsBeginOfText: Bool?
  public let addsEndOfText: Bool?
  public let addsSpacePrefix: Bool?
  /// Jinja.
  public let chatTemplate: String?

  /// **Throws**: `gguf-vocabulary`.
  public init(_ gguf: GGUFFile) throws(Diagnostic) {
    let shown = gguf.file.shown
    func key(_ name: String) -> String { "tokenizer.ggml." + name }
    guard let model = gguf.text(key("model")) else {
      throw .ggufVocabulary(shown, because: "tokenizer.ggml.model is missing")
    }
    self.model = model
    preTokenizer = gguf.text(key("pre"))
    guard let tokens = gguf.texts(key("tokens")), !tokens.isEmpty, tokens.count <= 1 << 24 else {
      throw .ggufVocabulary(shown, because: "tokenizer.ggml.tokens is missing or no list of texts")
    }
    self.tokens = tokens
    func list<T>(_ name: String, _ read: (String) -> [T]?) throws(Diagnostic) -> [T] {
      guard gguf[key(name)] != nil else { return [] }
      guard let list = read(key(name)) else {
        throw .ggufVocabulary(shown, because: "tokenizer.ggml.\(name) is no list of the right kind")
      }
      return list
    }
    types = try list("token_type", gguf.integers)
    scores = try list("scores", gguf.numbers)
    merges = try list("merges", gguf.texts)
    for (name, count) in [("token_type", types.count), ("scores", scores.count)]
    where count != 0 && count != tokens.count {
      throw .ggufVocabulary(
        shown, because: "\(tokens.count) tokens have \(count) entries in tokenizer.ggml.\(name)")
    }
    func token(_ name: String) throws(Diagnostic) -> Int? {
      guard gguf[key(name)] != nil else { return nil }
      guard let id = gguf.integer(key(name)), tokens.indices.contains(id) else {
        throw .ggufVocabulary(
          shown, because: "tokenizer.ggml.\(name) is none of the \(tokens.count) tokens")
      }
      return id
    }
    beginOfText = try token("bos_token_id")
    endOfText = try token("eos_token_id")
    unknown = try token("unknown_token_id")
    padding = try token("padding_token_id")
    addsBeginOfText = gguf.boolean(key("add_bos_token"))
    addsEndOfText = gguf.boolean(key("add_eos_token"))
    addsSpacePrefix = gguf.boolean(key("add_space_prefix"))
    chatTemplate = gguf.text("tokenizer.chat_template")
  }
}
