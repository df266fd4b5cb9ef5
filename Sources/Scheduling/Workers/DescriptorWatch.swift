// Hears when a descriptor becomes readable. Dispatch's own sources are not used for that on Linux: with
// many of them coming and going its manager thread meets a freed one and crashes
// (swift-corelibs-libdispatch #949; 200 workers in a minute sufficed here).

import CLinux
import Dispatch
import Foundation
import Glibc
import Synchronization

/// One thread that waits for all descriptors of the process.
final class DescriptorWatch: Sendable {
  private struct Entry: @unchecked Sendable {
    let descriptor: Int32
    let queue: DispatchQueue
    /// Runs on `queue` only.
    let handler: () -> Void
  }

  /// A watched descriptor. It stays open for as long as it is watched.
  struct Token: Sendable {
    fileprivate let number: UInt64
  }

  static let shared = DescriptorWatch()

  private let epoll: Int32
  /// Numbers are never used again: an event that comes late finds nothing.
  private let entries = Mutex<(next: UInt64, of: [UInt64: Entry])>((1, [:]))

  private init() {
    epoll = plumb_watch_open()
    guard epoll >= 0 else { return }
    let thread = Thread { [self] in wait() }
    thread.start()
  }

  /// Calls the handler on the queue whenever the descriptor can be read or has ended.
  ///
  /// - Returns: nil with `errno` set if it cannot be watched.
  func watch(
    _ descriptor: Int32, on queue: DispatchQueue, _ handler: @escaping () -> Void
  ) -> Token? {
    let entry = Entry(descriptor: descriptor, queue: queue, handler: handler)
    let number = entries.withLock { entries in
      defer { entries.next += 1 }
      entries.of[entries.next] = entry
      return entries.next
    }
    guard plumb_watch_add(epoll, descriptor, number) == 0 else {
      let error = errno
      _ = entries.withLock { $0.of.removeValue(forKey: number) }
      errno = error
      return nil
    }
    return Token(number: number)
  }

  /// The handler is not called after this, if this is called on its queue; the descriptor may be closed.
  func end(_ token: Token) {
    let entry = entries.withLock { $0.of.removeValue(forKey: token.number) }
    if let entry { _ = plumb_watch_remove(epoll, entry.descriptor) }
  }

  private func wait() {
    var tokens = [UInt64](repeating: 0, count: 64)
    while true {
      let count = plumb_watch_wait(epoll, &tokens, Int32(tokens.count))
      precondition(count >= 0, "epoll: \(String(cString: strerror(errno)))")
      for number in tokens.prefix(Int(count)) {
        guard let entry = entries.withLock({ $0.of[number] }) else { continue }
        entry.queue.async { [self] in call(number) }
      }
    }
  }

  private func call(_ number: UInt64) {
    guard let entry = entries.withLock({ $0.of[number] }) else { return }
    entry.handler()
    // Under the lock, so that no other descriptor has taken the number meanwhile.
    entries.withLock { entries in
      guard entries.of[number] != nil else { return }
      _ = plumb_watch_arm(epoll, entry.descriptor, number)
    }
  }
}
