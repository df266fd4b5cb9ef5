// plumb run: brings the results of a manifest up to date. What is shown meanwhile is in
// Running/RunConsole.swift; the page that remains is made in Running/RunPageWriter.swift.

import ArgumentParser
import ArtifactStore
import CanonicalJSON
import Console
import Diagnostics
import Dispatch
import Glibc
import Pipelines
import RunHistory
import Scheduling
import StageLibrary

struct RunCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "run",
    abstract: "Make what is missing; reuse everything that is there.",
    discussion: """
      Without stages all of the manifest is run; with stages, those and what they need. \
      Ctrl-C stops cleanly: nothing that is finished is lost, training goes on from its checkpoint.
      """)

  @OptionGroup var manifest: ManifestOptions

  @Option(
    help: ArgumentHelp(
      "Threads for all stages together (default: all processors).", valueName: "count"))
  var threads: Int?

  @Option(
    help: ArgumentHelp(
      "Memory for all stages together, such as 4GiB (default: what is free).", valueName: "size"))
  var memory: String?

  @Flag(help: "After a failure go on with what does not depend on it.")
  var keepGoing = false

  @Option(
    help: ArgumentHelp(
      "Make these instances again and compare with their results.", valueName: "stage"))
  var again: [String] = []

  @Option(
    help: ArgumentHelp(
      "Make this share of the instances again and compare, such as 2%.", valueName: "share"))
  var recheck: String?

  @Option(
    help: ArgumentHelp(
      "Write when what ran, for Perfetto or chrome://tracing.", valueName: "file"))
  var trace: String?

  @Option(
    help: ArgumentHelp(
      "What another run makes at this moment: wait for it, skip it, or fail (exit 75).",
      valueName: "wait|skip|fail"))
  var ifLocked: RunOptions.Locked = .wait

  @Flag(name: [.customLong("dry-run"), .customShort("n")], help: "Only say what would be done.")
  var dryRun = false

  @Flag(name: [.short, .customLong("quiet")], help: "Print nothing but problems.")
  var quiet = false

  @Flag(help: "Print events as JSON lines.") var json = false

  @Flag(
    help: ArgumentHelp(
      "For cron: nothing is printed when nothing changed, else one JSON line.",
      discussion: "What does not depend on a failure is still made (--keep-going)."))
  var cron = false

  @Option(
    help: ArgumentHelp(
      "Stop at this time of day; what is left goes on next time (exit code 3).",
      valueName: "HH:MM"))
  var until: String?

  @Option(
    help: ArgumentHelp(
      "Where stages run: as processes here, or as jobs of the Slurm cluster.",
      valueName: "local|slurm"))
  var executor: ExecutorName = .local

  @Option(
    help: ArgumentHelp("Jobs on the cluster at once (default: 200).", valueName: "count"))
  var jobs: Int?

  @Option(
    help: ArgumentHelp(
      "This program on the cluster's nodes, where it lies elsewhere than here.", valueName: "path"))
  var program: String?

  @Flag(help: "Go on in the background without this terminal; plumb attach looks on.")
  var detach = false

  mutating func validate() throws {
    if let jobs, jobs < 1 { throw ValidationError("--jobs needs a number from 1") }
    if executor != .slurm, jobs != nil || program != nil {
      throw ValidationError("--jobs and --program go with --executor slurm")
    }
    if detach && (json || cron || dryRun) {
      throw ValidationError("--detach does not go with --json, --cron or --dry-run")
    }
    if let threads, threads < 1 { throw ValidationError("--threads needs a number from 1") }
    if cron && (quiet || json) { throw ValidationError("--cron says for itself what it prints") }
    if quiet && json { throw ValidationError("choose one of --quiet and --json") }
  }

  func run() throws {
    if let trace { try TraceFile.check(trace) }
    let session = try Session(manifest)
    let options = try runOptions(session)
    let store = try session.openStore()
    if dryRun {
      let decisions = Planner(
        pipeline: session.pipeline, store: store,
        again: Dictionary(uniqueKeysWithValues: options.again.map { ($0, "asked for again") })
      ).plan(targets: options.targets)
      return try PlanText.write(decisions, json: json, session: session, store: store)
    }
    try session.requireEverythingSet()
    if detach {
      let code = try Detaching.start()
      if code != 0 { throw Ending(code: code) }
      return
    }
    let detached = DetachedOutput()
    Detaching.leaveTerminal()
    // A reader that goes away must not end the run: it goes on unseen.
    signal(SIGPIPE, SIG_IGN)
    let console = RunConsole(
      mode: json ? .json : quiet || cron ? .quiet : detached != nil ? .plain : nil)
    let scheduler = Scheduler(
      pipeline: session.pipeline, store: store, bodies: StageLibrary.bodies, options: options,
      observers: (detached.map { [$0, ProgressFile()] } ?? []) + [console])
    let isTimeUp = try stopLater(scheduler)
    let report = try scheduler.run()
    let page = RunPageWriter.write(report, pipeline: session.pipeline, store: store)
    console.close(report, page: page)
    writeTrace(of: report)
    let wasCut = isTimeUp?.isSet == true && report.outcome == .interrupted
    let after = AfterRun(
      report: report, pipeline: session.pipeline, store: store, page: page,
      exitCode: wasCut ? Ending.stale.code : report.exitCode)
    if cron, after.isNews { Terminal.output().write(after.summary.canonicalText + "\n") }
    after.forgetOldRuns()
    after.tellCommand()
    if after.exitCode != 0 { throw Ending(code: after.exitCode) }
  }

  /// What goes wrong here is a warning: the run is over, and `plumb trace` can be asked again.
  private func writeTrace(of report: RunReport) {
    guard let trace else { return }
    do {
      try TraceFile.write(RunTrace(runFolder: report.folder).text, to: trace)
    } catch {
      var problem = error
      problem.severity = .warning
      Messages.print([problem])
    }
  }

  /// - Returns: set when the time of `--until` has come; nil without the option.
  private func stopLater(_ scheduler: Scheduler) throws -> StopFlag? {
    guard let until else { return nil }
    let flag = StopFlag()
    let wait = try UntilTime.seconds(until)
    DispatchQueue.global().asyncAfter(deadline: .now() + wait) {
      flag.set()
      scheduler.stop(signal: SIGTERM)
    }
    return flag
  }

  private func runOptions(_ session: Session) throws -> RunOptions {
    var options = RunOptions(targets: try session.targets())
    if !again.isEmpty {
      options.again = Set(try session.pipeline.select(again))
      if options.targets != nil { options.targets! += options.again }
    }
    if let threads { options.threads = threads }
    if executor == .slurm {
      var slurm = RunOptions.SlurmOptions()
      if let jobs { slurm.jobs = jobs }
      slurm.program = program
      options.executor = .slurm(slurm)
      // Of each job that does not say for itself; this machine's processors mean nothing there.
      options.threads = threads ?? 1
    }
    if let memory { options.memory = try Quantities.bytes(memory, of: "--memory") }
    if let recheck { options.recheck = try Quantities.share(recheck, of: "--recheck") }
    options.keepGoing = keepGoing || cron
    options.ifLocked = ifLocked
    options.version = PlumbVersion.current
    options.parameters = .object(
      JSONObject(session.pipeline.parameters.map { ($0.name, $0.value.json) }))
    return options
  }
}

