// What libyaml reads although YAML 1.2 forbids it, or reads as something else than YAML 1.2 does. Each
// check names the case of the YAML test suite that it refuses. Offsets count bytes.

import Diagnostics

struct YAMLStrictness {
  let bytes: UnsafeMutableBufferPointer<UInt8>

  struct Fault {
    var range: Range<Int>
    var message: String
    var help: String
  }

  /// Between two tokens stand blanks, indicators and comments; a comment needs a blank before it (9JBA,
  /// CVW2, SU5Z).
  func comment(between start: Int, and end: Int) -> Fault? {
    var at = start
    while at < min(end, bytes.count) {
      if bytes[at] == UInt8(ascii: "#") {
        if at > 0, !isWhite(at - 1) {
          return Fault(
            range: at..<at + 1, message: "a comment begins right behind something else",
            help: "put a space before '#', or quotes around text that holds it")
        }
        while at < bytes.count, !isLineEnd(at) { at += 1 }
      }
      at += 1
    }
    return nil
  }

  /// Lines of quoted text, and of what stands in brackets, are indented deeper than the block that they
  /// stand in (9C9N, QB6E, DK95/01). A closing bracket may stand under the key, as many write it.
  func outdent(in range: Range<Int>, below column: Int, isFlow: Bool) -> Fault? {
    var at = range.lowerBound
    while at < range.upperBound {
      guard bytes[at] == 0x0A || bytes[at] == 0x0D else {
        at += 1
        continue
      }
      let line = at + 1
      at = line
      while at < range.upperBound, bytes[at] == 0x20 { at += 1 }
      guard at < range.upperBound, !isLineEnd(at), at - line <= column else { continue }
      if isFlow, bytes[at] == UInt8(ascii: "]") || bytes[at] == UInt8(ascii: "}") { continue }
      if isFlow, bytes[at] == UInt8(ascii: "#") {
        while at < range.upperBound, !isLineEnd(at) { at += 1 }
        continue
      }
      var end = at
      while end < range.upperBound, isBlank(end) { end += 1 }
      if end == range.upperBound || isLineEnd(end) { continue }
      return Fault(
        range: at..<at + 1,
        message: isFlow
          ? "a line inside brackets is not indented" : "a line of quoted text is not indented",
        help: "indent it by \(column + 1) or more spaces")
    }
    return nil
  }

  /// `>#` (X4QW), and blank lines above the text that are longer than its indentation (S98Z).
  func blockScalar(at start: Int) -> Fault? {
    var at = start + 1
    var isExplicit = false
    while at < bytes.count, "0123456789+-".utf8.contains(bytes[at]) {
      isExplicit = isExplicit || (0x30...0x39).contains(bytes[at])
      at += 1
    }
    if at < bytes.count, bytes[at] == UInt8(ascii: "#") {
      return comment(between: at, and: at + 1)
    }
    while at < bytes.count, !isLineEnd(at) { at += 1 }
    if isExplicit { return nil }
    var longest = 0..<0
    while at < bytes.count {
      while at < bytes.count, isLineEnd(at) { at += 1 }
      let line = at
      while at < bytes.count, bytes[at] == 0x20 { at += 1 }
      guard at < bytes.count else { return nil }
      if !isLineEnd(at) {
        guard at - line > 0, longest.count > at - line else { return nil }
        return Fault(
          range: longest,
          message: "a blank line is longer than the indentation of the text below it",
          help: "remove the spaces at the ends of blank lines")
      }
      if at - line > longest.count { longest = line..<at }
    }
    return nil
  }

  /// `[?x]` is text in YAML 1.2 and a key for libyaml (652Z, HM87/01).
  func questionMark(before start: Int) -> Fault? {
    guard start > 0, bytes[start - 1] == UInt8(ascii: "?") else { return nil }
    return Fault(
      range: start - 1..<start, message: "'?' right before a value",
      help: "put text that begins with '?' in quotes")
  }

  /// A lone `-` in brackets (G5U8, YJV2).
  func loneDash(_ range: Range<Int>) -> Fault? {
    guard range.count == 1, bytes[range.lowerBound] == UInt8(ascii: "-") else { return nil }
    return Fault(
      range: range, message: "a '-' without a value inside brackets",
      help: "put it in quotes: \"-\"")
  }

  /// libyaml ends a name at some characters that belong to it (Y2GN).
  func anchor(_ name: String, at start: Int, end: Int) -> Fault? {
    var at = start
    while at < min(end, bytes.count), bytes[at] != UInt8(ascii: "&") {
      at += 1
    }
    let first = at + 1
    at = first
    while at < bytes.count, !isWhite(at), !",[]{}".utf8.contains(bytes[at]) { at += 1 }
    guard first <= at, !bytes[first..<at].elementsEqual(name.utf8) else { return nil }
    return Fault(
      range: first..<at, message: "this cannot be the name of an anchor",
      help: "names of anchors are made of letters, digits, '-' and '_'")
  }

  /// Whether blanks stand behind the last line break: libyaml forgets such a line in block text (JEF9/02,
  /// L24T/01).
  static func endsInBlanks(_ bytes: [UInt8]) -> Bool {
    guard let last = bytes.last(where: { $0 != 0x20 }), bytes.last == 0x20 else { return false }
    return last == 0x0A || last == 0x0D
  }

  private func isBlank(_ at: Int) -> Bool { bytes[at] == 0x20 || bytes[at] == 0x09 }
  private func isLineEnd(_ at: Int) -> Bool { bytes[at] == 0x0A || bytes[at] == 0x0D }
  private func isWhite(_ at: Int) -> Bool { isBlank(at) || isLineEnd(at) }
}
