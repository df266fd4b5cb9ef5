// Bytes on their way into the store: a temporary file whose digest is known. Drafts are made while
// hashing, made durable together, then placed (StoreObjects.swift).

import CLinux
import Diagnostics
import Glibc

/// A temporary file, mode 0444, that holds exactly the bytes its digest names.
struct Draft {
  let path: String
  let digest: Digest
  let size: Int
  /// The status of the file that was copied, as it was before and after.
  let source: FileStatus?
}

/// How a file comes into the store.
enum Intake {
  /// Another's file: copied.
  case copy
  /// A temporary file of our own: may be moved.
  case consume
}

extension Store {
  private static let bufferSize = 1 << 20

  func draft(_ bytes: [UInt8]) throws(Diagnostic) -> Draft {
    Draft(
      path: try temporaryFile(bytes, mode: 0o444, durable: false), digest: .of(bytes),
      size: bytes.count, source: nil)
  }

  /// A draft of a file: a reflink where the file system has them, else a copy, hashed from what was
  /// copied.
  ///
  /// **Throws**: `store-input-changed` if the file changed meanwhile, `store-input-special`.
  func draft(fileAt path: String, _ intake: Intake) throws(Diagnostic) -> Draft {
    let name = try temporaryName()
    do throws(Diagnostic) {
      if intake == .consume, let draft = try moved(path, to: name) { return draft }
      let source = try OutsideFile(opening: path)
      let copy = try Descriptor(opening: name, O_RDWR | O_CREAT | O_EXCL)
      let isClone = plumb_clone(copy.number, source.descriptor.number) == 0
      let (digest, size) =
        isClone
        ? try hash(copy, name, copyTo: nil)
        : try hash(source.descriptor, path, copyTo: (copy.number, name))
      let after = try source.unchanged(size: size)
      guard fchmod(copy.number, 0o444) == 0 else { throw .io("protect", name, errno) }
      return Draft(path: name, digest: digest, size: size, source: after)
    } catch {
      FileAccess.remove(name)
      throw error
    }
  }

  /// Moves a file of our own that has one name and lies on the store's file system; nil if this
  /// file must be copied.
  private func moved(_ path: String, to name: String) throws(Diagnostic) -> Draft? {
    guard let status = FileStatus(of: path, followingLinks: false), status.isRegular,
      status.links == 1, status.owner == geteuid(), rename(path, name) == 0
    else { return nil }
    guard chmod(name, 0o444) == 0 else { throw .io("protect", name, errno) }
    let file = try Descriptor(opening: name, O_RDONLY)
    let (digest, size) = try hash(file, name, copyTo: nil)
    return Draft(path: name, digest: digest, size: size, source: nil)
  }

  /// The digest of a file outside the store, which must not change meanwhile.
  func hashOutside(_ path: String) throws(Diagnostic) -> (digest: Digest, status: FileStatus) {
    let file = try OutsideFile(opening: path)
    let (digest, size) = try hash(file.descriptor, path, copyTo: nil)
    return (digest, try file.unchanged(size: size))
  }

  /// Hashes a file from where it stands to its end.
  func hash(
    _ file: borrowing Descriptor, _ path: String, copyTo copy: (number: Int32, path: String)?
  ) throws(Diagnostic) -> (Digest, Int) {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.bufferSize, alignment: 64)
    defer { buffer.deallocate() }
    var stream = DigestStream()
    var size = 0
    while true {
      let count = try file.read(into: buffer, path)
      if count == 0 { break }
      let piece = UnsafeRawBufferPointer(rebasing: buffer[..<count])
      stream.update(piece)
      if let copy {
        var at = 0
        while at < count {
          let written = repeated { write(copy.number, piece.baseAddress! + at, count - at) }
          guard written > 0 else { throw .io("write", copy.path, written < 0 ? errno : ENOSPC) }
          at += written
        }
      }
      size += count
    }
    return (stream.finish(), size)
  }
}

extension FileStatus {
  /// Whether nothing wrote to the file between two looks at it.
  func isSameContent(as other: FileStatus) -> Bool {
    device == other.device && inode == other.inode && size == other.size
      && modified == other.modified && changed == other.changed
  }
}

/// A file outside the store, open to be read, that must stay as it was when it was opened.
private struct OutsideFile: ~Copyable {
  let path: String
  let descriptor: Descriptor
  private let before: FileStatus

  /// `O_NONBLOCK` so that a pipe is refused and not waited for.
  init(opening path: String) throws(Diagnostic) {
    guard let status = FileStatus(of: path) else { throw .inputMissing(path, errno) }
    guard status.isRegular else { throw .inputSpecial(path, status) }
    let descriptor = try Descriptor(opening: path, O_RDONLY | O_NONBLOCK | O_NOCTTY)
    let before = try descriptor.status(path)
    guard before.isRegular else { throw .inputSpecial(path, before) }
    self.path = path
    self.before = before
    self.descriptor = descriptor
  }

  /// The status after reading, if nothing was written since the file was opened.
  func unchanged(size: Int) throws(Diagnostic) -> FileStatus {
    let after = try descriptor.status(path)
    guard before.isSameContent(as: after), size == after.size else { throw .inputChanged(path) }
    return after
  }
}
