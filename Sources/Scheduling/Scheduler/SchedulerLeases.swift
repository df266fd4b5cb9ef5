// Waiting for what another run makes: its result appears, or its lease comes free.

import ArtifactStore
import Diagnostics

extension Scheduler {
  /// - Returns: events that follow at once.
  func watchLease(_ index: Int) -> [SchedulerState.Event] {
    let decision = decisions[index]!
    let holder = store.holder(of: decision.key!)
    let who = holder.map { "\($0.label), process \($0.pid) on \($0.host)" } ?? "another process"
    if options.ifLocked != .wait {
      let problem = Diagnostic.lockBusy(decision.id, holder: who)
      fail(index, cause: .locked, problem: problem)
      return [.leaseRefused(index, isFailure: options.ifLocked == .fail)]
    }
    recorder.send(.waiting(instance: index, id: decision.id, holder: who))
    pollLease(index, pause: 0.1)
    return []
  }

  /// A sign of life of the whole run, for collections on other machines.
  func keepAlive() {
    live?.touch()
    startTimer("live", after: 3600) { $0.keepAlive() }
  }

  private func pollLease(_ index: Int, pause: Double) {
    let decision = decisions[index]!
    startTimer("lease \(index)", after: pause) { scheduler in
      scheduler.deciding.async { [store = scheduler.store] in
        let found = decision.existing == nil ? store.lookUp(decision.key!) : .miss
        let isFree = Self.isFree(decision.key!, in: store)
        scheduler.queue.async {
          if case .hit(let result) = found {
            scheduler.results[index] = result
            scheduler.handle(.resultAppeared(index))
          } else if isFree {
            scheduler.handle(.leaseFreed(index))
          } else if scheduler.isWaiting(index) {
            scheduler.pollLease(index, pause: min(2, pause * 1.5))
          }
        }
      }
    }
  }

  /// Whether a worker could claim the key now. A lease that lay unchanged for too long is broken here and
  /// not by the worker: that one has just begun to watch it, and a stopped process, another host or
  /// the time before a reboot can be judged by nothing but the time that someone watched.
  private static func isFree(_ key: Digest, in store: Store) -> Bool {
    do throws(Diagnostic) {
      guard let lease = try store.claim(key, label: "a waiting run") else { return false }
      lease.release()
      return true
    } catch {
      // The worker meets the same problem, and reports it.
      return true
    }
  }

  private func isWaiting(_ index: Int) -> Bool {
    if case .waitingForLease = state.instances[index] { true } else { false }
  }
}
