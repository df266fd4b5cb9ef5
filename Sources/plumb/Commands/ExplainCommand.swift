// plumb explain: the page behind the id in square brackets of an error or warning.

import ArgumentParser
import Diagnostics

struct ExplainCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "explain", abstract: "Print the page behind a diagnostic's id, or list all ids.")

  @Argument(help: "The id in square brackets, such as unknown-parameter.") var id: String?

  func run() throws {
    var output = Output()
    if let id {
      let pages = Explanations.all.filter { $0.id == id }
      guard !pages.isEmpty else {
        throw Diagnostic.explanationUnknown(id, known: Explanations.all.map(\.id))
      }
      output.line(output.style(.bold, id))
      for page in pages {
        output.line()
        output.line(page.text)
      }
    } else {
      output.lines(Explanations.all.map(\.id))
    }
    output.write()
  }
}
