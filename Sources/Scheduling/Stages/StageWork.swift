// One order carried out: claim, look again, run, check, publish. Worker.swift is the process around it.

import ArtifactStore
import CanonicalJSON
import Diagnostics
import Foundation
import Glibc

struct StageWork {
  let order: WorkerOrder
  let bodies: [any StageBody.Type]
  /// BLAS kernels in use.
  let kernels: String?
  let reporter: ProgressReporter
  let stop: StopFlag
  let threads: Int
  let checkpointSeconds: Double

  /// nil: the lease is held by another.
  func run() throws(Diagnostic) -> WorkerStatement? {
    let started = Date()
    let clock = ContinuousClock.now
    let key = order.record.key
    let isProgram = order.record.facts.contains { $0.name == "$command" }
    let body = bodies.first { $0.kind == order.record.kind }
    guard isProgram || body != nil else { throw .noBody(order.record.kind) }
    let store = try Store(at: order.store)
    guard let lease = try store.claim(key, label: order.instance) else { return nil }
    defer { lease.release() }
    // The former holder may have finished between the scheduler's look and this claim.
    switch store.lookUp(key) {
    case .hit where !order.again: return WorkerStatement(outcome: .found)
    case .hit, .miss: break
    case .damaged: try store.heal(key, under: lease)
    }

    let folder = try store.temporaryFolder()
    defer { store.removeTemporary(folder) }
    let files = WorkerFiles(order: order, store: store, folder: folder)
    let artifacts = try files.outputFolders()
    let context = StageContext(
      parameters: files.parameters, inputs: try files.inputs(), outputs: artifacts,
      declaredFiles: files.declared(), resumeFolder: try store.workFolder(for: key),
      threads: threads, store: store, reporter: reporter, stop: stop,
      checkpointSeconds: checkpointSeconds)
    if isProgram {
      try CommandStage(
        order: order, files: files, store: store, folder: folder, reporter: reporter, stop: stop,
        threads: threads, resumeFolder: context.resumeFolder
      ).run(try files.inputs())
    } else {
      try body?.run(context)
    }
    try files.checkUnchanged()
    let outputs = try files.put(artifacts)

    let spent = clock.duration(to: .now)
    let seconds = Double(spent.components.seconds) + Double(spent.components.attoseconds) * 1e-18
    let peak = Machine.peakMemory(of: getpid())
    let result = ActionResult(
      key: key, outputs: outputs, record: try store.put(order.record),
      provenance: provenance(started: started, seconds: seconds, peak: peak))
    let outcome = try store.publish(result)
    // Who took the lease over may be resuming there. What cannot be removed is left to collection: the
    // result is published, so nothing failed.
    if !lease.isLost { try? store.removeWorkFolder(for: key) }
    var statement = WorkerStatement(outcome: .published, peakMemory: peak, remark: remark)
    switch outcome {
    case .published: break
    case .identical: statement.outcome = .identical
    case .differs(let evidence):
      statement.outcome = .differs
      statement.evidence = evidence
    }
    return statement
  }

  /// What made it, where and how fast: beside the artifact, never in it.
  private func provenance(started: Date, seconds: Double, peak: Int?) -> JSONValue {
    var usage = rusage()
    getrusage(__rusage_who_t(RUSAGE_SELF.rawValue), &usage)
    let cpu =
      Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
      + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) * 1e-6
    return .object([
      "instance": .string(order.instance), "pipeline": .string(order.pipeline),
      "version": .string(order.version), "host": .string(Machine.host),
      "user": .string(Machine.user), "pid": .integer(Int(getpid())),
      "cpu": .string(Machine.processorName), "kernels": kernels.map { .string($0) } ?? .null,
      "threads": .integer(threads),
      "started": .string(started.formatted(.iso8601)), "seconds": .number(seconds),
      "cpu_seconds": .number(cpu), "peak_memory": peak.map { .integer($0) } ?? .null,
    ])
  }

  /// Slow kernels are worth a word, unless the user chose them.
  private var remark: String? {
    guard let kernels, let best = Machine.bestKernels else { return nil }
    let rank = ["Prescott": 0, "Core2": 0, "Nehalem": 0, "Sandybridge": 1, "Haswell": 2, "Zen": 2]
    let offered = best == "SkylakeX" ? 3 : 2
    guard (rank[kernels] ?? 3) < offered else { return nil }
    if let chosen = getenv("OPENBLAS_CORETYPE"),
      String(cString: chosen).lowercased() == kernels.lowercased()
    {
      return nil
    }
    return Diagnostic.slowKernels(kernels, offered: best).message
  }
}
