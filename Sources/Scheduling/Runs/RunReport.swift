// The sum of a run: what `run` returns, what runs/<id>/run.json holds, and what `status`, `why`, `log`
// and the wrapped report read back. Writing and reading stand side by side here.

import ArtifactStore
import CanonicalJSON
import Diagnostics
import Foundation

public struct RunReport: Sendable {
  public enum Outcome: String, Sendable {
    /// Still going, or its process was killed before it could say more.
    case running
    case succeeded
    case failed
    case interrupted
  }

  public var id: String
  /// Absolute path of runs/<id>.
  public var folder: String
  public var pipeline: String
  public var manifest: String
  /// Version of the program.
  public var version: String
  public var host: String
  public var user: String
  /// Resolved `params` of the manifest where the caller gave them, for the report's front page.
  public var parameters: JSONValue
  public var threads: Int
  /// Seconds since 1970.
  public var started: Double
  /// How long the run took; 0 while it is running.
  public var seconds: Double
  public var outcome: Outcome
  public var exitCode: Int32
  /// One per instance that the run looked at, in the pipeline's order.
  public var rows: [RunRow]

  public func count(_ outcome: RunRow.Outcome) -> Int { rows.count { $0.outcome == outcome } }
  public var produced: Int { count(.produced) }
  public var reused: Int { count(.reused) }
  public var failed: Int { count(.failed) }
  /// Skipped because something before it failed, or never started because the run ended.
  public var skipped: Int { count(.skipped) + count(.notStarted) }
  public var interrupted: Int { count(.interrupted) }

  public func row(_ id: String) -> RunRow? { rows.first { $0.id == id } }
}

/// One instance of a run.
public struct RunRow: Sendable {
  public enum Outcome: String, Sendable {
    case pending
    case produced, reused, failed, skipped, interrupted
    case notStarted = "not-started"
  }

  /// What a second making of an existing result showed (`--again`, `--recheck`).
  public enum Comparison: String, Sendable {
    case identical
    /// Only metrics differ, each by no more than its tolerance.
    case withinTolerance = "within-tolerance"
    case differs
  }

  /// Index in `Pipeline.instances`.
  public var instance: Int
  public var id: String
  public var stage: String
  public var kind: String
  public var key: String?
  /// The word of the decision (`reuse`, `run`, `twin`), nil if it was never decided.
  public var decision: String?
  public var reasons: [String] = []
  public var outcome: Outcome = .pending
  /// Seconds after the run's start at which the worker was launched and ended.
  public var launched: Double?
  public var ended: Double?
  /// Wall time of the worker.
  public var seconds: Double?
  public var cpuSeconds: Double?
  public var threads: Int?
  /// Bytes (`VmHWM` of the worker).
  public var peakMemory: Int?
  public var log: String?
  public var outputs: [(port: String, reference: String)] = []
  /// Of a cluster: `123_4`.
  public var job: String?
  /// How often a worker was launched for it.
  public var attempts = 0
  public var comparison: Comparison?
  /// Folder with the differing result.
  public var evidence: String?
  public var failure: RunFailure?

  public init(instance: Int, id: String, stage: String, kind: String) {
    self.instance = instance
    self.id = id
    self.stage = stage
    self.kind = kind
  }
}

/// Why an instance failed or was left out.
public struct RunFailure: Sendable {
  /// What ended it.
  public enum Cause: String, Sendable {
    /// The body (or the worker around it) said what is wrong.
    case diagnostic
    /// A signal that nobody here sent: a crash.
    case signal
    /// The kernel's out-of-memory killer.
    case outOfMemory = "out-of-memory"
    /// More than 1.25 × `resources.memory`.
    case memoryLimit = "memory-limit"
    /// More than `resources.time`.
    case timeLimit = "time-limit"
    /// A metric outside its bounds (`gate:`); the result is there.
    case gate
    /// Another run makes the same, and `--if-locked` says not to wait for it.
    case locked
    /// Ended with a status that means nothing to us.
    case exit
    /// It could not be started.
    case launch
    /// The cluster's node broke or was taken away: no fault of the stage.
    case lostNode = "lost-node"
    /// Somebody cancelled its job.
    case cancelled
    /// Something it needs failed, or the run ended before.
    case upstream
  }

  public var cause: Cause
  public var problem: Diagnostic
  /// At most the last 20 lines of the log.
  public var logTail: [String] = []
  public var log: String?

  public init(
    cause: Cause, problem: Diagnostic, logTail: [String] = [], log: String? = nil
  ) {
    self.cause = cause
    self.problem = problem
    self.logTail = logTail
    self.log = log
  }
}
