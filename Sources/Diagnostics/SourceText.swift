// The text a person wrote, and places in it. Every value read from a manifest keeps its span, so
// that an error found much later still points at the line. See Diagnostic.swift for the error type.

/// A file's bytes with the path it is shown under, and an index of its lines.
public final class SourceText: Sendable {
  /// How messages name the file, as the user typed it.
  public let path: String
  public let bytes: [UInt8]
  /// Byte offset of the first byte of every line.
  private let lineStarts: [Int]

  public init(path: String, bytes: [UInt8]) {
    self.path = path
    self.bytes = bytes
    var starts = [0]
    for (offset, byte) in bytes.enumerated() where byte == UInt8(ascii: "\n") {
      starts.append(offset + 1)
    }
    lineStarts = starts
  }

  public convenience init(path: String, text: String) {
    self.init(path: path, bytes: Array(text.utf8))
  }

  /// A place for a person: line and column count from 1; a column is one Unicode scalar wide.
  public struct Position: Hashable, Sendable {
    public let line: Int
    public let column: Int
  }

  public func position(of offset: Int) -> Position {
    let offset = min(max(0, offset), bytes.count)
    var low = 0
    var high = lineStarts.count - 1
    while low < high {
      let middle = (low + high + 1) / 2
      if lineStarts[middle] <= offset { low = middle } else { high = middle - 1 }
    }
    let prefix = bytes[lineStarts[low]..<offset]
    return Position(line: low + 1, column: Self.scalarCount(prefix) + 1)
  }

  /// The text of a line (from 1), without its line break.
  public func line(_ number: Int) -> String {
    guard number >= 1, number <= lineStarts.count else { return "" }
    let start = lineStarts[number - 1]
    var end = number < lineStarts.count ? lineStarts[number] - 1 : bytes.count
    if end > start, bytes[end - 1] == UInt8(ascii: "\r") { end -= 1 }
    return String(decoding: bytes[start..<max(start, end)], as: UTF8.self)
  }

  static func scalarCount(_ bytes: some Sequence<UInt8>) -> Int {
    bytes.reduce(0) { $0 + ($1 & 0xC0 == 0x80 ? 0 : 1) }
  }
}

/// A range of bytes in a source text.
public struct SourceSpan: Sendable {
  public let source: SourceText
  public let range: Range<Int>

  public init(source: SourceText, range: Range<Int>) {
    self.source = source
    self.range = range
  }

  public var start: SourceText.Position { source.position(of: range.lowerBound) }
  public var end: SourceText.Position { source.position(of: range.upperBound) }

  /// A part of this span, by byte offsets from its start; used for expressions inside a scalar.
  public func part(_ part: Range<Int>) -> SourceSpan {
    let lower = min(range.lowerBound + part.lowerBound, range.upperBound)
    let upper = min(range.lowerBound + part.upperBound, range.upperBound)
    return SourceSpan(source: source, range: lower..<max(lower, upper))
  }
}

/// A value that remembers where it was written. Two are equal when their values are.
public struct Located<Value> {
  public let value: Value
  public let span: SourceSpan?

  public init(_ value: Value, at span: SourceSpan?) {
    self.value = value
    self.span = span
  }
}

extension Located: Sendable where Value: Sendable {}
extension Located: Equatable where Value: Equatable {
  public static func == (left: Self, right: Self) -> Bool { left.value == right.value }
}
extension Located: Hashable where Value: Hashable {
  public func hash(into hasher: inout Hasher) { hasher.combine(value) }
}
