// The scheduler as a pure state machine: events in, commands out, no clock, no disk, no process. It
// can be tested and replayed with nothing running. Its words are in SchedulerWords.swift; Scheduler.swift
// carries out the commands; SchedulerBudget.swift decides which of the ready instances start.

import ArtifactStore

struct SchedulerState {
  let keepGoing: Bool
  let budget: Budget
  private(set) var phase = Phase.working
  private(set) var instances: [InstanceState]
  private let dependents: [[Int]]
  /// Seconds from the start of each instance to the end of the run along the longest path.
  private(set) var urgency: [Double]
  /// The instance that makes, or made, each key in this run.
  private var makers: [Digest: Int] = [:]
  /// Of an instance that makes a key, those that wait for the same.
  private var twins: [Int: [Int]] = [:]
  private var decisionsAreSlow = false

  // What `instances` says, kept beside it: a run of 10,000 instances has some 40,000 events, and none
  // of them may look at all instances.
  private var unsettled = 0
  private var deciding = 0
  private var running: Set<Int> = []
  /// Most urgent first.
  private var ready: [Int] = []

  /// - Parameters:
  ///   - dependencies: of each instance, in topological order (each smaller than its own index).
  ///   - wanted: instances of this run, closed under dependencies.
  init(dependencies: [[Int]], wanted: [Int], budget: Budget, keepGoing: Bool) {
    self.keepGoing = keepGoing
    self.budget = budget
    var states = [InstanceState](repeating: .aside, count: dependencies.count)
    var dependents = [[Int]](repeating: [], count: dependencies.count)
    for index in wanted {
      states[index] = .blocked(missing: dependencies[index].count)
      for dependency in dependencies[index] {
        precondition(dependency < index, "instance \(index) stands before \(dependency)")
        precondition(
          states[dependency] != .aside, "\(index) is wanted but not what it needs: \(dependency)")
        dependents[dependency].append(index)
      }
    }
    instances = states
    unsettled = wanted.count
    self.dependents = dependents
    urgency = []
    urgency = urgencies([Double](repeating: 1, count: dependencies.count))
  }

  private func urgencies(_ seconds: [Double]) -> [Double] {
    precondition(
      seconds.count == instances.count, "\(instances.count) instances, \(seconds.count) durations")
    var urgency = [Double](repeating: 0, count: seconds.count)
    for index in instances.indices.reversed() where instances[index] != .aside {
      urgency[index] = seconds[index] + (dependents[index].map { urgency[$0] }.max() ?? 0)
    }
    return urgency
  }

  /// The only place where anything changes.
  mutating func advance(_ event: Event) -> [Command] {
    guard phase != .finished else { return [] }
    var commands: [Command] = []
    switch event {
    case .begin:
      for index in instances.indices where instances[index] == .blocked(missing: 0) {
        decide(index, &commands)
      }
    case .expected(let seconds):
      urgency = urgencies(seconds)
      ready.sort(by: isMoreUrgent)
    case .decided(let index, let choice): decided(index, choice, &commands)
    case .decisionsAreSlow: decisionsAreSlow = true
    case .workerEnded(let index, let ending): workerEnded(index, ending, &commands)
    case .resultAppeared(let index):
      if case .waitingForLease = instances[index] { settle(index, .reused(from: nil), &commands) }
    case .leaseFreed(let index):
      if case .waitingForLease(let work) = instances[index] { change(index, to: .ready(work)) }
    case .leaseRefused(let index, let isFailure):
      if case .waitingForLease = instances[index] {
        settle(index, isFailure ? .failed : .notStarted, &commands)
      }
    case .pauseIsOver(let index):
      if case .backingOff(let work) = instances[index] { change(index, to: .ready(work)) }
    case .stop: stop(&commands)
    case .graceIsOver: if case .stopping = phase { killAll(&commands) }
    }
    startWhatFits(&commands)
    if unsettled == 0 {
      phase = .finished
      commands.append(.finish)
    }
    return commands
  }

  /// The only place where an instance's state changes.
  private mutating func change(_ index: Int, to state: InstanceState) {
    switch instances[index] {
    case .deciding: deciding -= 1
    case .ready: ready.remove(at: place(of: index))
    case .running: running.remove(index)
    default: break
    }
    instances[index] = state
    switch state {
    case .deciding: deciding += 1
    case .ready: ready.insert(index, at: place(of: index))
    case .running: running.insert(index)
    case .twin(let maker): twins[maker, default: []].append(index)
    case .settled: unsettled -= 1
    default: break
    }
  }

  private func isMoreUrgent(_ one: Int, _ other: Int) -> Bool {
    (-urgency[one], one) < (-urgency[other], other)
  }

  /// Where an instance stands, or belongs, among the ready ones.
  private func place(of index: Int) -> Int {
    var low = 0
    var high = ready.count
    while low < high {
      let middle = (low + high) / 2
      if isMoreUrgent(ready[middle], index) { low = middle + 1 } else { high = middle }
    }
    return low
  }

  // MARK: Deciding

  private mutating func decide(_ index: Int, _ commands: inout [Command]) {
    change(index, to: .deciding)
    commands.append(.decide(index))
  }

