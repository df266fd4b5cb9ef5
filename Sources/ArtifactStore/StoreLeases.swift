// Claiming a key, and taking it over from a holder that has died. Claims are made by link, like
// every other publication here.

import Diagnostics
import Glibc

extension Store {
  /// Claims the making of a key; nil if another holds it and seems to live (also another thread of
  /// this process). Look the key up again after claiming: the former holder may just have published.
  ///
  /// A holder is taken for dead when its process has gone (same host, boot and namespace), or when
  /// its file stayed unchanged for 1.5 × ttl between calls of this waiter. So a waiter has to ask
  /// again and again.
  ///
  /// - Parameter ttl: seconds; the heart beats three times in it.
  public func claim(
    _ key: Digest, label: String, ttl: Double = 60
  ) throws(Diagnostic) -> Lease? {
    let path = leasePath(key)
    let claim = LeaseClaim(process: .current, label: label, ttl: ttl)
    // The holder may release between our looks; after some rounds the caller waits like others.
    for _ in 0..<8 {
      let look = try LeaseLook(at: path)
      if let look, !isStale(look, at: path) { return nil }
      let draft = try temporaryFile(claim.bytes, mode: 0o644, durable: false)
      defer { FileAccess.remove(draft) }
      // Opened before it is placed: from then on the file may be replaced at any time.
      let descriptor = try Descriptor(opening: draft, O_RDWR)
      let inode = try descriptor.status(draft).inode
      if let look {
        guard try takeOver(look, at: path, with: draft) else { return nil }
      } else if try Placement.place(draft, at: path, link: link) == .existed {
        continue
      }
      forgetSighting(path)
      return Lease(
        key: key, path: path, markerPath: marker(for: claim.nonce, at: path),
        descriptor: descriptor, inode: inode, ttl: ttl)
    }
    return nil
  }

  /// Who makes this key at the moment, if anybody.
  public func holder(of key: Digest) -> LeaseHolder? {
    guard let look = (try? LeaseLook(at: leasePath(key))) ?? nil else { return nil }
    return LeaseHolder(
      host: look.process?.host ?? "", pid: look.process?.pid ?? 0, label: look.label,
      isAlive: look.process?.isAlive)
  }

  /// Removes leases whose process has died, with the resume state of those keys that have a result: a
  /// worker that is killed right after publishing leaves both, and nobody claims such a key again.
  public func sweepLeases() {
    for name in (try? FileAccess.entries(in: path + "/leases")) ?? [] {
      guard let key = Digest(hex: name), holder(of: key)?.isAlive == false,
        let lease = (try? claim(key, label: "sweeping")) ?? nil
      else { continue }
      if case .hit = lookUp(key) { try? removeWorkFolder(for: key) }
      lease.release()
    }
  }

  private func isStale(_ look: LeaseLook, at path: String) -> Bool {
    if look.process?.isAlive == false { return true }
    let now = FileAccess.monotonicSeconds
    let since = sightings.withLock { sightings in
      if let known = sightings[path], known.look == look { return known.since }
      sightings[path] = LeaseSighting(look: look, since: now)
      return now
    }
    return now - since >= 1.5 * look.ttl
  }

  private func forgetSighting(_ path: String) {
    sightings.withLock { $0[path] = nil }
  }

  private func marker(for nonce: String, at path: String) -> String {
    "\(path).\(Digest.of(nonce).hex.prefix(16)).breaking"
  }

  /// Replaces a stale lease by our draft; false if another waiter does so.
  ///
  /// Two waiters may find the same lease stale at different moments, so the later one must not
  /// remove the fresh lease of the earlier one. The right to replace *this* claim is itself taken by
  /// link, under a name made of the claim's nonce, and the claim is looked at again once it is
  /// taken. A marker whose maker died is removed like a stale lease.
  private func takeOver(
    _ stale: LeaseLook, at path: String, with draft: String
  ) throws(Diagnostic) -> Bool {
    let marker = marker(for: stale.nonce, at: path)
    let own = LeaseClaim(process: .current, label: "breaking", ttl: LeaseClaim.defaultTTL)
    let markerDraft = try temporaryFile(own.bytes, mode: 0o644, durable: false)
    defer { FileAccess.remove(markerDraft) }
    if try Placement.place(markerDraft, at: marker, link: link) == .existed {
      guard let look = try LeaseLook(at: marker), isStale(look, at: marker) else { return false }
      forgetSighting(marker)
      unlink(marker)
      return false
    }
    defer { unlink(marker) }
    guard let now = try LeaseLook(at: path), now == stale else { return false }
    try FileAccess.rename(draft, path)
    return true
  }
}
