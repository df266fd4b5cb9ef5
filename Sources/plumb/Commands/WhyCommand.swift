// plumb why: what would become of one instance, what became of it last time, and the record that
// its key is made of. The reasons come from the difference between two such records.

import ArgumentParser
import ArtifactStore
import CanonicalJSON
import Console
import Diagnostics
import Pipelines
import RunHistory
import Scheduling

struct WhyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "why", abstract: "Explain why an instance runs, ran, or is reused.",
    discussion: """
      A whole stage may be named too: each of its instances gets a line. Between two runs (latest, \
      latest~1, a date, part of an id, now, or STORE:RUN) no name at all means everything.
      """)

  @OptionGroup var manifest: ManifestOptions
  @Flag(help: "Also print the record that the key is made of.") var record = false
  @Flag(help: "As JSON.") var json = false

  @Option(
    parsing: .upToNextOption,
    help: ArgumentHelp(
      "What made two runs differ; the second is latest unless it is given.", valueName: "run"))
  var between: [String] = []

  @Option(
    help: ArgumentHelp(
      "What makes the latest run here differ from one in somebody else's store.",
      valueName: "store[:run]"))
  var against: String?

  mutating func validate() throws {
    if against != nil, between.count > 1, RunPlaces.isRun(between[1]) {
      throw ValidationError("--against names one run, so --between may name only the other")
    }
    if record, against != nil || !between.isEmpty {
      throw ValidationError("--record shows what would run now; leave --between and --against out")
    }
  }

  func run() throws {
    if against != nil || !between.isEmpty { return try compareRuns() }
    let session = try Session(manifest)
    let selector = try session.onlySelector("the instance that is to be explained")
    let store = try session.openStore()
    let wanted = try session.pipeline.select([selector])
    let plan = Planner.plan(session.pipeline, store: store, targets: wanted)
    let decisions = plan.filter { wanted.contains($0.instance) }
    let runs = LastRun.all(of: session.pipeline, in: store)
    var output = Output()
    if json {
      let all = decisions.map { decision in
        JSONValue.object([
          "now": decision.planJSON,
          "last_run": lastRow(of: decision, in: runs).map { run, row in
            .object(["run": .string(run.id), "row": row.json])
          } ?? .null,
        ])
      }
      output.raw(JSONValue.array(all).indentedText)
    } else if decisions.count > 1 {
      var table = Table([.init("will"), .init("instance"), .init("because", mayShrink: true)])
      for decision in decisions {
        table.add([
          decision.word, decision.id.description,
          inOneLine(reasons(decision, in: runs)),
        ])
      }
      output.table(table)
    } else if let decision = decisions.first {
      explain(decision, plan: plan, in: runs, to: &output)
    }
    output.write()
  }

  // MARK: Between runs

  private func compareRuns() throws {
    // Stages may stand behind the runs too: `why --between latest~1 latest train`.
    let runs = Array(between.prefix { RunPlaces.isRun($0) }.prefix(against == nil ? 2 : 1))
    guard !runs.isEmpty || against != nil else {
      throw Diagnostic.malformedOption(
        "--between", between.first ?? "", expected: "a run: latest, latest~1, a date, part of an id"
      )
    }
    var options = manifest
    options.words += between.dropFirst(runs.count)
    let places = try RunPlaces(options)
    let old = try against.map { try places.find(RunAddress(against: $0)) } ?? find(runs[0], places)
    let own = against == nil ? runs.dropFirst().first : runs.first
    let new = try find(own ?? "latest", places)
    let comparison = try RunComparison(
      old, new, selector: try RowSelector(places.words), outsideName: places.outsideNames())
    WhyBetween(comparison: comparison).write(json: json)
  }

  /// A recorded run, or the manifest as it is now.
  private func find(_ run: String, _ places: RunPlaces) throws -> RecordedRun {
    guard run == "now" else { return try places.find(run) }
    var options = manifest
    options.words = places.project.manifest.map { [$0] } ?? []
    let session = try Session(options)
    let (report, records) = RunReport.planned(
      Planner.plan(session.pipeline, store: places.store), of: session.pipeline)
    return RecordedRun(report, in: places.store, shown: "now", planned: records)
  }

  // MARK: Now

  private func explain(
    _ decision: Decision, plan: [Decision], in runs: some Sequence<RunReport>,
    to output: inout Output
  ) {
    output.line(output.style(.bold, decision.id.description))
    output.line("  now: \(Self.sentence(decision))")
    for reason in decision.reasons where !decision.isReuse { output.line("    \(reason)") }
    let causes = Self.causes(of: decision, in: plan)
    for cause in causes.prefix(8) {
      output.line("    \(cause.id) runs: \(inOneLine(cause.reasons))")
    }
    if causes.count > 8 { output.line("    … and \(causes.count - 8) more") }
    if let key = decision.key { output.line("  key: \(key.hex)") }
    if let (run, row) = lastRow(of: decision, in: runs) {
      output.line("  last run \(run.id): \(row.outcome.rawValue)")
      for reason in row.reasons { output.line("    \(reason)") }
      if let failure = row.failure { output.line("    \(failure.problem.message)") }
    }
    if record, let record = decision.record {
      output.line("  record:")
      for line in record.text.split(separator: "\n") { output.line("    \(line)") }
    }
  }

  /// For an instance that waits: what runs first among all that it waits for, in order. Only these
  /// know already why.
  private static func causes(of decision: Decision, in plan: [Decision]) -> [Decision] {
    let decisions = Dictionary(uniqueKeysWithValues: plan.map { ($0.instance, $0) })
    var seen: Set<Int> = []
    var rest = [decision.instance]
    while let index = rest.popLast() {
      guard case .wait(let others)? = decisions[index]?.verdict else { continue }
      for other in others where seen.insert(other).inserted { rest.append(other) }
    }
    return plan.filter { seen.contains($0.instance) && $0.word == "run" }
  }

  /// What is reused now says most by why it was made.
  private func reasons(_ decision: Decision, in runs: some Sequence<RunReport>) -> [String] {
    guard decision.isReuse, let (_, row) = lastRow(of: decision, in: runs) else {
      return decision.reasons
    }
    return ["\(row.outcome.rawValue) in the last run: " + inOneLine(row.reasons)]
  }

  private func lastRow(
    of decision: Decision, in runs: some Sequence<RunReport>
  ) -> (RunReport, RunRow)? {
    for run in runs {
      if let row = run.row(decision.id.description) { return (run, row) }
    }
    return nil
  }

  private static func sentence(_ decision: Decision) -> String {
    switch decision.verdict {
    case .reuse: "would be reused, nothing that it is made from changed"
    case .run: "would run, because"
    case .wait: "depends on what is made before it"
    case .twin: "would take the result of another instance"
    case .fail: "cannot be decided"
    }
  }
}
