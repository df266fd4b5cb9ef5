// Which tokens begin an emoji: whole ones, and first pieces of ones that take several tokens (byte-level
// pairs, bytes that a vocabulary falls back to).

import Corpora
import Tokenizers

/// What a token says about an emoji that begins with it.
public enum EmojiStart: Sendable, Equatable {
  /// The token holds a whole emoji, spaces before it allowed.
  case whole
  /// Its bytes begin a character of four bytes that can be an emoji: what else begins so is rare.
  case part
  /// Its bytes begin a character of three bytes, as emoji, dashes and quotation marks all do.
  case ambiguous
}

/// The tokens of a vocabulary by how they begin an emoji.
public struct EmojiTokens: Sendable {
  /// Ids in ascending order.
  public let whole: [Int32]
  public let part: [Int32]
  public let ambiguous: [Int32]

  /// Those that `emoji_mass` adds up.
  public var counted: [Int32] { (whole + part).sorted() }

  /// - Parameter vocabulary: of the model; ids beyond the tokenizer's begin nothing.
  public init(_ tokenizer: any Tokenizer, vocabulary: Int) {
    var groups: [[Int32]] = [[], [], []]
    for id in 0..<Int32(min(vocabulary, tokenizer.vocabularySize)) where !tokenizer.isSpecial(id) {
      var bytes: [UInt8] = []
      tokenizer.appendBytes(of: id, isFirst: false, to: &bytes)
      switch Self.start(bytes) {
      case .whole: groups[0].append(id)
      case .part: groups[1].append(id)
      case .ambiguous: groups[2].append(id)
      case nil: break
      }
    }
    (whole, part, ambiguous) = (groups[0], groups[1], groups[2])
  }

  /// How some bytes begin an emoji; nil if they do not.
  public static func start(_ bytes: [UInt8]) -> EmojiStart? {
    let own = bytes.drop { $0 == 0x20 }
    guard let first = own.first, first >= 0xC2 else { return nil }
    let length = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4
    guard first <= 0xF4 else { return nil }
    if own.count >= length {
      guard let text = String(validating: own.prefix(length), as: UTF8.self),
        let scalar = text.unicodeScalars.first
      else { return nil }
      // A flag is two letters; one of them begins it.
      if (0x1F1E6...0x1F1FF).contains(scalar.value) { return .whole }
      // What follows can turn it off: a text selector.
      let whole = String(decoding: own, as: UTF8.self)
      return whole.first.map(Emoji.isEmoji) == true ? .whole : nil
    }
    guard canBegin(Array(own), length: length) else { return nil }
    return length == 4 ? .part : length == 3 ? .ambiguous : nil
  }

  /// Whether an emoji begins with these bytes, fewer than its first character has.
  private static func canBegin(_ bytes: [UInt8], length: Int) -> Bool {
    var low = UInt32(bytes[0]) & (length == 4 ? 0x07 : 0x0F)
    for byte in bytes.dropFirst() {
      guard byte & 0xC0 == 0x80 else { return false }
      low = low << 6 | UInt32(byte & 0x3F)
    }
    let open = 6 * UInt32(length - bytes.count)
    let range = (low << open)...(low << open | (1 << open - 1))
    return emojiScalars.contains { range.contains($0) }
  }

  /// Characters that are an emoji by themselves or begin one.
  private static let emojiScalars: [UInt32] = (UInt32(0x2000)...0x1FFFF).filter { value in
    guard let scalar = Unicode.Scalar(value) else { return false }
    return (0x1F1E6...0x1F1FF).contains(value) || Emoji.isEmoji(Character(scalar))
  }
}
