// The states of jobs (squeue(1), "JOB STATE CODES") and what they mean here.

/// Where a job stands.
public enum SlurmState: Sendable, Equatable {
  case waiting
  case running
  case ended(SlurmEnd)

  /// - Parameter word: as squeue, sacct and scontrol print it: `PENDING`, `CANCELLED by 1000`,
  ///   `CANCELLED+`. nil for anything that is no word of a state.
  public init?(_ word: String) {
    let name = word.prefix { $0.isASCII && ($0.isLetter || $0 == "_") }
    guard !name.isEmpty else { return nil }
    switch name {
    case "PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "SPECIAL_EXIT",
      "RESV_DEL_HOLD", "POWER_UP_NODE":
      self = .waiting
    case "RUNNING", "COMPLETING", "SUSPENDED", "STOPPED", "SIGNALING", "RESIZING", "STAGE_OUT",
      "EXPEDITING", "UPDATE_DB":
      self = .running
    case "COMPLETED": self = .ended(.completed)
    case "FAILED": self = .ended(.failed)
    case "TIMEOUT", "DEADLINE": self = .ended(.overTime)
    case "OUT_OF_MEMORY": self = .ended(.outOfMemory)
    case "NODE_FAIL", "BOOT_FAIL", "PREEMPTED", "LAUNCH_FAILED", "RECONFIG_FAIL", "REVOKED":
      self = .ended(.lostNode(String(name)))
    case "CANCELLED": self = .ended(.cancelled)
    // A newer Slurm may have states that we do not know: time will show what becomes of the job.
    default: self = .running
    }
  }

  public var isEnded: Bool { if case .ended = self { true } else { false } }
}

/// How a job ended, by the word of Slurm.
public enum SlurmEnd: Sendable, Equatable {
  case completed
  case failed
  case overTime
  case outOfMemory
  /// The node broke, did not boot, or was given to somebody else; holds Slurm's word.
  case lostNode(String)
  case cancelled
  /// Slurm knows no such job any more.
  case forgotten
}

/// What Slurm can say about the end of a job.
public struct SlurmObituary: Sendable, Equatable {
  /// `123` or `123_4`.
  public var job: String
  public var end: SlurmEnd
  public var exitStatus: Int32?
  public var signal: Int32?
  /// `Reason=` and the like, for people.
  public var reason: String?
  public var node: String?

  public init(
    job: String, end: SlurmEnd, exitStatus: Int32? = nil, signal: Int32? = nil,
    reason: String? = nil, node: String? = nil
  ) {
    self.job = job
    self.end = end
    self.exitStatus = exitStatus
    self.signal = signal
    self.reason = reason
    self.node = node
  }
}
