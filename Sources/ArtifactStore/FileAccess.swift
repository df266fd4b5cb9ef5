// System calls as the store needs them: interrupted calls are repeated, failures become diagnostics
// that name the file and what was tried. Placing a file atomically is in Placement.swift.

import Diagnostics
import Glibc

/// An open file that closes itself.
struct Descriptor: ~Copyable {
  let number: Int32

  deinit { close(number) }

  /// **Throws**: `store-io` and its kin; a missing file is an error here.
  init(opening path: String, _ flags: Int32, mode: mode_t = 0o600) throws(Diagnostic) {
    let number = repeated { open(path, flags | O_CLOEXEC, mode) }
    guard number >= 0 else { throw .io("open", path, errno) }
    self.number = number
  }

  func status(_ path: String) throws(Diagnostic) -> FileStatus {
    var status = stat()
    guard repeated({ fstat(number, &status) }) == 0 else { throw .io("examine", path, errno) }
    return FileStatus(status)
  }

  /// Reads up to the buffer's size; 0 at the end.
  func read(into buffer: UnsafeMutableRawBufferPointer, _ path: String) throws(Diagnostic) -> Int {
    let count = repeated { Glibc.read(number, buffer.baseAddress, buffer.count) }
    guard count >= 0 else { throw .io("read", path, errno) }
    return count
  }

  func write(_ bytes: [UInt8], _ path: String) throws(Diagnostic) {
    var at = 0
    while at < bytes.count {
      let count = bytes.withUnsafeBytes { buffer in
        repeated { Glibc.write(number, buffer.baseAddress! + at, buffer.count - at) }
      }
      guard count > 0 else { throw .io("write", path, count < 0 ? errno : ENOSPC) }
      at += count
    }
  }

  func synchronise(_ path: String) throws(Diagnostic) {
    guard repeated({ fsync(number) }) == 0 else { throw .io("write", path, errno) }
  }
}

/// Repeats a call that a signal interrupted.
func repeated<Number: SignedInteger>(_ call: () -> Number) -> Number {
  while true {
    let value = call()
    if value != -1 || errno != EINTR { return value }
  }
}

/// What the store asks of a file's status.
struct FileStatus: Sendable {
  let device: UInt64
  let inode: UInt64
  let links: Int
  let size: Int
  let mode: mode_t
  let owner: uid_t
  /// Nanoseconds since 1970.
  let modified: Int
  let changed: Int

  init(_ status: stat) {
    device = UInt64(status.st_dev)
    inode = UInt64(status.st_ino)
    links = Int(status.st_nlink)
    size = Int(status.st_size)
    mode = status.st_mode
    owner = status.st_uid
    modified = status.st_mtim.tv_sec &* 1_000_000_000 &+ status.st_mtim.tv_nsec
    changed = status.st_ctim.tv_sec &* 1_000_000_000 &+ status.st_ctim.tv_nsec
  }

  var isRegular: Bool { mode & S_IFMT == S_IFREG }
  var isFolder: Bool { mode & S_IFMT == S_IFDIR }
  var isLink: Bool { mode & S_IFMT == S_IFLNK }
  var isExecutable: Bool { mode & S_IXUSR != 0 }

  /// nil when there is nothing (or nothing readable) at the path.
  init?(of path: String, followingLinks: Bool = true) {
    var status = stat()
    let answer = repeated { followingLinks ? stat(path, &status) : lstat(path, &status) }
    guard answer == 0 else { return nil }
    self.init(status)
  }
}

