import Testing

@testable import Console

/// A terminal just clever enough for our frames: text, line feeds, cursor up, erasing, wrapping.
private struct SmallTerminal {
  var rows: [[Character]] = [[]]
  var row = 0
  var column = 0
  var width: Int

  mutating func write(_ text: String) {
    var rest = Substring(text)
    while let first = rest.unicodeScalars.first {
      rest.unicodeScalars.removeFirst()
      switch first {
      case "\r": column = 0
      case "\n":
        row += 1
        if row == rows.count { rows.append([]) }
      case "\u{1B}":
        let end = rest.firstIndex { $0.isLetter && $0 != "[" }!
        let code = rest[rest.startIndex...end]
        rest = rest[rest.index(after: end)...]
        switch code.last! {
        case "A": row -= Int(code.dropFirst().dropLast())!
        case "K": rows[row].removeSubrange(min(column, rows[row].count)...)
        case "J":
          rows[row].removeSubrange(min(column, rows[row].count)...)
          rows.removeSubrange((row + 1)...)
        default: break
        }
      default:
        if column == width {
          row += 1
          column = 0
          if row == rows.count { rows.append([]) }
        }
        while rows[row].count <= column { rows[row].append(" ") }
        rows[row][column] = Character(first)
        column += 1
      }
    }
  }

  var text: [String] { rows.map { String($0) } }
}

@Suite struct LiveScreenTests {
  @Test func `the block is replaced, finished lines stay above it`() {
    var screen = LiveScreen()
    var terminal = SmallTerminal(width: 40)
    terminal.write(screen.frame(width: 40, block: ["running a long line", "counts 1"]))
    #expect(terminal.text == ["running a long line", "counts 1", ""])
    terminal.write(screen.frame(width: 40, scrollback: ["done a"], block: ["counts 2"]))
    #expect(terminal.text == ["done a", "counts 2", ""])
    terminal.write(screen.frame(width: 40, scrollback: ["done b"], block: ["c", "counts 3"]))
    #expect(terminal.text == ["done a", "done b", "c", "counts 3", ""])
    terminal.write(screen.frame(width: 40, block: []))
    #expect(terminal.text == ["done a", "done b", ""])
  }

  @Test func `nothing to draw writes nothing`() {
    var screen = LiveScreen()
    #expect(screen.frame(width: 40, block: []) == "")
  }

  @Test func `after the terminal became narrower all old rows are overwritten`() {
    var screen = LiveScreen()
    var wide = SmallTerminal(width: 40)
    wide.write(screen.frame(width: 40, block: ["123456789012345", "counts"]))
    // The terminal reflows: the first line now fills two rows.
    var narrow = SmallTerminal(width: 10)
    narrow.write("1234567890\r\n12345\r\ncounts\r\n")
    narrow.write(screen.frame(width: 10, block: ["short", "counts"]))
    #expect(narrow.text == ["short", "counts", ""])
  }
}
