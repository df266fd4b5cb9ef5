// The scheduler's hands: writes orders, starts workers, listens to them, and tells the state machine
// how each ended.

import ArtifactStore
import Diagnostics
import Dispatch
import Foundation
import Glibc
import Pipelines

/// A worker with what it has said so far.
final class RunningWorker {
  var log: String
  let memoryLimit: Int?
  var problem: WorkerProblem?
  var statement: WorkerStatement?
  var lastProgress: ContinuousClock.Instant?

  init(log: String, memoryLimit: Int?) {
    self.log = log
    self.memoryLimit = memoryLimit
  }
}

extension Scheduler {
  /// Workers run on this machine, or as jobs of a cluster.
  func makeExecutor(_ folder: RunFolder) throws(Diagnostic) -> any Executor {
    switch options.executor {
    case .local: try LocalExecutor(options: options, queue: queue, listener: self)
    case .slurm(let slurm):
      try SlurmExecutor(
        slurm, options: options, store: store, run: folder, owner: liveName, queue: queue,
        listener: self)
    }
  }

  /// **Throws**: `slurm-missing`.
  func requireExecutor() throws(Diagnostic) {
    if case .slurm(let slurm) = options.executor { try slurm.requireCommands() }
  }

  /// The name under which others see that this run goes on.
  var liveName: String {
    live.map { URL(fileURLWithPath: $0.path).lastPathComponent } ?? ""
  }

  func launch(_ index: Int, threads: Int, record: ActionRecord) throws(Diagnostic) {
    let instance = pipeline.instances[index]
    let folder = recorder.report.folder
    let orderPath = WorkerOrder.path(inRunFolder: folder, instance: index)
    let order = order(for: instance, record: record)
    try order.write(to: orderPath)
    let log = folder + "/logs/" + Self.logName(of: instance)
    workers[index] = RunningWorker(log: log, memoryLimit: instance.resources.memory)
    do {
      try executor.start(
        Assignment(
          instance: instance, key: record.key, order: orderPath, log: log, threads: threads,
          again: order.again))
    } catch {
      workers[index] = nil
      throw error
    }
    recorder.change(index) {
      $0.attempts += 1
      $0.failure = nil
      $0.threads = threads
      $0.log = workers[index]?.log ?? log
    }
  }

  private func order(for instance: Instance, record: ActionRecord) -> WorkerOrder {
    WorkerOrder(
      store: store.path, record: record, instance: instance.id.description,
      pipeline: pipeline.name, version: options.version,
      inputs: Self.inputPorts(of: instance),
      outputs: instance.definition.outputs.map {
        WorkerOrder.OutputPort(name: $0.name, fileName: Self.fileName(of: $0.type))
      }, secrets: instance.definition.command?.secrets ?? [],
      again: options.again.contains(instance.index) || rechecked.contains(instance.index),
      grace: options.grace)
  }

  static func inputPorts(of instance: Instance) -> [WorkerOrder.InputPort] {
    instance.inputs.map { binding in
      var outside: [Int: String] = [:]
      for (position, item) in binding.items.enumerated() {
        if case .file(let path, _, true) = item.source { outside[position] = path }
      }
      return WorkerOrder.InputPort(
        name: binding.port.name, fileName: fileName(of: binding.port.type) ?? "file",
        isList: binding.port.isList,
        outside: outside)
    }
  }

  private static func fileName(of type: ArtifactType) -> String? {
    if case .file(let name) = type.content { name } else { nil }
  }

  /// `12-train[strategy=none,generation=2].log`: an instance's name made fit for any file system.
  static func logName(of instance: Instance) -> String {
    let allowed = Set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-=,[]")
    let name = String(instance.id.description.map { allowed.contains($0) ? $0 : "_" }.prefix(120))
    return "\(instance.index)-\(name).log"
  }

  private func hear(_ progress: Progress, from index: Int, _ worker: RunningWorker) {
    // A body that floods is heard twenty times a second.
    let now = ContinuousClock.now
    if let last = worker.lastProgress, last.duration(to: now) < .milliseconds(50),
      progress.step != progress.total
    {
      return
    }
    worker.lastProgress = now
    recorder.send(.progress(instance: index, id: pipeline.instances[index].id, progress))
  }

