// Which ready instances may start now, and with how many threads each.

/// Threads and memory for all workers together; or a number of jobs.
struct Budget: Equatable {
  var threads: Int
  /// Bytes.
  var memory: Int
  /// Of a cluster: how many may be under way at once, whatever they need; this machine's limits mean
  /// nothing then.
  var jobs: Int? = nil

  struct Start: Equatable {
    var index: Int
    var threads: Int
  }

  /// Whether nothing more can start beside so many workers, whatever it needs.
  func isSpent(_ running: Int) -> Bool { running >= jobs ?? threads }

  /// Goes through the ready instances in order (most urgent first) and starts those that fit: one thread
  /// each while the queue is as long as the free threads, all free threads for one that is alone.
  /// An instance that wants more memory than there is at all starts when nothing else runs.
  ///
  /// - Parameters:
  ///   - expected: how many instances may become ready in a moment.
  ///   - work: of a ready instance.
  func admit(
    _ ready: [Int], beside running: [(work: SchedulerState.Work, threads: Int)], expected: Int,
    work: (Int) -> SchedulerState.Work
  ) -> [Start] {
    if let jobs {
      return ready.prefix(max(0, jobs - running.count)).map {
        Start(index: $0, threads: max(1, work($0).maximalThreads))
      }
    }
    var freeThreads = threads - running.reduce(0) { $0 + $1.threads }
    var freeMemory = memory - running.reduce(0) { $0 + $1.work.memory }
    var isAlone = running.isEmpty
    var chosen: [(index: Int, work: SchedulerState.Work)] = []
    for index in ready {
      guard chosen.count < freeThreads else { break }
      let work = work(index)
      guard work.memory <= freeMemory || isAlone else { continue }
      freeMemory -= work.memory
      isAlone = false
      chosen.append((index, work))
    }
    var starts: [Start] = []
    for (position, (index, work)) in chosen.enumerated() {
      let sharers = chosen.count - position + expected
      let share = max(1, freeThreads / max(1, sharers))
      let given = min(share, max(1, work.maximalThreads))
      freeThreads -= given
      starts.append(Start(index: index, threads: given))
    }
    return starts
  }
}
