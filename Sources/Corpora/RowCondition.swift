// Which rows of outside files are wanted: those in which a field has a value.

import Diagnostics

/// `field=value`: what a row must say to become a document.
public struct RowCondition: Sendable, Hashable {
  public let field: String
  /// As the file has it, white space included; numbers and truth values as JSON writes them.
  public let value: String

  public init(field: String, value: String) {
    self.field = field
    self.value = value
  }

  /// Reads `field=value`; the value is everything behind the first `=`.
  ///
  /// **Throws**: `import-condition`.
  public init(_ text: String) throws(Diagnostic) {
    let bytes = text.utf8
    guard let sign = bytes.firstIndex(of: UInt8(ascii: "=")), sign > bytes.startIndex else {
      throw .importCondition(text)
    }
    self.init(
      field: String(text[..<sign]), value: String(text[bytes.index(after: sign)...]))
  }
}
