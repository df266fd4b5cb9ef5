// A file that is either the old one or the whole new one: temporary name, fsync, rename.

import Diagnostics
import Glibc

/// Writes a file piece by piece and puts it in place at the end.
///
/// ```swift
/// var file = try AtomicFile(at: path)
/// try file.write(bytes)
/// try file.commit()
/// ```
/// Without `commit()` nothing stays behind.
public struct AtomicFile: ~Copyable {
  private let path: String
  private let temporary: String
  private let descriptor: Int32
  private var isCommitted = false

  /// **Throws**: `file-unwritable`.
  public init(at path: String) throws(Diagnostic) {
    self.path = path
    temporary = path + ".\(getpid()).tmp"
    descriptor = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o644)
    guard descriptor >= 0 else { throw .fileUnwritable(path, because: errorText()) }
  }

  public mutating func write(_ bytes: UnsafeRawBufferPointer) throws(Diagnostic) {
    var done = 0
    while done < bytes.count {
      let count = Glibc.write(descriptor, bytes.baseAddress! + done, bytes.count - done)
      if count < 0 && errno == EINTR { continue }
      guard count > 0 else { throw .fileUnwritable(path, because: errorText()) }
      done += count
    }
  }

  public mutating func write(_ bytes: [UInt8]) throws(Diagnostic) {
    try bytes.withUnsafeBufferPointer { buffer throws(Diagnostic) in
      try write(UnsafeRawBufferPointer(buffer))
    }
  }

  /// Makes the bytes durable, then visible under the final name, then makes the name durable.
  public mutating func commit() throws(Diagnostic) {
    guard fsync(descriptor) == 0, rename(temporary, path) == 0 else {
      throw .fileUnwritable(path, because: errorText())
    }
    isCommitted = true
    let slash = path.utf8.lastIndex(of: UInt8(ascii: "/"))
    let folder = slash.map { String(path[..<$0]) } ?? "."
    let parent = open(folder.isEmpty ? "/" : folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
    if parent >= 0 {
      // Not every file system can sync a folder; the file itself is safe by now.
      fsync(parent)
      close(parent)
    }
  }

  deinit {
    close(descriptor)
    if !isCommitted { unlink(temporary) }
  }

  /// All bytes at once.
  public static func write(_ bytes: [UInt8], to path: String) throws(Diagnostic) {
    var file = try AtomicFile(at: path)
    try file.write(bytes)
    try file.commit()
  }
}

private func errorText() -> String { String(cString: strerror(errno)) }
