// Hugging Face's tokenizer.json, the file of the `tokenizer` artifact. What would change ids and is
// not implemented is refused by its name. Spelling of bytes: ByteAlphabet.swift; the older pair of
// files: VocabularyFiles.swift.

import CanonicalJSON
import Diagnostics

extension ByteLevelBPE {
  /// Reads a tokenizer.json.
  ///
  /// **Throws**: `json-syntax`, `tokenizer-unsupported`, `tokenizer-malformed`.
  public convenience init(tokenizerJSON bytes: [UInt8], path: String = "tokenizer.json")
    throws(Diagnostic)
  {
    try self.init(file: JSONValue(parsing: SourceText(path: path, bytes: bytes)))
  }

  convenience init(file: JSONValue) throws(Diagnostic) {
    guard file.object != nil else { throw .tokenizerMalformed("is not a JSON object") }
    try Self.refuse(file["normalizer"], as: "normalizer")
    try Self.refuse(file["decoder"], as: "decoder", allowing: ["ByteLevel"])
    let preTokenizer = try Self.preTokenizer(file["pre_tokenizer"])

    guard let model = file["model"], model.object != nil else {
      throw .tokenizerMalformed("has no model")
    }
    try Self.refuseOptions(of: model)
    let vocabulary = try VocabularyTable(model["vocab"])
    let merges = try Self.merges(model["merges"], vocabulary)
    let added = try AddedToken.read(file["added_tokens"], vocabulary)
    let size = max(vocabulary.idLimit, added.map { Int($0.id) + 1 }.max() ?? 0)
    let tokens = try vocabulary.tokens(except: added)
    if let unknown = model["unk_token"], unknown != .null,
      Set(tokens.lazy.compactMap { $0?.count == 1 ? $0 : nil }).count < 256
    {
      throw .tokenizerUnsupported("model option", "unk_token with a vocabulary that lacks bytes")
    }
    self.init(
      tokens: tokens, merges: merges, addedTokens: added,
      preTokenizer: preTokenizer, takesWholePieces: model["ignore_merges"]?.boolean ?? false,
      template: try TokenTemplate(postProcessor: file["post_processor"], vocabularySize: size))
  }

  private static func refuse(
    _ part: JSONValue?, as name: String, allowing known: [String] = []
  ) throws(Diagnostic) {
    guard let part, part != .null else { return }
    guard let type = part["type"]?.string else {
      throw .tokenizerMalformed("has a \(name) without a type")
    }
    guard known.contains(type) else { throw .tokenizerUnsupported(name, type) }
  }

  private static func preTokenizer(_ part: JSONValue?) throws(Diagnostic) -> PreTokenizer {
    guard let part, part != .null else {
      throw .tokenizerUnsupported("pre-tokenizer", "none")
    }
    switch part["type"]?.string {
    case "ByteLevel":
      if part["use_regex"]?.boolean == false {
        throw .tokenizerUnsupported("pre-tokenizer", "ByteLevel without use_regex")
      }
      return PreTokenizer(addsPrefixSpace: part["add_prefix_space"]?.boolean ?? true)
    case "Sequence":
      let steps = part["pretokenizers"]?.array ?? []
      guard steps.count == 2, steps[0]["type"]?.string == "Digits",
        steps[0]["individual_digits"]?.boolean == true, steps[1]["type"]?.string == "ByteLevel"
      else {
        let names = steps.map { $0["type"]?.string ?? "?" }.joined(separator: ", ")
        throw .tokenizerUnsupported("pre-tokenizer", "Sequence of \(names)")
      }
      var result = try preTokenizer(steps[1])
      guard !result.addsPrefixSpace else {
        throw .tokenizerUnsupported("pre-tokenizer", "Digits before add_prefix_space")
      }
      result.isolatesDigits = true
      return result
    case let type?: throw .tokenizerUnsupported("pre-tokenizer", type)
    case nil: throw .tokenizerMalformed("has a pre-tokenizer without a type")
    }
  }

  private static func refuseOptions(of model: JSONValue) throws(Diagnostic) {
    // Files of before 2021 leave the type of a BPE out.
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
    if model["byte_fallback"]?.boolean == true {
      throw .tokenizerUnsupported("model option", "byte_fallback")
    }
  }

  static func merges(_ part: JSONValue?, _ vocabulary: VocabularyTable)
    throws(Diagnostic) -> [(left: Int32, right: Int32, merged: Int32)]
  {
    guard let list = part?.array else { throw .tokenizerMalformed("has no list of merges") }
    var merges: [(left: Int32, right: Int32, merged: Int32)] = []
    merges.reserveCapacity(list.count)
    for (rank, item) in list.enumerated() {
      let pair: (String, String)
      switch item {
      case .string(let text):
        guard let halves = mergeHalves(text) else {
          throw .tokenizerMalformed("has merge \(rank), '\(text)', that is no pair of tokens")
        }
        pair = halves
      case .array(let items) where items.count == 2:
        guard let left = items[0].string, let right = items[1].string else { fallthrough }
        pair = (left, right)
      default: throw .tokenizerMalformed("has merge \(rank) that is no pair of tokens")
      }
      merges.append(try vocabulary.merge(pair.0, pair.1, rank: rank))
    }
    return merges
  }

  // MARK: Writing

  /// The file in the layout that the `tokenizers` library loads: canonical JSON and a line break.
  public var tokenizerJSON: [UInt8] {
    let byteLevel: JSONValue = .object([
      "type": "ByteLevel", "add_prefix_space": .boolean(preTokenizer.addsPrefixSpace),
      "trim_offsets": true, "use_regex": true,
    ])
    let digits: JSONValue = .object(["type": "Digits", "individual_digits": true])
    let spellings = tokens.map { $0.map(ByteAlphabet.text(of:)) }
    let merges = mergeList.map { merge in
      JSONValue.array([
        .string(spellings[Int(merge.left)]!), .string(spellings[Int(merge.right)]!),
      ])
    }
    let file: JSONValue = .object([
      "version": "1.0", "truncation": .null, "padding": .null, "normalizer": .null,
      "post_processor": template.postProcessor { String(decoding: bytes(of: $0), as: UTF8.self) },
      "decoder": byteLevel,
      "pre_tokenizer": preTokenizer.isolatesDigits
        ? .object(["type": "Sequence", "pretokenizers": .array([digits, byteLevel])]) : byteLevel,
      "added_tokens": .array(addedTokens.map(\.json)),
      "model": .object([
        "type": "BPE", "dropout": .null, "unk_token": .null, "continuing_subword_prefix": .null,
        "end_of_word_suffix": .null, "fuse_unk": false, "byte_fallback": false,
        "ignore_merges": .boolean(takesWholePieces),
        "vocab": AddedToken.vocabulary(spellings, addedTokens),
        "merges": .array(merges),
      ]),
    ])
    return file.canonicalBytes + [UInt8(ascii: "\n")]
  }
}

/// The two tokens of a merge written as one text.
func mergeHalves(_ text: String) -> (String, String)? {
  let halves = text.split(separator: " ", omittingEmptySubsequences: false)
  guard halves.count == 2, !halves[0].isEmpty, !halves[1].isEmpty else { return nil }
  return (String(halves[0]), String(halves[1]))
}
