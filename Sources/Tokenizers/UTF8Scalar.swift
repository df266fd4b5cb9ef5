// One character of a text in UTF-8, checked. Used by everything that looks at characters beyond
// ASCII: PreTokenizer.swift, AddedTokenFinder.swift, BERTNormalizer.swift.

struct UTF8Scalar {
  let value: UInt32
  /// Bytes that it takes.
  let length: Int

  /// The character that begins at a place; nil where the bytes are none.
  @inline(__always)
  init?(_ text: UnsafeBufferPointer<UInt8>, _ at: Int) {
    let lead = text[at]
    let left = text.count - at
    @inline(__always) func tail(_ index: Int) -> UInt32? {
      guard index < left, text[at + index] & 0xC0 == 0x80 else { return nil }
      return UInt32(text[at + index] & 0x3F)
    }
    switch lead {
    case 0..<0x80:
      self.init(value: UInt32(lead), length: 1)
    case 0xC2...0xDF:
      guard let a = tail(1) else { return nil }
      self.init(value: UInt32(lead & 0x1F) << 6 | a, length: 2)
    case 0xE0...0xEF:
      guard let a = tail(1), let b = tail(2) else { return nil }
      let point = UInt32(lead & 0x0F) << 12 | a << 6 | b
      guard point >= 0x800, !(0xD800..<0xE000).contains(point) else { return nil }
      self.init(value: point, length: 3)
    case 0xF0...0xF4:
      guard let a = tail(1), let b = tail(2), let c = tail(3) else { return nil }
      let point = UInt32(lead & 0x07) << 18 | a << 12 | b << 6 | c
      guard (0x10000..<0x110000).contains(point) else { return nil }
      self.init(value: point, length: 4)
    default: return nil
    }
  }

  @inline(__always)
  private init(value: UInt32, length: Int) {
    self.value = value
    self.length = length
  }

  /// Where the character begins that ends before a place.
  static func start(before place: Int, in text: UnsafeBufferPointer<UInt8>) -> Int? {
    guard place > 0 else { return nil }
    var start = place - 1
    while start > 0, place - start < 4, text[start] & 0xC0 == 0x80 { start -= 1 }
    return start
  }
}
