// The name of bytes: SHA-256. Objects, keys and trees are all named by it (ObjectReference.swift says
// what a digest refers to).

import Crypto

/// A SHA-256 digest. Ordered by its bytes, which is also the order of its hexadecimal text.
public struct Digest: Sendable, Hashable, Comparable {
  /// The 32 bytes, big-endian, eight at a time.
  private let words: (UInt64, UInt64, UInt64, UInt64)

  private init(_ words: (UInt64, UInt64, UInt64, UInt64)) { self.words = words }

  /// Reads 64 lower-case hexadecimal digits; anything else is nil, so that a digest has one text.
  public init?(hex: String) {
    var words: [UInt64] = [0, 0, 0, 0]
    var count = 0
    for byte in hex.utf8 {
      guard count < 64, let digit = Self.value(of: byte) else { return nil }
      words[count / 16] = words[count / 16] << 4 | UInt64(digit)
      count += 1
    }
    guard count == 64 else { return nil }
    self.init((words[0], words[1], words[2], words[3]))
  }

  private static func value(of digit: UInt8) -> UInt8? {
    switch digit {
    case UInt8(ascii: "0")...UInt8(ascii: "9"): digit - UInt8(ascii: "0")
    case UInt8(ascii: "a")...UInt8(ascii: "f"): digit - UInt8(ascii: "a") + 10
    default: nil
    }
  }

  /// 64 lower-case hexadecimal digits.
  public var hex: String {
    let digits = Array("0123456789abcdef".utf8)
    return String(unsafeUninitializedCapacity: 64) { out in
      var at = 0
      for word in [words.0, words.1, words.2, words.3] {
        for shift in stride(from: 60, through: 0, by: -4) {
          out[at] = digits[Int(word >> UInt64(shift) & 15)]
          at += 1
        }
      }
      return 64
    }
  }

  public static func of(_ bytes: [UInt8]) -> Digest {
    bytes.withUnsafeBytes { of($0) }
  }

  /// The digest of a text's UTF-8 bytes.
  public static func of(_ text: String) -> Digest { of(Array(text.utf8)) }

  public static func of(_ bytes: UnsafeRawBufferPointer) -> Digest {
    var stream = DigestStream()
    stream.update(bytes)
    return stream.finish()
  }

  fileprivate init(bytes: some Sequence<UInt8>) {
    var words: [UInt64] = [0, 0, 0, 0]
    for (index, byte) in bytes.enumerated() {
      words[index / 8] = words[index / 8] << 8 | UInt64(byte)
    }
    self.init((words[0], words[1], words[2], words[3]))
  }

  public static func == (a: Digest, b: Digest) -> Bool { a.words == b.words }
  public static func < (a: Digest, b: Digest) -> Bool { a.words < b.words }
  public func hash(into hasher: inout Hasher) {
    hasher.combine(words.0)
    hasher.combine(words.1)
  }
}

extension Digest: CustomStringConvertible {
  public var description: String { hex }
}

/// Hashes bytes that come in pieces.
public struct DigestStream {
  private var hash = SHA256()

  public init() {}

  public mutating func update(_ bytes: UnsafeRawBufferPointer) {
    hash.update(bufferPointer: bytes)
  }

  public consuming func finish() -> Digest { Digest(bytes: hash.finalize()) }
}
