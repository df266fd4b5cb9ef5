// Read-only bytes of a file, mapped: opening a checkpoint costs no memory until its tensors are read.

import Diagnostics
import Glibc

/// The bytes of a regular file, in place.
///
/// Files must not shrink while they are mapped. Artifacts never do, and our own writers replace files
/// by rename (AtomicFile.swift), which leaves the old bytes to whoever maps them.
public final class MappedFile: @unchecked Sendable {
  // Sendable by hand: the mapping is private and nobody writes to it.
  public let bytes: UnsafeRawBufferPointer
  /// How messages name the file.
  public let shown: String

  /// **Throws**: `file-unreadable`.
  public init(at path: String) throws(Diagnostic) {
    shown = path
    let descriptor = open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
      throw .fileUnreadable(path, because: String(cString: strerror(errno)))
    }
    defer { close(descriptor) }
    var status = stat()
    guard fstat(descriptor, &status) == 0 else {
      throw .fileUnreadable(path, because: String(cString: strerror(errno)))
    }
    guard status.st_mode & S_IFMT == S_IFREG else {
      throw .fileUnreadable(path, because: "it is not a regular file")
    }
    guard status.st_size > 0 else {
      bytes = UnsafeRawBufferPointer(start: nil, count: 0)
      return
    }
    guard let start = mmap(nil, status.st_size, PROT_READ, MAP_PRIVATE, descriptor, 0),
      start != MAP_FAILED
    else { throw .fileUnreadable(path, because: String(cString: strerror(errno))) }
    bytes = UnsafeRawBufferPointer(start: start, count: status.st_size)
  }

  /// Bytes that are in memory already.
  public init(copying content: [UInt8], shown: String) {
    self.shown = shown
    let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: content.count, alignment: 64)
    copy.copyBytes(from: content)
    bytes = UnsafeRawBufferPointer(copy)
    isAllocated = true
  }

  /// All bytes in memory of their own; `bytes` is only valid while this object lives.
  public func copy() -> [UInt8] { withExtendedLifetime(self) { Array(bytes) } }

  private var isAllocated = false

  deinit {
    if isAllocated {
      bytes.deallocate()
    } else if let start = bytes.baseAddress {
      munmap(UnsafeMutableRawPointer(mutating: start), bytes.count)
    }
  }
}
