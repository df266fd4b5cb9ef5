// Follows a file that a worker on another machine appends lines to.

import Glibc

/// Used on one queue.
final class EventsTail: @unchecked Sendable {
  // Safe: whoever made it uses it on one serial queue only.
  private let path: String
  private var offset: off_t = 0
  private var lines = LineSplitter(limit: 64 << 10)

  init(_ path: String) { self.path = path }

  /// What was added since the last call, at most 1 MiB; nothing while there is no such file. It is
  /// opened anew each time: only that makes a network file system ask its server.
  func read() -> [[UInt8]] {
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return [] }
    defer { close(descriptor) }
    var found: [[UInt8]] = []
    var buffer = [UInt8](repeating: 0, count: 64 << 10)
    for _ in 0..<16 {
      let count = pread(descriptor, &buffer, buffer.count, offset)
      guard count > 0 else { break }
      offset += off_t(count)
      found += lines.add(buffer[..<count])
    }
    return found
  }
}
