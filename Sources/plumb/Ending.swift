// How the command ends: exit codes, and what is said before.

import ArgumentParser
import Console
import Diagnostics
import Glibc

/// Thrown by a command that has said everything and ends with a code.
struct Ending: Error {
  let code: Int32

  static let stale = Ending(code: 3)

  /// Prints what an error has to say and gives the exit code for it.
  static func code(for error: any Error) -> Int32 {
    switch error {
    case let ending as Ending: return ending.code
    case let problem as Diagnostic:
      Messages.print([problem])
      return problem.consequence.rawValue
    case let problems as Diagnostics:
      Messages.print(problems.all)
      let first = problems.all.first { $0.severity == .error }
      return (first?.consequence ?? .refused).rawValue
    default: return parserCode(for: error)
    }
  }

  /// The argument parser's own messages: help and version are a success, all else is a refusal.
  private static func parserCode(for error: any Error) -> Int32 {
    let message = PlumbCommand.fullMessage(for: error)
    let text = message.isEmpty ? "" : message + "\n"
    if PlumbCommand.exitCode(for: error) == .success {
      Terminal.output().write(text)
      return 0
    }
    Terminal.errors().write(text)
    return Diagnostic.Consequence.refused.rawValue
  }
}

/// Problems and remarks go to the standard error stream, in colours only on a terminal.
enum Messages {
  /// `--no-color` turns this off before anything is printed; commands are single-threaded until then.
  nonisolated(unsafe) static var wantsColours = true

  static func print(_ problems: [Diagnostic]) {
    guard !problems.isEmpty else { return }
    let terminal = Terminal.errors(colours: wantsColours)
    terminal.write(DiagnosticPrinter(colours: terminal.colours).text(of: problems))
  }

  static func remark(_ line: String) {
    Terminal.errors(colours: wantsColours).write(line + "\n")
  }
}

/// What a command has to say on the standard output, collected and written at once.
struct Output {
  private var text = ""
  let style: Style
  let width: Int?

  init() {
    let terminal = Terminal.output(colours: Messages.wantsColours)
    style = Style(colours: terminal.colours)
    width = terminal.isTerminal ? terminal.size.columns : nil
  }

  mutating func line(_ line: String = "") { text += line + "\n" }

  mutating func lines(_ lines: [String]) {
    for line in lines { self.line(line) }
  }

  mutating func table(_ table: Table) { lines(table.lines(width: width, style: style)) }

  mutating func raw(_ more: String) { text += more }

  func write() { Terminal.output().write(text) }
}
