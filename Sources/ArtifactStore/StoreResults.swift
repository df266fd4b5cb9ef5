// Results: looked up, published once, healed. Invariants 2 (objects are durable before the result
// is), 3 (a hit counts only if all its objects are whole), 6 (no half result) and 9 (another result
// for the same key is evidence, never a replacement).

import CLinux
import CanonicalJSON
import Diagnostics
import Glibc

/// What the store knows about a key.
public enum LookUp: Sendable {
  /// Every object that the result names (also inside trees) exists with its recorded size.
  case hit(ActionResult)
  case miss
  /// There is a result, but it cannot be used: objects are missing, or the result itself cannot be
  /// read (then nil). Claim the key, `heal`, make it again.
  case damaged(ActionResult?, missing: [ObjectReference])
}

public enum PublishOutcome: Sendable, Equatable {
  case published
  /// The same result was there already.
  case identical
  /// Another result was there already and stays; this one is kept at the path `evidence`.
  case differs(evidence: String)
}

extension Store {
  private static let resultLimit = 1 << 26

  /// **Cost**: one small file is read, and every object it names is examined once.
  public func lookUp(_ key: Digest) -> LookUp {
    let own = lookUpHere(key)
    if case .hit = own { return own }
    for store in upstreams {
      if case .hit(let result) = store.lookUpHere(key) { return .hit(result) }
    }
    return own
  }

  private func lookUpHere(_ key: Digest) -> LookUp {
    let stored: StoredResult?
    do throws(Diagnostic) {
      guard let bytes = try FileAccess.read(resultPath(key), limit: Self.resultLimit) else {
        return .miss
      }
      stored = StoredResult(parsing: bytes, key: key)
    } catch {
      stored = nil
    }
    guard let stored else { return .damaged(nil, missing: []) }
    let missing = missing(stored)
    return missing.isEmpty ? .hit(stored.result) : .damaged(stored.result, missing: missing)
  }

  /// A result as it lies there, whether or not its objects do.
  func storedResult(_ key: Digest) -> StoredResult? {
    let bytes = (try? FileAccess.read(resultPath(key), limit: Self.resultLimit)) ?? nil
    return bytes.flatMap { StoredResult(parsing: $0, key: key) }
  }

  func missing(_ stored: StoredResult) -> [ObjectReference] {
    let result = stored.result
    var missing = zip(result.outputs, stored.sizes).flatMap { output, size in
      self.missing(output.reference, size: size)
    }
    if !isPresent(result.record, size: stored.recordSize) { missing.append(.blob(result.record)) }
    return missing
  }

  /// Keeps a result under its key, after everything it names is durable.
  ///
  /// **Throws**: `store-object-missing` if an object it names was not put; `store-io` and its kin.
  /// Then nothing is published.
  public func publish(_ result: ActionResult) throws(Diagnostic) -> PublishOutcome {
    if !result.provenance.isFinite {
      throw .recordValue("the provenance holds no number", kind: "")
    }
    for (_, reference) in result.outputs { try copyUp(reference) }
    try copyUp(.blob(result.record))
    let stored = try completed(result)
    try synchroniseFolders(of: result)
    let path = resultPath(result.key)
    let draft = try temporaryFile(Array(stored.text.utf8), mode: 0o444, durable: true)
    defer { FileAccess.remove(draft) }
    var outcome: PublishOutcome?
    while outcome == nil {
      if try Placement.place(draft, at: path, link: link) == .placed {
        outcome = .published
        break
      }
      switch lookUpHere(result.key) {
      case .hit(let first) where first.hasSameOutputs(as: result): outcome = .identical
      case .hit: outcome = .differs(evidence: try keepEvidence(stored, draft))
      case .damaged:
        try replaceDamaged(path, by: draft, kind: "result")
        outcome = .published
      case .miss:
        // Healed by another process between the two looks: the place is free again. Or a link that
        // leads nowhere stands there, which nobody would ever remove.
        if FileStatus(of: path, followingLinks: false)?.isLink == true {
          try replaceDamaged(path, by: draft, kind: "result")
          outcome = .published
        }
      }
    }
    try FileAccess.synchroniseFolder(FileAccess.folder(of: path))
    return outcome!
  }