enum FileAccess {
  /// All bytes of a file; nil if there is none.
  static func read(
    _ path: String, limit: Int = .max
  ) throws(Diagnostic) -> [UInt8]? {
    let number = repeated { open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) }
    if number < 0 {
      if errno == ENOENT || errno == ENOTDIR { return nil }
      throw .io("open", path, errno)
    }
    defer { close(number) }
    var status = stat()
    guard repeated({ fstat(number, &status) }) == 0 else { throw .io("examine", path, errno) }
    let size = Int(status.st_size)
    guard size <= limit else { throw .io("read", path, EFBIG) }
    var bytes = [UInt8](repeating: 0, count: size)
    var at = 0
    while at < size {
      let count = bytes.withUnsafeMutableBytes { buffer in
        repeated { Glibc.read(number, buffer.baseAddress! + at, size - at) }
      }
      guard count >= 0 else { throw .io("read", path, errno) }
      if count == 0 { break }
      at += count
    }
    bytes.removeLast(size - at)
    return bytes
  }

  /// Makes a folder and those above it.
  static func makeFolder(_ path: String) throws(Diagnostic) {
    if mkdir(path, 0o777) == 0 { return share(path) }
    switch errno {
    case EEXIST:
      guard let status = FileStatus(of: path), status.isFolder else {
        throw .io("make the folder", path, EEXIST)
      }
    case ENOENT:
      let parent = folder(of: path)
      guard parent != path, !parent.isEmpty else { throw .io("make the folder", path, ENOENT) }
      try makeFolder(parent)
      if mkdir(path, 0o777) == 0 {
        share(path)
      } else if errno != EEXIST {
        throw .io("make the folder", path, errno)
      }
      // The new folder's name must be as durable as what will lie in it.
      try synchroniseFolder(parent)
    default: throw .io("make the folder", path, errno)
    }
  }

  /// A folder that we made inside one that a group shares is shared too, whatever our umask says.
  /// Folders of other people are left as they are.
  static func share(_ path: String) {
    guard let above = FileStatus(of: folder(of: path)), above.mode & S_ISGID != 0,
      above.mode & S_IWGRP != 0
    else { return }
    chmod(path, above.mode & 0o7777)
  }

  static func folder(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/") else { return "." }
    return slash == path.startIndex ? "/" : String(path[..<slash])
  }

  static func name(of path: String) -> String {
    path.lastIndex(of: "/").map { String(path[path.index(after: $0)...]) } ?? path
  }

  static func synchroniseFolder(_ path: String) throws(Diagnostic) {
    let folder = try Descriptor(opening: path, O_RDONLY | O_DIRECTORY)
    // Some network file systems refuse to synchronise a folder; there it is durable by itself.
    if repeated({ fsync(folder.number) }) != 0, errno != EINVAL, errno != EROFS {
      throw .io("write", path, errno)
    }
  }

  /// The names in a folder, sorted by their bytes; nil for one that is not UTF-8. An absent folder
  /// is empty.
  static func names(in path: String) throws(Diagnostic) -> [String?] {
    guard let stream = opendir(path) else {
      if errno == ENOENT { return [] }
      throw .io("list", path, errno)
    }
    defer { closedir(stream) }
    var names: [String?] = []
    while true {
      errno = 0
      guard let entry = readdir(stream) else {
        guard errno == 0 else { throw .io("list", path, errno) }
        break
      }
      let name = withUnsafePointer(to: &entry.pointee.d_name) {
        $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(validatingCString: $0) }
      }
      if name == "." || name == ".." { continue }
      names.append(name)
    }
    return names.sorted { a, b in
      switch (a, b) {
      case (let a?, let b?): a.utf8.lexicographicallyPrecedes(b.utf8)
      case (nil, .some): true
      default: false
      }
    }
  }

  /// The UTF-8 names in a folder of the store's own making.
  static func entries(in path: String) throws(Diagnostic) -> [String] {
    try names(in: path).compactMap { $0 }
  }

  /// Removes a file or a folder with everything in it; links are removed, never followed. What
  /// cannot be removed stays: these are leftovers, and somebody will sweep again.
  static func remove(_ path: String) {
    if unlink(path) == 0 { return }
    guard errno == EISDIR || errno == EPERM,
      let status = FileStatus(of: path, followingLinks: false),
      status.isFolder
    else { return }
    if rmdir(path) == 0 { return }
    // A folder that its maker locked against itself.
    if status.mode & 0o700 != 0o700 { chmod(path, 0o700) }
    for name in (try? names(in: path)) ?? [] {
      if let name { remove(path + "/" + name) }
    }
    rmdir(path)
  }

  static func rename(_ old: String, _ new: String) throws(Diagnostic) {
    guard Glibc.rename(old, new) == 0 else { throw .io("write", new, errno) }
  }

  /// `path` made absolute against the working folder, `.` and `..` resolved by name.
  static func absolute(_ path: String) -> String {
    var parts: [Substring] = []
    var text = path
    if !path.hasPrefix("/") {
      var buffer = [CChar](repeating: 0, count: Int(PATH_MAX) + 1)
      if getcwd(&buffer, buffer.count) != nil {
        let end = buffer.firstIndex(of: 0) ?? buffer.count
        text =
          String(decoding: buffer[..<end].map { UInt8(bitPattern: $0) }, as: UTF8.self)
          + "/" + path
      }
    }
    for part in text.split(separator: "/") {
      if part == "." { continue }
      if part == ".." { _ = parts.popLast() } else { parts.append(part) }
    }
    return "/" + parts.joined(separator: "/")
  }

  /// Seconds of a clock that nobody can set.
  static var monotonicSeconds: Double {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Double(time.tv_sec) + Double(time.tv_nsec) * 1e-9
  }

  /// Nanoseconds since 1970.
  static var now: Int {
    var time = timespec()
    clock_gettime(CLOCK_REALTIME, &time)
    return time.tv_sec * 1_000_000_000 + time.tv_nsec
  }

  /// UTC, for names that sort by time: `20260314T150926.535Z`.
  static func timeStamp() -> String {
    let now = now
    var seconds = now / 1_000_000_000
    var parts = tm()
    gmtime_r(&seconds, &parts)
    let digits = { (value: Int, width: Int) in
      let text = String(value)
      return String(repeating: "0", count: max(0, width - text.count)) + text
    }
    return digits(Int(parts.tm_year) + 1900, 4) + digits(Int(parts.tm_mon) + 1, 2)
      + digits(Int(parts.tm_mday), 2) + "T" + digits(Int(parts.tm_hour), 2)
      + digits(Int(parts.tm_min), 2) + digits(Int(parts.tm_sec), 2) + "."
      + digits(now / 1_000_000 % 1000, 3) + "Z"
  }

  /// Hexadecimal digits for names that must not meet; never part of an artifact.
  static func randomName(_ digits: Int = 8) -> String {
    let alphabet = Array("0123456789abcdef")
    return String((0..<digits).map { _ in alphabet[Int.random(in: 0..<16)] })
  }
}
