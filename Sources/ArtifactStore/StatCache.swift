// Remembers digests of outside files by path, device, inode, size, mtime and ctime, so that an
// untouched file is not read again. It lies outside the store (`$XDG_CACHE_HOME/plumb`, else
// `~/.cache/plumb`), one file for each outside path that was asked for; losing it costs time only.
//
// The racy-clean rule: a file that was written in the very tick in which it was hashed could be
// written again without a new time stamp. So a digest is remembered only if the file's times lie
// well before the hashing began.

import CanonicalJSON
import Diagnostics
import Glibc

/// The remembered digests of one outside file or folder.
struct StatCache {
  private struct Entry {
    let numbers: [Int]
    let digest: Digest
  }

  private let path: String?
  private var entries: [String: Entry] = [:]
  private var isChanged = false

  private static let header = "plumb.stat-cache/1"
  /// Nanoseconds: the coarsest time stamps in use (FAT) count two seconds.
  static let racyMargin = 2_500_000_000

  static var defaultFolder: String? {
    if let base = getenv("XDG_CACHE_HOME"), base.pointee == UInt8(ascii: "/") {
      return String(cString: base) + "/plumb"
    }
    guard let home = getenv("HOME"), home.pointee == UInt8(ascii: "/") else { return nil }
    return String(cString: home) + "/.cache/plumb"
  }

  /// `subject` is the absolute path of the file or folder; without a folder nothing is remembered.
  init(folder: String?, subject: String) {
    path = folder.map { "\($0)/digests/\(Digest.of(subject).hex)" }
    guard let path, let bytes = try? FileAccess.read(path, limit: 1 << 30) else { return }
    let lines = bytes.split(separator: UInt8(ascii: "\n"))
    guard lines.first?.elementsEqual(Self.header.utf8) == true else { return }
    for line in lines.dropFirst() {
      let value = line.withUnsafeBufferPointer { try? JSONValue(parsing: $0, depth: 2) }
      guard let fields = value?.array, fields.count == 7, let name = fields[0].string,
        let hex = fields[6].string, let digest = Digest(hex: hex)
      else { continue }
      entries[name] = Entry(numbers: fields[1..<6].compactMap(\.integer), digest: digest)
    }
  }

  private static func numbers(_ status: FileStatus) -> [Int] {
    [
      Int(truncatingIfNeeded: status.device), Int(truncatingIfNeeded: status.inode), status.size,
      status.modified, status.changed,
    ]
  }

  func digest(of name: String, _ status: FileStatus) -> Digest? {
    guard let entry = entries[name], entry.numbers == Self.numbers(status) else { return nil }
    return entry.digest
  }

  /// - Parameter hashedAt: nanoseconds since 1970, before the file was opened.
  mutating func remember(
    _ digest: Digest, of name: String, _ status: FileStatus, hashedAt: Int
  ) {
    guard path != nil else { return }
    isChanged = true
    guard max(status.modified, status.changed) < hashedAt - Self.racyMargin else {
      entries[name] = nil
      return
    }
    entries[name] = Entry(numbers: Self.numbers(status), digest: digest)
  }

  /// Writes the cache if it changed; the last of several processes stays. Failures cost time only.
  func save() {
    guard isChanged, let path else { return }
    var bytes = Array((Self.header + "\n").utf8)
    for (name, entry) in entries {
      let fields: [JSONValue] =
        [.string(name)] + entry.numbers.map { .integer($0) } + [.string(entry.digest.hex)]
      bytes += JSONValue.array(fields).canonicalBytes
      bytes.append(UInt8(ascii: "\n"))
    }
    let draft = "\(path).\(getpid())-\(FileAccess.randomName())"
    do {
      try FileAccess.makeFolder(FileAccess.folder(of: path))
      try Self.write(bytes, draft)
      try FileAccess.rename(draft, path)
    } catch {
      FileAccess.remove(draft)
    }
  }

  private static func write(_ bytes: [UInt8], _ path: String) throws(Diagnostic) {
    let file = try Descriptor(opening: path, O_WRONLY | O_CREAT | O_EXCL)
    try file.write(bytes, path)
  }
}
