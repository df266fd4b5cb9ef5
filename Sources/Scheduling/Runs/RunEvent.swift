// What happens during a run, for the console and for runs/<id>/events.jsonl. Observers get events in
// order, on one queue, and must be quick. The sum of a run is RunReport.swift.

import ArtifactStore
import CanonicalJSON
import Diagnostics
import Pipelines

public enum RunEvent: Sendable {
  /// The first event. `instances` counts what this run looks at; no threads means jobs of a cluster.
  case started(run: String, folder: String, pipeline: String, instances: Int, threads: Int)
  /// Said once per instance as soon as its key is known (never `.wait`).
  case decided(Decision)
  /// It stands in the queue of a cluster; adopted ones were submitted by an earlier run.
  case submitted(instance: Int, id: InstanceID, job: String, isAdopted: Bool)
  /// A worker runs.
  case launched(instance: Int, id: InstanceID, pid: Int32, threads: Int, log: String)
  case progress(instance: Int, id: InstanceID, Progress)
  /// It failed and runs again after a pause in seconds; `attempt` counts the launches to come from 2.
  case retrying(instance: Int, id: InstanceID, attempt: Int, of: Int, pause: Double, Diagnostic)
  /// Another process makes the same key: this run waits and reuses.
  case waiting(instance: Int, id: InstanceID, holder: String)
  /// The end of an instance.
  case finished(RunRow)
  /// Something a person should read that fails nothing, such as a result that differs.
  case warning(Diagnostic)
  /// Ctrl-C or TERM: nothing new starts, workers have `grace` seconds.
  case stopping(signal: Int32, grace: Double, workers: Int)
  /// The last event.
  case ended(RunReport)

  /// One line of events.jsonl, without time.
  public var json: JSONValue {
    switch self {
    case .started(let run, let folder, let pipeline, let instances, let threads):
      .object([
        "event": "started", "run": .string(run), "folder": .string(folder),
        "pipeline": .string(pipeline), "instances": .integer(instances),
        "threads": .integer(threads),
      ])
    case .decided(let decision):
      .object([
        "event": "decided", "instance": .string(decision.id.description),
        "decision": .string(decision.word), "key": decision.key.map { .string($0.hex) } ?? .null,
        "reasons": .array(decision.reasons.map { .string($0) }),
      ])
    case .submitted(_, let id, let job, let isAdopted):
      .object([
        "event": "submitted", "instance": .string(id.description), "job": .string(job),
        "adopted": .boolean(isAdopted),
      ])
    case .launched(_, let id, let pid, let threads, let log):
      .object([
        "event": "launched", "instance": .string(id.description), "pid": .integer(Int(pid)),
        "threads": .integer(threads), "log": .string(log),
      ])
    case .progress(_, let id, let progress):
      .object([
        "event": "progress", "instance": .string(id.description), "progress": progress.json,
      ])
    case .retrying(_, let id, let attempt, let total, let pause, let problem):
      .object([
        "event": "retrying", "instance": .string(id.description), "attempt": .integer(attempt),
        "of": .integer(total), "pause": .number(pause), "id": .string(problem.id),
        "message": .string(problem.message),
      ])
    case .waiting(_, let id, let holder):
      .object([
        "event": "waiting", "instance": .string(id.description), "holder": .string(holder),
      ])
    case .finished(let row): .object(["event": "finished", "row": row.json])
    case .warning(let problem):
      .object([
        "event": "warning", "id": .string(problem.id), "message": .string(problem.message),
      ])
    case .stopping(let signal, let grace, let workers):
      .object([
        "event": "stopping", "signal": .integer(Int(signal)), "grace": .number(grace),
        "workers": .integer(workers),
      ])
    case .ended(let report):
      .object([
        "event": "ended", "outcome": .string(report.outcome.rawValue),
        "exit": .integer(Int(report.exitCode)), "seconds": .number(report.seconds),
        "produced": .integer(report.produced), "reused": .integer(report.reused),
        "failed": .integer(report.failed), "skipped": .integer(report.skipped),
      ])
    }
  }
}

public protocol RunObserver: Sendable {
  func receive(_ event: RunEvent)
}
