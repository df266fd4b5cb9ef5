// How a run uses a Slurm cluster.

import Diagnostics
import Foundation
import Slurm

extension RunOptions {
  public struct SlurmOptions: Sendable {
    /// Jobs under way at once, waiting ones too.
    public var jobs = 200
    /// Path of the program on the nodes; nil where it is the same as here.
    public var program: String?
    /// Seconds in which jobs gather that may become one array.
    public var gathering = 0.3
    /// Seconds between two looks at the queue, at first and at most.
    public var shortestPause = 1.0
    public var longestPause = 15.0
    /// Seconds for which a result, or a worker's last word, may stay unseen after the job has gone.
    public var patience = 10.0
    /// Seconds that a command may take before its answer counts as lost.
    public var commandTime = 60.0
    /// Seconds after which a submission without an answer shows in the queue, if it was made.
    public var settling = 5.0
    /// Seconds without an answer after which a person is told.
    public var silence = 20.0
    /// Variables for the commands; tests put their own programs on the path.
    public var environment = ProcessInfo.processInfo.environment

    /// How often an instance runs again because its node was lost.
    static let lostNodes = 5

    public init() {}

    var tool: SlurmTool { SlurmTool(environment: environment) }

    func requireCommands() throws(Diagnostic) {
      for program in ["sbatch", "squeue", "scancel"] where tool.path(of: program) == nil {
        throw .slurmMissing(program)
      }
    }
  }

  /// 0 where jobs of a cluster do the work.
  var threadsHere: Int {
    if case .local = executor { threads } else { 0 }
  }

  var budget: Budget {
    var budget = Budget(threads: threads, memory: memory)
    if case .slurm(let slurm) = executor { budget.jobs = slurm.jobs }
    return budget
  }
}
