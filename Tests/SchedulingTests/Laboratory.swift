// A temporary folder with a store, two stage kinds and a manifest, and ways to run it: in this
// process, or as a process of its own. Workers are always real processes.

import ArtifactStore
import CLinux
import Diagnostics
import Foundation
import Glibc
import Pipelines
import Synchronization
import Testing

@testable import Scheduling

final class Laboratory: Sendable {
  let folder: String

  init() throws {
    folder = NSTemporaryDirectory() + "/plumb-scheduling-" + UUID().uuidString
    for (kind, text) in [("act", Self.act), ("copy", Self.copy)] {
      try FileManager.default.createDirectory(
        atPath: folder + "/stages/\(kind)", withIntermediateDirectories: true)
      try write(text, to: "stages/\(kind)/stage.yaml")
    }
    setenv("XDG_CACHE_HOME", NSTemporaryDirectory() + "/plumb-scheduling-cache", 1)
  }

  deinit {
    if getenv("KEEP_WORKSPACE") == nil { try? FileManager.default.removeItem(atPath: folder) }
  }

  static let act = """
    kind: act
    revision: 1
    summary: Does what its parameters say.
    run: native
    inputs:
      from: {type: metrics, list: true, optional: true, summary: Numbers to add}
    outputs:
      metrics: {type: metrics, summary: The sum}
    parameters:
      tag: {type: string, default: "", summary: Makes actions differ}
      act: {type: string, default: "", summary: What to do}
      value: {type: integer, default: 0, summary: What to add}
      divisor: {type: integer, default: 1, summary: What to divide the value by}
      seconds: {type: number, default: 0.0, unit: seconds, summary: How long to wait}
    """

  static let copy = """
    kind: copy
    revision: 1
    summary: Copies a file.
    run: native
    inputs:
      files: {type: files, summary: The file}
    outputs:
      metrics: {type: metrics, summary: Its text}
    parameters:
      seconds: {type: number, default: 0.0, unit: seconds, summary: How long to wait}
    """

  var storePath: String { folder + "/artifacts" }
  func store() throws -> Store { try Store(at: storePath) }

  func write(_ text: String, to name: String) throws {
    try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/" + name))
  }

  /// Writes the manifest: `stages` is the YAML below `stages:`, indented by two.
  func describe(_ stages: String) throws {
    let indented = stages.split(separator: "\n").map { "  " + $0 }.joined(separator: "\n")
    try write("version: 1\nname: lab\nstages:\n\(indented)\n", to: "lab.yaml")
  }

  func pipeline() throws -> Pipeline {
    let (catalog, faults) = StageCatalog.load(folders: [folder + "/stages"])
    let (pipeline, problems) = PipelineResolver.resolve(
      manifestAt: folder + "/lab.yaml", catalog: catalog,
      overrides: ManifestOverrides(workingFolder: folder))
    guard let pipeline else {
      throw Diagnostic("laboratory", DiagnosticPrinter().text(of: faults + problems))
    }
    return pipeline
  }

  static var workerPath: String {
    let runner = try! FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    return (runner as NSString).deletingLastPathComponent + "/scheduling-test-worker"
  }

  func options(_ change: (inout RunOptions) -> Void = { _ in }) -> RunOptions {
    var options = RunOptions()
    options.worker = RunOptions.WorkerProgram(
      path: Self.workerPath, arguments: ["exec-stage"],
      environment: ["TEST_COUNT_FILE": folder + "/count"])
    options.catchesSignals = false
    options.grace = 1
    options.threads = 2
    options.memory = 1 << 30
    change(&options)
    return options
  }

  func scheduler(
    _ observer: EventLog? = nil, _ change: (inout RunOptions) -> Void = { _ in }
  ) throws -> Scheduler {
    Scheduler(
      pipeline: try pipeline(), store: try store(), bodies: [], options: options(change),
      observers: observer.map { [$0] } ?? [])
  }

  func run(
    _ observer: EventLog? = nil, _ change: (inout RunOptions) -> Void = { _ in }
  ) throws -> RunReport {
    try scheduler(observer, change).run()
  }

  /// Tags of the bodies that really ran, in order.
  var ran: [String] {
    let text = (try? String(contentsOfFile: folder + "/count", encoding: .utf8)) ?? ""
    return text.split(separator: "\n", omittingEmptySubsequences: false).dropLast().map(String.init)
  }

  /// A whole scheduler in a process of its own.
  func startProcess() -> Child {
    Child(
      Self.workerPath, ["run", folder + "/lab.yaml", storePath, folder + "/stages"],
      environment: ["TEST_COUNT_FILE": folder + "/count"], output: folder + "/output")
  }

