// Byte-level byte-pair encoding (Sennrich et al. 2016; bytes as in GPT-2, Radford et al. 2019).
// TokenizerJSON.swift reads and writes the file, BytePairTrainer.swift makes one from a corpus,
// PreTokenizer.swift cuts text, PieceEncoder.swift merges.

import Synchronization

/// GPT-2's kind of tokenizer: bytes in, ids out, the same bytes back.
public final class ByteLevelBPE: Tokenizer {
  public typealias AddedToken = Tokenizers.AddedToken

  public static let endOfTextContent = "<|endoftext|>"
  /// Names under which byte-level vocabularies have the end of a document.
  private static let endsOfText = [endOfTextContent, "<|end_of_text|>", "</s>"]

  public let preTokenizer: PreTokenizer
  /// In order of id.
  public let addedTokens: [AddedToken]
  public let template: TokenTemplate
  /// A piece that is a token as a whole is not merged (`ignore_merges`).
  public let takesWholePieces: Bool
  public let vocabularySize: Int
  public let endOfText: Int32?
  /// Bytes that the vocabulary cannot spell: they are left out of texts, as the library does. SmolLM2
  /// has no token for some control characters.
  public var bytesWithoutToken: [UInt8] {
    byteTokens.indices.filter { byteTokens[$0] < 0 }.map { UInt8($0) }
  }

  /// Tokens of the model (id → bytes), without the added ones; ids may have holes.
  let tokens: [[UInt8]?]
  let mergeList: [(left: Int32, right: Int32, merged: Int32)]

  private let byteTokens: [Int32]
  private let mergeTable: MergeTable
  private let wholePieces: [[UInt8]: Int32]?
  /// Bytes of all tokens one after the other, and where each ends.
  private let decodeBytes: [UInt8]
  private let decodeEnds: [Int32]
  private let specialIDs: Set<Int32>
  /// Added tokens that text is searched for: first these, then those marked as normalised.
  private let finders: [AddedTokenFinder]
  private let idleEncoders = Mutex<[SendableEncoder]>([])

  /// Every merge names tokens and every usual byte has one: readers check it before.
  init(
    tokens: [[UInt8]?], merges: [(left: Int32, right: Int32, merged: Int32)],
    addedTokens: [AddedToken], preTokenizer: PreTokenizer = PreTokenizer(),
    takesWholePieces: Bool = false, template: TokenTemplate = .bare
  ) {
    self.template = template
    self.tokens = tokens
    mergeList = merges
    self.addedTokens = addedTokens.sorted { $0.id < $1.id }
    self.preTokenizer = preTokenizer
    self.takesWholePieces = takesWholePieces
    vocabularySize = max(tokens.count, addedTokens.map { Int($0.id) + 1 }.max() ?? 0)
    endOfText =
      Self.endsOfText.lazy.compactMap { name in
        addedTokens.first { $0.content == name }?.id
      }.first
    specialIDs = Set(addedTokens.filter(\.isSpecial).map(\.id))

    var byteTokens = [Int32](repeating: -1, count: 256)
    var whole: [[UInt8]: Int32] = [:]
    for (id, token) in tokens.enumerated() {
      guard let token else { continue }
      if token.count == 1 { byteTokens[Int(token[0])] = Int32(id) }
      if takesWholePieces { whole[token] = Int32(id) }
    }
    self.byteTokens = byteTokens
    wholePieces = takesWholePieces ? whole : nil
    mergeTable = MergeTable(merges)

    var added: [Int32: String] = [:]
    for token in addedTokens { added[token.id] = token.content }
    var bytes: [UInt8] = []
    var ends: [Int32] = []
    for id in 0..<vocabularySize {
      if let content = added[Int32(id)] {
        bytes += content.utf8
      } else if id < tokens.count, let token = tokens[id] {
        bytes += token
      }
      ends.append(Int32(bytes.count))
    }
    decodeBytes = bytes
    decodeEnds = ends
    finders = [false, true].map { isNormalized in
      AddedTokenFinder(addedTokens.filter { $0.isNormalized == isNormalized })
    }
  }

  // MARK: Encoding

  /// **Cost**: one pass; pieces seen before are looked up. Several threads may call it at once.
  public func encode(_ text: [UInt8]) -> [Int32] { encode(text, findsSpecial: false) }

  public func encode(trusted text: [UInt8]) -> [Int32] { encode(text, findsSpecial: true) }

  public func encode(_ text: [UInt8], at position: TextPosition) -> [Int32] {
    encode(text, findsSpecial: false, continues: position == .continuing)
  }

  private func encode(
    _ text: [UInt8], findsSpecial: Bool, continues: Bool = false
  ) -> [Int32] {
    var out: [Int32] = []
    out.reserveCapacity(text.count / 3 + 8)
    let encoder = idleEncoders.withLock { $0.popLast() } ?? SendableEncoder(makeEncoder())
    text.withUnsafeBufferPointer { text in
      finders[0].forEachPart(of: text, findsSpecial: findsSpecial) { part in
        finders[1].forEachPart(of: part, findsSpecial: findsSpecial) { part in
          encode(plain: part, with: encoder.encoder, continues: continues && out.isEmpty, to: &out)
        } found: {
          out.append($0)
        }
      } found: {
        out.append($0)
      }
    }
    idleEncoders.withLock { $0.append(encoder) }
    return out
  }

  private func makeEncoder() -> PieceEncoder {
    PieceEncoder(byteTokens: byteTokens, merges: mergeTable, wholePieces: wholePieces)
  }

  private func encode(
    plain text: UnsafeBufferPointer<UInt8>, with encoder: PieceEncoder, continues: Bool,
    to out: inout [Int32]
  ) {
    if preTokenizer.addsPrefixSpace, !continues, text.first != 0x20 {
      let spaced = [0x20] + Array(text)
      spaced.withUnsafeBufferPointer { spaced in
        preTokenizer.forEachPiece(of: spaced) { encoder.append($0, to: &out) }
      }
    } else {
      preTokenizer.forEachPiece(of: text) { encoder.append($0, to: &out) }
    }
  }

  // MARK: Decoding

  /// The bytes of one token; a special token has its name's bytes.
  public func bytes(of id: Int32) -> ArraySlice<UInt8> {
    precondition(
      id >= 0 && Int(id) < vocabularySize,
      "token \(id) is not among the \(vocabularySize) of this vocabulary")
    let start = id == 0 ? 0 : Int(decodeEnds[Int(id) - 1])
    return decodeBytes[start..<Int(decodeEnds[Int(id)])]
  }

  public func isSpecial(_ id: Int32) -> Bool { specialIDs.contains(id) }

  public func appendBytes(of id: Int32, isFirst: Bool, to text: inout [UInt8]) {
    text += bytes(of: id)
  }
}

/// An encoder that waits for its next use.
private struct SendableEncoder: @unchecked Sendable {
  // Taken out of the locked list while a thread uses it: it is never in two hands.
  let encoder: PieceEncoder
  init(_ encoder: PieceEncoder) { self.encoder = encoder }
}
