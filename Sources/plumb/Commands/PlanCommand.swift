// plumb plan: what a run would do, and why, one line for each instance, and what it will cost here. The
// planner is the one that `run` uses, so the two cannot differ.

import ArgumentParser
import ArtifactStore
import CanonicalJSON
import Console
import Diagnostics
import Pipelines
import Scheduling
import StageLibrary

struct PlanCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "plan",
    abstract: "Say what a run would do, and why, without doing it (run --dry-run).")

  @OptionGroup var manifest: ManifestOptions
  @Flag(help: "As JSON.") var json = false

  func run() throws {
    let session = try Session(manifest)
    let store = try session.openStore()
    let decisions = Planner.plan(
      session.pipeline, store: store, targets: try session.targets())
    try PlanText.write(decisions, json: json, session: session, store: store)
  }
}

/// Decisions as a table or as JSON, with a last line that sums up.
enum PlanText {
  static func write(
    _ decisions: [Decision], json: Bool, session: Session, store: Store
  ) throws {
    var output = Output()
    let cost = PlanForecast(
      forecast: PipelineForecast(
        decisions, of: session.pipeline, store: store, bodies: StageLibrary.bodies),
      threads: Machine.processors)
    if json {
      let rows = Dictionary(uniqueKeysWithValues: cost.forecast.rows.map { ($0.instance, $0) })
      output.raw(
        JSONValue.array(
          decisions.map { $0.planJSON(with: rows[$0.instance]?.json) }
        ).indentedText)
    } else {
      var table = Table([.init("will"), .init("instance"), .init("because", mayShrink: true)])
      for decision in decisions {
        table.add([
          decision.word, decision.id.description, inOneLine(decision.reasons),
        ])
      }
      output.table(table)
      if cost.isWorthSaying {
        output.line("")
        output.table(cost.table)
        output.line(cost.sentence)
      }
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
  var planJSON: JSONValue { planJSON(with: nil) }

  func planJSON(with forecast: JSONValue?) -> JSONValue {
    var members: [(String, JSONValue)] = [
      ("instance", .string(id.description)), ("decision", .string(word)),
      ("key", key.map { .string($0.hex) } ?? .null),
      ("reasons", .array(reasons.map { .string($0) })),
    ]
    if let forecast { members.append(("forecast", forecast)) }
    return .object(JSONObject(members))
  }
}

extension PipelineForecast.Row {
  /// Estimates for this machine: seconds of one thread, bytes, tokens.
  var json: JSONValue {
    .object([
      "seconds": .number(seconds), "memory": .integer(memory),
      "tokens_learnt": .integer(forecast.learnt), "tokens_written": .integer(forecast.written),
      "tokens_read": .integer(forecast.read),
    ])
  }
}
