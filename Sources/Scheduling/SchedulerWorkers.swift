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
  let process: WorkerProcess
  let log: String
  let threads: Int
  let memoryLimit: Int?
  var problem: WorkerProblem?
  var statement: WorkerStatement?
  var lastProgress: ContinuousClock.Instant?

  init(process: WorkerProcess, log: String, threads: Int, memoryLimit: Int?) {
    self.process = process
    self.log = log
    self.threads = threads
    self.memoryLimit = memoryLimit
  }
}

extension Scheduler {
  func launch(_ index: Int, threads: Int, record: ActionRecord) throws(Diagnostic) {
    let instance = pipeline.instances[index]
    let folder = recorder.report.folder
    let orderPath = WorkerOrder.path(inRunFolder: folder, instance: index)
    try order(for: instance, record: record).write(to: orderPath)
    let log = folder + "/logs/" + Self.logName(of: instance)
    let process = try WorkerProcess(
      WorkerProcess.Launch(
        program: options.worker, order: orderPath, log: log,
        environment: WorkerEnvironment.variables(
          inherited: ProcessInfo.processInfo.environment, program: options.worker,
          threads: threads), lifeline: lifeline.read), on: queue,
      onMessage: { [weak self] in self?.hear($0, from: index) },
      onEnd: { [weak self] in self?.ended($0, index) })
    workers[index] = RunningWorker(
      process: process, log: log, threads: threads, memoryLimit: instance.resources.memory)
    if let limit = instance.resources.time { limitTime(of: index, seconds: limit) }
    recorder.change(index) {
      $0.attempts += 1
      $0.failure = nil
      $0.launched = rounded(recorder.elapsed)
      $0.threads = threads
      $0.log = log
    }
    recorder.send(
      .launched(instance: index, id: instance.id, pid: process.pid, threads: threads, log: log))
    if workers.count == 1 { pollMemory() }
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

  private func hear(_ message: WorkerProcess.Message, from index: Int) {
    guard let worker = workers[index] else { return }
    switch message {
    case .problem(let problem): worker.problem = problem
    case .end(let statement): worker.statement = statement
    case .progress(let progress):
      // A body that floods is heard twenty times a second.
      let now = ContinuousClock.now
      if let last = worker.lastProgress, last.duration(to: now) < .milliseconds(50),
        progress.step != progress.total
      {
        return
      }
      worker.lastProgress = now
      recorder.send(
        .progress(instance: index, id: pipeline.instances[index].id, progress))
    }
  }

  private func ended(_ ending: WorkerEnding, _ index: Int) {
    guard let worker = workers.removeValue(forKey: index) else { return }
    if workers.isEmpty { cancelTimer("memory") }
    cancelTimer("time \(index)")
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
      fail(
        index, cause: cause, problem: problem, logTail: LogTail.lines(ofLogAt: worker.log),
        log: worker.log)
      let mayRetry =
        cause.retryClass.map(instance.retries.on.contains) == true
        && recorder.row(index).attempts <= instance.retries.max
      handle(.workerEnded(index, mayRetry ? .failedForNow : .failed))
    } else if ending.wasStopped {
      handle(.workerEnded(index, .interrupted))
    } else if ending.status == WorkerStatus.busy {
      // Somebody else makes it: that was no attempt.
      recorder.change(index) { $0.attempts -= 1 }
      handle(.workerEnded(index, .busy))
    } else {
      confirm(index, worker.statement)
    }
  }

  /// The pause before the next attempt of an instance that failed.
  func pause(_ index: Int) {
    let instance = pipeline.instances[index]
    let attempt = recorder.row(index).attempts + 1
    let pause = instance.retries.pause(before: attempt)
    if let problem = recorder.row(index).failure?.problem {
      recorder.send(
        .retrying(
          instance: index, id: instance.id, attempt: attempt, of: instance.retries.max + 1,
          pause: pause, problem))
    }
    startTimer("pause \(index)", after: pause) { $0.handle(.pauseIsOver(index)) }
  }

  /// TERM when its time is over, KILL after the grace: a stage that saves checkpoints loses little.
  private func limitTime(of index: Int, seconds: Double) {
    startTimer("time \(index)", after: seconds) { scheduler in
      guard let worker = scheduler.workers[index] else { return }
      worker.process.isOverTimeLimit = true
      worker.process.signal(SIGTERM)
      scheduler.startTimer("time \(index)", after: scheduler.options.grace) { scheduler in
        scheduler.workers[index]?.process.signal(SIGKILL)
      }
    }
  }

  /// Once a second: largest resident sets, and an end for those over their limit.
  private func pollMemory() {
    startTimer("memory", after: 1) { scheduler in
      for worker in scheduler.workers.values {
        worker.process.poll(limit: worker.memoryLimit.map { $0 + $0 / 4 })
      }
      if !scheduler.workers.isEmpty { scheduler.pollMemory() }
    }
  }
}
