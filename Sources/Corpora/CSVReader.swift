// Comma-separated values as in RFC 4180: quoted fields may hold separators, line breaks and doubled
// quotes. CorpusImport.swift turns the rows into documents.

import Diagnostics

/// One row with its fields as bytes, or what is wrong with it.
public struct CSVRow {
  /// Where it begins, from 1.
  public let line: Int
  public var fields: [[UInt8]]
  public var fault: String?
}

/// Reads rows one after the other.
///
/// Rows end in LF, CRLF or CR. **Differs** from RFC 4180: a quote inside an unquoted field is a
/// plain character, as spreadsheets write it; empty lines are no rows.
public struct CSVReader {
  private let bytes: [UInt8]
  private let path: String
  private let separator: UInt8
  private var at = 0
  private var line = 1

  /// **Throws**: `import-encoding` for UTF-16.
  public init(
    _ bytes: [UInt8], path: String, separator: UInt8 = UInt8(ascii: ",")
  ) throws(Diagnostic) {
    self.bytes = bytes
    self.path = path
    self.separator = separator
    try refuseUTF16(bytes, path: path)
    if bytes.starts(with: [0xEF, 0xBB, 0xBF]) { at = 3 }
  }

  /// The next row, or nothing at the end.
  ///
  /// **Throws**: `csv-quote` when a quoted field runs to the end of the file: what belongs to it
  /// and what are rows of their own cannot be told.
  public mutating func next() throws(Diagnostic) -> CSVRow? {
    while at < bytes.count, bytes[at] == 0x0A || bytes[at] == 0x0D { skipBreak() }
    guard at < bytes.count else { return nil }
    var row = CSVRow(line: line, fields: [])
    while true {
      let field = try field(&row)
      row.fields.append(field)
      guard at < bytes.count else { return row }
      if bytes[at] == separator {
        at += 1
        continue
      }
      skipBreak()
      return row
    }
  }

  /// One field; afterwards `at` is at a separator, a line break or the end.
  private mutating func field(_ row: inout CSVRow) throws(Diagnostic) -> [UInt8] {
    guard at < bytes.count, bytes[at] == UInt8(ascii: "\"") else {
      let start = at
      skipToEndOfField()
      return Array(bytes[start..<at])
    }
    let opened = line
    at += 1
    var out: [UInt8] = []
    while at < bytes.count {
      let byte = bytes[at]
      if byte == UInt8(ascii: "\"") {
        guard at + 1 < bytes.count, bytes[at + 1] == byte else {
          at += 1
          let rest = at
          skipToEndOfField()
          if at > rest { row.fault = "text after the closing quote of a field" }
          return out
        }
        at += 1
      } else if byte == 0x0A || byte == 0x0D && !(at + 1 < bytes.count && bytes[at + 1] == 0x0A) {
        line += 1
      }
      out.append(byte)
      at += 1
    }
    throw .csvQuote(path, line: opened)
  }

  private mutating func skipToEndOfField() {
    while at < bytes.count, bytes[at] != separator, bytes[at] != 0x0A, bytes[at] != 0x0D {
      at += 1
    }
  }

  private mutating func skipBreak() {
    if bytes[at] == 0x0D, at + 1 < bytes.count, bytes[at + 1] == 0x0A { at += 1 }
    at += 1
    line += 1
  }
}

func refuseUTF16(_ bytes: some Sequence<UInt8>, path: String) throws(Diagnostic) {
  if bytes.starts(with: [0xFF, 0xFE]) { throw .importEncoding(path, "UTF-16LE") }
  if bytes.starts(with: [0xFE, 0xFF]) { throw .importEncoding(path, "UTF-16BE") }
}
