// Keeps the run's record while it goes: rows in memory, events.jsonl line by line, run.json at start,
// at each failure and at the end. All on the scheduler's queue.

import ArtifactStore
import CanonicalJSON
import Diagnostics
import Foundation
import Glibc
import Pipelines

final class RunRecorder {
  private(set) var report: RunReport
  private let observers: [any RunObserver]
  private let events: Int32
  private let clock = ContinuousClock.now
  private var rowOf: [Int: Int] = [:]

  init(
    folder: RunFolder, pipeline: Pipeline, wanted: [Int], options: RunOptions,
    observers: [any RunObserver]
  ) throws(Diagnostic) {
    self.observers = observers
    var rows: [RunRow] = []
    for index in wanted {
      let instance = pipeline.instances[index]
      rowOf[index] = rows.count
      rows.append(
        RunRow(
          instance: index, id: instance.id.description, stage: instance.id.stage,
          kind: instance.definition.kind))
    }
    report = RunReport(
      id: folder.id, folder: folder.path, pipeline: pipeline.name, manifest: pipeline.manifestPath,
      version: options.version, host: Machine.host, user: Machine.user,
      parameters: options.parameters, threads: options.threads,
      started: Date().timeIntervalSince1970, seconds: 0, outcome: .running, exitCode: 1, rows: rows)
    events = open(
      folder.path + "/events.jsonl", O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0o666)
    guard events >= 0 else {
      throw .runFolderUnwritable(
        folder.path + "/events.jsonl", reason: String(cString: strerror(errno)))
    }
    try save()
    send(
      .started(
        run: folder.id, folder: folder.path, pipeline: pipeline.name, instances: rows.count,
        threads: options.threadsHere))
  }

  /// Seconds since the run began.
  var elapsed: Double {
    let spent = clock.duration(to: .now).components
    return Double(spent.seconds) + Double(spent.attoseconds) * 1e-18
  }

  func change(_ instance: Int, _ body: (inout RunRow) -> Void) {
    guard let position = rowOf[instance] else {
      preconditionFailure("instance \(instance) is not part of this run")
    }
    body(&report.rows[position])
  }

  func row(_ instance: Int) -> RunRow { report.rows[rowOf[instance]!] }

  func send(_ event: RunEvent) {
    // Progress is for people who look on; a night's worth of it would fill the file.
    if case .progress = event {
      for observer in observers { observer.receive(event) }
      return
    }
    let line = event.json.object!.members.map { ($0.key, $0.value) }
    let timed = JSONValue.object(JSONObject([("time", .number(rounded(elapsed)))] + line))
    writeAll(timed.canonicalBytes + [UInt8(ascii: "\n")], to: events)
    for observer in observers { observer.receive(event) }
  }

  func save() throws(Diagnostic) {
    try writeFile(report.folder + "/run.json", Array(report.json.indentedText.utf8)) {
      .runFolderUnwritable(report.folder + "/run.json", reason: $0)
    }
  }

  /// Observers hear the end even if it cannot be written down.
  func end(outcome: RunReport.Outcome, exitCode: Int32) throws(Diagnostic) -> RunReport {
    report.seconds = rounded(elapsed)
    report.outcome = outcome
    report.exitCode = exitCode
    let saved = Result { () throws(Diagnostic) in try save() }
    send(.ended(report))
    close(events)
    try saved.get()
    return report
  }
}

/// Milliseconds are enough for people and keep records short.
func rounded(_ seconds: Double) -> Double { (seconds * 1000).rounded() / 1000 }
