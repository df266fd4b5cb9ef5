// The folders beside objects and results: resume state, temporary folders, runs, and roots that say
// what must be kept.

import CanonicalJSON
import Diagnostics
import Glibc

/// A folder for what one run writes about itself.
public struct RunFolder: Sendable {
  /// `<time>-<name>-<random>`: sorts by time.
  public let id: String
  /// Absolute.
  public let path: String
}

/// What must be kept: the keys of a run or of a named tag, and what they made.
public struct Root: Sendable {
  public let project: String
  public let name: String
  public let keys: [Digest]
  public let references: [ObjectReference]

  public init(project: String, name: String, keys: [Digest], references: [ObjectReference]) {
    self.project = project
    self.name = name
    self.keys = keys
    self.references = references
  }
}

extension Store {
  /// The folder with the resume state of an unfinished action; made if absent. Only the holder of the
  /// key's lease writes there.
  public func workFolder(for key: Digest) throws(Diagnostic) -> String {
    let path = workPath(key)
    try FileAccess.makeFolder(path)
    return path
  }

  /// Removes the resume state, after publishing.
  public func removeWorkFolder(for key: Digest) throws(Diagnostic) {
    let path = workPath(key)
    FileAccess.remove(path)
    if FileStatus(of: path, followingLinks: false) != nil { throw .io("remove", path, EACCES) }
  }

  private func workPath(_ key: Digest) -> String { "\(path)/work/\(key.hex.prefix(2))/\(key.hex)" }

  /// A new folder on the store's file system, gone when this process is.
  public func temporaryFolder() throws(Diagnostic) -> String {
    let path = try temporaryName()
    try FileAccess.makeFolder(path)
    return path
  }

  /// Removes a temporary folder of this process early.
  public func removeTemporary(_ path: String) {
    let tmp = self.path + "/tmp/"
    precondition(path.hasPrefix(tmp), "'\(path)' is no temporary folder under '\(tmp)'")
    FileAccess.remove(path)
  }

  /// Seconds after which a folder in `tmp` whose owner cannot be seen counts as left behind.
  private static let foreignAge = 7 * 86_400

  /// Removes temporary folders whose process has died; those of other hosts after a week without a
  /// change. Failures are left to the next one who sweeps.
  func sweepTemporary() {
    let tmp = path + "/tmp"
    for name in (try? FileAccess.entries(in: tmp)) ?? [] {
      let path = "\(tmp)/\(name)"
      switch ProcessIdentity.isAlive(fileName: name) {
      case true?: break
      case false?: FileAccess.remove(path)
      case nil:
        guard let status = FileStatus(of: path, followingLinks: false) else { break }
        let age = (FileAccess.now - max(status.modified, status.changed)) / 1_000_000_000
        if age > Self.foreignAge { FileAccess.remove(path) }
      }
    }
  }

  // MARK: Runs

  /// A new folder for a run; `name` helps people to find it.
  public func createRun(name: String) throws(Diagnostic) -> RunFolder {
    try FileAccess.makeFolder(path + "/runs")
    let shown = String(Self.fileName(name).prefix(80))
    while true {
      let id = "\(FileAccess.timeStamp())-\(shown)-\(FileAccess.randomName(6))"
      let folder = "\(path)/runs/\(id)"
      if mkdir(folder, 0o777) == 0 {
        FileAccess.share(folder)
        return RunFolder(id: id, path: folder)
      }
      guard errno == EEXIST else { throw .io("make the folder", folder, errno) }
    }
  }

  /// Newest first.
  public func runs() throws(Diagnostic) -> [RunFolder] {
    let folder = path + "/runs"
    return try FileAccess.entries(in: folder).reversed().compactMap { id in
      guard FileStatus(of: "\(folder)/\(id)")?.isFolder == true else { return nil }
      return RunFolder(id: id, path: "\(folder)/\(id)")
    }
  }

  // MARK: Roots

  /// Writes down what must be kept; a root of the same name is replaced.
  public func record(root: Root) throws(Diagnostic) {
    let value: JSONValue = .object([
      "root": 1, "project": .string(root.project), "name": .string(root.name),
      "keys": .array(root.keys.map { .string($0.hex) }),
      "references": .array(root.references.map { .string($0.description) }),
    ])
    let folder = "\(path)/roots/\(Self.fileName(root.project))"
    try FileAccess.makeFolder(folder)
    let draft = try temporaryFile(
      Array(value.indentedText.utf8), mode: 0o644, durable: true)
    try FileAccess.rename(draft, "\(folder)/\(Self.fileName(root.name))")
    try FileAccess.synchroniseFolder(folder)
  }

  /// Every root, sorted by project and name.
  ///
  /// **Throws**: `store-root-damaged` if one cannot be read, since what it keeps is then unknown.
  public func roots() throws(Diagnostic) -> [Root] {
    var roots: [Root] = []
    for project in try FileAccess.entries(in: path + "/roots") {
      let folder = "\(path)/roots/\(project)"
      guard FileStatus(of: folder)?.isFolder == true else { throw .rootDamaged(folder) }
      for name in try FileAccess.entries(in: folder) {
        let file = "\(folder)/\(name)"
        guard let bytes = try FileAccess.read(file, limit: 1 << 28) else { continue }
        guard let root = Self.root(parsing: bytes) else { throw .rootDamaged(file) }
        roots.append(root)
      }
    }
    return roots
  }

  private static func root(parsing bytes: [UInt8]) -> Root? {
    let value = bytes.withUnsafeBufferPointer { try? JSONValue(parsing: $0) }
    guard let value, value["root"]?.integer == 1, let project = value["project"]?.string,
      let name = value["name"]?.string, let keys = value["keys"]?.array,
      let references = value["references"]?.array
    else { return nil }
    let read = Root(
      project: project, name: name, keys: keys.compactMap { $0.string.flatMap { Digest(hex: $0) } },
      references: references.compactMap { $0.string.flatMap { ObjectReference($0) } })
    let isWhole = read.keys.count == keys.count && read.references.count == references.count
    return isWhole ? read : nil
  }

  /// A name that is safe as one path component: other bytes than letters, digits, `-`, `_` and inner
  /// dots are written as `%` and two hexadecimal digits.
  static func fileName(_ name: String) -> String {
    var out = ""
    for (index, byte) in name.utf8.enumerated() {
      switch byte {
      case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
        UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"), UInt8(ascii: "_"),
        UInt8(ascii: ".") where index > 0:
        out.unicodeScalars.append(Unicode.Scalar(byte))
      default:
        let hex = String(byte, radix: 16, uppercase: true)
        out += "%" + (hex.count == 1 ? "0" + hex : hex)
      }
    }
    return out.isEmpty ? "%" : out
  }
}
