// Orders as jobs of a Slurm cluster. The controller stays alive: it submits what is ready, asks squeue
// for all jobs in one call, and follows what workers write into files. What decides is the result in
// the store; Slurm's word is asked for only where there is none (SlurmDiagnostics.swift).

import ArtifactStore
import Diagnostics
import Dispatch
import Foundation
import Glibc
import Slurm

final class SlurmExecutor: Executor, @unchecked Sendable {
  // Safe: what changes is touched on `queue` only. What blocks happens on queues of its own: sbatch,
  // looking (squeue, scontrol, sacct), scancel, and reading files.

  /// An assignment on its way.
  final class Job {
    enum Stop { case none, gentle, hard }

    let assignment: Assignment
    var batch: String?
    var task = 0
    /// `123_4`; nil while it is not known.
    var id: String?
    var tail: EventsTail?
    var log: String
    var hasBegun = false
    var begin = ContinuousClock.now
    var lastWord: WorkerExit?
    var stop = Stop.none
    /// Looks at the queue in which it was not there.
    var missing = 0
    /// By the word of Slurm.
    var end: SlurmEnd?
    var endSeen: ContinuousClock.Instant?
    var isBeingExplained = false

    init(_ assignment: Assignment) {
      self.assignment = assignment
      log = assignment.log
    }
  }

  /// A submission on its way.
  final class Batch {
    enum Place {
      case submitting
      case known(since: ContinuousClock.Instant)
      /// sbatch gave no answer.
      case lost(since: ContinuousClock.Instant)
    }

    var record: SlurmBatch
    let request: SlurmRequest?
    var place: Place
    /// Others wait for its jobs too: they are not ours to cancel.
    let isShared: Bool
    /// Instances of this run that are its tasks.
    var members: Set<Int>
    var attempts = 1
    var mustStay = false
    /// Tasks that were taken over; of the others this run knows nothing.
    var adopted = 0

    init(
      _ record: SlurmBatch, _ request: SlurmRequest?, place: Place, isShared: Bool,
      members: Set<Int>
    ) {
      self.record = record
      self.request = request
      self.place = place
      self.isShared = isShared
      self.members = members
    }
  }

  let options: RunOptions.SlurmOptions
  let runOptions: RunOptions
  let owner: String
  let runName: String
  let submission: SlurmSubmission
  let queue: DispatchQueue
  unowned let listener: any ExecutorListener
  let submitting = DispatchQueue(label: "plumb.slurm.sbatch")
  let looking = DispatchQueue(label: "plumb.slurm.squeue")
  let cancelling = DispatchQueue(label: "plumb.slurm.scancel")
  let reading = DispatchQueue(label: "plumb.slurm.events")

  var jobs: [Int: Job] = [:]
  var batches: [String: Batch] = [:]
  var gathered: [Int] = []
  var isGathering = false
  var largestArray: Int?
  var isReading = false
  var isLooking = false
  var pause: Double
  var looks = 0
  var silentSince: ContinuousClock.Instant?
  var hasWarned = false
  var hasSwept = false
  var isFinished = false
  var toTerminate: [String] = []
  var toCancel: [Int] = []

  var resultDelay: Double { options.patience }

  init(
    _ options: RunOptions.SlurmOptions, options runOptions: RunOptions, store: Store,
    run: RunFolder, owner: String, queue: DispatchQueue, listener: any ExecutorListener
  ) throws(Diagnostic) {
    self.options = options
    self.runOptions = runOptions
    self.owner = owner
    runName = run.id
    submission = SlurmSubmission(
      options: options, tool: options.tool, store: store, folder: run.path + "/slurm")
    self.queue = queue
    self.listener = listener
    pause = options.shortestPause
    try submission.prepare()
  }

  // MARK: Executor

  func start(_ assignment: Assignment) throws(Diagnostic) {
    jobs[assignment.index] = Job(assignment)
    gather(assignment.index)
  }

  func stop(_ index: Int, gently: Bool) {
    guard let job = jobs[index] else { return }
    job.stop = gently ? .gentle : .hard
    guard let batch = job.batch.flatMap({ batches[$0] }), !batch.isShared else {
      // Not submitted yet; or another run waits for it too, and only this one stops waiting.
      return after(0) { $0.conclude(index, .stopped) }
    }
    guard case .known = batch.place else {
      // Whether it is in the queue shows when sbatch answers, or the queue does; who cannot wait for that
      // leaves the record to the next run.
      guard !gently else { return }
      batch.mustStay = true
      return after(0) { $0.conclude(index, .stopped) }
    }
    if toCancel.isEmpty && toTerminate.isEmpty { after(0.02) { $0.sendStops() } }
    if gently, job.hasBegun, let id = job.id {
      toTerminate.append(id)
    } else {
      toCancel.append(index)
    }
  }

  func recall(_ index: Int) {
    guard let job = jobs[index], !job.hasBegun, job.stop == .none else { return }
    stop(index, gently: true)
  }

  func finish() {
    isFinished = true
    // Records that are to go, go.
    let isDone = DispatchSemaphore(value: 0)
    submitting.async { isDone.signal() }
    _ = isDone.wait(timeout: .now() + 2)
  }

  func after(_ seconds: Double, _ act: @escaping @Sendable (SlurmExecutor) -> Void) {
    queue.asyncAfter(deadline: .now() + seconds) { [weak self] in
      guard let self, !isFinished else { return }
      act(self)
    }
  }

  // MARK: Stopping

  /// One scancel for many jobs.
  func sendStops() {
    let terminated = toTerminate
    let cancelled = toCancel.filter { jobs[$0] != nil }
    toTerminate = []
    toCancel = []
    let known = cancelled.compactMap { jobs[$0]?.id }
    cancelling.async { [submission, options] in
      let seconds = min(10, options.commandTime)
      var isSent = true
      func send(_ words: [String]) {
        isSent = submission.tool.run(words, seconds: seconds).wasHeard && isSent
      }
      for part in Self.parts(terminated) { send(SlurmCommand.terminate(part)) }
      for part in Self.parts(known) { send(SlurmCommand.cancel(part)) }
      let isDone = isSent
      self.queue.async {
        guard !self.isFinished else { return }
        self.stopped(cancelled, isSent: isDone)
      }
    }
  }

  static func parts(_ ids: [String]) -> [[String]] {
    stride(from: 0, to: ids.count, by: 200).map { Array(ids[$0..<min($0 + 200, ids.count)]) }
  }

  func stopped(_ cancelled: [Int], isSent: Bool) {
    pause = options.shortestPause
    if !isSent {
      let left = cancelled.compactMap { jobs[$0]?.id ?? jobs[$0]?.batch }
      if !left.isEmpty { listener.warned(.slurmLeft(jobs: left)) }
      for batch in batches.values { batch.mustStay = true }
    }
    for index in cancelled {
      guard let job = jobs[index] else { continue }
      // One that has begun may still save; the others have nothing to lose.
      let wait = job.hasBegun && isSent ? 3.0 : 0
      after(wait) { executor in
        guard let job = executor.jobs[index] else { return }
        executor.conclude(index, executor.ending(of: job, status: WorkerStatus.interrupted))
      }
    }
  }
}

extension WorkerEnding {
  /// It was stopped before it began.
  static var stopped: WorkerEnding {
    WorkerEnding(status: WorkerStatus.interrupted)
  }
}