  /// The result with the sizes of what it names, if all of it is here.
  private func completed(_ result: ActionResult) throws(Diagnostic) -> StoredResult {
    var sizes: [Int] = []
    for (port, reference) in result.outputs {
      guard let size = objectSize(reference.digest) else {
        throw .resultIncomplete(port, reference)
      }
      if let absent = missing(reference, size: size).first { throw .resultIncomplete(port, absent) }
      sizes.append(size)
    }
    guard let recordSize = objectSize(result.record) else {
      throw .resultIncomplete("record", .blob(result.record))
    }
    return StoredResult(result, sizes: sizes, recordSize: recordSize)
  }

  /// Makes the names of a result's objects durable, whoever placed them: another process may have
  /// linked one a moment ago and died.
  private func synchroniseFolders(of result: ActionResult) throws(Diagnostic) {
    var folders: Set<String> = [path + "/objects"]
    func add(_ digest: Digest) { folders.insert(FileAccess.folder(of: ownObjectPath(digest))) }
    add(result.record)
    for (_, reference) in result.outputs {
      add(reference.digest)
      if case .tree(let digest) = reference {
        for entry in try tree(digest).entries { add(entry.digest) }
      }
    }
    // Each folder costs a journal commit; many together cost one.
    if folders.count > 16 {
      let file = try Descriptor(opening: path, O_RDONLY)
      if repeated({ plumb_sync_filesystem(file.number) }) == 0 { return }
    }
    for folder in folders { try FileAccess.synchroniseFolder(folder) }
  }

  /// Keeps a result beside the first one; the same evidence twice is kept once.
  private func keepEvidence(
    _ stored: StoredResult, _ draft: String
  ) throws(Diagnostic) -> String {
    let path = evidenceFolder(stored.result.key) + "/" + stored.result.outputsDigest.hex
    _ = try Placement.place(draft, at: path, link: link)
    try FileAccess.synchroniseFolder(FileAccess.folder(of: path))
    return path
  }

  /// Results of this key that differ from the first one, sorted by what they hold.
  public func evidence(of key: Digest) -> [ActionResult] {
    let folder = evidenceFolder(key)
    return ((try? FileAccess.entries(in: folder)) ?? []).compactMap { name in
      let bytes = (try? FileAccess.read("\(folder)/\(name)", limit: Self.resultLimit)) ?? nil
      return bytes.flatMap { StoredResult(parsing: $0, key: key)?.result }
    }
  }

  /// Moves a damaged result, and objects of it that are damaged, to quarantine, so that the action
  /// can be made again. Does nothing to a result that is whole.
  public func heal(_ key: Digest, under lease: Lease) throws(Diagnostic) {
    precondition(lease.key == key, "heal of \(key) under the lease of \(lease.key)")
    // Looked at again under the lease: another process may have healed it.
    guard case .damaged(_, let missing) = lookUpHere(key) else { return }
    for reference in missing
    where FileStatus(of: ownObjectPath(reference.digest), followingLinks: false) != nil {
      // A wrong result may accuse a good object: its bytes decide.
      if try isWhole(reference.digest) { continue }
      try quarantine(ownObjectPath(reference.digest), kind: "object")
      trees.withLock { $0.forget(reference.digest) }
    }
    try quarantine(resultPath(key), kind: "result")
  }
}

extension JSONValue {
  fileprivate var isFinite: Bool {
    switch self {
    case .number(let number): number.isFinite
    case .array(let items): items.allSatisfy(\.isFinite)
    case .object(let object): object.members.allSatisfy(\.value.isFinite)
    case .null, .boolean, .integer, .string: true
    }
  }
}
