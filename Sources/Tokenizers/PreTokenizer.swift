// Cuts a text into the pieces inside which merges happen, exactly like GPT-2's expression
//
//   's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
//
// by a scanner over UTF-8 instead of a regular expression: one pass, no allocation. The classes are
// in UnicodeClass.swift; ByteLevelBPE.swift merges the pieces.

/// How a tokenizer cuts text before merging.
public struct PreTokenizer: Sendable, Hashable {
  /// Digits stand alone and cut the text first (SmolLM): the space before one is not glued to it.
  public var isolatesDigits: Bool
  /// A space is put before the text unless it begins with white space.
  public var addsPrefixSpace: Bool

  public init(isolatesDigits: Bool = false, addsPrefixSpace: Bool = false) {
    self.isolatesDigits = isolatesDigits
    self.addsPrefixSpace = addsPrefixSpace
  }

  /// Hands over the pieces in order; together they are the whole text.
  ///
  /// Bytes that are not UTF-8 count one by one as "other" characters, so no text is refused and
  /// every text comes back from its tokens.
  func forEachPiece(
    of text: UnsafeBufferPointer<UInt8>, _ body: (UnsafeBufferPointer<UInt8>) -> Void
  ) {
    guard isolatesDigits else {
      split(text, body)
      return
    }
    var start = 0
    var at = 0
    while at < text.count {
      let character = Character(text, at)
      if character.kind == .number {
        if start < at { split(part(of: text, start..<at), body) }
        body(part(of: text, at..<at + character.length))
        start = at + character.length
      }
      at += character.length
    }
    if start < text.count { split(part(of: text, start..<text.count), body) }
  }

  private func part(of text: UnsafeBufferPointer<UInt8>, _ range: Range<Int>)
    -> UnsafeBufferPointer<UInt8>
  {
    UnsafeBufferPointer(rebasing: text[range])
  }

  private func split(
    _ text: UnsafeBufferPointer<UInt8>, _ body: (UnsafeBufferPointer<UInt8>) -> Void
  ) {
    var at = 0
    while at < text.count {
      let end = pieceEnd(in: text, from: at)
      body(part(of: text, at..<end))
      at = end
    }
  }

  /// The end of the piece that begins at `start`: the alternatives of the expression in its order.
  private func pieceEnd(in text: UnsafeBufferPointer<UInt8>, from start: Int) -> Int {
    if text[start] == UInt8(ascii: "'"), let length = contraction(in: text, at: start) {
      return start + length
    }
    let first = Character(text, start)
    guard first.kind == .space else {
      return runEnd(of: first.kind, in: text, from: start + first.length)
    }
    // One ASCII space joins the run that follows it.
    if text[start] == 0x20, start + 1 < text.count {
      let second = Character(text, start + 1)
      if second.kind != .space {
        return runEnd(of: second.kind, in: text, from: start + 1 + second.length)
      }
    }
    // A run of white space gives its last character back if something follows.
    var at = start + first.length
    var last = start
    while at < text.count {
      let next = Character(text, at)
      guard next.kind == .space else { return last > start ? last : at }
      last = at
      at += next.length
    }
    return at
  }

  private func runEnd(of kind: UnicodeClass, in text: UnsafeBufferPointer<UInt8>, from start: Int)
    -> Int
  {
    var at = start
    while at < text.count {
      let next = Character(text, at)
      guard next.kind == kind else { break }
      at += next.length
    }
    return at
  }

  /// The length of `'s`, `'t`, `'re`, `'ve`, `'m`, `'ll` or `'d` (lower case only).
  private func contraction(in text: UnsafeBufferPointer<UInt8>, at start: Int) -> Int? {
    guard start + 1 < text.count else { return nil }
    let second = start + 2 < text.count ? text[start + 2] : 0
    switch (text[start + 1], second) {
    case (UInt8(ascii: "s"), _), (UInt8(ascii: "t"), _), (UInt8(ascii: "m"), _),
      (UInt8(ascii: "d"), _):
      return 2
    case (UInt8(ascii: "r"), UInt8(ascii: "e")), (UInt8(ascii: "v"), UInt8(ascii: "e")),
      (UInt8(ascii: "l"), UInt8(ascii: "l")):
      return 3
    default: return nil
    }
  }

  /// The class of the character at a place, and how many bytes it takes.
  private struct Character {
    let kind: UnicodeClass
    let length: Int

    @inline(__always)
    init(_ text: UnsafeBufferPointer<UInt8>, _ at: Int) {
      let lead = text[at]
      if lead < 0x80 {
        self.init(kind: Self.ascii[Int(lead)], length: 1)
        return
      }
      if let scalar = UTF8Scalar(text, at) {
        self.init(kind: UnicodeClass(scalar.value), length: scalar.length)
        return
      }
      self.init(kind: .other, length: 1)
    }

    private init(kind: UnicodeClass, length: Int) {
      self.kind = kind
      self.length = length
    }

    private static let ascii: [UnicodeClass] = (UInt32(0)..<128).map(UnicodeClass.init)
  }
}