extension RunOptions.Locked: ExpressibleByArgument {}

enum ExecutorName: String, CaseIterable, ExpressibleByArgument { case local, slurm }

/// Sizes and shares as options write them.
enum Quantities {
  /// `2GiB`, `512MiB`, `1.5G`, `1000000`.
  static func bytes(_ text: String, of option: String) throws(Diagnostic) -> Int {
    let units: [(String, Double)] = [
      ("KiB", 0x1p10), ("MiB", 0x1p20), ("GiB", 0x1p30), ("TiB", 0x1p40), ("KB", 1e3),
      ("MB", 1e6), ("GB", 1e9), ("TB", 1e12), ("K", 0x1p10), ("M", 0x1p20), ("G", 0x1p30),
      ("T", 0x1p40), ("B", 1), ("", 1),
    ]
    for (unit, factor) in units where text.lowercased().hasSuffix(unit.lowercased()) {
      let number = text.dropLast(unit.count)
      guard let value = Double(number), value > 0, value * factor < 0x1p62 else { break }
      return Int(value * factor)
    }
    throw .malformedOption(
      option, text, expected: "a size such as 4GiB, 512MiB or a number of bytes")
  }

  /// `26h`, `90m`, `7d`, or a sum such as `1d12h`.
  static func seconds(_ text: String, of option: String) throws(Diagnostic) -> Double {
    guard let seconds = Quantity.seconds(text), seconds > 0 else {
      throw .malformedOption(option, text, expected: "a time such as 26h or 7d")
    }
    return seconds
  }

  /// `2%` or `0.02`, up to everything.
  static func share(_ text: String, of option: String) throws(Diagnostic) -> Double {
    let isPercent = text.hasSuffix("%")
    guard let number = Double(isPercent ? String(text.dropLast()) : text) else {
      throw .malformedOption(option, text, expected: "a share such as 2% or 0.02")
    }
    let share = isPercent ? number / 100 : number
    guard share > 0, share <= 1 else {
      throw .malformedOption(option, text, expected: "above 0 and at most 100%")
    }
    return share
  }
}
