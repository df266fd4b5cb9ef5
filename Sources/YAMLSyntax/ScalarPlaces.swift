// Places inside a scalar: an expression's error must point at its own characters, though quotes,
// escapes and folded lines make the bytes of the file differ from those of the value.

import Diagnostics

extension YAMLNode {
  /// The place of a part of a scalar's text, given in UTF-8 bytes of that text.
  ///
  /// Where the bytes cannot be followed (escapes, block scalars) it is the whole scalar.
  public func span(ofText part: Range<Int>) -> SourceSpan {
    guard let scalar else { return span }
    let raw = span.source.bytes[span.range]
    let value = Array(scalar.text.utf8)
    let quote: UInt8?
    switch scalar.style {
    case .plain: quote = nil
    case .singleQuoted: quote = UInt8(ascii: "'")
    case .doubleQuoted: quote = UInt8(ascii: "\"")
    case .literal, .folded: return span
    }
    // rawOffsets[i] is where byte i of the value stands in the file; one more for its end.
    var rawOffsets: [Int] = []
    var at = raw.startIndex + (quote == nil ? 0 : 1)
    let end = raw.endIndex - (quote == nil ? 0 : 1)
    for byte in value {
      guard at < end else { return span }
      rawOffsets.append(at)
      if raw[at] == byte, byte != UInt8(ascii: " ") {
        at += byte == quote ? 2 : 1
        continue
      }
      // A folded line: white space with a break in it stands for one space or break.
      var next = at
      var breaks = false
      while next < end, [0x20, 0x09, 0x0A, 0x0D].contains(raw[next]) {
        breaks = breaks || raw[next] == 0x0A || raw[next] == 0x0D
        next += 1
      }
      guard next > at, byte == UInt8(ascii: " ") || breaks else { return span }
      at = breaks ? next : at + 1
    }
    guard at == end, part.upperBound <= value.count else { return span }
    rawOffsets.append(at)
    return SourceSpan(
      source: span.source, range: rawOffsets[part.lowerBound]..<rawOffsets[part.upperBound])
  }
}