  var output: String { (try? String(contentsOfFile: folder + "/output", encoding: .utf8)) ?? "" }
}

/// A process that a test starts and ends.
final class Child {
  let pid: Int32

  init(_ path: String, _ arguments: [String], environment: [String: String], output: String) {
    let log = plumb_open_log(output)
    defer { close(log) }
    var pid: pid_t = 0
    var variables = ProcessInfo.processInfo.environment
    for (name, value) in environment { variables[name] = value }
    let descriptors = [
      plumb_descriptor(source: log, target: 1), plumb_descriptor(source: log, target: 2),
    ]
    let error = withCStrings([path] + arguments) { arguments in
      withCStrings(variables.map { "\($0.key)=\($0.value)" }) {
        plumb_spawn(path, arguments, $0, descriptors, 2, &pid)
      }
    }
    precondition(error == 0, "cannot start \(path): \(error)")
    self.pid = pid
  }

  /// Exit status, or 128 + signal.
  func wait(seconds: Double = 20) async throws -> Int32 {
    var status: Int32 = -1
    try await eventually("the process ends", seconds: seconds) {
      var ending = plumb_ending()
      guard plumb_collect(self.pid, &ending) == 0, ending.ended else { return false }
      status = ending.signal == 0 ? ending.exit_status : 128 + ending.signal
      return true
    }
    return status
  }
}

/// Waits until something is true; a test that waits in vain fails.
func eventually(
  _ what: String, seconds: Double = 240, _ isTrue: () throws -> Bool
) async throws {
  let end = ContinuousClock.now.advanced(by: .seconds(seconds))
  while try !isTrue() {
    guard ContinuousClock.now < end else {
      Issue.record("waited \(seconds) s in vain: \(what)")
      throw CancellationError()
    }
    try await Task.sleep(for: .milliseconds(10))
  }
}

/// Events as an observer sees them.
final class EventLog: RunObserver {
  private let seen = Mutex<[RunEvent]>([])
  private let react: @Sendable (RunEvent) -> Void

  init(_ react: @escaping @Sendable (RunEvent) -> Void = { _ in }) { self.react = react }

  func receive(_ event: RunEvent) {
    seen.withLock { $0.append(event) }
    react(event)
  }

  var events: [RunEvent] { seen.withLock { $0 } }
}

/// What a step of a history expects of an instance.
enum Expectation: CustomStringConvertible {
  case reused(String)
  case produced(String, because: String? = nil)
  case failed(String)
  case skipped(String)

  var description: String {
    switch self {
    case .reused(let id): "\(id) reused"
    case .produced(let id, let why): "\(id) produced" + (why.map { " because \($0)" } ?? "")
    case .failed(let id): "\(id) failed"
    case .skipped(let id): "\(id) skipped"
    }
  }

  func check(_ report: RunReport, _ step: String, at location: SourceLocation) {
    func row(_ id: String) -> RunRow? {
      let row = report.row(id)
      #expect(row != nil, "\(step): no instance \(id)", sourceLocation: location)
      return row
    }
    switch self {
    case .reused(let id):
      #expect(row(id)?.outcome == .reused, "\(step): \(self)", sourceLocation: location)
    case .produced(let id, let why):
      #expect(row(id)?.outcome == .produced, "\(step): \(self)", sourceLocation: location)
      if let why {
        #expect(
          row(id)?.reasons.contains(why) == true,
          "\(step): \(self), not \(row(id)?.reasons ?? [])", sourceLocation: location)
      }
    case .failed(let id):
      #expect(row(id)?.outcome == .failed, "\(step): \(self)", sourceLocation: location)
    case .skipped(let id):
      #expect(row(id)?.outcome == .skipped, "\(step): \(self)", sourceLocation: location)
    }
  }
}

extension Laboratory {
  /// One step of a history: change something, run, compare.
  @discardableResult
  func step(
    _ name: String, edit: (Laboratory) throws -> Void = { _ in },
    options: (inout RunOptions) -> Void = { _ in }, expecting: [Expectation],
    at location: SourceLocation = #_sourceLocation
  ) throws -> RunReport {
    try edit(self)
    let report = try run(nil, options)
    for expectation in expecting { expectation.check(report, name, at: location) }
    for row in report.rows where row.outcome == .failed {
      if !expecting.contains(where: { if case .failed(row.id) = $0 { true } else { false } }) {
        Issue.record(
          "\(name): \(row.failure?.problem.description ?? "?") \(row.failure?.logTail ?? [])",
          sourceLocation: location)
      }
    }
    return report
  }
}
