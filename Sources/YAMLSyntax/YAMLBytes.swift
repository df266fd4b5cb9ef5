// What is wrong with a file before any YAML is read: size, encoding, characters. And the way from
// libyaml's marks, which count characters, to bytes.

import Diagnostics

enum YAMLBytes {
  static func problem(in source: SourceText) -> Diagnostic? {
    let bytes = source.bytes
    func place(_ range: Range<Int>) -> SourceSpan {
      SourceSpan(source: source, range: range.clamped(to: 0..<bytes.count))
    }
    if bytes.count > YAMLLimits.bytes {
      return .yamlTooLarge(bytes.count, limit: YAMLLimits.bytes, at: place(0..<0))
    }
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { return .yamlByteOrderMark(at: place(0..<3)) }
    if bytes.starts(with: [0xFF, 0xFE]) || bytes.starts(with: [0xFE, 0xFF]) {
      return .yamlEncoding("the file is UTF-16: save it as UTF-8", at: place(0..<2))
    }
    return bytes.withUnsafeBufferPointer { bytes in
      var at = 0
      while at < bytes.count {
        let first = bytes[at]
        if first < 0x80 {
          if first < 0x20 && first != 0x09 && first != 0x0A && first != 0x0D || first == 0x7F {
            return .yamlCharacter(UInt32(first), at: place(at..<at + 1))
          }
          at += 1
          continue
        }
        guard let (code, length) = scalar(bytes, at) else {
          return .yamlEncoding(
            "byte 0x\(String(first, radix: 16, uppercase: true)): save the file as UTF-8",
            at: place(at..<at + 1))
        }
        let isAllowed =
          code == 0x85 || (0xA0...0xD7FF).contains(code)
          || (0xE000...0xFFFD).contains(code) && code != 0xFEFF || code >= 0x10000
        guard isAllowed else { return .yamlCharacter(code, at: place(at..<at + length)) }
        at += length
      }
      return nil
    }
  }

  /// Strict decoding: no overlong forms, no surrogates, nothing above U+10FFFF.
  private static func scalar(_ bytes: UnsafeBufferPointer<UInt8>, _ at: Int) -> (UInt32, Int)? {
    let first = bytes[at]
    let length: Int
    var code: UInt32
    let least: UInt32
    switch first {
    case 0xC2...0xDF: (length, code, least) = (2, UInt32(first & 0x1F), 0x80)
    case 0xE0...0xEF: (length, code, least) = (3, UInt32(first & 0x0F), 0x800)
    case 0xF0...0xF4: (length, code, least) = (4, UInt32(first & 0x07), 0x10000)
    default: return nil
    }
    guard at + length <= bytes.count else { return nil }
    for byte in bytes[at + 1..<at + length] {
      guard byte & 0xC0 == 0x80 else { return nil }
      code = code << 6 | UInt32(byte & 0x3F)
    }
    guard code >= least, Unicode.Scalar(code) != nil else { return nil }
    return (code, length)
  }
}

/// Byte offsets of every 64th character, so that a mark is found in a few steps.
struct ScalarOffsets {
  private static let step = 64
  private let bytes: [UInt8]
  private let marks: [Int]

  init(_ bytes: [UInt8]) {
    self.bytes = bytes
    var marks: [Int] = []
    var count = 0
    for (offset, byte) in bytes.enumerated() where byte & 0xC0 != 0x80 {
      if count % Self.step == 0 { marks.append(offset) }
      count += 1
    }
    self.marks = marks
  }

  func byte(ofScalar index: Int) -> Int {
    guard index / Self.step < marks.count else { return bytes.count }
    var at = marks[index / Self.step]
    for _ in 0..<index % Self.step {
      guard at < bytes.count else { break }
      at += 1
      while at < bytes.count, bytes[at] & 0xC0 == 0x80 { at += 1 }
    }
    return at
  }

  func width(at offset: Int, in bytes: UnsafeMutableBufferPointer<UInt8>) -> Int {
    var end = offset + 1
    while end < bytes.count, bytes[end] & 0xC0 == 0x80 { end += 1 }
    return end - offset
  }
}
