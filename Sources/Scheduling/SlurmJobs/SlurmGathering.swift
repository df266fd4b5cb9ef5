// What is ready becomes jobs: those of earlier runs are adopted, the others go out together with their like.
// The records that keep anything from being submitted twice are in SlurmSubmission.swift.

import ArtifactStore
import Diagnostics
import Dispatch
import Foundation
import Glibc
import Slurm

extension SlurmExecutor {
  func gather(_ index: Int, after seconds: Double? = nil) {
    gathered.append(index)
    guard !isGathering else { return }
    isGathering = true
    after(seconds ?? options.gathering) { $0.sort() }
  }

  /// Looks for earlier submissions of the same keys, then places everything.
  func sort() {
    // Of what was adopted, further tasks may be wanted later.
    let own = Set(batches.filter { $0.value.request != nil }.keys)
    let keys = Set(gathered.compactMap { jobs[$0]?.assignment.key.hex })
    let mustSweep = !hasSwept
    let (known, owner) = (largestArray, owner)
    submitting.async { [submission] in
      let records = submission.earlier(besides: own)
      let tasks = submission.tasks(of: records, besides: owner)
      let isOfUse = tasks.keys.contains(where: keys.contains)
      var found: (jobs: [SlurmJob]?, complaint: String)?
      if isOfUse || (mustSweep && !records.isEmpty) { found = submission.queue() }
      // Only what is of no use to anybody goes; what is of use to us is looked at first.
      if let jobs = found?.jobs {
        submission.sweep(
          records.filter { record in
            record.owner != owner && !record.tasks.contains { keys.contains($0.key) }
          },
          queue: jobs)
      }
      let largest = known ?? submission.largestArray()
      let (jobs, complaint, wasAsked) = (found?.jobs, found?.complaint ?? "", found != nil)
      self.queue.async {
        guard !self.isFinished else { return }
        self.largestArray = largest
        if wasAsked { self.heard(jobs != nil, complaint) }
        self.hasSwept = self.hasSwept || jobs != nil || records.isEmpty
        self.place(tasks, jobs)
      }
    }
  }

  func place(_ earlier: [String: [EarlierTask]], _ queued: [SlurmJob]?) {
    isGathering = false
    let indices = gathered.filter { jobs[$0] != nil }
    gathered = []
    var fresh: [Int] = []
    for index in indices {
      guard let job = jobs[index], job.stop == .none else { continue }
      let candidates = (earlier[job.assignment.key.hex] ?? []).filter { candidate in
        !job.assignment.again || candidate.batch.tasks[candidate.number].again
      }
      guard !candidates.isEmpty else {
        fresh.append(index)
        continue
      }
      guard let queued else {
        gather(index, after: 5)
        continue
      }
      let adopted = candidates.lazy.compactMap { candidate in
        queued.first {
          $0.name == candidate.batch.name && $0.task == candidate.number && !$0.state.isEnded
        }.map { (candidate, $0) }
      }.first
      if let (candidate, found) = adopted {
        adopt(index, candidate, found)
      } else if candidates.contains(where: \.isBeingSubmitted) {
        // The sbatch of a run that has died may still be at work.
        gather(index, after: 1)
      } else {
        fresh.append(index)
      }
    }
    submit(fresh)
    watch()
  }

  func adopt(_ index: Int, _ task: EarlierTask, _ found: SlurmJob) {
    guard let job = jobs[index] else { return }
    let name = task.batch.name
    if batches[name] == nil {
      var record = task.batch
      record.job = found.number
      batches[name] = Batch(
        record, nil, place: .known(since: .now), isShared: task.isOwned, members: [])
      if !task.isOwned {
        let (mine, owner) = (record, owner)
        submitting.async { [submission] in submission.takeOver(mine, owner: owner) }
      }
    }
    batches[name]?.members.insert(index)
    batches[name]?.adopted += 1
    job.batch = name
    job.task = task.number
    job.id = found.id
    job.log = task.batch.tasks[task.number].log
    job.tail = EventsTail(task.batch.tasks[task.number].events)
    listener.submitted(index, job: found.id, isAdopted: true)
  }

