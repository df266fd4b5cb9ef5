// plumb plan: what a run would do, and why, one line for each instance. The planner is the one that
// `run` uses, so the two cannot differ.

import ArgumentParser
import CanonicalJSON
import Console
import Diagnostics
import Pipelines
import Scheduling

struct PlanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Say what a run would do, and why, without doing it (run --dry-run).")

  @OptionGroup var manifest: ManifestOptions
  @Flag(help: "As JSON.") var json = false

  func run() throws {
    let session = try Session(manifest)
    let decisions = Planner.plan(
      session.pipeline, store: try session.openStore(), targets: try session.targets())
    try PlanText.write(decisions, json: json, session: session)
  }
}

/// Decisions as a table or as JSON, with a last line that sums up.
enum PlanText {
  static func write(_ decisions: [Decision], json: Bool, session: Session) throws {
    var output = Output()
    if json {
      output.raw(JSONValue.array(decisions.map(\.planJSON)).indentedText)
    } else {
      var table = Table([.init("will"), .init("instance"), .init("because", mayShrink: true)])
      for decision in decisions {
        table.add([
          decision.word, decision.id.description, inOneLine(decision.reasons),
        ])
      }
      output.table(table)
      output.line(summary(decisions))
    }
    output.write()
    var problems = session.pipeline.unset
    for decision in decisions {
      if case .fail(let problem) = decision.verdict { problems.append(problem) }
    }
    if !problems.isEmpty { throw Diagnostics(problems) }
  }

  /// `12 to run, 30 wait for them, 88 reused`
  static func summary(_ decisions: [Decision]) -> String {
    func count(_ word: String) -> Int { decisions.count { $0.word == word } }
    var parts = ["\(count("run")) to run"]
    if count("wait") > 0 { parts.append("\(count("wait")) wait for what they read") }
    parts.append("\(count("reuse") + count("twin")) reused")
    if count("fail") > 0 { parts.append("\(count("fail")) cannot be decided") }
    return parts.joined(separator: ", ")
  }
}

extension Decision {
  var planJSON: JSONValue {
    .object([
      "instance": .string(id.description), "decision": .string(word),
      "key": key.map { .string($0.hex) } ?? .null,
      "reasons": .array(reasons.map { .string($0) }),
    ])
  }
}
