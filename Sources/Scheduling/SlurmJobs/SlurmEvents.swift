// What workers of jobs write into files, and what an end without a word means.

import ArtifactStore
import Diagnostics
import Dispatch
import Foundation
import Glibc
import Slurm

extension SlurmExecutor {
  func watch() {
    guard !jobs.isEmpty else { return }
    if !isReading {
      isReading = true
      after(0.1) { $0.readEvents() }
    }
    if !isLooking, !batches.isEmpty {
      isLooking = true
      after(pause) { $0.look() }
    }
  }

  struct Sight: Sendable {
    var index: Int
    var tail: EventsTail
    var key: Digest?
    var lines: [[UInt8]] = []
    var isThere = false
  }

  /// What workers wrote, and whether results of jobs that are gone have appeared.
  func readEvents() {
    let sights = jobs.sorted { $0.key < $1.key }.compactMap { index, job in
      job.tail.map {
        Sight(
          index: index, tail: $0,
          key: job.end != nil && !job.assignment.again ? job.assignment.key : nil)
      }
    }
    reading.async { [store = submission.store] in
      var seen = sights
      for place in seen.indices {
        seen[place].lines = seen[place].tail.read()
        if let key = seen[place].key, case .hit = store.lookUp(key) { seen[place].isThere = true }
      }
      let result = seen
      self.queue.async {
        guard !self.isFinished else { return }
        for sight in result { self.saw(sight) }
        guard !self.jobs.isEmpty else {
          self.isReading = false
          return
        }
        // Small files on a file server: many are not asked for as often as few.
        self.after(self.jobs.count > 50 ? 2 : 0.5) { $0.readEvents() }
      }
    }
  }

  func saw(_ sight: Sight) {
    guard let job = jobs[sight.index] else { return }
    for line in sight.lines {
      guard let message = WorkerMessage(line: line) else { continue }
      switch message {
      case .begin(let beginning):
        guard !job.hasBegun else { break }
        job.hasBegun = true
        job.begin = .now
        listener.began(sight.index, pid: beginning.pid, job: job.id, log: job.log)
      case .exit(let exit): job.lastWord = exit
      case .progress, .problem, .end: listener.said(sight.index, message)
      }
    }
    // A quick worker may be done before sbatch has answered; its number comes first.
    if let name = job.batch, case .submitting? = batches[name]?.place { return }
    if let word = job.lastWord, !isMute(word, job) {
      return conclude(sight.index, ending(of: job, status: word.status))
    }
    if sight.isThere { return conclude(sight.index, ending(of: job, status: 0)) }
    if job.lastWord?.status == WorkerStatus.interrupted { pause = options.shortestPause }
    if let seen = job.endSeen, seen.duration(to: .now) >= .seconds(patience(with: job)) {
      explain(sight.index)
    }
  }

  /// Whether only Slurm can tell what a worker's last word means: something else asked it to end.
  func isMute(_ word: WorkerExit, _ job: Job) -> Bool {
    word.status == WorkerStatus.interrupted && job.stop == .none && !wasOverTime(word, job)
  }

  func wasOverTime(_ word: WorkerExit, _ job: Job) -> Bool {
    guard let limit = job.assignment.instance.resources.time else { return false }
    // Slurm sends the signal up to a minute early.
    return word.status == WorkerStatus.interrupted && job.stop == .none
      && word.seconds + 60 + runOptions.grace >= limit
      && word.seconds >= limit / 2
  }

  func patience(with job: Job) -> Double {
    job.stop == .none ? options.patience : min(1, options.patience)
  }

  func ending(of job: Job, status: Int32?) -> WorkerEnding {
    var ending = WorkerEnding(status: status)
    if let word = job.lastWord {
      ending.seconds = word.seconds
      ending.cpuSeconds = word.cpuSeconds
      ending.peakMemory = max(0, word.peakMemory)
      ending.isOverTimeLimit = wasOverTime(word, job)
    } else if job.hasBegun {
      let spent = job.begin.duration(to: .now).components
      ending.seconds = Double(spent.seconds) + Double(spent.attoseconds) * 1e-18
    }
    return ending
  }

  /// No result, no last word: what Slurm can say.
  func explain(_ index: Int) {
    guard let job = jobs[index], !job.isBeingExplained, let end = job.end else { return }
    guard job.stop == .none else {
      return conclude(index, ending(of: job, status: WorkerStatus.interrupted))
    }
    job.isBeingExplained = true
    let id = job.id
    let log = job.log
    let out = job.batch.map { name in
      let isArray = (batches[name]?.record.tasks.count ?? 1) > 1
      let folder = (batches[name]!.record.script as NSString).deletingLastPathComponent
      return "\(folder)/\(name)\(isArray ? "-\(job.task)" : "").out"
    }
    looking.async { [submission] in
      let obituary =
        id.map { submission.obituary(of: $0, end: end) } ?? SlurmObituary(job: "?", end: end)
      // What came before the worker's log was open.
      let words = fileSize(log) == 0 ? out.flatMap { fileSize($0) > 0 ? $0 : nil } : nil
      self.queue.async {
        guard !self.isFinished, let job = self.jobs[index] else { return }
        var ending = self.ending(of: job, status: nil)
        ending.obituary = obituary
        ending.log = words
        self.conclude(index, ending)
      }
    }
  }

  func conclude(_ index: Int, _ ending: WorkerEnding) {
    guard let job = jobs.removeValue(forKey: index) else { return }
    gathered.removeAll { $0 == index }
    if let name = job.batch, let batch = batches[name] {
      batch.members.remove(index)
      if batch.members.isEmpty {
        batches[name] = nil
        // A record that names other tasks too goes when the queue does not know it any more.
        let isWhole = batch.request != nil || batch.adopted == batch.record.tasks.count
        if isWhole, !batch.isShared, !batch.mustStay {
          submitting.async { [submission] in submission.forget(name) }
        }
      }
    }
    listener.ended(index, ending)
  }
}
