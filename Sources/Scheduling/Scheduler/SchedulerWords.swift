// What the state machine (SchedulerState.swift) hears, says and remembers.

import ArtifactStore

extension SchedulerState {
  /// A must-run instance: what it is and what it wants.
  struct Work: Equatable {
    var key: Digest
    /// Bytes it is expected to need.
    var memory: Int
    /// It uses no more threads than this.
    var maximalThreads: Int
  }

  enum Settlement: Equatable {
    case produced
    /// From the store, or from the instance with the same key that ran first.
    case reused(from: Int?)
    case failed
    case skipped(because: Int)
    case interrupted
    /// The run ended before its turn.
    case notStarted
  }

  enum InstanceState: Equatable {
    /// Not asked for in this run.
    case aside
    case blocked(missing: Int)
    /// The driver is computing its key.
    case deciding
    /// Another instance with the same key comes first.
    case twin(of: Int)
    case ready(Work)
    case running(Work, threads: Int)
    /// Another process makes the same key.
    case waitingForLease(Work)
    /// It failed and runs again after a pause.
    case backingOff(Work)
    case settled(Settlement)

    var isSettled: Bool { if case .settled = self { true } else { false } }

    /// Of an instance that must run and has not ended.
    var work: Work? {
      switch self {
      case .ready(let work), .running(let work, _), .waitingForLease(let work),
        .backingOff(let work):
        work
      default: nil
      }
    }
  }

  enum Choice: Equatable {
    case reuse(Digest)
    case run(Work)
    case fail
  }

  enum Ending: Equatable {
    /// The store has what this worker published.
    case published
    /// The store had a result before this worker began.
    case found
    /// The lease is held by another.
    case busy
    case failed
    /// Failed, with an attempt left.
    case failedForNow
    case interrupted
  }

  enum Event: Equatable {
    case begin
    /// How long each instance is expected to take.
    case expected(seconds: [Double])
    case decided(Int, Choice)
    /// Decisions take long (an outside file of many gigabytes is being hashed): start what can start.
    case decisionsAreSlow
    case workerEnded(Int, Ending)
    case resultAppeared(Int)
    case leaseFreed(Int)
    /// It is not waited for: left to the other run, or a failure.
    case leaseRefused(Int, isFailure: Bool)
    case pauseIsOver(Int)
    /// SIGINT or SIGTERM: the first ends workers gently, the second at once.
    case stop
    case graceIsOver
  }

  enum Command: Equatable {
    case decide(Int)
    case launch(Int, threads: Int)
    /// Wait until the store has a result for it, or its lease is free.
    case watchLease(Int)
    case unwatchLease(Int)
    /// Wait before the next attempt.
    case pause(Int)
    case cancelPause(Int)
    /// Take it back if it only waits in somebody's queue.
    case recall(Int)
    case terminate(Int)
    case kill(Int)
    case startGrace
    case settled(Int, Settlement)
    /// All instances are settled; nothing runs. The last command.
    case finish
  }

  enum Phase: Equatable {
    case working
    /// An instance failed and `--keep-going` was not given: what runs may end, nothing new starts.
    case draining
    /// Stopped by the user once, or more often.
    case stopping(times: Int)
    case finished
  }
}
