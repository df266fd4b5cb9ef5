// live/<process>: the keys that a run looks up, written down before it looks. Collection moves results
// away first and reads these files afterwards, so that of a run and a collection at the same moment at
// least one notices the other (StoreCollection.swift).

import CanonicalJSON
import Diagnostics
import Glibc
import Synchronization

/// A run that goes on. Its file goes with the object; that of a killed run is passed over once its
/// process has died (same host), or when it was not touched for a day.
public final class LiveRun: Sendable {
  public let path: String
  private let file: Descriptor

  init(at path: String, label: String) throws(Diagnostic) {
    self.path = path
    file = try Descriptor(opening: path, O_WRONLY | O_CREAT | O_EXCL | O_APPEND, mode: 0o644)
    // Whatever our umask says: who cannot read it does not know what must be kept.
    guard fchmod(file.number, 0o644) == 0 else { throw .io("protect", path, errno) }
    let head: JSONValue = .object([
      "host": .string(ProcessIdentity.current.host), "label": .string(label),
      "pid": .integer(ProcessIdentity.current.pid),
      "started": .integer(FileAccess.now / 1_000_000_000),
    ])
    try file.write(head.canonicalBytes + [UInt8(ascii: "\n")], path)
  }

  deinit { end() }

  /// The run is over, and its results have a root.
  public func end() { unlink(path) }

  /// Notes keys before they are looked up. Writing also is the sign of life.
  public func uses(_ keys: [Digest]) throws(Diagnostic) {
    guard !keys.isEmpty else { return }
    try file.write(Array(keys.map { $0.hex + "\n" }.joined().utf8), path)
  }

  /// A sign of life, on the file server's clock.
  public func touch() { futimens(file.number, nil) }
}

/// A run as its file shows it.
public struct LiveRunNote: Sendable {
  public let host: String
  public let pid: Int
  public let label: String
  /// Seconds since 1970.
  public let started: Int
  /// Whether its process lives; nil when it runs where only time can tell.
  public let isAlive: Bool?
  public let keys: [Digest]
  let path: String
  /// Its file cannot be read to its end.
  let isDamaged: Bool
}

extension Store {
  /// Seconds after which a run elsewhere that gave no sign of life counts as ended.
  static let silentRunAge = 86_400

  /// Says that a run goes on in this process.
  public func beginRun(label: String) throws(Diagnostic) -> LiveRun {
    try FileAccess.makeFolder(path + "/live")
    let name = ProcessIdentity.current.fileName + "-" + FileAccess.randomName()
    return try LiveRun(at: "\(path)/live/\(name)", label: label)
  }

  /// Whether a run goes on, by the name of its file in `live/`; of one elsewhere as long as it gives
  /// signs of life.
  public func isLive(run name: String) -> Bool {
    guard !name.isEmpty, !name.contains("/") else { return false }
    if let isAlive = ProcessIdentity.isAlive(fileName: name) { return isAlive }
    guard let status = FileStatus(of: "\(path)/live/\(name)", followingLinks: false) else {
      return false
    }
    return (FileAccess.now - status.modified) / 1_000_000_000 < 7200
  }

  /// Runs that go on. Files of dead ones are removed.
  public func liveRuns() throws(Diagnostic) -> [LiveRunNote] {
    var notes: [LiveRunNote] = []
    for name in try FileAccess.entries(in: path + "/live") {
      let file = "\(path)/live/\(name)"
      let isAlive = ProcessIdentity.isAlive(fileName: name)
      guard let status = FileStatus(of: file, followingLinks: false) else { continue }
      let age = (FileAccess.now - status.modified) / 1_000_000_000
      if isAlive == false || (isAlive == nil && age > Self.silentRunAge) {
        unlink(file)
        continue
      }
      guard let bytes = try FileAccess.read(file, limit: 1 << 30) else { continue }
      var lines = bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false)
      // A line that is being written has not been looked up yet.
      let isCut = lines.popLast()?.isEmpty == false
      let head = lines.first.flatMap { line in
        Array(line).withUnsafeBufferPointer { try? JSONValue(parsing: $0) }
      }
      let keys = lines.dropFirst().map { Digest(hex: String(decoding: $0, as: UTF8.self)) }
      notes.append(
        LiveRunNote(
          host: head?["host"]?.string ?? "", pid: head?["pid"]?.integer ?? 0,
          label: head?["label"]?.string ?? name,
          // A wrong number must not crash a collection.
          started: min(max(head?["started"]?.integer ?? 0, 0), 4_000_000_000),
          isAlive: isAlive, keys: keys.compactMap { $0 }, path: file,
          isDamaged: (head == nil && !isCut && !lines.isEmpty) || keys.contains(nil)))
    }
    return notes
  }
}
