// One maker per key. A lease saves work and promises nothing: a broken one costs a result made twice,
// never a wrong one. Who holds it is in LeaseClaim.swift, how it is taken in StoreLeases.swift.

import Glibc
import Synchronization

/// The right to make one key, held until `release`, the end of the object or of the process.
///
/// Its file is touched every third of its time to live, by a thread of its own, so that long
/// computations need not think of it.
public final class Lease: Sendable {
  public let key: Digest
  private let heart: LeaseHeart
  private let path: String
  private let markerPath: String
  private let isReleased = Mutex(false)

  init(
    key: Digest, path: String, markerPath: String, descriptor: consuming Descriptor, inode: UInt64,
    ttl: Double
  ) {
    self.key = key
    self.path = path
    self.markerPath = markerPath
    heart = LeaseHeart(descriptor: descriptor, inode: inode, ttl: ttl)
    heart.start()
  }

  deinit { release() }

  /// Whether another process took the key over because this one seemed dead. Going on is allowed:
  /// publication is atomic.
  public var isLost: Bool { !heart.isHeld(at: path) }

  /// Gives the key back. Calling it again does nothing.
  public func release() {
    let isFirst = isReleased.withLock { released in
      defer { released = true }
      return !released
    }
    guard isFirst else { return }
    heart.stop()
    // After a long silence a waiter may be replacing the file at this very moment. Whoever makes the
    // marker may touch it; a waiter that has the marker replaces the file anyway.
    if heart.isSilent {
      let marker = open(markerPath, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
      guard marker >= 0 else { return }
      close(marker)
      if heart.isHeld(at: path) { unlink(path) }
      unlink(markerPath)
    } else if heart.isHeld(at: path) {
      unlink(path)
    }
  }
}

/// Touches a lease's file until it is told to stop.
private final class LeaseHeart: Sendable {
  private struct State {
    var isBeating = true
    /// Monotonic seconds.
    var lastBeat = FileAccess.monotonicSeconds
  }

  private let descriptor: Descriptor
  private let inode: UInt64
  private let ttl: Double
  private let state = Mutex(State())

  init(descriptor: consuming Descriptor, inode: UInt64, ttl: Double) {
    self.descriptor = descriptor
    self.inode = inode
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

  /// Whether the lease's name still leads to our file.
  func isHeld(at path: String) -> Bool {
    guard let status = FileStatus(of: path, followingLinks: false) else { return false }
    return status.inode == inode
  }

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
