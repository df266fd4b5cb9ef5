// Files of WordPiece: Hugging Face's tokenizer.json, read and written, and BERT's vocab.txt.

import CanonicalJSON
import Diagnostics

extension WordPiece {
  /// Words of more characters than this would make spelling slow on hostile texts.
  private static let longestWordLimit = 10_000

  /// Reads a tokenizer.json. Its settings of truncation and padding are left to whoever batches.
  ///
  /// **Throws**: `json-syntax`, `tokenizer-unsupported`, `tokenizer-malformed`.
  public convenience init(tokenizerJSON bytes: [UInt8], path: String = "tokenizer.json")
    throws(Diagnostic)
  {
    try self.init(file: JSONValue(parsing: SourceText(path: path, bytes: bytes)))
  }

  convenience init(file: JSONValue) throws(Diagnostic) {
    guard let model = file["model"], model["type"]?.string == "WordPiece" else {
      throw .tokenizerUnsupported("model", file["model"]?["type"]?.string ?? "none")
    }
    switch file["pre_tokenizer"]?["type"]?.string {
    case "BertPreTokenizer"?: break
    case let type: throw .tokenizerUnsupported("pre-tokenizer", type ?? "none")
    }
    let decoder = file["decoder"]
    switch decoder?["type"]?.string {
    case nil, "WordPiece"?: break
    case let type?: throw .tokenizerUnsupported("decoder", type)
    }
    let prefix = model["continuing_subword_prefix"]?.string ?? "##"
    let decoderPrefix = decoder?["prefix"]?.string ?? prefix
    guard bytesEqual(decoderPrefix, prefix) else {
      throw .tokenizerUnsupported("decoder", "WordPiece with another prefix than the model's")
    }
    let longestWord = model["max_input_chars_per_word"]?.integer ?? 100
    guard longestWord >= 1, longestWord <= Self.longestWordLimit else {
      throw .tokenizerUnsupported("model option", "max_input_chars_per_word: \(longestWord)")
    }
    let vocabulary = try VocabularyTable(model["vocab"])
    let unknown = model["unk_token"]?.string ?? "[UNK]"
    guard let unknownID = vocabulary.id(of: unknown) else {
      throw .tokenizerMalformed("has no token '\(unknown)' for unknown words")
    }
    let added = try AddedToken.read(file["added_tokens"], vocabulary)
    let size = max(vocabulary.idLimit, added.map { Int($0.id) + 1 }.max() ?? 0)
    self.init(
      tokens: vocabulary.plainTokens, normalizer: try Self.normalizer(file["normalizer"]),
      prefix: prefix, unknown: unknownID, longestWord: longestWord, addedTokens: added,
      template: try TokenTemplate(postProcessor: file["post_processor"], vocabularySize: size),
      tidiesText: decoder?["cleanup"]?.boolean ?? true)
  }

  private static func normalizer(_ part: JSONValue?) throws(Diagnostic) -> BERTNormalizer {
    guard let part, part != .null else {
      return BERTNormalizer(cleansText: false, isolatesIdeographs: false, lowercases: false)
    }
    guard part["type"]?.string == "BertNormalizer" else {
      throw .tokenizerUnsupported("normalizer", part["type"]?.string ?? "?")
    }
    return BERTNormalizer(
      cleansText: part["clean_text"]?.boolean ?? true,
      isolatesIdeographs: part["handle_chinese_chars"]?.boolean ?? true,
      stripsAccents: part["strip_accents"]?.boolean,
      lowercases: part["lowercase"]?.boolean ?? true)
  }

  /// Reads BERT's vocab.txt: a token a line, its id the number of the line.
  ///
  /// `[PAD]`, `[UNK]`, `[CLS]`, `[SEP]` and `[MASK]` become special tokens, `[CLS] … [SEP]` the
  /// template.
  ///
  /// - Parameter lowercases: `do_lower_case` of tokenizer_config.json.
  /// **Throws**: `tokenizer-malformed`.
  public convenience init(vocabularyText: [UInt8], lowercases: Bool) throws(Diagnostic) {
    var tokens: [[UInt8]?] = []
    var ids: [[UInt8]: Int32] = [:]
    var lines = vocabularyText.split(separator: 0x0A, omittingEmptySubsequences: false)
    if lines.last?.isEmpty == true { lines.removeLast() }
    for line in lines {
      let line = line.last == 0x0D ? line.dropLast() : line
      guard let text = String(validating: line, as: UTF8.self), !text.isEmpty else {
        throw .tokenizerMalformed("vocab.txt has line \(tokens.count + 1) that is no token")
      }
      guard ids.updateValue(Int32(tokens.count), forKey: Array(line)) == nil else {
        throw .tokenizerMalformed("vocab.txt has the token '\(text)' twice")
      }
      tokens.append(Array(line))
    }
    func id(_ name: String) throws(Diagnostic) -> Int32 {
      guard let id = ids[Array(name.utf8)] else {
        throw .tokenizerMalformed("vocab.txt has no token '\(name)'")
      }
      return id
    }
    let unknown = try id("[UNK]")
    let template = TokenTemplate.bert(
      classification: try id("[CLS]"), separator: try id("[SEP]"))
    let added = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]"].compactMap { name in
      ids[Array(name.utf8)].map { AddedToken(id: $0, content: name, isSpecial: true) }
    }
    self.init(
      tokens: tokens, normalizer: BERTNormalizer(lowercases: lowercases), unknown: unknown,
      addedTokens: added, template: template)
  }

  public var tokenizerJSON: [UInt8] {
    let spellings = tokens.map { $0.map { String(decoding: $0, as: UTF8.self) } }
    let names = Dictionary(uniqueKeysWithValues: addedTokens.map { ($0.id, $0.content) })
    let file: JSONValue = .object([
      "version": "1.0", "truncation": .null, "padding": .null,
      "normalizer": .object([
        "type": "BertNormalizer", "clean_text": .boolean(normalizer.cleansText),
        "handle_chinese_chars": .boolean(normalizer.isolatesIdeographs),
        "strip_accents": .boolean(normalizer.stripsAccents),
        "lowercase": .boolean(normalizer.lowercases),
      ]),
      "pre_tokenizer": .object(["type": "BertPreTokenizer"]),
      "post_processor": template.postProcessor {
        names[$0] ?? (Int($0) < spellings.count ? spellings[Int($0)] : nil) ?? ""
      },
      "decoder": .object([
        "type": "WordPiece", "prefix": .string(prefix), "cleanup": .boolean(tidiesText),
      ]),
      "added_tokens": .array(addedTokens.map(\.json)),
      "model": .object([
        "type": "WordPiece", "unk_token": .string(spellings[Int(unknown)] ?? ""),
        "continuing_subword_prefix": .string(prefix),
        "max_input_chars_per_word": .integer(longestWord),
        "vocab": AddedToken.vocabulary(spellings, addedTokens),
      ]),
    ])
    return file.canonicalBytes + [UInt8(ascii: "\n")]
  }
}
