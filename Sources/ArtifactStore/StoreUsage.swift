// What the store holds, and what keeps it there.

import Diagnostics
import Glibc

/// Sizes by folder and by what keeps them.
public struct StoreUsage: Sendable {
  public struct Keeper: Sendable {
    /// "root drift/last-whole-run", "pin paper", "live run …".
    public let name: String
    /// Bytes of the objects that it leads to.
    public let bytes: Int
    public let objects: Int
    /// Bytes that nothing else leads to.
    public let alone: Int
  }

  public fileprivate(set) var objects = (count: 0, bytes: 0)
  public fileprivate(set) var results = 0
  /// Bytes of each other folder that is not empty.
  public fileprivate(set) var others: [(name: String, bytes: Int)] = []
  /// Largest first.
  public fileprivate(set) var keepers: [Keeper] = []
  /// What nothing leads to, young or not.
  public fileprivate(set) var unreached = (count: 0, bytes: 0)
}

extension Store {
  /// **Throws**: `store-root-damaged`.
  public func usage() throws(Diagnostic) -> StoreUsage {
    var usage = StoreUsage()
    var sizes: [Digest: Int] = [:]
    for digest in try objectDigests() {
      guard let status = FileStatus(of: ownObjectPath(digest), followingLinks: false) else {
        continue
      }
      sizes[digest] = status.size
      usage.objects.count += 1
      usage.objects.bytes += status.size
    }
    usage.results = try resultKeys().count
    for name in ["actions", "work", "runs", "tmp", "trash", "quarantine"] {
      let bytes = Self.size(ofFolder: "\(path)/\(name)")
      if bytes > 0 { usage.others.append((name, bytes)) }
    }
    var kept: [(name: String, objects: Set<Digest>)] = []
    for (name, keys, references) in try keepers() {
      var reached = Reachability(self)
      for key in keys { reached.reach(key: key, name) }
      for reference in references { reached.reach(reference, name) }
      kept.append((name, Set(reached.objects.keys)))
    }
    var everything = Reachability(self)
    try everything.walk()
    var count: [Digest: Int] = [:]
    for keeper in kept { for digest in keeper.objects { count[digest, default: 0] += 1 } }
    usage.keepers = kept.map { keeper in
      var bytes = 0
      var alone = 0
      for digest in keeper.objects {
        guard let size = sizes[digest] else { continue }
        bytes += size
        if count[digest] == 1 { alone += size }
      }
      return .init(name: keeper.name, bytes: bytes, objects: keeper.objects.count, alone: alone)
    }.sorted { ($1.bytes, $0.name) < ($0.bytes, $1.name) }
    for (digest, size) in sizes where everything.objects[digest] == nil {
      usage.unreached.count += 1
      usage.unreached.bytes += size
    }
    return usage
  }

  /// Why an object or a result is kept: everything that leads to it, each as a sentence.
  public func reasons(for digest: Digest) throws(Diagnostic) -> [String] {
    var sentences: [String] = []
    for (name, keys, references) in try keepers() {
      var reached = Reachability(self)
      for key in keys { reached.reach(key: key, name) }
      for reference in references { reached.reach(reference, name) }
      if reached.keys[digest] != nil || reached.objects[digest] != nil { sentences.append(name) }
    }
    if sentences.isEmpty {
      var everything = Reachability(self)
      try everything.walk()
      if let reason = everything.keys[digest] ?? everything.objects[digest] {
        sentences.append(reason)
      }
    }
    for key in try resultKeys() {
      guard let stored = storedResult(key) else { continue }
      let result = stored.result
      let what = (try? record(result.record))?.kind ?? "?"
      for (port, reference) in result.outputs {
        if reference.digest == digest {
          sentences.append("output \(port) of \(what) \(key.hex.prefix(12))")
        } else if case .tree(let tree) = reference,
          let entry = (try? self.tree(tree))?.entries.first(where: { $0.digest == digest })
        {
          sentences.append("\(entry.path) in output \(port) of \(what) \(key.hex.prefix(12))")
        }
      }
      if result.record == digest { sentences.append("the record of \(what) \(key.hex.prefix(12))") }
    }
    return sentences
  }

  private func keepers() throws(Diagnostic) -> [(
    name: String, keys: [Digest], references: [ObjectReference]
  )] {
    var keepers: [(name: String, keys: [Digest], references: [ObjectReference])] = []
    for root in try roots() {
      keepers.append(("root \(root.project)/\(root.name)", root.keys, root.references))
    }
    let now = FileAccess.now / 1_000_000_000
    for pin in try pins() where !pin.isExpired(at: now) {
      keepers.append(("pin \(pin.name)", pin.keys, pin.references))
    }
    for run in try liveRuns() { keepers.append(("live run \(run.label)", run.keys, [])) }
    return keepers
  }

  /// Keys and objects whose names begin with some hexadecimal digits.
  public func find(_ digits: String) throws(Diagnostic) -> (keys: [Digest], objects: [Digest]) {
    (
      try resultKeys().filter { $0.hex.hasPrefix(digits) },
      try objectDigests().filter { $0.hex.hasPrefix(digits) }
    )
  }
}
