// Orders as processes of this machine: limits of time and memory, and the pipe by which workers notice
// that the scheduler is gone.

import CLinux
import Diagnostics
import Dispatch
import Foundation
import Glibc

final class LocalExecutor: Executor {
  private struct Running {
    let process: WorkerProcess
    let memoryLimit: Int?
    /// Of its time limit.
    var timer: (any DispatchSourceTimer)?
  }

  private let options: RunOptions
  private let queue: DispatchQueue
  private unowned let listener: any ExecutorListener
  private let lifeline: (read: Int32, write: Int32)
  private var running: [Int: Running] = [:]
  private var memoryTimer: (any DispatchSourceTimer)?

  let resultDelay = 0.0

  init(
    options: RunOptions, queue: DispatchQueue, listener: any ExecutorListener
  ) throws(Diagnostic) {
    var (readEnd, writeEnd): (Int32, Int32) = (-1, -1)
    let error = plumb_pipe(&readEnd, &writeEnd)
    guard error == 0 else { throw .launchFailed("lifeline pipe", error: error) }
    lifeline = (readEnd, writeEnd)
    self.options = options
    self.queue = queue
    self.listener = listener
  }

  deinit {
    close(lifeline.read)
    close(lifeline.write)
  }

  func start(_ assignment: Assignment) throws(Diagnostic) {
    let index = assignment.index
    let process = try WorkerProcess(
      WorkerProcess.Launch(
        program: options.worker, order: assignment.order, log: assignment.log,
        environment: WorkerEnvironment.variables(
          inherited: ProcessInfo.processInfo.environment, program: options.worker,
          threads: assignment.threads), lifeline: lifeline.read), on: queue,
      onMessage: { [weak self] in self?.listener.said(index, $0) },
      onEnd: { [weak self] in self?.ended(index, $0) })
    let resources = assignment.instance.resources
    running[index] = Running(process: process, memoryLimit: resources.memory)
    if let limit = resources.time { limitTime(of: process, index, seconds: limit) }
    listener.began(index, pid: process.pid, job: nil, log: assignment.log)
    if running.count == 1 { pollMemory() }
  }

  func stop(_ index: Int, gently: Bool) {
    running[index]?.process.signal(gently ? SIGTERM : SIGKILL)
  }

  /// Processes begin at once.
  func recall(_ index: Int) {}

  func finish() {
    memoryTimer?.cancel()
  }

  private func ended(_ index: Int, _ ending: WorkerEnding) {
    guard let worker = running.removeValue(forKey: index) else { return }
    worker.timer?.cancel()
    if running.isEmpty { memoryTimer?.cancel() }
    listener.ended(index, ending)
  }

  /// TERM when its time is over, KILL after the grace: a stage that saves checkpoints loses little.
  private func limitTime(of process: WorkerProcess, _ index: Int, seconds: Double) {
    running[index]?.timer = timer(after: seconds) { executor in
      process.isOverTimeLimit = true
      process.signal(SIGTERM)
      executor.running[index]?.timer = executor.timer(after: executor.options.grace) { _ in
        process.signal(SIGKILL)
      }
    }
  }

  /// Once a second: largest resident sets, and an end for those over their limit.
  private func pollMemory() {
    memoryTimer = timer(after: 1) { executor in
      guard !executor.running.isEmpty else { return }
      for worker in executor.running.values {
        worker.process.poll(limit: worker.memoryLimit.map { $0 + $0 / 4 })
      }
      executor.pollMemory()
    }
  }

  private func timer(
    after seconds: Double, _ act: @escaping (LocalExecutor) -> Void
  ) -> any DispatchSourceTimer {
    let timer = DispatchSource.makeTimerSource(queue: queue)
    timer.schedule(deadline: .now() + seconds)
    timer.setEventHandler { [weak self] in
      if let self { act(self) }
    }
    timer.activate()
    return timer
  }
}