  /// The pause before the next attempt of an instance that failed.
  func pause(_ index: Int) {
    let instance = pipeline.instances[index]
    let attempt = recorder.row(index).attempts + 1
    let pause = instance.retries.pause(before: attempt)
    if let problem = recorder.row(index).failure?.problem {
      recorder.send(
        .retrying(
          instance: index, id: instance.id, attempt: attempt,
          of: max(attempt, instance.retries.max + 1), pause: pause, problem))
    }
    startTimer("pause \(index)", after: pause) { $0.handle(.pauseIsOver(index)) }
  }
}

extension Scheduler: ExecutorListener {
  func submitted(_ index: Int, job: String, isAdopted: Bool) {
    recorder.change(index) { $0.job = job }
    recorder.send(
      .submitted(
        instance: index, id: pipeline.instances[index].id, job: job, isAdopted: isAdopted))
  }

  func began(_ index: Int, pid: Int32, job: String?, log: String) {
    workers[index]?.log = log
    recorder.change(index) {
      $0.launched = rounded(recorder.elapsed)
      $0.log = log
    }
    recorder.send(
      .launched(
        instance: index, id: pipeline.instances[index].id, pid: pid,
        threads: runningThreads(index), log: log))
  }

  private func runningThreads(_ index: Int) -> Int {
    if case .running(_, let threads) = state.instances[index] { threads } else { 1 }
  }

  func said(_ index: Int, _ message: WorkerMessage) {
    guard let worker = workers[index] else { return }
    switch message {
    case .problem(let problem): worker.problem = problem
    case .end(let statement): worker.statement = statement
    case .progress(let progress): hear(progress, from: index, worker)
    case .begin, .exit: break
    }
  }

  func warned(_ problem: Diagnostic) { recorder.send(.warning(problem)) }

  func ended(_ index: Int, _ ending: WorkerEnding) {
    guard let worker = workers.removeValue(forKey: index) else { return }
    let instance = pipeline.instances[index]
    let peak = max(ending.peakMemory, worker.statement?.peakMemory ?? 0)
    recorder.change(index) {
      $0.ended = rounded(recorder.elapsed)
      $0.seconds = rounded(ending.seconds)
      $0.cpuSeconds = rounded(ending.cpuSeconds)
      $0.peakMemory = peak > 0 ? peak : nil
    }
    if let remark = worker.statement?.remark {
      recorder.send(.warning(.remark(remark, instance.id)))
    }
    var ending = ending
    ending.peakMemory = peak
    if let (cause, problem) = ending.failure(
      of: instance, problem: worker.problem, memoryLimit: worker.memoryLimit)
    {
      let log = ending.log ?? worker.log
      fail(
        index, cause: cause, problem: problem, logTail: LogTail.lines(ofLogAt: log),
        log: access(log, F_OK) == 0 ? log : nil)
      handle(.workerEnded(index, mayRetry(instance, after: cause) ? .failedForNow : .failed))
    } else if ending.wasStopped {
      handle(.workerEnded(index, .interrupted))
    } else if ending.status == WorkerStatus.busy {
      // Somebody else makes it: that was no attempt.
      recorder.change(index) { $0.attempts -= 1 }
      handle(.workerEnded(index, .busy))
    } else {
      confirm(index, worker.statement, patience: executor.resultDelay)
    }
  }

  private func mayRetry(_ instance: Instance, after cause: RunFailure.Cause) -> Bool {
    if cause == .lostNode {
      // The stage is not to blame: this needs no leave of the manifest, but an end.
      lostNodes[instance.index, default: 0] += 1
      if lostNodes[instance.index]! <= RunOptions.SlurmOptions.lostNodes { return true }
    }
    return cause.retryClass.map(instance.retries.on.contains) == true
      && recorder.row(instance.index).attempts <= instance.retries.max
  }
}
