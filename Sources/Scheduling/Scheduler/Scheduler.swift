// Drives the state machine (SchedulerState.swift) on one serial queue: carries out its commands, turns
// what happens outside into events. Decisions (disk) are made on a second queue, so that signals and
// workers are heard while a large file is hashed: SchedulerDecisions.swift. Workers:
// SchedulerWorkers.swift; leases of others: SchedulerLeases.swift.

import ArtifactStore
import CLinux
import CanonicalJSON
import Diagnostics
import Dispatch
import Foundation
import Glibc
import Pipelines

/// One run of a pipeline.
///
/// `run()` blocks; everything else happens on its queues.
public final class Scheduler: @unchecked Sendable {
  // All mutable state is touched on `queue` only, after `run()` has set it up.
  let pipeline: Pipeline
  let store: Store
  let options: RunOptions
  let bodies: [any StageBody.Type]
  private let observers: [any RunObserver]
  let planner: Planner
  /// Says in the store that this run goes on, and what it uses.
  let live: LiveRun?
  private let wanted: [Int]
  /// Instances that `--recheck` makes again.
  let rechecked: Set<Int>

  let queue = DispatchQueue(label: "plumb.scheduler")
  let deciding = DispatchQueue(label: "plumb.scheduler.deciding")
  private let hasEnded = DispatchSemaphore(value: 0)
  private(set) var state: SchedulerState
  private(set) var recorder: RunRecorder!
  var decisions: [Int: Decision] = [:]
  var results: [Int: ActionResult] = [:]
  var workers: [Int: RunningWorker] = [:]
  /// How often the node of an instance was lost.
  var lostNodes: [Int: Int] = [:]
  private(set) var executor: (any Executor)!
  private var signals: [any DispatchSourceSignal] = []
  private var signalSeen: Int32 = 0
  var timers: [String: any DispatchSourceTimer] = [:]
  /// Instances whose decision was ordered by the events at hand.
  var undecided: [Int] = []
  /// Answers come in batches; what they bring to be decided is ordered in batches too.
  var hearsAnswers = false
  var decisionsMade = 0
  var decisionsOrdered = 0
  /// Whether old runs were asked how long things take. Touched on `deciding` only.
  var hasAskedForSeconds = false

  /// - Parameters:
  ///   - bodies: for their estimates of memory; workers bring their own.
  ///   - observers: get every event, in order, on the scheduler's queue.
  public init(
    pipeline: Pipeline, store: Store, bodies: [any StageBody.Type], options: RunOptions,
    observers: [any RunObserver] = []
  ) {
    self.pipeline = pipeline
    self.store = store
    self.bodies = bodies
    self.options = options
    self.observers = observers
    wanted = pipeline.withAncestors(of: options.targets)
    rechecked = Self.sample(options.recheck, of: wanted, in: pipeline)
    var again: [Int: String] = [:]
    for index in rechecked { again[index] = "checked again" }
    for index in options.again { again[index] = "asked for again" }
    live = try? store.beginRun(label: pipeline.name)
    planner = Planner(pipeline: pipeline, store: store, again: again, live: live)
    state = SchedulerState(
      dependencies: pipeline.instances.map { pipeline.dependencies(of: $0.index) }, wanted: wanted,
      budget: options.budget,
      keepGoing: options.keepGoing)
  }

  /// The part of the instances that `--recheck` makes again: the same ones each time.
  static func sample(_ fraction: Double, of wanted: [Int], in pipeline: Pipeline) -> Set<Int> {
    guard fraction > 0, !wanted.isEmpty else { return [] }
    let count = min(wanted.count, Int((fraction * Double(wanted.count)).rounded(.up)))
    let mixed = wanted.map { index in
      (
        index: index,
        mark: Digest.of("plumb.recheck/1\n" + pipeline.instances[index].id.description)
      )
    }
    return Set(
      mixed.sorted { ($0.mark, $0.index) < ($1.mark, $1.index) }.prefix(count).map(\.index))
  }

