// Results from one store to another: objects first, each hashed while it is copied, the result last.
// Nothing is overwritten, so a copy may be stopped and repeated, and two may go on at once.

import CanonicalJSON
import Diagnostics
import Dispatch
import Glibc
import Synchronization

/// What a transfer did.
public struct TransferReport: Sendable {
  public internal(set) var results = 0
  public internal(set) var objects = 0
  public internal(set) var bytes = 0
  /// Results that were there already.
  public internal(set) var known = 0
  /// Results that the other store has with other bytes: they stay, and these are evidence there.
  public internal(set) var differing: [Digest] = []
  /// Results that could not be sent because they are damaged here.
  public internal(set) var damaged: [Digest] = []
}

extension Store {
  /// Copies an object from another store.
  ///
  /// - Parameter replacing: also where one of the same size lies here already (it is damaged).
  /// - Returns: whether it is here now because of this call; false if it was here already.
  /// **Throws**: `store-object-missing`, `store-copy-damaged`.
  @discardableResult
  func copyObject(
    _ digest: Digest, from other: Store, replacing: Bool = false
  ) throws(Diagnostic) -> Bool {
    let source = other.objectPath(digest)
    guard let status = FileStatus(of: source, followingLinks: false), status.isRegular else {
      throw .objectMissing(digest.hex)
    }
    if !replacing, isPresent(digest, size: status.size) { return false }
    let draft = try draft(fileAt: source, .copy)
    guard draft.digest == digest else {
      FileAccess.remove(draft.path)
      throw .copyDamaged(digest.hex, other.path)
    }
    if replacing, FileStatus(of: ownObjectPath(digest), followingLinks: false) != nil {
      try Descriptor(opening: draft.path, O_RDONLY).synchronise(draft.path)
      try replaceDamaged(ownObjectPath(digest), by: draft.path, kind: "object")
      trees.withLock { $0.forget(digest) }
    } else {
      try place([draft])
    }
    return true
  }

  /// The objects that a result names, trees before their files; nil if one is missing.
  func objects(of stored: StoredResult) -> [Digest]? {
    guard missing(stored).isEmpty else { return nil }
    var found: [Digest] = [stored.result.record]
    for (_, reference) in stored.result.outputs {
      found.append(reference.digest)
      if case .tree(let digest) = reference {
        found += (try? tree(digest))?.entries.map(\.digest) ?? []
      }
    }
    var seen: Set<Digest> = []
    return found.filter { seen.insert($0).inserted }
  }

  /// Copies results to another store, several files at once.
  ///
  /// - Parameters:
  ///   - anonymous: provenance loses the names of hosts and users.
  ///   - progress: bytes copied so far, and results done, of how many.
  public func copy(
    _ keys: [Digest], to other: Store, anonymous: Bool = false, lanes: Int = 4,
    progress: @escaping @Sendable (_ bytes: Int, _ results: Int, _ of: Int) -> Void = { _, _, _ in }
  ) throws(Diagnostic) -> TransferReport {
    struct Shared {
      var report = TransferReport()
      var failure: Diagnostic?
      var next = 0
      var done = 0
    }
    let shared = Mutex(Shared())
    DispatchQueue.concurrentPerform(iterations: max(1, min(lanes, keys.count))) { _ in
      while true {
        let index: Int? = shared.withLock { state in
          guard state.failure == nil, state.next < keys.count else { return nil }
          state.next += 1
          return state.next - 1
        }
        guard let index else { return }
        do throws(Diagnostic) {
          let part = try self.copy(keys[index], to: other, anonymous: anonymous)
          shared.withLock { state in
            state.done += 1
            state.report.results += part.results
            state.report.objects += part.objects
            state.report.bytes += part.bytes
            state.report.known += part.known
            state.report.differing += part.differing
            state.report.damaged += part.damaged
            progress(state.report.bytes, state.done, keys.count)
          }
        } catch {
          let problem = error
          shared.withLock { if $0.failure == nil { $0.failure = problem } }
        }
      }
    }
    if let failure = shared.withLock({ $0.failure }) { throw failure }
    return shared.withLock { $0.report }
  }

  /// Copies one result with everything that it names.
  private func copy(
    _ key: Digest, to other: Store, anonymous: Bool
  ) throws(Diagnostic) -> TransferReport {
    var report = TransferReport()
    guard let stored = foundResult(key), let objects = objects(of: stored) else {
      report.damaged.append(key)
      return report
    }
    // The record says what the result may be believed to be.
    guard try record(stored.result.record).key == key else {
      report.damaged.append(key)
      return report
    }
    if case .hit(let there) = other.lookUp(key), there.hasSameOutputs(as: stored.result) {
      report.known = 1
      return report
    }
    for digest in objects {
      if try other.copyObject(digest, from: self) {
        report.objects += 1
        report.bytes += objectSize(digest) ?? 0
      }
    }
    let result = anonymous ? stored.result.anonymous : stored.result
    switch try other.publish(result) {
    case .published: report.results = 1
    case .identical: report.known = 1
    case .differs: report.differing.append(key)
    }
    return report
  }

  /// The keys of all results that are whole here.
  public func allKeys() throws(Diagnostic) -> [Digest] { try resultKeys() }

  /// The keys of results and of the parts of stages that went into them: what hands over a result.
  public func keysWithParts(_ keys: [Digest]) throws(Diagnostic) -> [Digest] {
    var reached = Reachability(self)
    for key in keys { reached.reach(key: key, "asked for") }
    try reached.reachInner()
    return reached.keys.keys.sorted()
  }
}

extension ActionResult {
  /// Without the names of hosts and users.
  var anonymous: ActionResult {
    ActionResult(key: key, outputs: outputs, record: record, provenance: provenance.anonymous)
  }
}

extension JSONValue {
  /// Provenance without names of people and machines.
  fileprivate var anonymous: JSONValue {
    guard let members = object?.members else { return self }
    let hidden: Set<String> = ["host", "user", "pid"]
    return .object(
      JSONObject(members.filter { !hidden.contains($0.key) }.map { ($0.key, $0.value) }))
  }
}
