// plumb status: which results are there for the manifest as it is now, and how the last run ended.

import ArgumentParser
import ArtifactStore
import CanonicalJSON
import Console
import Diagnostics
import Foundation
import Pipelines
import Scheduling

struct StatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status",
    abstract: "Say which stages are up to date, and how the last run ended.")

  @OptionGroup var manifest: ManifestOptions
  @Flag(help: "End with exit code 3 if anything would run.") var check = false
  @Flag(help: "As JSON.") var json = false
  @Flag(name: [.short, .customLong("quiet")], help: "Only the line about the last run.")
  var quiet = false

  @Option(
    help: ArgumentHelp(
      "Only say whether a run ended well within this time, such as 26h; if not, exit code 3.",
      valueName: "time"))
  var since: String?

  func run() throws {
    let session = try Session(manifest)
    let store = try session.openStore()
    if let since { return try runSince(Quantities.seconds(since, of: "--since"), session, store) }
    let decisions = Planner.plan(session.pipeline, store: store, targets: try session.targets())
    let last = LastRun.find(of: session.pipeline, in: store)
    let isStale = decisions.contains { $0.needsWork || $0.word == "fail" }
    var output = Output()
    if json {
      output.raw(json(decisions, last: last, isStale: isStale).indentedText)
    } else {
      if !quiet {
        output.table(table(decisions, pipeline: session.pipeline))
        output.line(PlanText.summary(decisions))
      }
      output.line(last.map(Self.line) ?? "no run yet")
    }
    output.write()
    if check && isStale { throw Ending.stale }
  }

  /// Did it run? For whoever watches over a cron job.
  private func runSince(_ seconds: Double, _ session: Session, _ store: Store) throws {
    let earliest = Date().timeIntervalSince1970 - seconds
    var newest: RunReport?
    for run in LastRun.all(of: session.pipeline, in: store) {
      newest = newest ?? run
      guard run.started + run.seconds >= earliest else { break }
      guard run.outcome == .succeeded else { continue }
      if !quiet { Terminal.output().write(Self.line(run) + "\n") }
      return
    }
    Messages.remark(
      "no run of '\(session.pipeline.name)' ended well in the last \(since ?? "")"
        + (newest.map { "; " + Self.line($0) } ?? "; it never ran in this store"))
    throw Ending.stale
  }

  private func table(_ decisions: [Decision], pipeline: Pipeline) -> Table {
    var table = Table([
      .init("stage"), .init("kind"), .init("instances", numeric: true),
      .init("done", numeric: true), .init("to run", numeric: true),
      .init("waiting", numeric: true),
    ])
    for stage in pipeline.stages {
      let own = decisions.filter { $0.id.stage == stage }
      guard let first = own.first else { continue }
      table.add([
        stage, pipeline.instances[first.instance].definition.kind, String(own.count),
        String(own.count { $0.isReuse || $0.word == "twin" }),
        String(own.count { $0.word == "run" || $0.word == "fail" }),
        String(own.count { $0.word == "wait" }),
      ])
    }
    return table
  }

  static func line(_ run: RunReport) -> String {
    let page = run.folder + "/report.html"
    let report =
      FileManager.default.fileExists(atPath: page) ? "; report \(Project.shown(page))" : ""
    return "last run \(run.id): \(run.outcome.rawValue), \(run.produced) produced, "
      + "\(run.reused) reused, \(run.failed) failed in \(Figures.duration(run.seconds))\(report)"
  }

  private func json(_ decisions: [Decision], last: RunReport?, isStale: Bool) -> JSONValue {
    .object([
      "stale": .boolean(isStale), "instances": .array(decisions.map(\.planJSON)),
      "last_run": last.map { run in
        .object([
          "id": .string(run.id), "folder": .string(run.folder),
          "outcome": .string(run.outcome.rawValue), "produced": .integer(run.produced),
          "reused": .integer(run.reused), "failed": .integer(run.failed),
          "seconds": .number(run.seconds),
        ])
      } ?? .null,
    ])
  }
}

/// Looks through the runs of a store, newest first.
enum LastRun {
  static func all(of pipeline: Pipeline, in store: Store) -> some Sequence<RunReport> {
    let folders = (try? store.runs()) ?? []
    return folders.lazy.compactMap { try? RunReport(readingRunFolder: $0.path) }
      .filter { $0.pipeline == pipeline.name }
  }

  static func find(of pipeline: Pipeline, in store: Store) -> RunReport? {
    all(of: pipeline, in: store).first { _ in true }
  }
}
