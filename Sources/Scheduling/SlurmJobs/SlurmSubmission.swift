// Getting jobs into the queue exactly once. Before sbatch is called a record with the job's name is made
// durable (`<store>/jobs`); a later run that wants the same key finds it there and asks Slurm for that
// name. These are the parts that block; SlurmExecutor.swift calls them on queues of their own.

import ArtifactStore
import Diagnostics
import Foundation
import Glibc
import Slurm

/// A task of an earlier submission that would make a key.
struct EarlierTask: Sendable {
  var batch: SlurmBatch
  var number: Int
  /// Another run that lives waits for it.
  var isOwned: Bool
  var isBeingSubmitted: Bool
}

struct SlurmSubmission: Sendable {
  let options: RunOptions.SlurmOptions
  let tool: SlurmTool
  let store: Store
  /// Of the run: scripts, events, what came before logs.
  let folder: String
  /// A record without an answer may stand for a submission under way until it is this old, in seconds.
  var horizon: Double { options.commandTime + 15 }

  var records: String { store.path + "/jobs" }

  func prepare() throws(Diagnostic) {
    try createFolder(folder)
    try createFolder(records)
  }

  enum Answer: Sendable {
    case accepted(String)
    case refused(String)
    /// Too many jobs at the moment.
    case crowded(String)
    /// Nobody knows whether it is there.
    case lost(String)
    /// The record could not be written, so nothing was submitted.
    case unwritable(Diagnostic)
  }

  /// Writes down what is intended, then does it.
  func submit(
    _ batch: SlurmBatch, _ request: SlurmRequest, script: String, comment: String, grace: Double
  ) -> Answer {
    do {
      try writeFile(batch.script, Array(script.utf8)) {
        .runFolderUnwritable(batch.script, reason: $0)
      }
    } catch {
      return .unwritable(error)
    }
    let error = batch.write(into: records)
    guard error == 0 else {
      return .unwritable(.runFolderUnwritable(records, reason: String(cString: strerror(error))))
    }
    let lock = SubmissionLock(script: batch.script)
    let reply = tool.run(
      SlurmCommand.submit(
        request, name: batch.name, comment: comment, tasks: batch.tasks.count,
        script: batch.script, folder: folder, grace: grace),
      seconds: options.commandTime, holding: lock?.descriptor)
    lock?.release()
    if case .notStarted(let reason) = reply.ending { return .refused(reason) }
    if reply.isGood, let job = SlurmAnswers.submitted(reply.output) {
      note(job, of: batch)
      return .accepted(job)
    }
    if reply.isCrowded { return .crowded(reply.complaint) }
    return reply.isRefusal ? .refused(reply.complaint) : .lost(reply.complaint)
  }

  /// From now on a job that is not in the queue has ended.
  func note(_ job: String, of batch: SlurmBatch) {
    var known = batch
    known.job = job
    _ = known.write(into: records)
  }

  func takeOver(_ batch: SlurmBatch, owner: String) {
    var mine = batch
    mine.owner = owner
    _ = mine.write(into: records)
  }

  func forget(_ name: String) { unlink("\(records)/\(name).json") }

  /// Submissions of other runs.
  ///
  /// - Parameter own: names of this run's submissions.
  func earlier(besides own: Set<String>) -> [SlurmBatch] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: records)) ?? []
    return names.sorted().compactMap { name in
      guard name.hasSuffix(".json"), SlurmBatch.isName(String(name.dropLast(5))),
        !own.contains(String(name.dropLast(5)))
      else { return nil }
      return SlurmBatch.read("\(records)/\(name)")
    }
  }

  /// - Parameter owner: the name of this run.
  func tasks(of batches: [SlurmBatch], besides owner: String) -> [String: [EarlierTask]] {
    var found: [String: [EarlierTask]] = [:]
    for batch in batches {
      let isBeingSubmitted = isUnderWay(batch)
      let isOwned = batch.owner != owner && store.isLive(run: batch.owner)
      for (number, task) in batch.tasks.enumerated() {
        found[task.key, default: []].append(
          EarlierTask(
            batch: batch, number: number, isOwned: isOwned, isBeingSubmitted: isBeingSubmitted))
      }
    }
    return found
  }

  /// Whether its sbatch may still be at work: its lock tells on this host, time on others.
  private func isUnderWay(_ batch: SlurmBatch) -> Bool {
    guard batch.job == nil else { return false }
    if SubmissionLock.isTaken(script: batch.script) { return true }
    let age = Date().timeIntervalSince1970 - batch.written
    return age < (batch.host == Machine.host ? options.settling : horizon)
  }

  /// Removes records whose jobs are gone and whose run is too.
  func sweep(_ batches: [SlurmBatch], queue: [SlurmJob]) {
    let alive = Set(queue.filter { !$0.state.isEnded }.map(\.name))
    for batch in batches where !alive.contains(batch.name) {
      guard !isUnderWay(batch), !store.isLive(run: batch.owner) else { continue }
      forget(batch.name)
    }
  }

  /// nil if Slurm does not answer.
  func queue() -> (jobs: [SlurmJob]?, complaint: String) {
    let reply = tool.run(SlurmCommand.queue(user: getuid()), seconds: options.commandTime)
    return reply.isGood ? (SlurmAnswers.queue(reply.output), "") : (nil, reply.complaint)
  }

  /// Tasks of one array.
  func largestArray() -> Int {
    let reply = tool.run(SlurmCommand.configuration(), seconds: min(15, options.commandTime))
    let most = reply.isGood ? SlurmAnswers.largestArray(reply.output) : nil
    return max(1, min(most ?? 1001, 1000))
  }

  /// Everything that can be found out about the end of a job.
  func obituary(of job: String, end: SlurmEnd) -> SlurmObituary {
    var found = SlurmObituary(job: job, end: end)
    let shown = tool.run(SlurmCommand.describe(job), seconds: min(30, options.commandTime))
    if shown.isGood, let told = SlurmAnswers.description(shown.output, of: job) {
      found = told
    } else if tool.path(of: "sacct") != nil {
      let counted = tool.run(
        SlurmCommand.accounting([job]), seconds: min(30, options.commandTime))
      if counted.isGood, let told = SlurmAnswers.accounting(counted.output)[job] { found = told }
    }
    // The queue's word was the first and is the more precise one (a job killed for memory may be
    // FAILED for the accounting).
    if end != .forgotten, end != .failed, end != .completed { found.end = end }
    return found
  }
}
