// How a run is to be made; nothing here is part of a key.

import CanonicalJSON
import Diagnostics

public struct RunOptions: Sendable {
  /// The program that carries out orders: the order's path is appended to `arguments`.
  public struct WorkerProgram: Sendable {
    public var path: String
    public var arguments: [String]
    /// Set for workers on top of the inherited environment.
    public var environment: [String: String]

    public init(
      path: String = "/proc/self/exe", arguments: [String] = ["exec-stage"],
      environment: [String: String] = [:]
    ) {
      self.path = path
      self.arguments = arguments
      self.environment = environment
    }
  }

  /// Indices of instances; what they need is added. nil means all.
  public var targets: [Int]?
  /// Instances to make again even where the store has a result (`--again`).
  public var again: Set<Int> = []
  /// The part of the instances to make again and compare (`--recheck 2%` is 0.02).
  public var recheck: Double = 0
  /// What to do about an instance that another run makes at the same time.
  public enum Locked: String, Sendable, CaseIterable {
    /// Wait for its result and use it.
    case wait
    /// Leave it, and what depends on it, to the other run.
    case skip
    /// Fail, with exit code 75.
    case fail
  }

  public var ifLocked = Locked.wait

  /// Where workers run.
  public enum Executor: Sendable {
    /// As processes of this machine.
    case local
    case slurm(SlurmOptions)
  }

  public var executor = Executor.local
  /// Go on with what does not depend on a failed instance.
  public var keepGoing = false
  /// All workers together; default: the processors this process may use. On a cluster: of one job.
  public var threads: Int
  /// Bytes for all workers together; default: what the machine (or its cgroup) has left.
  public var memory: Int
  /// Seconds between TERM and KILL.
  public var grace: Double = 10
  public var worker = WorkerProgram()
  /// Version of the program, for provenance.
  public var version = ""
  /// Resolved `params` of the manifest, for the run's record.
  public var parameters: JSONValue = .object([:])
  /// Whether SIGINT and SIGTERM stop the run (false where the caller has its own plan).
  public var catchesSignals = true

  public init(targets: [Int]? = nil) {
    self.targets = targets
    threads = Machine.processors
    memory = Machine.availableMemory
  }
}
