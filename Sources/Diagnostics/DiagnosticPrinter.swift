// Draws diagnostics: file:line:column, the line, a caret, notes, a way out.

/// Prints problems the way a person reads them.
public struct DiagnosticPrinter: Sendable {
  /// ANSI colours; the caller decides (terminal, `NO_COLOR`).
  public var colours: Bool
  /// At most this many problems are drawn in full.
  public var limit: Int

  public init(colours: Bool = false, limit: Int = 20) {
    self.colours = colours
    self.limit = limit
  }

  /// All problems, in order of file and place, with a last line that counts what was left out.
  public func text(of problems: [Diagnostic]) -> String {
    let sorted = problems.enumerated().sorted { left, right in
      let a = (left.element.span?.source.path ?? "", left.element.span?.range.lowerBound ?? 0)
      let b = (right.element.span?.source.path ?? "", right.element.span?.range.lowerBound ?? 0)
      return a == b ? left.offset < right.offset : a < b
    }
    var parts = sorted.prefix(limit).map { text(of: $0.element) }
    if sorted.count > limit {
      parts.append("… and \(sorted.count - limit) more; mend these first\n")
    }
    return parts.joined(separator: "\n")
  }

  public func text(of problem: Diagnostic) -> String {
    var out = ""
    let kind = paint(
      "\(problem.severity.rawValue)[\(problem.id)]", problem.severity == .error ? 31 : 33)
    out += heading(problem.span) + kind + ": " + clean(problem.message, keepBreaks: true) + "\n"
    out += excerpt(problem.span)
    for note in problem.notes {
      out +=
        heading(note.span) + paint("note", 36) + ": " + clean(note.message, keepBreaks: true) + "\n"
      out += excerpt(note.span)
    }
    if let help = problem.help {
      out += "  " + paint("help", 32) + ": " + clean(help, keepBreaks: true) + "\n"
    }
    return out
  }

  private func heading(_ span: SourceSpan?) -> String {
    guard let span else { return "" }
    let start = span.start
    return "\(clean(span.source.path)):\(start.line):\(start.column): "
  }

  /// The line with a caret below; long lines are cut around the caret.
  private func excerpt(_ span: SourceSpan?) -> String {
    guard let span else { return "" }
    let start = span.start
    let end = span.end
    let scalars = Array(clean(span.source.line(start.line)).unicodeScalars)
    let width = 100
    let column = min(start.column - 1, scalars.count)
    let first = column > width - 20 ? column - 40 : 0
    let last = min(scalars.count, first + width)
    var shown = String(String.UnicodeScalarView(scalars[first..<last]))
    if first > 0 { shown = "…" + shown }
    if last < scalars.count { shown += "…" }
    let number = String(start.line)
    let gutter = String(repeating: " ", count: max(0, 5 - number.count)) + number
    let length = end.line == start.line ? end.column - start.column : scalars.count - column
    let carets = String(repeating: "^", count: max(1, min(length, last - column)))
    let indent = String(repeating: " ", count: column - first + (first > 0 ? 1 : 0))
    return gutter + " | " + shown + "\n      | " + indent + paint(carets, 31) + "\n"
  }

  /// Control characters of outside text must not reach a terminal.
  private func clean(_ text: String, keepBreaks: Bool = false) -> String {
    var out = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      let isBreak = keepBreaks && scalar == "\n"
      let isControl = scalar.value < 0x20 || (0x7F..<0xA0).contains(scalar.value)
      let isDirection =
        (0x202A...0x202E).contains(scalar.value) || (0x2066...0x2069).contains(scalar.value)
      if scalar == "\t" {
        out.append(" ")
      } else {
        out.append((isControl && !isBreak) || isDirection ? "\u{FFFD}" : scalar)
      }
    }
    return String(out)
  }

  private func paint(_ text: String, _ colour: Int) -> String {
    colours ? "\u{1B}[1;\(colour)m\(text)\u{1B}[0m" : text
  }
}
