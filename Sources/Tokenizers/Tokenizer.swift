// What every tokenizer offers to models and corpora. ByteLevelBPE.swift is the one of GPT-2's
// family, WordPiece.swift that of BERT; TokenizerFile.swift reads either.

/// What stands before a text that is encoded.
public enum TextPosition: Sendable {
  case start
  case afterSpecial
  /// Behind text: nothing marks its beginning.
  case continuing
}

/// Text to ids and back.
public protocol Tokenizer: Sendable {
  /// One more than the largest id.
  var vocabularySize: Int { get }
  /// The token that ends a document, if the vocabulary has one.
  var endOfText: Int32? { get }
  /// Tokens outside the model, special ones among them, in order of id.
  var addedTokens: [AddedToken] { get }
  /// What stands round a text that a model reads (`[CLS] … [SEP]`), nothing for most decoders.
  var template: TokenTemplate { get }
  /// The file that the `tokenizers` library loads: canonical JSON and a line break.
  var tokenizerJSON: [UInt8] { get }

  /// The ids of a text, given as UTF-8. Special tokens never come out of a text, whatever it says.
  func encode(_ text: [UInt8]) -> [Int32]
  /// The ids of a text that the program itself wrote: names of special tokens become their ids.
  /// Never for texts of users or corpora.
  func encode(trusted text: [UInt8]) -> [Int32]
  /// The ids of a text that other tokens stand before: some tokenizers mark where a text begins.
  func encode(_ text: [UInt8], at position: TextPosition) -> [Int32]

  func isSpecial(_ id: Int32) -> Bool
  /// Adds what one token contributes to a text: not always whole characters.
  ///
  /// - Parameter isFirst: whether nothing stands before it (word pieces bring a space otherwise).
  func appendBytes(of id: Int32, isFirst: Bool, to text: inout [UInt8])
}

extension Tokenizer {
  public func encode(_ text: [UInt8], at position: TextPosition) -> [Int32] { encode(text) }

  public func encode(_ text: String) -> [Int32] { encode(Array(text.utf8)) }

  /// The ids of a text as a model reads it: with what the template puts round it.
  public func encodeWithTemplate(_ text: [UInt8]) -> [Int32] { template.apply(encode(text)).ids }

  public func encodeWithTemplate(_ text: String) -> [Int32] {
    encodeWithTemplate(Array(text.utf8))
  }

  /// The same, cut so that it has `limit` tokens at most: the template stays whole.
  ///
  /// - Parameter limit: not below `template.addedToOne`.
  /// - Returns: the ids, and how many of the text's were left out.
  public func encodeWithTemplate(_ text: [UInt8], atMost limit: Int) -> (ids: [Int32], cut: Int) {
    precondition(
      limit >= template.addedToOne,
      "\(limit) tokens cannot hold the template's \(template.addedToOne)")
    let ids = encode(text)
    let kept = min(ids.count, limit - template.addedToOne)
    return (template.apply(Array(ids[..<kept])).ids, ids.count - kept)
  }

  /// Two texts in one sequence (`[CLS] a [SEP] b [SEP]`) with the type of each token.
  public func encodePair(_ first: [UInt8], _ second: [UInt8]) -> TemplatedText {
    template.apply(encode(first), encode(second))
  }

  /// The id of an added token, special ones included, by its content.
  public func id(ofAdded content: String) -> Int32? {
    addedTokens.first { $0.content.utf8.elementsEqual(content.utf8) }?.id
  }

  /// The bytes of some ids, special tokens left out: not always whole characters. Ids from
  /// `vocabularySize` on have no text: models are padded with rows that no tokenizer names.
  public func decode(_ ids: [Int32]) -> [UInt8] { decode(ids, keepingSpecial: false) }

  public func decode(_ ids: [Int32], keepingSpecial: Bool) -> [UInt8] {
    var text: [UInt8] = []
    text.reserveCapacity(4 * ids.count)
    var isFirst = true
    for id in ids where Int(id) < vocabularySize && (keepingSpecial || !isSpecial(id)) {
      appendBytes(of: id, isFirst: isFirst, to: &text)
      isFirst = false
    }
    return text
  }

  /// The text of some ids; half characters become U+FFFD, once, after all bytes are joined.
  public func text(of ids: [Int32]) -> String { String(decoding: decode(ids), as: UTF8.self) }
}
