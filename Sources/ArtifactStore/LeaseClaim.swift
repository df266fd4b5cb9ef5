// What stands in a lease's file, and how a waiter judges whether the holder still lives.

import CanonicalJSON
import Diagnostics

/// Who makes a key at the moment.
public struct LeaseHolder: Sendable {
  public let host: String
  public let pid: Int
  /// What the holder said it makes, such as an instance's name.
  public let label: String
  /// Whether the process lives; nil when it runs where only time can tell.
  public let isAlive: Bool?
}

/// A lease as written.
struct LeaseClaim: Sendable {
  let process: ProcessIdentity
  let label: String
  /// Tells two claims apart.
  let nonce: String
  /// Seconds.
  let ttl: Double

  static let defaultTTL = 60.0

  init(
    process: ProcessIdentity, label: String, ttl: Double, nonce: String = FileAccess.randomName(16)
  ) {
    self.process = process
    self.label = label
    self.ttl = ttl
    self.nonce = nonce
  }

  func renamed(_ nonce: String) -> LeaseClaim {
    LeaseClaim(process: process, label: label, ttl: ttl, nonce: nonce)
  }

  var bytes: [UInt8] {
    let value: JSONValue = .object([
      "host": .string(process.host), "boot": .string(process.boot),
      "namespace": .string(process.namespace), "pid": .integer(process.pid),
      "start": .integer(process.start), "label": .string(label), "nonce": .string(nonce),
      "ttl": .number(ttl),
    ])
    return value.canonicalBytes + [UInt8(ascii: "\n")]
  }

  /// nil for half a lease: then only time judges.
  init?(parsing bytes: [UInt8]) {
    let value = bytes.withUnsafeBufferPointer { try? JSONValue(parsing: $0) }
    guard let value, let host = value["host"]?.string, let boot = value["boot"]?.string,
      let namespace = value["namespace"]?.string, let pid = value["pid"]?.integer,
      let start = value["start"]?.integer, let label = value["label"]?.string,
      let nonce = value["nonce"]?.string, let ttl = value["ttl"]?.double
    else { return nil }
    process = ProcessIdentity(
      host: host, boot: boot, namespace: namespace, pid: pid, start: start)
    self.label = label
    self.nonce = nonce
    // A wrong number must not block a key for ever, nor break every lease.
    self.ttl = min(max(ttl, 0.05), 600)
  }
}

/// One look at a lease's file.
struct LeaseLook: Sendable, Equatable {
  let inode: UInt64
  let modified: Int
  let nonce: String
  let ttl: Double
  let process: ProcessIdentity?
  let label: String

  /// nil if there is no lease. The file is opened anew: over NFS that asks the server.
  init?(at path: String) throws(Diagnostic) {
    guard let bytes = try FileAccess.read(path, limit: 1 << 20),
      let status = FileStatus(of: path, followingLinks: false)
    else { return nil }
    let claim = LeaseClaim(parsing: bytes)
    inode = status.inode
    modified = status.modified
    nonce = claim?.nonce ?? "inode \(status.inode)"
    ttl = claim?.ttl ?? LeaseClaim.defaultTTL
    process = claim?.process
    label = claim?.label ?? ""
  }
}

/// Since when a waiter has seen a lease unchanged.
struct LeaseSighting: Sendable {
  let look: LeaseLook
  /// Monotonic seconds of the waiter: clocks of two hosts are never compared.
  let since: Double
}