  private mutating func decided(_ index: Int, _ choice: Choice, _ commands: inout [Command]) {
    // A stopped run has settled it already.
    guard instances[index] == .deciding else { return }
    switch choice {
    case .reuse: settle(index, .reused(from: nil), &commands)
    case .fail: settle(index, .failed, &commands)
    case .run(let work):
      if let maker = makers[work.key] {
        if let fate = fateOfTwin(of: maker) {
          settle(index, fate, &commands)
        } else {
          change(index, to: .twin(of: maker))
        }
      } else if phase == .working {
        makers[work.key] = index
        change(index, to: .ready(work))
      } else {
        settle(index, .notStarted, &commands)
      }
    }
  }

  /// What the end of an instance means for those with the same key; nil while it has not ended.
  private func fateOfTwin(of maker: Int) -> Settlement? {
    guard case .settled(let settlement) = instances[maker] else { return nil }
    return switch settlement {
    case .produced, .reused: .reused(from: maker)
    case .failed: .skipped(because: maker)
    case .skipped(let because): .skipped(because: because)
    case .interrupted, .notStarted: .notStarted
    }
  }

  // MARK: Ending

  private mutating func workerEnded(
    _ index: Int, _ ending: Ending, _ commands: inout [Command]
  ) {
    guard case .running(let work, _) = instances[index] else {
      preconditionFailure("instance \(index) ended but was \(instances[index])")
    }
    switch ending {
    case .published: settle(index, .produced, &commands)
    case .found: settle(index, .reused(from: nil), &commands)
    case .failed: settle(index, .failed, &commands)
    case .failedForNow:
      if phase == .working {
        change(index, to: .backingOff(work))
        commands.append(.pause(index))
      } else {
        settle(index, .failed, &commands)
      }
    // While draining nobody is stopped but those that had not begun.
    case .interrupted:
      settle(index, phase == .draining ? .notStarted : .interrupted, &commands)
    case .busy:
      if phase == .working {
        change(index, to: .waitingForLease(work))
        commands.append(.watchLease(index))
      } else {
        settle(index, .notStarted, &commands)
      }
    }
  }

  private mutating func settle(
    _ index: Int, _ settlement: Settlement, _ commands: inout [Command]
  ) {
    precondition(!instances[index].isSettled, "instance \(index) is settled twice")
    if case .waitingForLease = instances[index] { commands.append(.unwatchLease(index)) }
    if case .backingOff = instances[index] { commands.append(.cancelPause(index)) }
    change(index, to: .settled(settlement))
    commands.append(.settled(index, settlement))
    for other in (twins.removeValue(forKey: index) ?? []).sorted() where !instances[other].isSettled
    {
      if let fate = fateOfTwin(of: index) { settle(other, fate, &commands) }
    }
    for dependent in dependents[index] { release(dependent, after: index, settlement, &commands) }
    if settlement == .failed && !keepGoing && phase == .working { drain(&commands) }
  }

  private mutating func release(
    _ dependent: Int, after index: Int, _ settlement: Settlement, _ commands: inout [Command]
  ) {
    guard case .blocked(let missing) = instances[dependent] else { return }
    switch settlement {
    case .produced, .reused:
      change(dependent, to: .blocked(missing: missing - 1))
      guard missing == 1 else { return }
      // While draining, decisions still tell what is reused; they start nothing.
      decide(dependent, &commands)
    case .failed: settle(dependent, .skipped(because: index), &commands)
    case .skipped(let because): settle(dependent, .skipped(because: because), &commands)
    case .interrupted, .notStarted: settle(dependent, .notStarted, &commands)
    }
  }

  /// Nothing new starts; what runs may end.
  private mutating func drain(_ commands: inout [Command]) {
    phase = .draining
    for index in instances.indices {
      switch instances[index] {
      case .running: commands.append(.recall(index))
      case .ready, .waitingForLease: settle(index, .notStarted, &commands)
      case .backingOff: settle(index, .failed, &commands)
      default: break
      }
    }
  }

  private mutating func stop(_ commands: inout [Command]) {
    if case .stopping(let times) = phase {
      phase = .stopping(times: times + 1)
      killAll(&commands)
      return
    }
    phase = .stopping(times: 1)
    for index in instances.indices {
      switch instances[index] {
      case .ready, .waitingForLease, .deciding: settle(index, .notStarted, &commands)
      case .backingOff: settle(index, .failed, &commands)
      default: break
      }
    }
    // What is blocked now waits for a running one; its turn will not come.
    for index in instances.indices {
      if case .blocked = instances[index] { settle(index, .notStarted, &commands) }
    }
    let running = instances.indices.filter {
      if case .running = instances[$0] { true } else { false }
    }
    commands += running.map { .terminate($0) }
    if !running.isEmpty { commands.append(.startGrace) }
  }

  private func killAll(_ commands: inout [Command]) {
    for index in instances.indices {
      if case .running = instances[index] { commands.append(.kill(index)) }
    }
  }

  // MARK: Starting

  private mutating func startWhatFits(_ commands: inout [Command]) {
    guard phase == .working else { return }
    if deciding == 0 { decisionsAreSlow = false }
    // How many will run side by side decides their threads: hear all decisions first.
    guard deciding == 0 || decisionsAreSlow, !ready.isEmpty, !budget.isSpent(running.count) else {
      return
    }
    let beside = running.map { index in
      guard case .running(let work, let threads) = instances[index] else {
        preconditionFailure("instance \(index) is \(instances[index]), not running")
      }
      return (work: work, threads: threads)
    }
    let starts = budget.admit(ready, beside: beside, expected: deciding) { instances[$0].work! }
    for start in starts {
      change(start.index, to: .running(instances[start.index].work!, threads: start.threads))
      commands.append(.launch(start.index, threads: start.threads))
    }
  }
}
