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
  private let runOptions: RunOptions
  private let owner: String
  private let runName: String
  private let submission: SlurmSubmission
  private let queue: DispatchQueue
  private unowned let listener: any ExecutorListener
  private let submitting = DispatchQueue(label: "plumb.slurm.sbatch")
  private let looking = DispatchQueue(label: "plumb.slurm.squeue")
  private let cancelling = DispatchQueue(label: "plumb.slurm.scancel")
  private let reading = DispatchQueue(label: "plumb.slurm.events")

  private var jobs: [Int: Job] = [:]
  private var batches: [String: Batch] = [:]
  private var gathered: [Int] = []
  private var isGathering = false
  private var largestArray: Int?
  private var isReading = false
  private var isLooking = false
  private var pause: Double
  private var looks = 0
  private var silentSince: ContinuousClock.Instant?
  private var hasWarned = false
  private var hasSwept = false
  private var isFinished = false
  private var toTerminate: [String] = []
  private var toCancel: [Int] = []

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

  func finish() {
    isFinished = true
    // Records that are to go, go.
    let isDone = DispatchSemaphore(value: 0)
    submitting.async { isDone.signal() }
    _ = isDone.wait(timeout: .now() + 2)
  }

  private func after(_ seconds: Double, _ act: @escaping @Sendable (SlurmExecutor) -> Void) {
    queue.asyncAfter(deadline: .now() + seconds) { [weak self] in
      guard let self, !isFinished else { return }
      act(self)
    }
  }

  // MARK: Gathering: adopted, or submitted together with its like

  private func gather(_ index: Int, after seconds: Double? = nil) {
    gathered.append(index)
    guard !isGathering else { return }
    isGathering = true
    after(seconds ?? options.gathering) { $0.sort() }
  }

  /// Looks for earlier submissions of the same keys, then places everything.
  private func sort() {
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

  private func place(_ earlier: [String: [EarlierTask]], _ queued: [SlurmJob]?) {
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

  private func adopt(_ index: Int, _ task: EarlierTask, _ found: SlurmJob) {
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

  private func submit(_ indices: [Int]) {
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

  private func submit(_ members: [Int], _ request: SlurmRequest) {
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

  private func send(_ batch: Batch) {
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
  private func sendAgain(_ name: String) {
    guard let batch = batches[name] else { return }
    guard batch.members.contains(where: { jobs[$0]?.stop == Job.Stop.none }) else {
      for index in batch.members { conclude(index, .stopped) }
      return
    }
    send(batch)
  }

  /// `/proc/self/exe` is another program on the node.
  private static func resolved(_ path: String) -> String {
    guard path.hasPrefix("/proc/self/") else { return path }
    return (try? FileManager.default.destinationOfSymbolicLink(atPath: path)) ?? path
  }

  private func answered(_ name: String, _ answer: SlurmSubmission.Answer) {
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

  private func refusal(_ reason: String) -> WorkerEnding {
    var ending = WorkerEnding()
    ending.refusal = reason
    return ending
  }

  /// Its number is known.
  private func found(_ batch: Batch, _ number: String) {
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

  // MARK: Watching

  private func watch() {
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

  private struct Sight: Sendable {
    var index: Int
    var tail: EventsTail
    var key: Digest?
    var lines: [[UInt8]] = []
    var isThere = false
  }

  /// What workers wrote, and whether results of jobs that are gone have appeared.
  private func readEvents() {
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

  private func saw(_ sight: Sight) {
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
  private func isMute(_ word: WorkerExit, _ job: Job) -> Bool {
    word.status == WorkerStatus.interrupted && job.stop == .none && !wasOverTime(word, job)
  }

  private func wasOverTime(_ word: WorkerExit, _ job: Job) -> Bool {
    guard let limit = job.assignment.instance.resources.time else { return false }
    // Slurm sends the signal up to a minute early.
    return word.status == WorkerStatus.interrupted && job.stop == .none
      && word.seconds + 60 + runOptions.grace >= limit
      && word.seconds >= limit / 2
  }

  private func patience(with job: Job) -> Double {
    job.stop == .none ? options.patience : min(1, options.patience)
  }

  private func ending(of job: Job, status: Int32?) -> WorkerEnding {
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
  private func explain(_ index: Int) {
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

  private func conclude(_ index: Int, _ ending: WorkerEnding) {
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

  // MARK: The queue

  private func look() {
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
  private func heard(_ answered: Bool, _ complaint: String) {
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

  private func compare(_ queued: [SlurmJob], asked: ContinuousClock.Instant) {
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

  private func compare(_ job: Job, _ found: SlurmJob) {
    job.missing = 0
    if case .ended(let end) = found.state {
      if job.end == nil { ended(job, end) }
    } else {
      // It was requeued by somebody.
      job.end = nil
      job.endSeen = nil
    }
  }

  private func ended(_ job: Job, _ end: SlurmEnd) {
    job.end = end
    job.endSeen = .now
    pause = options.shortestPause
  }

  /// A submission without an answer: there it is, or it is made again under the same name.
  private func settle(
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
  private func removeDuplicates(_ batch: Batch, _ own: [SlurmJob]) {
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

  private static func isOlder(_ a: String, _ b: String) -> Bool {
    (a.utf8.count, a) < (b.utf8.count, b)
  }

  // MARK: Stopping

  /// One scancel for many jobs.
  private func sendStops() {
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

  private static func parts(_ ids: [String]) -> [[String]] {
    stride(from: 0, to: ids.count, by: 200).map { Array(ids[$0..<min($0 + 200, ids.count)]) }
  }

  private func stopped(_ cancelled: [Int], isSent: Bool) {
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
  fileprivate static var stopped: WorkerEnding {
    WorkerEnding(status: WorkerStatus.interrupted)
  }
}
