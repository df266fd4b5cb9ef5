// Text into words, the same on every machine: bytes only, no Unicode tables that change with versions.

/// Word splitting for features and text statistics.
public enum Words {
  /// Lower-case words of a text.
  ///
  /// ASCII letters, digits and every byte beyond ASCII belong to words; capital ASCII letters become
  /// small; an apostrophe between two word bytes stays (`don't`; ’ counts as '). All else separates,
  /// also no-break space and the dashes, quotes and dots of the block General Punctuation.
  public static func split(_ text: String) -> [[UInt8]] {
    var text = text
    return text.withUTF8 { split($0) }
  }

  static func split(_ bytes: UnsafeBufferPointer<UInt8>) -> [[UInt8]] {
    var words: [[UInt8]] = []
    var word: [UInt8] = []
    var apostrophe = false
    func end() {
      if !word.isEmpty { words.append(word) }
      word.removeAll(keepingCapacity: true)
      apostrophe = false
    }
    func take(_ byte: UInt8) {
      if apostrophe { word.append(UInt8(ascii: "'")) }
      apostrophe = false
      word.append(byte)
    }
    var at = 0
    while at < bytes.count {
      let byte = bytes[at]
      let next = at + 1 < bytes.count ? bytes[at + 1] : 0
      let third = at + 2 < bytes.count ? bytes[at + 2] : 0
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"): take(byte)
      case UInt8(ascii: "A")...UInt8(ascii: "Z"): take(byte | 0x20)
      case UInt8(ascii: "'") where !word.isEmpty && !apostrophe: apostrophe = true
      case 0xE2 where next == 0x80 && third == 0x99 && !word.isEmpty && !apostrophe:
        apostrophe = true
        at += 2
      case 0xE2 where next == 0x80 || next == 0x81:
        end()
        at += 2
      case 0xC2 where next < 0xC0:  // no-break space and the signs of Latin-1
        end()
        at += 1
      case 0x80...: take(byte)
      default: end()
      }
      at += 1
    }
    end()
    return words
  }
}
