// Claiming a key, and taking it over from a holder that has died: the steps of LeaseProtocol.swift on
// files. Claims are made by link, like every other publication here.

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
    var files = LeaseFiles(
      store: self, path: leasePath(key),
      claim: LeaseClaim(process: .current, label: label, ttl: ttl))
    var machine = LeaseTaking(nonce: files.claim.nonce)
    while let step = machine.step { machine.receive(try files.perform(step)) }
    guard machine.outcome == .held else { return nil }
    return Lease(files.claim, key: key, store: self, descriptor: files.descriptor!)
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
  /// Markers that a dead breaker left go too.
  public func sweepLeases() {
    for name in (try? FileAccess.entries(in: path + "/leases")) ?? [] {
      if let key = Digest(hex: name) {
        guard holder(of: key)?.isAlive == false,
          let lease = (try? claim(key, label: "sweeping")) ?? nil
        else { continue }
        if case .hit = lookUp(key) { try? removeWorkFolder(for: key) }
        lease.release()
      } else if name.hasSuffix(".breaking") {
        let path = "\(path)/leases/\(name)"
        guard let look = (try? LeaseLook(at: path)) ?? nil, look.process?.isAlive == false else {
          continue
        }
        // Taken like a lease of its own, so that a breaker at work is not disturbed.
        var files = LeaseFiles(
          store: self, path: path,
          claim: LeaseClaim(process: .current, label: "sweeping", ttl: LeaseClaim.defaultTTL))
        var machine = LeaseTaking(nonce: files.claim.nonce)
        while let step = machine.step {
          guard let answer = try? files.perform(step) else { break }
          machine.receive(answer)
        }
        if machine.outcome == .held { unlink(path) }
      }
    }
  }

  func isStale(_ look: LeaseLook, at path: String) -> Bool {
    if look.process?.isAlive == false { return true }
    let now = FileAccess.monotonicSeconds
    let since = sightings.withLock { sightings in
      if let known = sightings[path], known.look == look { return known.since }
      sightings[path] = LeaseSighting(look: look, since: now)
      return now
    }
    return now - since >= 1.5 * look.ttl
  }

  func forgetSighting(_ path: String) {
    sightings.withLock { $0[path] = nil }
  }
}

/// Carries out the steps of LeaseProtocol.swift on the files of one key.
struct LeaseFiles {
  let store: Store
  /// Of the lease; markers stand beside it.
  let path: String
  let claim: LeaseClaim
  /// Open on our claim in the lease's place.
  private(set) var descriptor: SharedDescriptor?

  init(store: Store, path: String, claim: LeaseClaim) {
    self.store = store
    self.path = path
    self.claim = claim
  }

  func path(of file: LeaseFile) -> String {
    switch file {
    case .lease: path
    case .marker(let nonce): "\(path).\(Digest.of(nonce).hex.prefix(16)).breaking"
    }
  }

  mutating func perform(_ step: LeaseStep) throws(Diagnostic) -> LeaseAnswer {
    switch step {
    case .look(let file):
      let path = path(of: file)
      guard let look = try LeaseLook(at: path) else { return .nothing }
      return .claim(nonce: look.nonce, isStale: store.isStale(look, at: path))
    case .link(let file):
      let store = store
      return try place(file) { draft, path throws(Diagnostic) in
        try Placement.place(draft, at: path, link: store.link) == .placed
      }
    case .replace(let file):
      return try place(file) { draft, path throws(Diagnostic) in
        if rename(draft, path) == 0 { return true }
        // What a lost reply looks like when the call is repeated; anything else is a real refusal.
        if [ENOENT, EIO, ESTALE].contains(errno) { return false }
        throw .io("write", path, errno)
      }
    case .remove(let file): return unlink(path(of: file)) == 0 ? .done : .refused
    }
  }

  /// A new file for each name: renaming one of two names of a file over the other does nothing.
  private mutating func place(
    _ file: LeaseFile, _ give: (_ draft: String, _ path: String) throws(Diagnostic) -> Bool
  ) throws(Diagnostic) -> LeaseAnswer {
    let draft = try store.temporaryFile(claim.bytes, mode: 0o644, durable: false)
    defer { FileAccess.remove(draft) }
    // Opened before it is placed: from then on the file may be replaced at any time.
    let open = SharedDescriptor(try Descriptor(opening: draft, O_RDWR))
    let path = path(of: file)
    let isPlaced = try give(draft, path)
    if file == .lease { descriptor = open }
    if isPlaced { store.forgetSighting(path) }
    return isPlaced ? .done : .refused
  }
}