  func submit(_ indices: [Int]) {
    var groups: [(request: SlurmRequest, members: [Int])] = []
    for index in indices {
      guard let assignment = jobs[index]?.assignment else { continue }
      let resources = assignment.instance.resources
      let request = SlurmRequest(
        cpus: assignment.threads, memory: resources.memory, time: resources.time,
        options: resources.slurm.options)
      if let place = groups.firstIndex(where: { $0.request == request }) {
        groups[place].members.append(index)
      } else {
        groups.append((request, [index]))
      }
    }
    let most = largestArray ?? 1000
    for group in groups {
      for start in stride(from: 0, to: group.members.count, by: most) {
        let members = Array(group.members[start..<min(start + most, group.members.count)])
        submit(members, group.request)
      }
    }
  }

  func submit(_ members: [Int], _ request: SlurmRequest) {
    let name = SlurmBatch.randomName()
    let folder = submission.folder
    let tasks = members.enumerated().map { number, index in
      let assignment = jobs[index]!.assignment
      return SlurmBatch.Task(
        key: assignment.key.hex, instance: assignment.instance.id.description,
        order: assignment.order, log: assignment.log, events: "\(folder)/\(name)-\(number).jsonl",
        again: assignment.again)
    }
    let record = SlurmBatch(
      name: name, owner: owner, host: Machine.host, written: Date().timeIntervalSince1970,
      script: "\(folder)/\(name).sh", tasks: tasks)
    let batch = Batch(
      record, request, place: .submitting, isShared: false, members: Set(members))
    batches[name] = batch
    for (number, index) in members.enumerated() {
      jobs[index]!.batch = name
      jobs[index]!.task = number
      jobs[index]!.tail = EventsTail(tasks[number].events)
    }
    send(batch)
  }

  func send(_ batch: Batch) {
    batch.place = .submitting
    guard let request = batch.request else { preconditionFailure("adopted jobs are submitted") }
    batch.record.written = Date().timeIntervalSince1970
    let record = batch.record
    let program =
      [options.program ?? Self.resolved(runOptions.worker.path)] + runOptions.worker.arguments
    let script = SlurmScript.text(
      of: record, program: program, environment: runOptions.worker.environment,
      cpus: request.cpus)
    let (comment, grace) = (runName, runOptions.grace)
    submitting.async { [submission] in
      let answer = submission.submit(
        record, request, script: script, comment: comment, grace: grace)
      self.queue.async {
        guard !self.isFinished else { return }
        self.answered(record.name, answer)
      }
    }
  }

  /// Under the same name: should both submissions have happened, that shows.
  func sendAgain(_ name: String) {
    guard let batch = batches[name] else { return }
    guard batch.members.contains(where: { jobs[$0]?.stop == Job.Stop.none }) else {
      for index in batch.members { conclude(index, .stopped) }
      return
    }
    send(batch)
  }

  /// `/proc/self/exe` is another program on the node.
  static func resolved(_ path: String) -> String {
    guard path.hasPrefix("/proc/self/") else { return path }
    return (try? FileManager.default.destinationOfSymbolicLink(atPath: path)) ?? path
  }

  func answered(_ name: String, _ answer: SlurmSubmission.Answer) {
    guard let batch = batches[name] else { return }
    switch answer {
    case .accepted(let number): found(batch, number)
    case .refused(let reason):
      for index in batch.members { conclude(index, refusal(reason)) }
    case .unwritable(let problem):
      for index in batch.members { conclude(index, refusal(problem.message)) }
    case .crowded(let reason):
      if !hasWarned { listener.warned(.slurmCrowded(reason: reason)) }
      hasWarned = true
      let wait = min(60, 2 * options.settling * Double(batch.attempts))
      batch.attempts += 1
      after(wait) { $0.sendAgain(name) }
    case .lost(let reason):
      batch.place = .lost(since: .now)
      heard(false, reason)
      pause = options.shortestPause
    }
    watch()
  }

  func refusal(_ reason: String) -> WorkerEnding {
    var ending = WorkerEnding()
    ending.refusal = reason
    return ending
  }

  /// Its number is known.
  func found(_ batch: Batch, _ number: String) {
    batch.record.job = number
    batch.place = .known(since: .now)
    pause = options.shortestPause
    heard(true, "")
    for index in batch.members.sorted() {
      guard let job = jobs[index] else { continue }
      job.id = batch.record.tasks.count > 1 ? "\(number)_\(job.task)" : number
      listener.submitted(index, job: job.id!, isAdopted: false)
      if job.stop != .none { stop(index, gently: job.stop == .gentle) }
    }
  }
}
