// tokenizer.json of Llama 2, Mistral and their relatives: BPE with byte_fallback. What would change ids and
// is not implemented is refused by its name.

import CanonicalJSON
import Diagnostics

extension SentencePieceBPE {
  static func isMeant(by file: JSONValue) -> Bool {
    file["model"]?["byte_fallback"]?.boolean == true
  }

  /// **Throws**: `tokenizer-unsupported`, `tokenizer-malformed`.
  convenience init(file: JSONValue) throws(Diagnostic) {
    guard let model = file["model"], model.object != nil else {
      throw .tokenizerMalformed("has no model")
    }
    if let type = model["type"], type != .string("BPE") {
      throw .tokenizerUnsupported("model", type.string ?? type.canonicalText)
    }
    for option in ["continuing_subword_prefix", "end_of_word_suffix"] {
      if let text = model[option], text != .null, text != "" {
        throw .tokenizerUnsupported("model option", option)
      }
    }
    if let dropout = model["dropout"], dropout != .null, dropout.double != 0 {
      throw .tokenizerUnsupported("model option", "dropout")
    }
    if model["ignore_merges"]?.boolean == true {
      throw .tokenizerUnsupported("model option", "ignore_merges with byte_fallback")
    }
    let prefix = try Self.prefix(file["normalizer"], file["pre_tokenizer"])
    try Self.check(decoder: file["decoder"])
    let vocabulary = try VocabularyTable(model["vocab"])
    let merges = try ByteLevelBPE.merges(model["merges"], vocabulary)
    let added = try AddedToken.read(file["added_tokens"], vocabulary)
    var byteTokens: [Int32] = []
    for byte in 0..<256 {
      let digits = String(byte, radix: 16, uppercase: true)
      let name = "<0x\(byte < 16 ? "0" : "")\(digits)>"
      guard let id = vocabulary.id(of: name) else {
        throw .tokenizerUnsupported("model option", "byte_fallback without the token \(name)")
      }
      byteTokens.append(id)
    }
    let size = max(vocabulary.idLimit, added.map { Int($0.id) + 1 }.max() ?? 0)
    self.init(
      spellings: vocabulary.plainTokens, byteTokens: byteTokens, merges: merges,
      addedTokens: added, prefix: prefix,
      template: try TokenTemplate(postProcessor: file["post_processor"], vocabularySize: size),
      tokenizerJSON: file.canonicalBytes + [UInt8(ascii: "\n")])
  }

  /// Either a normalizer that prepends and replaces, or a pre-tokenizer that does both.
  private static func prefix(
    _ normalizer: JSONValue?, _ preTokenizer: JSONValue?
  ) throws(Diagnostic) -> Prefix {
    let mark = "\u{2581}"
    var prefix: Prefix?
    if let normalizer, normalizer != .null {
      let steps =
        normalizer["type"]?.string == "Sequence"
        ? normalizer["normalizers"]?.array ?? [] : [normalizer]
      var replaces = false
      for step in steps {
        switch step["type"]?.string {
        case "Prepend"? where step["prepend"]?.string == mark && prefix == nil && !replaces:
          prefix = .prepended
        case "Replace"?
        where step["pattern"]?["String"]?.string == " " && step["content"]?.string == mark:
          replaces = true
        case let type?: throw .tokenizerUnsupported("normalizer", type)
        case nil: throw .tokenizerMalformed("has a normalizer without a type")
        }
      }
      guard replaces else { throw .tokenizerUnsupported("normalizer", "one that leaves spaces") }
      prefix = prefix ?? .never
    }
    if let preTokenizer, preTokenizer != .null {
      guard preTokenizer["type"]?.string == "Metaspace", prefix == nil,
        preTokenizer["replacement"]?.string == mark, preTokenizer["split"]?.boolean == false
      else {
        throw .tokenizerUnsupported(
          "pre-tokenizer",
          (preTokenizer["type"]?.string ?? "without a type") + " with byte_fallback")
      }
      switch preTokenizer["prepend_scheme"]?.string {
      case "always"?: prefix = .always
      case "first"?: prefix = .first
      case "never"?: prefix = .never
      case let name: throw .tokenizerUnsupported("prepend_scheme", name ?? "none")
      }
    }
    guard let prefix else {
      throw .tokenizerUnsupported("model option", "byte_fallback without marks of spaces")
    }
    return prefix
  }

  private static func check(decoder: JSONValue?) throws(Diagnostic) {
    guard let decoder, decoder != .null else { return }
    let steps =
      decoder["type"]?.string == "Sequence" ? decoder["decoders"]?.array ?? [] : [decoder]
    for step in steps {
      let type = step["type"]?.string ?? "without a type"
      guard ["Replace", "ByteFallback", "Fuse", "Strip", "Metaspace"].contains(type) else {
        throw .tokenizerUnsupported("decoder", type)
      }
    }
  }
}
