// What squeue says of all jobs, compared with what was submitted.

import ArtifactStore
import Diagnostics
import Dispatch
import Foundation
import Glibc
import Slurm

extension SlurmExecutor {
  func look() {
    let begun = ContinuousClock.now
    looking.async { [submission] in
      let (jobs, complaint) = submission.queue()
      self.queue.async {
        guard !self.isFinished else { return }
        self.isLooking = false
        self.looks += 1
        self.pause = min(self.options.longestPause, self.pause * 1.5)
        self.heard(jobs != nil, complaint)
        if let jobs { self.compare(jobs, asked: begun) }
        self.watch()
      }
    }
  }

  /// Slurm answered, or did not.
  func heard(_ answered: Bool, _ complaint: String) {
    guard !answered else {
      silentSince = nil
      hasWarned = false
      return
    }
    let since = silentSince ?? .now
    silentSince = since
    let seconds = Double(since.duration(to: .now).components.seconds)
    guard !hasWarned, seconds >= options.silence else { return }
    hasWarned = true
    listener.warned(.slurmUnreachable(seconds: seconds, reason: complaint))
  }

  func compare(_ queued: [SlurmJob], asked: ContinuousClock.Instant) {
    var named: [String: [SlurmJob]] = [:]
    for job in queued where batches[job.name] != nil { named[job.name, default: []].append(job) }
    for (name, batch) in batches.sorted(by: { $0.key < $1.key }) {
      let own = named[name] ?? []
      removeDuplicates(batch, own)
      if case .lost(let since) = batch.place { settle(batch, own, since: since, asked: asked) }
      guard case .known(let since) = batch.place else { continue }
      for index in batch.members.sorted() {
        guard let job = jobs[index] else { continue }
        let match = own.first { $0.task == job.task && $0.number == batch.record.job }
        if let match {
          compare(job, match)
        } else if since.duration(to: asked) >= .seconds(min(2, options.settling)) {
          job.missing += 1
          if job.missing >= 2, job.end == nil { ended(job, .forgotten) }
        }
      }
    }
  }

  func compare(_ job: Job, _ found: SlurmJob) {
    job.missing = 0
    if case .ended(let end) = found.state {
      if job.end == nil { ended(job, end) }
    } else {
      // It was requeued by somebody.
      job.end = nil
      job.endSeen = nil
    }
  }

  func ended(_ job: Job, _ end: SlurmEnd) {
    job.end = end
    job.endSeen = .now
    pause = options.shortestPause
  }

  /// A submission without an answer: there it is, or it is made again under the same name.
  func settle(
    _ batch: Batch, _ own: [SlurmJob], since: ContinuousClock.Instant,
    asked: ContinuousClock.Instant
  ) {
    let name = batch.record.name
    if let number = own.map(\.number).min(by: Self.isOlder) {
      found(batch, number)
      let record = batch.record
      submitting.async { [submission] in submission.note(number, of: record) }
    } else if batch.members.contains(where: { jobs[$0]?.hasBegun == true }) {
      // It was there, and is gone from the queue already.
      batch.place = .known(since: since)
    } else if since.duration(to: asked) >= .seconds(options.settling) {
      let wait = min(60, Double(batch.attempts) * options.shortestPause)
      batch.attempts += 1
      batch.place = .submitting
      after(wait) { $0.sendAgain(name) }
    }
  }

  /// Two jobs of one name: an answer was lost, and the submission was late. The first one stays.
  func removeDuplicates(_ batch: Batch, _ own: [SlurmJob]) {
    if case .submitting = batch.place { return }
    let alive = Set(own.filter { !$0.state.isEnded }.map(\.number)).sorted(by: Self.isOlder)
    guard alive.count > 1, let kept = alive.first else { return }
    if batch.record.job != nil, batch.record.job != kept {
      batch.record.job = kept
      for index in batch.members {
        guard let job = jobs[index] else { continue }
        job.id = batch.record.tasks.count > 1 ? "\(kept)_\(job.task)" : kept
      }
      let record = batch.record
      submitting.async { [submission] in submission.note(kept, of: record) }
    }
    let extra = Array(alive.dropFirst())
    cancelling.async { [submission, options] in
      _ = submission.tool.run(SlurmCommand.cancel(extra), seconds: min(30, options.commandTime))
    }
  }

  static func isOlder(_ a: String, _ b: String) -> Bool {
    (a.utf8.count, a) < (b.utf8.count, b)
  }
}
