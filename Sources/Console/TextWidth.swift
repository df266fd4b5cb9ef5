// How many columns a text takes on a terminal, and how to cut it. Names and log lines come from
// outside: control characters are replaced before anything is measured or drawn.

extension String {
  /// Without control characters, escape sequences and direction marks: safe to write to a terminal.
  public var drawable: String {
    guard unicodeScalars.contains(where: { $0.isUndrawable }) else { return self }
    var out = String.UnicodeScalarView()
    for scalar in unicodeScalars {
      out.append(scalar == "\t" ? " " : scalar.isUndrawable ? "\u{FFFD}" : scalar)
    }
    return String(out)
  }

  /// Columns of the text on a terminal: wide East Asian and emoji scalars take two, marks none.
  public var columns: Int { unicodeScalars.reduce(0) { $0 + $1.columns } }

  /// The text in at most `width` columns; the end is replaced by `…` where it does not fit.
  public func cut(to width: Int) -> String {
    guard columns > width else { return self }
    guard width > 0 else { return "" }
    var out = String.UnicodeScalarView()
    var used = 0
    for scalar in unicodeScalars {
      guard used + scalar.columns <= width - 1 else { break }
      out.append(scalar)
      used += scalar.columns
    }
    return String(out) + "…"
  }

  /// Filled up with spaces to `width` columns, at the end or before the text.
  public func padded(to width: Int, right: Bool = false) -> String {
    let space = String(repeating: " ", count: max(0, width - columns))
    return right ? space + self : self + space
  }
}

extension Unicode.Scalar {
  fileprivate var isUndrawable: Bool {
    value < 0x20 || (0x7F..<0xA0).contains(value) || (0x202A...0x202E).contains(value)
      || (0x2066...0x2069).contains(value)
  }

  fileprivate var columns: Int {
    switch value {
    case 0x20..<0x7F: 1
    case 0x300..<0x370, 0x200B...0x200F, 0xFE00...0xFE0F, 0x20D0..<0x2100: 0
    case 0x1100...0x115F, 0x2E80...0x303E, 0x3041...0xA4CF, 0xAC00...0xD7A3, 0xF900...0xFAFF,
      0xFE30...0xFE6F, 0xFF00...0xFF60, 0xFFE0...0xFFE6, 0x1F300...0x1FAFF, 0x20000...0x3FFFD:
      2
    default: 1
    }
  }
}
