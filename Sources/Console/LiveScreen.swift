// Redraws the live block in place without flicker: one write per frame, every line overwritten and
// then erased to its end, never the whole screen first.

/// Remembers what stands at the bottom of the terminal, and gives the bytes that change it.
public struct LiveScreen: Sendable {
  /// Columns of each line of the block on the screen now.
  private var drawn: [Int] = []

  public init() {}

  /// The bytes for the next frame: lines that stay above the block, then the block.
  ///
  /// - Parameters:
  ///   - width: the terminal's columns now: after it became narrower the old lines fill more rows.
  ///   - scrollback: finished lines, which are never drawn again; they may wrap.
  ///   - block: lines that fit the width; empty to leave the terminal clean.
  public mutating func frame(width: Int, scrollback: [String] = [], block: [String]) -> String {
    let rows = drawn.reduce(0) { $0 + max(1, ($1 + width - 1) / max(1, width)) }
    guard rows > 0 || !scrollback.isEmpty || !block.isEmpty else { return "" }
    // Synchronised output (ignored where unknown) and no cursor while drawing.
    var out = "\u{1B}[?2026h\u{1B}[?25l\r"
    if rows > 0 { out += "\u{1B}[\(rows)A" }
    for line in scrollback + block { out += line + "\u{1B}[K\r\n" }
    out += "\u{1B}[J\u{1B}[?25h\u{1B}[?2026l"
    drawn = block.map(\.columnsWithoutColours)
    return out
  }
}

extension String {
  /// Columns of a line that holds our own colour sequences.
  var columnsWithoutColours: Int {
    var count = 0
    var plain = String.UnicodeScalarView()
    var isEscape = false
    for scalar in unicodeScalars {
      if isEscape {
        if scalar == "m" { isEscape = false }
      } else if scalar == "\u{1B}" {
        isEscape = true
      } else {
        plain.append(scalar)
      }
    }
    count += String(plain).columns
    return count
  }
}
