// The state machine with nothing running: histories by hand, and random orders of everything that
// may happen.

import ArtifactStore
import Randomness
import Testing

@testable import Scheduling

@Suite struct SchedulerStateTests {
  typealias State = SchedulerState
  typealias Command = SchedulerState.Command

  static func key(_ name: String) -> Digest { Digest.of(name) }

  static func work(_ name: String, memory: Int = 1, threads: Int = 99) -> State.Work {
    State.Work(key: key(name), memory: memory, maximalThreads: threads)
  }

  static func state(
    _ dependencies: [[Int]], wanted: [Int]? = nil, threads: Int = 2, memory: Int = 100,
    keepGoing: Bool = false
  ) -> State {
    State(
      dependencies: dependencies, wanted: wanted ?? Array(dependencies.indices),
      budget: Budget(threads: threads, memory: memory), keepGoing: keepGoing)
  }

  @Test func aChainGoesStepByStep() {
    var state = Self.state([[], [0]])
    #expect(state.advance(.begin) == [.decide(0)])
    #expect(state.advance(.decided(0, .run(Self.work("a")))) == [.launch(0, threads: 2)])
    #expect(state.advance(.workerEnded(0, .published)) == [.settled(0, .produced), .decide(1)])
    #expect(
      state.advance(.decided(1, .reuse(Self.key("b")))) == [
        .settled(1, .reused(from: nil)), .finish,
      ])
    #expect(state.phase == .finished)
  }

  @Test func onlyWhatTargetsNeedIsLookedAt() {
    var state = Self.state([[], [], [0]], wanted: [0, 2])
    #expect(state.advance(.begin) == [.decide(0)])
  }

  @Test func nothingWantedIsDoneAtOnce() {
    var state = Self.state([[], []], wanted: [])
    #expect(state.advance(.begin) == [.finish])
  }

  @Test func threadsAreSharedWhileTheQueueIsLong() {
    var state = Self.state([[], [], []])
    _ = state.advance(.begin)
    #expect(state.advance(.decided(0, .run(Self.work("a")))) == [], "others are still deciding")
    #expect(state.advance(.decided(1, .run(Self.work("b")))) == [])
    #expect(
      state.advance(.decided(2, .run(Self.work("c")))) == [
        .launch(0, threads: 1), .launch(1, threads: 1),
      ])
    #expect(
      state.advance(.workerEnded(0, .published)) == [
        .settled(0, .produced), .launch(2, threads: 1),
      ])
  }

  @Test func slowDecisionsDoNotHoldUpWhatIsReady() {
    var state = Self.state([[], []])
    _ = state.advance(.begin)
    _ = state.advance(.decided(0, .run(Self.work("a"))))
    #expect(state.advance(.decisionsAreSlow) == [.launch(0, threads: 1)])
  }

  @Test func theLongestPathGoesFirst() {
    // 0 is short and alone; 1 leads to 2 and 3.
    var state = Self.state([[], [], [1], [2]], threads: 1)
    _ = state.advance(.begin)
    _ = state.advance(.decided(0, .run(Self.work("a"))))
    #expect(state.advance(.decided(1, .run(Self.work("b")))) == [.launch(1, threads: 1)])
    _ = state.advance(.expected(seconds: [1000, 1, 1, 1]))
    #expect(
      state.advance(.workerEnded(1, .published)) == [.settled(1, .produced), .decide(2)])
    #expect(state.advance(.decided(2, .run(Self.work("c")))) == [.launch(0, threads: 1)])
  }

  @Test func memoryAdmits() {
    var state = Self.state([[], [], []], threads: 4, memory: 100)
    _ = state.advance(.begin)
    _ = state.advance(.decided(0, .run(Self.work("a", memory: 70))))
    _ = state.advance(.decided(1, .run(Self.work("b", memory: 70))))
    #expect(
      state.advance(.decided(2, .run(Self.work("c", memory: 30)))) == [
        .launch(0, threads: 2), .launch(2, threads: 2),
      ])
    #expect(state.advance(.workerEnded(2, .published)) == [.settled(2, .produced)])
  }

  @Test func whatIsTooLargeForTheMachineRunsAlone() {
    var state = Self.state([[], []], memory: 10)
    _ = state.advance(.begin)
    _ = state.advance(.decided(0, .run(Self.work("a", memory: 500))))
    #expect(
      state.advance(.decided(1, .run(Self.work("b", memory: 500)))) == [.launch(0, threads: 2)])
  }

  @Test func resourcesLimitThreads() {
    var state = Self.state([[]], threads: 8)
    _ = state.advance(.begin)
    #expect(
      state.advance(.decided(0, .run(Self.work("a", threads: 3)))) == [.launch(0, threads: 3)])
  }

  @Test func equalKeysRunOnce() {
    var state = Self.state([[], [], [1]])
    _ = state.advance(.begin)
    _ = state.advance(.decided(0, .run(Self.work("same"))))
    #expect(
      state.advance(.decided(1, .run(Self.work("same")))) == [.launch(0, threads: 2)])
    #expect(
      state.advance(.workerEnded(0, .published)) == [
        .settled(0, .produced), .settled(1, .reused(from: 0)), .decide(2),
      ])
    // A third that comes after the first has ended.
    #expect(
      state.advance(.decided(2, .run(Self.work("same")))) == [
        .settled(2, .reused(from: 0)), .finish,
      ])
  }

  @Test func aFailureDrainsTheRun() {
    var state = Self.state([[], [], [0], []], threads: 2)
    _ = state.advance(.begin)
    for index in [0, 1] {
      _ = state.advance(.decided(index, .run(Self.work("\(index)"))))
    }
    _ = state.advance(.decided(3, .run(Self.work("3"))))
    #expect(
      state.advance(.workerEnded(0, .failed)) == [
        .settled(0, .failed), .settled(2, .skipped(because: 0)), .recall(1),
        .settled(3, .notStarted),
      ])
    #expect(state.advance(.workerEnded(1, .published)) == [.settled(1, .produced), .finish])
  }

  /// A job that only waited in a cluster's queue.
  @Test func whatWasRecalledWasNotStarted() {
    var state = Self.state([[], []], threads: 2)
    _ = state.advance(.begin)
    for index in [0, 1] { _ = state.advance(.decided(index, .run(Self.work("\(index)")))) }
    #expect(state.advance(.workerEnded(0, .failed)) == [.settled(0, .failed), .recall(1)])
    #expect(state.advance(.workerEnded(1, .interrupted)) == [.settled(1, .notStarted), .finish])
  }

  @Test func keepGoingFinishesTheRest() {
    var state = Self.state([[], [0], []], threads: 1, keepGoing: true)
    _ = state.advance(.begin)
    _ = state.advance(.decided(0, .run(Self.work("a"))))
    #expect(state.advance(.decided(2, .run(Self.work("c")))) == [.launch(0, threads: 1)])
    #expect(
      state.advance(.workerEnded(0, .failed)) == [
        .settled(0, .failed), .settled(1, .skipped(because: 0)), .launch(2, threads: 1),
      ])
    #expect(state.advance(.workerEnded(2, .published)) == [.settled(2, .produced), .finish])
  }

  @Test func aBusyLeaseIsWaitedFor() {
    var state = Self.state([[], []], threads: 1)
    _ = state.advance(.begin)
    _ = state.advance(.decided(0, .run(Self.work("a"))))
    _ = state.advance(.decided(1, .run(Self.work("b"))))
    #expect(
      state.advance(.workerEnded(0, .busy)) == [.watchLease(0), .launch(1, threads: 1)],
      "waiting costs no thread")
    #expect(state.advance(.leaseFreed(0)) == [])
    #expect(
      state.advance(.workerEnded(1, .published)) == [
        .settled(1, .produced), .launch(0, threads: 1),
      ])
    _ = state.advance(.workerEnded(0, .busy))
    #expect(
      state.advance(.resultAppeared(0)) == [
        .unwatchLease(0), .settled(0, .reused(from: nil)), .finish,
      ])
  }

  @Test func theFirstStopIsGentleTheSecondIsNot() {
    var state = Self.state([[], [], [0]], threads: 1)
    _ = state.advance(.begin)
    _ = state.advance(.decided(0, .run(Self.work("a"))))
    _ = state.advance(.decided(1, .run(Self.work("b"))))
    #expect(
      state.advance(.stop) == [
        .settled(1, .notStarted), .settled(2, .notStarted), .terminate(0), .startGrace,
      ])
    #expect(state.advance(.stop) == [.kill(0)])
    #expect(state.advance(.graceIsOver) == [.kill(0)])
    #expect(state.advance(.workerEnded(0, .interrupted)) == [.settled(0, .interrupted), .finish])
  }

  @Test func whatFinishesDuringTheGraceCounts() {
    var state = Self.state([[], [0]])
    _ = state.advance(.begin)
    _ = state.advance(.decided(0, .run(Self.work("a"))))
    _ = state.advance(.stop)
    #expect(state.advance(.workerEnded(0, .published)) == [.settled(0, .produced), .finish])
  }

  @Test func aStopWhileDecidingEndsAtOnce() {
    var state = Self.state([[], [0]])
    _ = state.advance(.begin)
    #expect(
      state.advance(.stop) == [.settled(0, .notStarted), .settled(1, .notStarted), .finish])
    #expect(state.advance(.decided(0, .run(Self.work("a")))) == [], "late news change nothing")
  }

  /// No order of what may happen leaves the machine stuck, runs a key twice, or exceeds the budget.
  @Test(arguments: 0..<400)
  func anyOrderOfEventsEndsWell(seed: Int) {
    var random = RandomStream(seed: seed, name: "history")
    let count = 1 + random.integer(below: 14)
    let dependencies = (0..<count).map { index -> [Int] in
      (0..<index).filter { _ in random.integer(below: 4) == 0 }
    }
    let threads = 1 + random.integer(below: 4)
    var state = Self.state(
      dependencies, threads: threads, memory: 4, keepGoing: random.integer(below: 2) == 0)
    let stops = random.integer(below: 3) == 0 ? random.integer(below: 20) : Int.max
    var deciding: Set<Int> = []
    var running: [Int: (key: Int, threads: Int)] = [:]
    var waiting: Set<Int> = []
    var pausing: Set<Int> = []
    var keyOf: [Int: Int] = [:]
    var published: Set<Int> = []
    var settled: [Int: State.Settlement] = [:]
    var isFinished = false
    var steps = 0

    func carryOut(_ commands: [Command]) {
      for command in commands {
        #expect(!isFinished, "a command after the last")
        switch command {
        case .decide(let index):
          #expect(
            dependencies[index].allSatisfy {
              if case .produced? = settled[$0] {
                true
              } else if case .reused? = settled[$0] {
                true
              } else {
                false
              }
            }, "\(index) was decided before what it needs")
          deciding.insert(index)
        case .launch(let index, let threads):
          let key = keyOf[index]!
          #expect(!published.contains(key), "key \(key) is made twice")
          #expect(!running.values.contains { $0.key == key }, "key \(key) runs twice at once")
          running[index] = (key, threads)
        case .watchLease(let index): waiting.insert(index)
        case .unwatchLease(let index): waiting.remove(index)
        case .pause(let index): pausing.insert(index)
        case .cancelPause(let index): pausing.remove(index)
        case .settled(let index, let settlement):
          #expect(settled[index] == nil, "\(index) is settled twice")
          settled[index] = settlement
        case .finish: isFinished = true
        case .recall, .terminate, .kill, .startGrace: break
        }
      }
      #expect(running.values.reduce(0) { $0 + $1.threads } <= threads)
    }

    carryOut(state.advance(.begin))
    while !isFinished {
      steps += 1
      guard steps < 500 else {
        Issue.record("stuck: \(state.instances)")
        return
      }
      if steps == stops || steps == stops &+ 7 {
        carryOut(state.advance(.stop))
        continue
      }
      let choices =
        deciding.sorted().map { ("decide", $0) } + running.keys.sorted().map { ("end", $0) }
        + waiting.sorted().map { ("lease", $0) } + pausing.sorted().map { ("pause", $0) }
      guard !choices.isEmpty else {
        Issue.record("nothing can happen any more: \(state.instances)")
        return
      }
      let (what, index) = choices[random.integer(below: choices.count)]
      switch what {
      case "decide":
        deciding.remove(index)
        let key = random.integer(below: 10)
        keyOf[index] = key
        let choice: State.Choice =
          if published.contains(key) {
            .reuse(Self.key("\(key)"))
          } else if random.integer(below: 12) == 0 {
            .fail
          } else {
            .run(
              Self.work(
                "\(key)", memory: 1 + random.integer(below: 5),
                threads: 1 + random.integer(below: 3)))
          }
        carryOut(state.advance(.decided(index, choice)))
      case "end":
        let key = running.removeValue(forKey: index)!.key
        let ending: State.Ending =
          switch random.integer(below: 9) {
          case 0: .failed
          case 8: .failedForNow
          case 1: .busy
          case 2: .interrupted
          case 3: .found
          default: .published
          }
        if ending == .published || ending == .found { published.insert(key) }
        carryOut(state.advance(.workerEnded(index, ending)))
      case "pause":
        pausing.remove(index)
        carryOut(state.advance(.pauseIsOver(index)))
      default:
        waiting.remove(index)
        if random.integer(below: 2) == 0 {
          published.insert(keyOf[index]!)
          carryOut(state.advance(.resultAppeared(index)))
        } else {
          carryOut(state.advance(.leaseFreed(index)))
        }
      }
    }
    #expect(settled.count == count)
    #expect(running.isEmpty, "the run ended with workers")
  }
}
