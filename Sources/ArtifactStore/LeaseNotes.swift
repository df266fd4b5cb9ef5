// Leases as a person asks about them: who makes what, for how long, and whether that may be broken.

import Diagnostics
import Glibc

/// A lease in the store.
public struct LeaseNote: Sendable {
  public let key: Digest
  public let holder: LeaseHolder
  /// Seconds since the last sign of life, by the clock of the file server.
  public let silent: Double
  /// Seconds: the heart beats three times in it.
  public let ttl: Double

  /// Why it is not in the way, or why it is.
  public var judgement: String {
    switch holder.isAlive {
    case true?: "its process lives"
    case false?: "its process has died: the next run takes it over at once"
    case nil:
      "on another host, or before a restart: a waiter takes it over when it has seen no sign of life for"
        + " \(Int((1.5 * ttl).rounded(.up))) s"
    }
  }
}

extension Store {
  /// Sorted by key.
  public func leases() throws(Diagnostic) -> [LeaseNote] {
    // Both times come from the file server: ours may differ by minutes.
    let probe = try temporaryFile([], mode: 0o644, durable: false)
    defer { FileAccess.remove(probe) }
    let now = FileStatus(of: probe)?.modified ?? FileAccess.now
    var notes: [LeaseNote] = []
    for name in try FileAccess.entries(in: path + "/leases") {
      guard let key = Digest(hex: name), let look = try LeaseLook(at: leasePath(key)),
        let holder = holder(of: key)
      else { continue }
      notes.append(
        LeaseNote(
          key: key, holder: holder, silent: max(0, Double(now - look.modified) * 1e-9),
          ttl: look.ttl))
    }
    return notes
  }

  /// Takes a lease away from its holder, for a person who knows better than time.
  ///
  /// - Returns: false if there was none any more.
  public func breakLease(_ key: Digest) throws(Diagnostic) -> Bool {
    if unlink(leasePath(key)) == 0 { return true }
    if errno == ENOENT { return false }
    throw .io("remove", leasePath(key), errno)
  }
}
