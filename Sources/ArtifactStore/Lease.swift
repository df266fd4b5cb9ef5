// One maker per key. A lease saves work and promises nothing: a broken one costs a result made twice,
// never a wrong one. Who holds it is in LeaseClaim.swift, how it is taken in LeaseProtocol.swift.

import Glibc
import Synchronization

/// The right to make one key, held until `release`, the end of the object or of the process.
///
/// Its file is touched every third of its time to live, by a thread of its own, so that long
/// computations need not think of it.
public final class Lease: Sendable {
  public let key: Digest
  private let heart: LeaseHeart
  private let claim: LeaseClaim
  private let store: Store
  private let isReleased = Mutex(false)

  init(_ claim: LeaseClaim, key: Digest, store: Store, descriptor: SharedDescriptor) {
    self.key = key
    self.claim = claim
    self.store = store
    heart = LeaseHeart(descriptor: descriptor, ttl: claim.ttl)
    heart.start()
  }

  deinit { release() }

  /// Whether another process took the key over because this one seemed dead. Going on is allowed:
  /// publication is atomic.
  public var isLost: Bool {
    let look = (try? LeaseLook(at: store.leasePath(key))) ?? nil
    return look?.nonce != claim.nonce
  }

  /// Gives the key back. Calling it again does nothing.
  public func release() {
    let isFirst = isReleased.withLock { released in
      defer { released = true }
      return !released
    }
    guard isFirst else { return }
    heart.stop()
    var machine = LeaseReturning(lease: claim.nonce, isSilent: heart.isSilent)
    var files = LeaseFiles(
      store: store, path: store.leasePath(key), claim: claim.renamed(machine.nonce))
    while let step = machine.step {
      // What cannot be given back grows stale.
      guard let answer = try? files.perform(step) else { return }
      machine.receive(answer)
    }
  }
}

/// A descriptor that several hold.
final class SharedDescriptor: Sendable {
  private let descriptor: Descriptor
  var number: Int32 { descriptor.number }
  init(_ descriptor: consuming Descriptor) { self.descriptor = descriptor }
}

/// Touches a lease's file until it is told to stop.
private final class LeaseHeart: Sendable {
  private struct State {
    var isBeating = true
    /// Monotonic seconds.
    var lastBeat = FileAccess.monotonicSeconds
  }

  private let descriptor: SharedDescriptor
  private let ttl: Double
  private let state = Mutex(State())

  init(descriptor: SharedDescriptor, ttl: Double) {
    self.descriptor = descriptor
    self.ttl = ttl
  }

  /// A bare thread: Dispatch may have every thread of its pool busy with a long computation.
  func start() {
    var attributes = pthread_attr_t()
    pthread_attr_init(&attributes)
    pthread_attr_setstacksize(&attributes, 256 << 10)
    pthread_attr_setdetachstate(&attributes, Int32(PTHREAD_CREATE_DETACHED))
    // Signals belong to the threads of the program.
    var all = sigset_t()
    var old = sigset_t()
    sigfillset(&all)
    pthread_sigmask(SIG_BLOCK, &all, &old)
    var thread = pthread_t()
    let box = Unmanaged.passRetained(self)
    let failure = pthread_create(
      &thread, &attributes,
      { box in
        Unmanaged<LeaseHeart>.fromOpaque(box!).takeRetainedValue().beat()
        return nil
      }, box.toOpaque())
    pthread_sigmask(SIG_SETMASK, &old, nil)
    pthread_attr_destroy(&attributes)
    // Without a heartbeat the lease grows stale in time, which is safe.
    if failure != 0 { box.release() }
  }

  func stop() { state.withLock { $0.isBeating = false } }

  /// Whether a waiter could think the holder dead.
  var isSilent: Bool { state.withLock { FileAccess.monotonicSeconds - $0.lastBeat > ttl } }

  private func beat() {
    let pause = max(0.02, ttl / 3)
    var next = FileAccess.monotonicSeconds + pause
    while true {
      // Short naps, so that a released lease lets its file go soon.
      usleep(useconds_t(min(0.25, pause) * 1e6))
      guard state.withLock({ $0.isBeating }) else { return }
      let now = FileAccess.monotonicSeconds
      guard now >= next else { continue }
      // No times given: the file server's clock is taken, not ours.
      if futimens(descriptor.number, nil) == 0 { state.withLock { $0.lastBeat = now } }
      next = now + pause
    }
  }
}
