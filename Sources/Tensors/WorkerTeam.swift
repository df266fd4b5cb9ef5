// Threads that wait for tiles. They watch for work a little while before they sleep, because a step of
// decoding hands out hundreds of small jobs and waking a thread takes longer than one of them.

import Foundation
import Synchronization

/// The threads behind `parallelFor`, beside the calling one. One job at a time.
final class WorkerTeam: @unchecked Sendable {
  // Unchecked: `job` is written by the holder of `isTaken` while no seat is free, and read by those who
  // took a seat, whom the holder awaits.

  static let shared = WorkerTeam()

  private struct Job {
    var body: UnsafePointer<(Int) -> Void>
    var count: Int
    var workers: Int

    /// The tiles that a thread begins with: neighbours, so that it reads one stream of memory.
    func share(_ worker: Int) -> Range<Int> {
      count * worker / workers..<count * (worker + 1) / workers
    }
  }

  /// The next tile of a share, on a line of its own.
  private struct Counter: ~Copyable {
    let next = Atomic<Int>(0)
    private let padding: (Int, Int, Int, Int, Int, Int, Int) = (0, 0, 0, 0, 0, 0, 0)
  }

  /// Threads with a share of their own; the others help them.
  private static let mostShares = 64

  private let isTaken = Atomic<Bool>(false)
  /// How many more threads may join the job.
  private let seats = Atomic<Int>(0)
  private let counters = UnsafeMutablePointer<Counter>.allocate(capacity: mostShares)
  private let finished = Atomic<Int>(0)
  private let sleepers = Atomic<Int>(0)
  private let condition = NSCondition()
  private var job: Job?
  private var members = 0

  /// Nanoseconds that a member watches before it sleeps.
  private static let patience: UInt64 = 200_000

  private init() {
    for index in 0..<Self.mostShares { (counters + index).initialize(to: Counter()) }
  }

  /// Computes all tiles on up to `workers` threads, the calling one included.
  ///
  /// - Returns: false, with nothing done, if the team is at work already: the caller is one of its tiles
  ///   or runs beside it.
  func run(_ count: Int, workers: Int, _ body: (Int) -> Void) -> Bool {
    guard isTaken.compareExchange(expected: false, desired: true, ordering: .acquiring).exchanged
    else { return false }
    defer { isTaken.store(false, ordering: .releasing) }
    hire(workers - 1)
    withoutActuallyEscaping(body) { body in
      withUnsafePointer(to: body) { pointer in
        let job = Job(body: pointer, count: count, workers: min(workers, Self.mostShares))
        self.job = job
        for worker in 0..<job.workers {
          counters[worker].next.store(job.share(worker).lowerBound, ordering: .relaxed)
        }
        finished.store(0, ordering: .relaxed)
        seats.store(workers - 1, ordering: .sequentiallyConsistent)
        if sleepers.load(ordering: .sequentiallyConsistent) > 0 {
          condition.lock()
          condition.broadcast()
          condition.unlock()
        }
        work(job, from: 0)
        // Whoever has not come by now finds no tile; the others are awaited.
        let joined = workers - 1 - seats.exchange(0, ordering: .acquiringAndReleasing)
        var rounds = 0
        while finished.load(ordering: .acquiring) < joined {
          rounds += 1
          if rounds > 4096 { sched_yield() }
        }
        self.job = nil
      }
    }
    return true
  }

  /// Its own share, then what is left of the others'. All retains of the closure end in here.
  @inline(never)
  private func work(_ job: Job, from first: Int) {
    for index in 0..<job.workers {
      let worker = (first + index) % job.workers
      let end = job.share(worker).upperBound
      while true {
        let tile = counters[worker].next.wrappingAdd(1, ordering: .relaxed).oldValue
        guard tile < end else { break }
        job.body.pointee(tile)
      }
    }
  }

  private func hire(_ wanted: Int) {
    while members < wanted {
      members += 1
      // Signals are for the threads that expect them.
      var all = sigset_t()
      var before = sigset_t()
      sigfillset(&all)
      pthread_sigmask(SIG_SETMASK, &all, &before)
      let thread = Thread { self.serve() }
      thread.name = "tiles-\(members)"
      thread.stackSize = 8 << 20
      thread.start()
      pthread_sigmask(SIG_SETMASK, &before, nil)
    }
  }

  private func serve() {
    while true {
      waitForSeat()
      if let (job, seat) = takeSeat() {
        work(job, from: seat % job.workers)
        finished.wrappingAdd(1, ordering: .releasing)
      }
    }
  }

  private func takeSeat() -> (job: Job, seat: Int)? {
    var free = seats.load(ordering: .relaxed)
    while free > 0 {
      let (taken, found) = seats.compareExchange(
        expected: free, desired: free - 1, ordering: .acquiring)
      if taken { return job.map { ($0, free) } }
      free = found
    }
    return nil
  }

  private func waitForSeat() {
    let start = DispatchTime.now().uptimeNanoseconds
    while true {
      for _ in 0..<256 where seats.load(ordering: .relaxed) > 0 { return }
      if DispatchTime.now().uptimeNanoseconds - start > Self.patience { break }
    }
    condition.lock()
    sleepers.wrappingAdd(1, ordering: .sequentiallyConsistent)
    while seats.load(ordering: .sequentiallyConsistent) <= 0 { condition.wait() }
    sleepers.wrappingSubtract(1, ordering: .sequentiallyConsistent)
    condition.unlock()
  }
}