  /// Runs the pipeline to its end and returns what became of it.
  ///
  /// **Throws**: what makes a run impossible (the store's folder cannot be written); a failed stage is
  /// no error but a row of the report.
  public func run() throws(Diagnostic) -> RunReport {
    if let unset = pipeline.unset.first { throw unset }
    try requireExecutor()
    store.sweepLeases()
    let folder = try store.createRun(name: pipeline.name)
    try createFolder(folder.path + "/logs")
    try createFolder(folder.path + "/orders")
    RunController.write(into: folder.path, live: liveName)
    executor = try makeExecutor(folder)
    defer { queue.sync { executor.finish() } }
    recorder = try RunRecorder(
      folder: folder, pipeline: pipeline, wanted: wanted, options: options, observers: observers)
    if options.catchesSignals { catchSignals() }
    queue.async {
      self.keepAlive()
      self.handle(.begin)
    }
    hasEnded.wait()
    for source in signals { source.cancel() }
    return try queue.sync { Result { () throws(Diagnostic) in try finish() } }.get()
  }

  /// Stops as a signal would: the first time gently, the second at once.
  public func stop(signal: Int32 = SIGINT) {
    queue.async { self.stopOnQueue(signal) }
  }

  // MARK: Events and commands

  func handle(_ event: SchedulerState.Event) {
    var events = [event]
    while !events.isEmpty {
      let commands = state.advance(events.removeFirst())
      for command in commands { events += carryOut(command) }
    }
    if !hearsAnswers { decideInBatches() }
  }

  /// - Returns: events that follow at once.
  private func carryOut(_ command: SchedulerState.Command) -> [SchedulerState.Event] {
    switch command {
    case .decide(let index): undecided.append(index)
    case .launch(let index, let threads):
      do {
        try launch(index, threads: threads, record: decisions[index]!.record!)
      } catch {
        fail(index, cause: .launch, problem: error.located(at: pipeline.instances[index].span))
        return [.workerEnded(index, .failed)]
      }
    case .watchLease(let index): return watchLease(index)
    case .unwatchLease(let index): cancelTimer("lease \(index)")
    case .pause(let index): pause(index)
    case .cancelPause(let index): cancelTimer("pause \(index)")
    case .recall(let index): executor.recall(index)
    case .terminate(let index): executor.stop(index, gently: true)
    case .kill(let index): executor.stop(index, gently: false)
    case .startGrace:
      startTimer("grace", after: options.grace) { $0.handle(.graceIsOver) }
    case .settled(let index, let settlement): settled(index, settlement)
    case .finish: hasEnded.signal()
    }
    return []
  }

  /// The end of an instance: its row is complete.
  private func settled(_ index: Int, _ settlement: SchedulerState.Settlement) {
    let id = pipeline.instances[index].id
    switch settlement {
    case .produced, .reused(from: nil): break
    case .reused(let twin?): results[index] = results[twin]
    case .skipped(let because):
      let cause = pipeline.instances[because].id
      recorder.change(index) {
        $0.failure = RunFailure(cause: .upstream, problem: .skipped(id, because: cause))
      }
    case .failed, .interrupted, .notStarted: break
    }
    recorder.change(index) { row in
      row.outcome =
        switch settlement {
        case .produced: .produced
        case .reused: .reused
        case .failed: .failed
        case .skipped: .skipped
        case .interrupted: .interrupted
        case .notStarted: .notStarted
        }
      row.ended = row.ended ?? rounded(recorder.elapsed)
      row.outputs = (results[index]?.outputs ?? []).map {
        (port: $0.port, reference: $0.reference.description)
      }
    }
    if settlement == .failed { try? recorder.save() }
    recorder.send(.finished(recorder.row(index)))
  }

  func fail(
    _ index: Int, cause: RunFailure.Cause, problem: Diagnostic, logTail: [String] = [],
    log: String? = nil
  ) {
    recorder.change(index) {
      $0.failure = RunFailure(cause: cause, problem: problem, logTail: logTail, log: log)
    }
  }

