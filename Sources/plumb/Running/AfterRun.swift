// What follows a run: one JSON line about it, the command that the manifest names under `on_finish`, and
// the records of old runs that it does not want to keep.

import ArtifactStore
import CLinux
import CanonicalJSON
import Diagnostics
import Foundation
import Glibc
import Pipelines
import Scheduling

struct AfterRun {
  let report: RunReport
  let pipeline: Pipeline
  let store: Store
  /// The page of the run.
  let page: String?
  let exitCode: Int32

  /// Whether there is something to tell: something was made, or something is wrong.
  var isNews: Bool { report.produced > 0 || exitCode != 0 }

  var summary: JSONValue {
    .object([
      "pipeline": .string(report.pipeline), "run": .string(report.id),
      "outcome": .string(report.outcome.rawValue), "exit": .integer(Int(exitCode)),
      "produced": .integer(report.produced), "reused": .integer(report.reused),
      "failed": .integer(report.failed), "skipped": .integer(report.skipped),
      "seconds": .number(report.seconds), "report": page.map { .string($0) } ?? .null,
      "problems": .array(
        report.rows.compactMap { row in
          row.outcome == .failed ? row.failure.map { .string($0.problem.message) } : nil
        }),
    ])
  }

  /// Runs the manifest's command with the summary on its standard input; what goes wrong is a remark.
  func tellCommand() {
    guard let program = pipeline.onFinish.first else { return }
    let folder = Project.folder(of: pipeline.manifestPath)
    let path = ProcessInfo.processInfo.environment["PATH"] ?? "/usr/local/bin:/usr/bin:/bin"
    let found =
      program.contains("/")
      ? (program.hasPrefix("/") ? program : folder + "/" + program)
      : path.split(separator: ":").map { "\($0)/\(program)" }.first { access($0, X_OK) == 0 }
    guard let found else { return remark("there is no program '\(program)' in PATH") }
    var (readEnd, writeEnd): (Int32, Int32) = (-1, -1)
    guard plumb_pipe(&readEnd, &writeEnd) == 0 else { return remark("no pipe") }
    let descriptors = [
      plumb_descriptor(source: readEnd, target: 0), plumb_descriptor(source: 1, target: 1),
      plumb_descriptor(source: 2, target: 2),
    ]
    var pid: pid_t = 0
    let environment = ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" }
    let error = withCStrings(pipeline.onFinish) { words in
      withCStrings(environment) {
        plumb_spawn_in(folder, found, words, $0, descriptors, Int32(descriptors.count), &pid)
      }
    }
    close(readEnd)
    guard error == 0 else {
      close(writeEnd)
      return remark(String(cString: strerror(error)))
    }
    signal(SIGPIPE, SIG_IGN)
    let line = Array((summary.canonicalText + "\n").utf8)
    _ = line.withUnsafeBytes { write(writeEnd, $0.baseAddress, $0.count) }
    close(writeEnd)
    var status: Int32 = 0
    while waitpid(pid, &status, 0) < 0, errno == EINTR {}
    if status != 0 { remark("it ended with status \((status >> 8) & 0xff)") }
  }

  private func remark(_ reason: String) {
    Messages.remark("warning: on_finish: \(reason)")
  }

  /// Removes records of this pipeline's runs that are older than the manifest wants to keep; the newest
  /// two stay, since `why` and `status` look at them, and so does one that may still be going on.
  func forgetOldRuns() {
    guard let kept = pipeline.runsKept, let folders = try? store.runs() else { return }
    let now = Date().timeIntervalSince1970
    var seen = 0
    for folder in folders {
      guard let run = try? RunReport(readingRunFolder: folder.path),
        run.pipeline == pipeline.name, run.manifest == pipeline.manifestPath
      else { continue }
      seen += 1
      let isOver = run.outcome != .running || now - run.started > 7 * 86_400
      guard seen > 2, isOver, run.started + run.seconds + kept < now else { continue }
      try? FileManager.default.removeItem(atPath: folder.path)
    }
  }
}

/// `--until 06:00`.
enum UntilTime {
  /// Seconds from now to the next time that a clock on the wall here shows it.
  static func seconds(
    _ text: String, after now: Date = Date(), calendar: Calendar = .current
  ) throws(Diagnostic) -> Double {
    let parts = text.split(separator: ":", omittingEmptySubsequences: false)
    guard parts.count == 2, let hour = Int(parts[0]), let minute = Int(parts[1]),
      (0..<24).contains(hour), (0..<60).contains(minute), parts[1].count == 2,
      let next = calendar.nextDate(
        after: now, matching: DateComponents(hour: hour, minute: minute, second: 0),
        matchingPolicy: .nextTime)
    else { throw .malformedOption("--until", text, expected: "a time of day such as 06:00") }
    return next.timeIntervalSince(now)
  }
}
