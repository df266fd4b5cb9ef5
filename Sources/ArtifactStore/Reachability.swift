// What must be kept: everything that roots, pins and live runs lead to.
//
// A key leads to its result, its evidence, its record, what the record names as inputs and files, and
// every file of a tree. A cached part of a stage (an inner action) has no root of its own: it is kept
// while everything it was made from is kept, because then it can be asked for again.

import Diagnostics
import Glibc

/// A walk over the store, with the reason for everything that was reached.
struct Reachability {
  let store: Store
  private(set) var keys: [Digest: String] = [:]
  private(set) var objects: [Digest: String] = [:]

  init(_ store: Store) { self.store = store }

  /// From all roots, pins that have not expired, and live runs.
  ///
  /// **Throws**: `store-root-damaged`: where it is unknown what must be kept, nothing is known.
  mutating func walk(inner: Bool = true) throws(Diagnostic) {
    for root in try store.roots() {
      let reason = "root \(root.project)/\(root.name)"
      for key in root.keys { reach(key: key, reason) }
      for reference in root.references { reach(reference, reason) }
    }
    let now = FileAccess.now / 1_000_000_000
    for pin in try store.pins() where !pin.isExpired(at: now) {
      let reason = "pin \(pin.name)"
      for key in pin.keys { reach(key: key, reason) }
      for reference in pin.references { reach(reference, reason) }
    }
    for run in try store.liveRuns() {
      if run.isDamaged { throw .rootDamaged(run.path) }
      for key in run.keys { reach(key: key, "live run \(run.label)") }
    }
    if inner { try reachInner() }
  }

  mutating func reach(key: Digest, _ reason: String) {
    guard keys[key] == nil, let stored = store.storedResult(key) else { return }
    keys[key] = reason
    reach(stored.result, reason)
    for other in store.evidence(of: key) { reach(other, reason) }
  }

  private mutating func reach(_ result: ActionResult, _ reason: String) {
    for (_, reference) in result.outputs { reach(reference, reason) }
    objects[result.record] = objects[result.record] ?? reason
    guard let record = try? store.record(result.record) else { return }
    for input in record.inputs { reach(input.reference, reason) }
    for file in record.files { objects[file.digest] = objects[file.digest] ?? reason }
  }

  mutating func reach(_ reference: ObjectReference, _ reason: String) {
    // A digest may be reached as a blob first and as a tree later.
    let isNew = objects.updateValue(objects[reference.digest] ?? reason, forKey: reference.digest)
    guard case .tree(let digest) = reference, isNew == nil || !expanded.contains(digest) else {
      return
    }
    expanded.insert(digest)
    for entry in (try? store.tree(digest))?.entries ?? [] {
      objects[entry.digest] = objects[entry.digest] ?? reason
    }
  }

  private var expanded: Set<Digest> = []

  /// Parts of stages, until no more of them is reached.
  mutating func reachInner() throws(Diagnostic) {
    var waiting: [(key: Digest, inputs: [Digest])] = []
    for key in try store.resultKeys() where keys[key] == nil {
      guard let stored = store.storedResult(key),
        let record = try? store.record(stored.result.record), record.level == .inner
      else { continue }
      waiting.append((key, record.inputs.map(\.reference.digest)))
    }
    var isGrowing = true
    while isGrowing {
      isGrowing = false
      var still: [(key: Digest, inputs: [Digest])] = []
      for part in waiting {
        if let first = part.inputs.first, part.inputs.allSatisfy({ objects[$0] != nil }) {
          reach(key: part.key, "part of what \(objects[first] ?? "a root") keeps")
          isGrowing = true
        } else {
          still.append(part)
        }
      }
      waiting = still
    }
  }
}

extension Store {
  /// The keys of all results.
  func resultKeys() throws(Diagnostic) -> [Digest] {
    var keys: [Digest] = []
    for shelf in try FileAccess.entries(in: path + "/actions") {
      for name in try FileAccess.entries(in: "\(path)/actions/\(shelf)") {
        if let key = Digest(hex: name) { keys.append(key) }
      }
    }
    return keys
  }

  /// The digests of all objects.
  func objectDigests() throws(Diagnostic) -> [Digest] {
    var digests: [Digest] = []
    for shelf in try FileAccess.entries(in: path + "/objects") {
      for name in try FileAccess.entries(in: "\(path)/objects/\(shelf)") {
        if let digest = Digest(hex: name) { digests.append(digest) }
      }
    }
    return digests
  }
}