  /// The store's word after a worker ended well, on the deciding queue since it reads a disk.
  ///
  /// - Parameter patience: seconds for which a result may still appear (a shared file system).
  func confirm(_ index: Int, _ statement: WorkerStatement?, patience: Double) {
    let instance = pipeline.instances[index]
    let decision = decisions[index]!
    deciding.async { [store] in
      let found = store.lookUp(decision.key!)
      var comparison: RunRow.Comparison?
      if decision.existing != nil, let statement, case .hit(let first) = found {
        comparison = .identical
        if statement.outcome == .differs {
          let others = store.evidence(of: first.key)
          comparison = ResultComparison.worst(
            first, others, definition: instance.definition, store: store)
        }
      }
      let compared = comparison
      var gate: Diagnostic?
      if case .hit(let result) = found {
        gate = GateCheck.problem(of: instance, result: result, in: store)
      }
      let problem = gate
      self.queue.async {
        guard case .hit(let result) = found else {
          guard patience <= 0 else {
            return self.startTimer("confirm \(index)", after: 0.5) {
              $0.confirm(index, statement, patience: patience - 0.5)
            }
          }
          self.fail(index, cause: .exit, problem: .publishedNothing(instance))
          self.handle(.workerEnded(index, .failed))
          return
        }
        self.results[index] = result
        self.recorder.change(index) {
          $0.comparison = compared
          $0.evidence = statement?.evidence
        }
        // Without `again` a second, different result is news too: two makers of one key disagreed.
        let seen = compared ?? (statement?.outcome == .differs ? .differs : .identical)
        if seen != .identical {
          self.recorder.send(
            .warning(
              .resultDiffers(instance.id, comparison: seen, evidence: statement?.evidence)
                .located(at: instance.span)))
        }
        if let problem {
          self.fail(index, cause: .gate, problem: problem)
          self.handle(.workerEnded(index, .failed))
          return
        }
        self.handle(.workerEnded(index, statement?.outcome == .found ? .found : .published))
      }
    }
  }

  // MARK: Signals and timers

  private func catchSignals() {
    for number in [SIGINT, SIGTERM, SIGHUP] {
      signal(number, SIG_IGN)
      let source = DispatchSource.makeSignalSource(signal: number, queue: queue)
      source.setEventHandler { [weak self] in self?.stopOnQueue(number) }
      source.setCancelHandler { signal(number, SIG_DFL) }
      source.activate()
      signals.append(source)
    }
  }

  private func stopOnQueue(_ signal: Int32) {
    guard state.phase != .finished else { return }
    signalSeen = signal
    recorder.send(.stopping(signal: signal, grace: options.grace, workers: workers.count))
    handle(.stop)
  }

  func startTimer(_ name: String, after seconds: Double, _ action: @escaping (Scheduler) -> Void) {
    cancelTimer(name)
    let timer = DispatchSource.makeTimerSource(queue: queue)
    timer.schedule(deadline: .now() + seconds)
    timer.setEventHandler { [weak self] in
      guard let self else { return }
      cancelTimer(name)
      action(self)
    }
    timers[name] = timer
    timer.activate()
  }

  func cancelTimer(_ name: String) { timers.removeValue(forKey: name)?.cancel() }

  // MARK: The end

  /// Two people may keep pipelines of one name in a store that they share.
  private var rootName: String {
    let place = URL(fileURLWithPath: pipeline.manifestPath).standardizedFileURL.path
    return "\(pipeline.name)-\(Digest.of(place).hex.prefix(8))"
  }

  private func finish() throws(Diagnostic) -> RunReport {
    for name in Array(timers.keys) { cancelTimer(name) }
    let rows = recorder.report.rows
    // A partial or broken run must not let go of what the last whole one holds.
    let isWhole =
      options.targets == nil && rows.allSatisfy { [.produced, .reused].contains($0.outcome) }
    let root = Root(
      project: rootName, name: isWhole ? "last-whole-run" : "last-partial-run",
      keys: wanted.compactMap { results[$0]?.key }, references: [])
    // A full disk must not hide what became of the stages: observers hear the end in any case.
    let rooted = Result { () throws(Diagnostic) in try store.record(root: root) }
    // A worker that something else stopped did not do its work either.
    let failures = rows.filter { $0.outcome == .failed || $0.outcome == .interrupted }
    let onlyGates = failures.allSatisfy { $0.failure?.cause == .gate }
    let onlyLocks = failures.allSatisfy { $0.failure?.cause == .locked }
    let report =
      if signalSeen != 0 {
        try recorder.end(outcome: .interrupted, exitCode: 128 + signalSeen)
      } else {
        try recorder.end(
          outcome: failures.isEmpty ? .succeeded : .failed,
          exitCode: failures.isEmpty ? 0 : onlyLocks ? 75 : onlyGates ? 4 : 1)
      }
    live?.end()
    try rooted.get()
    return report
  }
}
