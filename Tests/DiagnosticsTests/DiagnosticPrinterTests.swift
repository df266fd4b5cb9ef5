import Testing

@testable import Diagnostics

@Suite struct DiagnosticPrinterTests {
  let source = SourceText(
    path: "p.yaml", text: "a: 1\n      learning-rate: 0.0003\nümlaut: \u{1B}[31m\n")

  func span(_ text: String) -> SourceSpan {
    let bytes = Array(text.utf8)
    let start = source.bytes.indices.first { source.bytes[$0...].starts(with: bytes) }!
    return SourceSpan(source: source, range: start..<start + bytes.count)
  }

  @Test func drawsPlaceLineCaretAndHelp() {
    let problem = Diagnostic(
      "unknown-parameter", "no parameter 'learning-rate'", at: span("learning-rate"),
      notes: [.init("declared here", at: span("a"))], help: "did you mean 'learning_rate'?")
    let expected = """
      p.yaml:2:7: error[unknown-parameter]: no parameter 'learning-rate'
          2 |       learning-rate: 0.0003
            |       ^^^^^^^^^^^^^
      p.yaml:1:1: note: declared here
          1 | a: 1
            | ^
        help: did you mean 'learning_rate'?

      """
    #expect(DiagnosticPrinter().text(of: problem) == expected)
  }

  @Test func columnsCountScalarsAndControlsAreShown() {
    let text = DiagnosticPrinter().text(of: Diagnostic("x", "m", at: span("\u{1B}")))
    #expect(text.hasPrefix("p.yaml:3:9: error[x]: m\n"))
    #expect(!text.contains("\u{1B}"))
  }

  @Test func longLinesAreCutAroundTheCaret() {
    let long = SourceText(path: "l", text: String(repeating: "x", count: 500) + "HERE tail")
    let problem = Diagnostic("x", "m", at: SourceSpan(source: long, range: 500..<504))
    let lines = DiagnosticPrinter().text(of: problem).split(separator: "\n")
    let caret = lines[2].firstIndex(of: "^")!
    let column = lines[2].distance(from: lines[2].startIndex, to: caret)
    #expect(Array(lines[1])[column] == "H")
    #expect(lines[1].count < 130)
  }

  @Test func onlyTwentyAreDrawn() {
    let many = (0..<25).map { Diagnostic("x", "problem \($0)") }
    let text = DiagnosticPrinter().text(of: many)
    #expect(text.contains("… and 5 more"))
    #expect(!text.contains("problem 20"))
  }

  @Test(arguments: [
    ("epoch", "epochs"), ("learning-rate", "learning_rate"), ("sede", "seed"), ("SEED", "seed"),
  ])
  func suggestsTheNearest(wrong: String, right: String) {
    #expect(nearest(to: wrong, among: ["epochs", "learning_rate", "seed", "block"]) == right)
  }

  @Test func suggestsNothingFarAway() {
    #expect(nearest(to: "weight_decay", among: ["epochs", "seed"]) == nil)
    #expect(
      suggestion(for: "zzz", among: ["b", "a"], called: "a parameter")
        == "there is a parameter: a, b")
  }
}
