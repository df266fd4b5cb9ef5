// Byte-level byte-pair encoding (Sennrich et al. 2016; bytes as in GPT-2, Radford et al. 2019).
// TokenizerJSON.swift reads and writes the file, BytePairTrainer.swift makes one from a corpus,
// PreTokenizer.swift cuts text, PieceEncoder.swift merges.

import Synchronization

/// GPT-2's kind of tokenizer: any bytes in, ids out, the same bytes back.
public final class ByteLevelBPE: Tokenizer {
  /// A token that stands outside the merges.
  public struct AddedToken: Sendable, Hashable {
    public let id: Int32
    public let content: String
    /// Special tokens steer models: they never come out of a text. Others are found in it first.
    public let isSpecial: Bool

    public init(id: Int32, content: String, isSpecial: Bool) {
      self.id = id
      self.content = content
      self.isSpecial = isSpecial
    }
  }

  public static let endOfTextContent = "<|endoftext|>"

  public let preTokenizer: PreTokenizer
  /// In order of id.
  public let addedTokens: [AddedToken]
  /// A piece that is a token as a whole is not merged (`ignore_merges`).
  public let takesWholePieces: Bool
  public let vocabularySize: Int
  public let endOfText: Int32?

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
  /// Added tokens that text is searched for, longest first.
  private let soughtTokens: [(bytes: [UInt8], id: Int32)]
  private let idleEncoders = Mutex<[SendableEncoder]>([])

  /// Every byte has a token and every merge names tokens: readers check it before.
  init(
    tokens: [[UInt8]?], merges: [(left: Int32, right: Int32, merged: Int32)],
    addedTokens: [AddedToken], preTokenizer: PreTokenizer = PreTokenizer(),
    takesWholePieces: Bool = false
  ) {
    self.tokens = tokens
    mergeList = merges
    self.addedTokens = addedTokens.sorted { $0.id < $1.id }
    self.preTokenizer = preTokenizer
    self.takesWholePieces = takesWholePieces
    vocabularySize = max(tokens.count, addedTokens.map { Int($0.id) + 1 }.max() ?? 0)
    endOfText = addedTokens.first { $0.content == Self.endOfTextContent }?.id
    specialIDs = Set(addedTokens.filter(\.isSpecial).map(\.id))

    var byteTokens = [Int32](repeating: -1, count: 256)
    var whole: [[UInt8]: Int32] = [:]
    for (id, token) in tokens.enumerated() {
      guard let token else { continue }
      if token.count == 1 { byteTokens[Int(token[0])] = Int32(id) }
      if takesWholePieces { whole[token] = Int32(id) }
    }
    precondition(!byteTokens.contains(-1), "a byte-level vocabulary needs a token for every byte")
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
    soughtTokens = addedTokens.filter { !$0.isSpecial && !$0.content.isEmpty }
      .map { (bytes: Array($0.content.utf8), id: $0.id) }
      .sorted { ($1.bytes.count, $0.id) < ($0.bytes.count, $1.id) }
  }

  // MARK: Encoding

  /// **Cost**: one pass; pieces seen before are looked up. Several threads may call it at once.
  public func encode(_ text: [UInt8]) -> [Int32] {
    var out: [Int32] = []
    out.reserveCapacity(text.count / 3 + 8)
    let encoder = idleEncoders.withLock { $0.popLast() } ?? SendableEncoder(makeEncoder())
    text.withUnsafeBufferPointer { text in
      forEachPlainPart(of: text) { part in
        encode(plain: part, with: encoder.encoder, to: &out)
      } added: { id in
        out.append(id)
      }
    }
    idleEncoders.withLock { $0.append(encoder) }
    return out
  }

  private func makeEncoder() -> PieceEncoder {
    PieceEncoder(byteTokens: byteTokens, merges: mergeTable, wholePieces: wholePieces)
  }

  private func encode(
    plain text: UnsafeBufferPointer<UInt8>, with encoder: PieceEncoder, to out: inout [Int32]
  ) {
    if preTokenizer.addsPrefixSpace, text.first != 0x20 {
      let spaced = [0x20] + Array(text)
      spaced.withUnsafeBufferPointer { spaced in
        preTokenizer.forEachPiece(of: spaced) { encoder.append($0, to: &out) }
      }
    } else {
      preTokenizer.forEachPiece(of: text) { encoder.append($0, to: &out) }
    }
  }

  /// Cuts a text at the added tokens that may stand in it: leftmost first, of those the longest.
  private func forEachPlainPart(
    of text: UnsafeBufferPointer<UInt8>, _ plain: (UnsafeBufferPointer<UInt8>) -> Void,
    added: (Int32) -> Void
  ) {
    guard !soughtTokens.isEmpty else {
      if !text.isEmpty { plain(text) }
      return
    }
    var firsts = [Bool](repeating: false, count: 256)
    for token in soughtTokens { firsts[Int(token.bytes[0])] = true }
    var start = 0
    var at = 0
    while at < text.count {
      if firsts[Int(text[at])],
        let token = soughtTokens.first(where: { text[at...].starts(with: $0.bytes) })
      {
        if start < at { plain(UnsafeBufferPointer(rebasing: text[start..<at])) }
        added(token.id)
        at += token.bytes.count
        start = at
      } else {
        at += 1
      }
    }
    if start < text.count { plain(UnsafeBufferPointer(rebasing: text[start...])) }
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

  /// The bytes of some ids, special tokens left out.
  public func decode(_ ids: [Int32]) -> [UInt8] { decode(ids, keepingSpecial: false) }

  public func decode(_ ids: [Int32], keepingSpecial: Bool) -> [UInt8] {
    var out: [UInt8] = []
    out.reserveCapacity(4 * ids.count)
    for id in ids where keepingSpecial || !specialIDs.contains(id) { out += bytes(of: id) }
    return out
  }
}

/// An encoder that waits for its next use.
private struct SendableEncoder: @unchecked Sendable {
  // Taken out of the locked list while a thread uses it: it is never in two hands.
  let encoder: PieceEncoder
  init(_ encoder: PieceEncoder) { self.encoder = encoder }
}
