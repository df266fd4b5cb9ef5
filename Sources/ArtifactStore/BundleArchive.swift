// The archive of a bundle: a plain tar (POSIX ustar) of regular files, so that `tar tf` shows what is
// in it. Written in one form only, and read in that form only: no compression (so no bombs), no links,
// no extensions, no padding beyond the blocks that tar itself asks for.

import Diagnostics
import Glibc

enum BundleArchive {
  static let block = 512

  /// One header: name, size, mode 0444, no owner, time 0.
  static func header(_ name: String, size: Int) -> [UInt8] {
    precondition(name.utf8.count <= 100, "the member '\(name)' is longer than 100 bytes")
    var bytes = [UInt8](repeating: 0, count: block)
    func put(_ text: String, at offset: Int) {
      for (index, byte) in text.utf8.enumerated() { bytes[offset + index] = byte }
    }
    put(name, at: 0)
    put("0000444", at: 100)
    put("0000000", at: 108)
    put("0000000", at: 116)
    if size < 1 << 33 {
      put(octal(size, 11), at: 124)
    } else {
      // Sizes beyond 8 GiB: base 256, as GNU tar and libarchive read it.
      bytes[124] = 0x80
      for index in 0..<8 { bytes[135 - index] = UInt8(truncatingIfNeeded: size >> (8 * index)) }
    }
    put("00000000000", at: 136)
    put("        ", at: 148)
    put("0", at: 156)
    put("ustar", at: 257)
    put("00", at: 263)
    let sum = bytes.reduce(0) { $0 + Int($1) }
    put(octal(sum, 6), at: 148)
    bytes[154] = 0
    bytes[155] = UInt8(ascii: " ")
    return bytes
  }

  private static func octal(_ value: Int, _ digits: Int) -> String {
    let text = String(value, radix: 8)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
  }

  /// What a header says, or why it is none of ours: read back, a header is exactly what would be written.
  static func read(_ bytes: [UInt8]) -> Result<(name: String, size: Int), BundleFault> {
    if bytes[0] == 0x1F, bytes[1] == 0x8B { return .failure("it is compressed with gzip") }
    if Array(bytes[0..<3]) == Array("BZh".utf8) { return .failure("it is compressed with bzip2") }
    if Array(bytes[0..<4]) == [0x28, 0xB5, 0x2F, 0xFD] {
      return .failure("it is compressed with zstd")
    }
    if Array(bytes[0..<4]) == [0x50, 0x4B, 3, 4] { return .failure("it is a zip archive") }
    if Array(bytes[0..<6]) == [0xFD, 0x37, 0x7A, 0x58, 0x5A, 0] {
      return .failure("it is compressed with xz")
    }
    guard Array(bytes[257..<262]) == Array("ustar".utf8) else {
      return .failure("it is no tar archive as plumb bundle writes it")
    }
    guard let name = String(validating: bytes[..<100].prefix { $0 != 0 }, as: UTF8.self),
      !name.isEmpty
    else { return .failure("the name of a member is not UTF-8") }
    guard let size = size(of: bytes) else {
      return .failure("the size of '\(name.prefix(120))' is no number")
    }
    switch bytes[156] {
    case UInt8(ascii: "0"): break
    case UInt8(ascii: "1"), UInt8(ascii: "2"):
      return .failure("'\(name)' is a link")
    case UInt8(ascii: "5"): return .failure("'\(name)' is a folder")
    default: return .failure("'\(name)' is no regular file")
    }
    guard header(name, size: size) == bytes else {
      return .failure("the header of '\(name)' is not as plumb bundle writes it")
    }
    return .success((name, size))
  }

  private static func size(of bytes: [UInt8]) -> Int? {
    if bytes[124] == 0x80 {
      guard bytes[125..<128].allSatisfy({ $0 == 0 }), bytes[128] < 0x80 else { return nil }
      return bytes[128..<136].reduce(0) { $0 << 8 | Int($1) }
    }
    var size = 0
    for byte in bytes[124..<135] {
      guard (UInt8(ascii: "0")...UInt8(ascii: "7")).contains(byte) else { return nil }
      size = size << 3 | Int(byte - UInt8(ascii: "0"))
    }
    return size
  }

  static func padding(_ size: Int) -> Int { (block - size % block) % block }
}

/// Why a bundle is refused.
struct BundleFault: Error, ExpressibleByStringInterpolation {
  let text: String
  init(stringLiteral value: String) { text = value }
}
