// What every tokenizer offers to models and corpora. ByteLevelBPE.swift is the one of GPT-2's
// family; WordPiece (BERT) will stand beside it.

/// Text to ids and back.
public protocol Tokenizer: Sendable {
  /// One more than the largest id.
  var vocabularySize: Int { get }
  /// The token that ends a document, if the vocabulary has one.
  var endOfText: Int32? { get }
  /// The ids of a text, given as UTF-8. Special tokens never come out of a text, whatever it says.
  func encode(_ text: [UInt8]) -> [Int32]
  /// The bytes of some ids: not always whole characters.
  func decode(_ ids: [Int32]) -> [UInt8]
}

extension Tokenizer {
  public func encode(_ text: String) -> [Int32] { encode(Array(text.utf8)) }

  /// The text of some ids; half characters become U+FFFD, once, after all bytes are joined.
  public func text(of ids: [Int32]) -> String { String(decoding: decode(ids), as: UTF8.self) }
}
