// BERT's tokenizer (Devlin et al. 2019; Schuster and Nakajima 2012). Normalising: BERTNormalizer.swift;
// cutting and spelling: WordPieceEncoder.swift; files: WordPieceFiles.swift.

import Synchronization

/// Words cut into the longest pieces of a vocabulary; texts come back normalised, not as they were.
public final class WordPiece: Tokenizer {
  public let normalizer: BERTNormalizer
  /// Marks pieces that continue a word.
  public let prefix: String
  public let unknown: Int32
  /// Longer words (in characters) are unknown.
  public let longestWord: Int
  public let addedTokens: [AddedToken]
  public let template: TokenTemplate
  public let vocabularySize: Int
  /// Word pieces serve encoders, which know no end of a document.
  public var endOfText: Int32? { nil }
  /// Whether decoding takes back spaces before punctuation and in English contractions.
  public let tidiesText: Bool

  /// Spelled as in the vocabulary, id → bytes; ids may have holes.
  let tokens: [[UInt8]?]
  private let vocabulary: WordPieceVocabulary
  private let specialIDs: Set<Int32>
  private let addedContents: [Int32: [UInt8]]
  private let finder: AddedTokenFinder
  private let normalizedFinder: AddedTokenFinder
  private let idleEncoders = Mutex<[IdleEncoder]>([])

  /// - Parameter unknown: the id of a token; readers check it before.
  init(
    tokens: [[UInt8]?], normalizer: BERTNormalizer = BERTNormalizer(), prefix: String = "##",
    unknown: Int32, longestWord: Int = 100, addedTokens: [AddedToken] = [],
    template: TokenTemplate = .bare, tidiesText: Bool = true
  ) {
    self.tokens = tokens
    self.normalizer = normalizer
    self.prefix = prefix
    self.unknown = unknown
    self.longestWord = longestWord
    self.addedTokens = addedTokens.sorted { $0.id < $1.id }
    self.template = template
    self.tidiesText = tidiesText
    vocabularySize = max(tokens.count, addedTokens.map { Int($0.id) + 1 }.max() ?? 0)
    vocabulary = WordPieceVocabulary(
      tokens, prefix: Array(prefix.utf8), longest: 4 * longestWord)
    specialIDs = Set(addedTokens.filter(\.isSpecial).map(\.id))
    addedContents = Dictionary(
      uniqueKeysWithValues: addedTokens.map { ($0.id, Array($0.content.utf8)) })
    finder = AddedTokenFinder(addedTokens.filter { !$0.isNormalized })
    normalizedFinder = AddedTokenFinder(addedTokens.filter(\.isNormalized)) { token in
      Self.normalized(token.content, normalizer)
    }
  }

  private static func normalized(_ text: String, _ normalizer: BERTNormalizer) -> [UInt8] {
    var out: [UInt8] = []
    Array(text.utf8).withUnsafeBufferPointer { normalizer.append($0, to: &out) }
    return out
  }

  // MARK: Encoding

  /// **Cost**: one pass; words seen before are looked up. Several threads may call it at once.
  public func encode(_ text: [UInt8]) -> [Int32] { encode(text, findsSpecial: false) }

  public func encode(trusted text: [UInt8]) -> [Int32] { encode(text, findsSpecial: true) }

  private func encode(_ text: [UInt8], findsSpecial: Bool) -> [Int32] {
    var out: [Int32] = []
    out.reserveCapacity(text.count / 4 + 8)
    let idle =
      idleEncoders.withLock { $0.popLast() }
      ?? IdleEncoder(WordPieceEncoder(vocabulary, unknown: unknown, longestWord: longestWord))
    let encoder = idle.encoder
    text.withUnsafeBufferPointer { text in
      finder.forEachPart(of: text, findsSpecial: findsSpecial) { part in
        encoder.text.removeAll(keepingCapacity: true)
        normalizer.append(part, to: &encoder.text)
        encoder.text.withUnsafeBufferPointer { text in
          normalizedFinder.forEachPart(of: text, findsSpecial: findsSpecial) { part in
            encoder.append(part, to: &out)
          } found: {
            out.append($0)
          }
        }
      } found: {
        out.append($0)
      }
    }
    idleEncoders.withLock { $0.append(idle) }
    return out
  }

  // MARK: Decoding

  public func isSpecial(_ id: Int32) -> Bool { specialIDs.contains(id) }

  public func appendBytes(of id: Int32, isFirst: Bool, to text: inout [UInt8]) {
    precondition(
      id >= 0 && Int(id) < vocabularySize,
      "token \(id) is not among the \(vocabularySize) of this vocabulary")
    // The library spells an added token that is looked for normalised in its normalised form.
    let spelling = addedContents[id] ?? (Int(id) < tokens.count ? tokens[Int(id)] : nil) ?? []
    var piece: [UInt8]
    if isFirst {
      piece = spelling
    } else if spelling.starts(with: prefix.utf8) {
      piece = Array(spelling.dropFirst(prefix.utf8.count))
    } else {
      piece = [0x20] + spelling
    }
    if tidiesText, piece.contains(0x20) { piece = Self.tidied(piece) }
    text += piece
  }

  /// The replacements that the library makes in each piece, in its order.
  private static func tidied(_ piece: [UInt8]) -> [UInt8] {
    var text = String(decoding: piece, as: UTF8.self)
    for (from, to) in [
      (" .", "."), (" ?", "?"), (" !", "!"), (" ,", ","), (" ' ", "'"), (" n't", "n't"),
      (" 'm", "'m"), (" do not", " don't"), (" 's", "'s"), (" 've", "'ve"), (" 're", "'re"),
    ] {
      text = text.replacing(from, with: to)
    }
    return Array(text.utf8)
  }
}

/// An encoder that waits for its next use.
private struct IdleEncoder: @unchecked Sendable {
  // Taken out of the locked list while a thread uses it: it is never in two hands.
  let encoder: WordPieceEncoder
  init(_ encoder: WordPieceEncoder) { self.encoder = encoder }
}
