// SentencePiece's byte-pair encoding (Kudo and Richardson 2018) as Llama 2 and Mistral have it: spaces are
// written ▁, characters are merged without being cut into words first, and a character that the
// vocabulary lacks is spelled in bytes. SentencePieceFiles.swift reads the file.

import CanonicalJSON
import Synchronization

/// Llama's and Mistral's kind of tokenizer.
public final class SentencePieceBPE: Tokenizer {
  /// Where a ▁ is put before a text.
  enum Prefix: Sendable, Equatable {
    /// Before every text, even where one stands (the normalizer `Prepend`).
    case prepended
    /// Before every text that does not begin with a space (`Metaspace`, `always`).
    case always
    /// The same, but not behind a special token.
    case first
    case never
  }

  public let vocabularySize: Int
  public let endOfText: Int32?
  public let addedTokens: [AddedToken]
  public let template: TokenTemplate
  public let tokenizerJSON: [UInt8]

  let prefix: Prefix
  private let idOfSpelling: [[UInt8]: Int32]
  private let byteTokens: [Int32]
  private let merges: MergeTable
  /// Id → bytes that it stands for, ▁ as a space.
  private let bytes: [[UInt8]]
  private let specialIDs: Set<Int32>
  private let finder: AddedTokenFinder
  private let idle = Mutex<[LongPieceMerging]>([])

  /// ▁, U+2581.
  static let space: [UInt8] = [0xE2, 0x96, 0x81]

  /// - Parameters:
  ///   - spellings: id → spelling in the file.
  ///   - byteTokens: the 256 tokens `<0x00>` to `<0xFF>`.
  init(
    spellings: [[UInt8]?], byteTokens: [Int32],
    merges: [(left: Int32, right: Int32, merged: Int32)], addedTokens: [AddedToken],
    prefix: Prefix, template: TokenTemplate, tokenizerJSON: [UInt8]
  ) {
    self.byteTokens = byteTokens
    self.merges = MergeTable(merges)
    self.addedTokens = addedTokens.sorted { $0.id < $1.id }
    self.prefix = prefix
    self.template = template
    self.tokenizerJSON = tokenizerJSON
    vocabularySize = max(spellings.count, addedTokens.map { Int($0.id) + 1 }.max() ?? 0)
    endOfText = addedTokens.first { $0.content == "</s>" }?.id
    specialIDs = Set(addedTokens.filter(\.isSpecial).map(\.id))
    finder = AddedTokenFinder(addedTokens)
    var ids: [[UInt8]: Int32] = [:]
    var bytes = [[UInt8]](repeating: [], count: vocabularySize)
    for (id, spelling) in spellings.enumerated() {
      guard let spelling else { continue }
      ids[spelling] = Int32(id)
      bytes[id] = Self.withSpaces(spelling)
    }
    for (byte, id) in byteTokens.enumerated() { bytes[Int(id)] = [UInt8(byte)] }
    for token in addedTokens { bytes[Int(token.id)] = Array(token.content.utf8) }
    idOfSpelling = ids
    self.bytes = bytes
  }

  // MARK: Encoding

  public func encode(_ text: [UInt8]) -> [Int32] { encode(text, at: .start) }

  public func encode(_ text: [UInt8], at position: TextPosition) -> [Int32] {
    encode(text, position, findsSpecial: false)
  }

  public func encode(trusted text: [UInt8]) -> [Int32] {
    encode(text, .start, findsSpecial: true)
  }

  /// **Cost**: one pass over the text and O(n) look-ups. Several threads may call it at once.
  private func encode(
    _ text: [UInt8], _ position: TextPosition, findsSpecial: Bool
  ) -> [Int32] {
    var out: [Int32] = []
    var position = position
    var merging = idle.withLock { $0.popLast() } ?? LongPieceMerging(ranks: merges.rankCount)
    text.withUnsafeBufferPointer { text in
      finder.forEachPart(of: text, findsSpecial: findsSpecial) { part in
        merging.merge(symbols(of: part, position), merges, to: &out)
        position = .continuing
      } found: {
        out.append($0)
        position = .afterSpecial
      }
    }
    idle.withLock { $0.append(merging) }
    return out
  }

  /// One symbol for each character that the vocabulary has, one for each byte of the others.
  private func symbols(
    of text: UnsafeBufferPointer<UInt8>, _ position: TextPosition
  ) -> [Int32] {
    var symbols: [Int32] = []
    symbols.reserveCapacity(text.count + 1)
    func add(_ character: some Collection<UInt8>) {
      if let id = idOfSpelling[Array(character)] {
        symbols.append(id)
      } else {
        for byte in character { symbols.append(byteTokens[Int(byte)]) }
      }
    }
    let isMarked =
      switch (prefix, position) {
      case (.never, _), (_, .continuing), (.first, .afterSpecial): false
      case (.prepended, _): true
      case (.always, _), (.first, _): !begins(withSpace: text)
      }
    if isMarked { add(Self.space) }
    var at = 0
    while at < text.count {
      // Bytes that are no UTF-8 stand for themselves.
      let length = UTF8Scalar(text, at)?.length ?? 1
      if length == 1, text[at] == 0x20 {
        add(Self.space)
      } else {
        add(text[at..<at + length])
      }
      at += length
    }
    return symbols
  }

  private func begins(withSpace text: UnsafeBufferPointer<UInt8>) -> Bool {
    text.first == 0x20 || text.starts(with: Self.space)
  }

  private static func withSpaces(_ spelling: [UInt8]) -> [UInt8] {
    var out: [UInt8] = []
    var at = 0
    while at < spelling.count {
      if spelling[at...].starts(with: space) {
        out.append(0x20)
        at += space.count
      } else {
        out.append(spelling[at])
        at += 1
      }
    }
    return out
  }

  // MARK: Decoding

  public func isSpecial(_ id: Int32) -> Bool { specialIDs.contains(id) }

  /// The space that marks the beginning of a text is left out.
  public func appendBytes(of id: Int32, isFirst: Bool, to text: inout [UInt8]) {
    precondition(
      id >= 0 && Int(id) < vocabularySize,
      "token \(id) is not among the \(vocabularySize) of this vocabulary")
    let own = bytes[Int(id)]
    text += isFirst && prefix != .never && own.first == 0x20 ? own.dropFirst() : own[...]
  }
}
