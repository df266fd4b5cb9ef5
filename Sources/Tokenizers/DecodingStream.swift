// Text while it is written: a token may end in the middle of a character, so its last bytes wait
// for the next token.

/// Turns ids into text one by one; the joined texts are `Tokenizer.text(of:)` of all ids.
public struct DecodingStream: Sendable {
  private let tokenizer: any Tokenizer
  /// The start of a character whose end has not come yet: three bytes at most.
  private var held: [UInt8] = []
  private var isFirst = true

  public init(_ tokenizer: any Tokenizer) { self.tokenizer = tokenizer }

  /// The whole characters that are known with this token; special tokens give nothing.
  public mutating func append(_ id: Int32) -> String {
    guard !tokenizer.isSpecial(id) else { return "" }
    tokenizer.appendBytes(of: id, isFirst: isFirst, to: &held)
    isFirst = false
    let waiting = Self.openTail(of: held)
    let text = String(decoding: held.dropLast(waiting), as: UTF8.self)
    held.removeFirst(held.count - waiting)
    return text
  }

  /// What is left when no more tokens come: half a character becomes U+FFFD.
  public mutating func finish() -> String {
    defer {
      held = []
      isFirst = true
    }
    return String(decoding: held, as: UTF8.self)
  }

  /// How many bytes at the end begin a character that more bytes could complete.
  public static func openTail(of bytes: [UInt8]) -> Int {
    for length in 1...3 where length <= bytes.count {
      let lead = bytes[bytes.count - length]
      guard lead & 0xC0 != 0x80 else { continue }
      let tail = bytes.suffix(length - 1)
      let whole: Int
      // The second byte decides whether a lead byte can begin a character at all (Unicode, table 3-7).
      var second: ClosedRange<UInt8> = 0x80...0xBF
      switch lead {
      case 0xC2...0xDF: whole = 2
      case 0xE0...0xEF:
        whole = 3
        if lead == 0xE0 { second = 0xA0...0xBF }
        if lead == 0xED { second = 0x80...0x9F }
      case 0xF0...0xF4:
        whole = 4
        if lead == 0xF0 { second = 0x90...0xBF }
        if lead == 0xF4 { second = 0x80...0x8F }
      default: return 0
      }
      if let first = tail.first, !second.contains(first) { return 0 }
      return length < whole ? length : 0
    }
    return 0
  }
}
