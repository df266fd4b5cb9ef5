// What may go wrong on a cluster, in words; the pages behind the ids are in SlurmExplanations.swift.

import Diagnostics
import Foundation
import Pipelines
import Slurm

extension Diagnostic {
  static func slurmMissing(_ program: String) -> Diagnostic {
    Diagnostic(
      "slurm-missing",
      "there is no program '\(program)' in PATH: this machine submits to no cluster",
      help: "run on a login node of the cluster, or without --executor slurm",
      consequence: .unavailable)
  }

  static func slurmRefused(_ instance: Instance, reason: String) -> Diagnostic {
    Diagnostic(
      "slurm-refused", "\(instance.id): the cluster refused the job: \(reason)", at: instance.span,
      help: "look at 'resources:' and 'slurm:' of the stage; sinfo shows partitions and limits",
      consequence: .stageFailed)
  }

  static func slurmUnreachable(seconds: Double, reason: String) -> Diagnostic {
    Diagnostic(
      "slurm-unreachable",
      "Slurm has not answered for \(Int(seconds)) s (\(reason)); jobs go on, and so does this run",
      help: "nothing is to be done: it is asked again and again; Ctrl-C stops waiting",
      severity: .warning, consequence: .unavailable)
  }

  static func slurmCrowded(reason: String) -> Diagnostic {
    Diagnostic(
      "slurm-crowded",
      "the cluster takes no more jobs for now (\(reason)); they are submitted later",
      help: "a smaller --jobs avoids this", severity: .warning, consequence: .unavailable)
  }

  static func slurmLeft(jobs: [String]) -> Diagnostic {
    Diagnostic(
      "slurm-jobs-left",
      "Slurm did not answer: \(jobs.count) jobs could not be cancelled (\(jobs.prefix(5).joined(separator: " "))"
        + "\(jobs.count > 5 ? " …" : ""))",
      help: "scancel them by hand, or run again, which adopts those that still run",
      severity: .warning, consequence: .unavailable)
  }

  static func slurmOutOfMemory(_ instance: Instance, job: String) -> Diagnostic {
    Diagnostic(
      "slurm-out-of-memory",
      "\(instance.id): job \(job) needed more memory than it was given"
        + (instance.resources.memory.map { " (\($0 >> 20) MiB)" } ?? ""),
      at: instance.span, help: "raise 'resources: {memory: …}' of the stage",
      consequence: .stageFailed)
  }

  static func slurmOverTime(_ instance: Instance, job: String) -> Diagnostic {
    Diagnostic(
      "slurm-over-time",
      "\(instance.id): job \(job) took longer than it was given"
        + (instance.resources.time.map { " (\(Int($0)) s)" } ?? ", the limit of its partition"),
      at: instance.span,
      help: "raise 'resources: {time: …}'; run again, checkpoints are resumed",
      consequence: .stageFailed)
  }

  static func slurmNodeLost(_ instance: Instance, job: String, word: String) -> Diagnostic {
    Diagnostic(
      "slurm-node-lost", "\(instance.id): job \(job) lost its node (\(word))", at: instance.span,
      help: "run again, checkpoints are resumed", consequence: .stageFailed)
  }

  static func slurmForgotten(_ instance: Instance, job: String) -> Diagnostic {
    Diagnostic(
      "slurm-job-forgotten",
      "\(instance.id): Slurm knows nothing of job \(job) any more, and it left no result",
      at: instance.span, help: "run again, checkpoints are resumed", consequence: .stageFailed)
  }

  static func slurmCancelled(_ instance: Instance, job: String) -> Diagnostic {
    Diagnostic(
      "slurm-job-cancelled", "\(instance.id): somebody cancelled job \(job)", at: instance.span,
      help: "run again, checkpoints are resumed", consequence: .stageFailed)
  }

  static func slurmNoResult(_ instance: Instance, job: String) -> Diagnostic {
    Diagnostic(
      "slurm-no-result",
      "\(instance.id): job \(job) ended well by Slurm's word, but its result is not in the store",
      at: instance.span,
      help: "is the store's folder the same one on the nodes? its log tells more",
      consequence: .stageFailed)
  }

  static func slurmJobFailed(_ instance: Instance, _ end: SlurmObituary) -> Diagnostic {
    var how: [String] = []
    if let signal = end.signal { how.append("ended by \(signalName(signal))") }
    if let status = end.exitStatus, status != 0 { how.append("exit status \(status)") }
    if let reason = end.reason { how.append(reason) }
    if let node = end.node { how.append("on \(node)") }
    let details = how.isEmpty ? "" : ": " + how.joined(separator: ", ")
    return Diagnostic(
      "slurm-job-failed", "\(instance.id): job \(end.job) failed\(details)", at: instance.span,
      help: "its log tells more; does the node see the program and the store?",
      consequence: .stageFailed)
  }
}

extension SlurmObituary {
  /// Why a job that left no result failed.
  ///
  /// - Parameter problem: what its worker said before.
  func failure(
    of instance: Instance, problem: WorkerProblem?
  ) -> (cause: RunFailure.Cause, problem: Diagnostic) {
    switch end {
    case .outOfMemory: return (.outOfMemory, .slurmOutOfMemory(instance, job: job))
    case .overTime: return (.timeLimit, .slurmOverTime(instance, job: job))
    case .lostNode(let word):
      return (.lostNode, .slurmNodeLost(instance, job: job, word: word))
    case .forgotten: return (.lostNode, .slurmForgotten(instance, job: job))
    case .cancelled: return (.cancelled, .slurmCancelled(instance, job: job))
    case .completed, .failed: break
    }
    if let problem { return (.diagnostic, problem.diagnostic(for: instance)) }
    if exitStatus == WorkerStatus.interrupted {
      return (.cancelled, .slurmCancelled(instance, job: job))
    }
    if signal != nil { return (.signal, .slurmJobFailed(instance, self)) }
    if end == .completed { return (.exit, .slurmNoResult(instance, job: job)) }
    let launch = reason?.contains("LaunchFailure") == true
    return (launch ? .launch : .exit, .slurmJobFailed(instance, self))
  }
}
