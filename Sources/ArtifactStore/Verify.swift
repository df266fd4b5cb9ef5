// Looks at everything: rehashes objects, follows results to what they name, recomputes keys from
// records. With `repair`, modes are restored and what is damaged moves to quarantine, so that the
// next run makes it again.

import CanonicalJSON
import Diagnostics
import Glibc

/// What a check of the whole store found.
public struct VerifyReport: Sendable {
  public struct Problem: Sendable {
    /// The id of the diagnostic that explains it.
    public let id: String
    /// Relative to the store.
    public let path: String
    public let message: String
    public let isRepaired: Bool
  }

  public fileprivate(set) var objects = 0
  /// Of all objects.
  public fileprivate(set) var bytes = 0
  /// Results, evidence not counted.
  public fileprivate(set) var results = 0
  public fileprivate(set) var evidence = 0
  public fileprivate(set) var problems: [Problem] = []
  /// Objects whose bytes were read; all of them unless a sample was asked for.
  public fileprivate(set) var hashed = 0
  /// Keys with results that differ from the first one.
  public fileprivate(set) var disputed: [Digest] = []

  /// Whether the store is whole now, after repair if that was asked for.
  public var isClean: Bool { problems.allSatisfy(\.isRepaired) }

  /// "1204 objects (3.1 GB), 96 results: all whole"
  public var summary: String {
    let size = Self.size(bytes)
    let open = problems.filter { !$0.isRepaired }.count
    let repaired = problems.count - open
    var state: [String] = []
    if open > 0 { state.append("\(open) damaged") }
    if repaired > 0 { state.append("\(repaired) repaired") }
    if state.isEmpty { state.append("all whole") }
    return "\(objects) objects (\(size)), \(results) results: \(state.joined(separator: ", "))"
  }

  private static func size(_ bytes: Int) -> String {
    var value = Double(bytes)
    for unit in ["B", "kB", "MB", "GB"] {
      if value < 1000 {
        return unit == "B" ? "\(bytes) B" : "\((value * 10).rounded() / 10) \(unit)"
      }
      value /= 1000
    }
    return "\((value * 10).rounded() / 10) TB"
  }
}

extension Store {
  /// Checks every object, result and piece of evidence. Others may use the store meanwhile.
  ///
  /// - Parameters:
  ///   - sample: the share of objects whose bytes are read, others each time; of all objects size, place
  ///     and mode are checked.
  ///   - source: a store from which damaged and missing objects are fetched; implies `repair`.
  ///   - progress: bytes hashed so far, and bytes of all objects.
  public func verify(
    repair: Bool = false, sample: Double = 1, repairingFrom source: Store? = nil,
    progress: (_ done: Int, _ of: Int) -> Void = { _, _ in }
  ) throws(Diagnostic) -> VerifyReport {
    var check = StoreCheck(
      store: self, repair: repair || source != nil, sample: sample, source: source)
    try check.objects(progress)
    try check.results()
    try check.roots()
    return check.report
  }
}

private struct StoreCheck {
  let store: Store
  let repair: Bool
  let sample: Double
  let source: Store?
  var report = VerifyReport()
  /// Objects whose bytes are wrong.
  var damaged: Set<Digest> = []

  init(store: Store, repair: Bool, sample: Double, source: Store?) {
    self.store = store
    self.repair = repair
    self.sample = sample
    self.source = source
  }

  /// Whether the other store had the object, whole.
  private func fetch(_ digest: Digest) -> Bool {
    guard let source else { return false }
    return (try? store.copyObject(digest, from: source, replacing: true)) == true
  }

  private mutating func note(
    _ id: String, _ path: String, _ message: String, repaired: Bool = false
  ) {
    let path =
      path.hasPrefix(store.path + "/") ? String(path.dropFirst(store.path.utf8.count + 1)) : path
    report.problems.append(.init(id: id, path: path, message: message, isRepaired: repaired))
  }

  private func quarantine(_ path: String, _ kind: String) -> Bool {
    repair && (try? store.quarantine(path, kind: kind)) == true
  }

  // MARK: Objects

  mutating func objects(_ progress: (Int, Int) -> Void) throws(Diagnostic) {
    var files: [(path: String, digest: Digest, status: FileStatus)] = []
    var total = 0
    for (prefix, name, path) in try shelves("objects") {
      guard let status = FileStatus(of: path, followingLinks: false) else { continue }
      guard let digest = Digest(hex: name), name.hasPrefix(prefix), status.isRegular else {
        let moved = quarantine(path, "stranger")
        note("store-object-damaged", path, "this is no object", repaired: moved)
        continue
      }
      files.append((path, digest, status))
      total += status.size
    }
    var done = 0
    for file in files {
      try object(file.path, file.digest, file.status)
      done += file.status.size
      progress(done, total)
    }
  }

  private mutating func object(
    _ path: String, _ digest: Digest, _ status: FileStatus
  ) throws(Diagnostic) {
    report.objects += 1
    report.bytes += status.size
    if status.mode & 0o777 != 0o444 {
      let mended = repair && chmod(path, 0o444) == 0
      let mode = String(status.mode & 0o777, radix: 8)
      note("store-object-mode", path, "its mode is \(mode), not 444", repaired: mended)
    }
    guard sample >= 1 || Double.random(in: 0..<1) < sample else { return }
    report.hashed += 1
    let isWhole: Bool
    do throws(Diagnostic) {
      isWhole = try store.isWhole(digest)
    } catch {
      // Collected or quarantined by another process since the folder was listed.
      if FileStatus(of: path, followingLinks: false) == nil { return }
      note(error.id, path, error.message)
      damaged.insert(digest)
      return
    }
    if !isWhole {
      if fetch(digest) {
        note("store-object-damaged", path, "its bytes do not have this digest", repaired: true)
        return
      }
      damaged.insert(digest)
      let moved = quarantine(path, "object")
      note("store-object-damaged", path, "its bytes do not have this digest", repaired: moved)
    }
  }

  // MARK: Results

  mutating func results() throws(Diagnostic) {
    for (prefix, name, path) in try shelves("actions") {
      if name.hasSuffix(".evidence"), let key = Digest(hex: String(name.dropLast(9))),
        name.hasPrefix(prefix)
      {
        guard FileStatus(of: path, followingLinks: false)?.isFolder == true else {
          let moved = quarantine(path, "stranger")
          note("store-result-damaged", path, "this is no folder", repaired: moved)
          continue
        }
        report.disputed.append(key)
        for piece in try FileAccess.entries(in: path) {
          report.evidence += 1
          try result("\(path)/\(piece)", key, piece: piece)
        }
        continue
      }
      guard let key = Digest(hex: name), name.hasPrefix(prefix) else {
        let moved = quarantine(path, "stranger")
        note("store-result-damaged", path, "this is no result", repaired: moved)
        continue
      }
      report.results += 1
      try result(path, key, piece: nil)
    }
  }

  private mutating func result(
    _ path: String, _ key: Digest, piece: String?
  ) throws(Diagnostic) {
    guard let found = FileStatus(of: path, followingLinks: false) else { return }
    guard found.isRegular else {
      let moved = quarantine(path, "stranger")
      note("store-result-damaged", path, "this is no file", repaired: moved)
      return
    }
    guard let bytes = try FileAccess.read(path) else { return }
    let fault: String?
    if let stored = StoredResult(parsing: bytes, key: key) {
      // A tree that was fetched may name further files that are missing.
      for _ in 0..<2 {
        for absent in store.missing(stored) where fetch(absent.digest) {
          note("store-object-missing", path, "\(absent) was missing", repaired: true)
        }
      }
      fault = self.fault(in: stored, key: key, piece: piece)
    } else {
      fault = "it is not a whole result of this key"
    }
    if let fault {
      // The same place may hold a whole result by now.
      let moved = quarantine(path, "result")
      note("store-result-damaged", path, fault, repaired: moved)
    } else if found.mode & 0o777 != 0o444 {
      let mended = repair && chmod(path, 0o444) == 0
      let mode = String(found.mode & 0o777, radix: 8)
      note("store-object-mode", path, "its mode is \(mode), not 444", repaired: mended)
    }
  }

  private func fault(in stored: StoredResult, key: Digest, piece: String?) -> String? {
    let result = stored.result
    if let piece, piece != result.outputsDigest.hex { return "its name does not fit what it holds" }
    if let absent = store.missing(stored).first { return "\(absent) is missing or incomplete" }
    var named: [Digest] = [result.record]
    for (_, reference) in result.outputs {
      named.append(reference.digest)
      if case .tree(let digest) = reference {
        guard let tree = try? store.tree(digest) else { return "\(reference) cannot be read" }
        named += tree.entries.map(\.digest)
      }
    }
    if let bad = named.first(where: { damaged.contains($0) }) {
      return "the object \(bad) that it names is damaged"
    }
    do throws(Diagnostic) {
      let record = try store.record(result.record)
      return record.key == key ? nil : "its record has another key: \(record.key)"
    } catch {
      return "its record cannot be read: \(error.message)"
    }
  }

  // MARK: Roots

  mutating func roots() throws(Diagnostic) {
    do throws(Diagnostic) {
      _ = try store.roots()
      _ = try store.pins()
    } catch {
      note(error.id, store.path + "/roots", error.message)
    }
  }

  /// Every file in the folders `<area>/ab/`.
  private mutating func shelves(
    _ area: String
  ) throws(Diagnostic) -> [(prefix: String, name: String, path: String)] {
    var found: [(prefix: String, name: String, path: String)] = []
    let id = area == "objects" ? "store-object-damaged" : "store-result-damaged"
    for prefix in try FileAccess.names(in: "\(store.path)/\(area)") {
      let folder = "\(store.path)/\(area)/\(prefix ?? "?")"
      let isShelf = prefix.map { $0.utf8.count == 2 && $0.utf8.allSatisfy(isHexadecimal) } ?? false
      guard let prefix, isShelf, FileStatus(of: folder)?.isFolder == true else {
        note(
          id, folder, "this does not belong here",
          repaired: prefix != nil && quarantine(folder, "stranger"))
        continue
      }
      for name in try FileAccess.names(in: folder) {
        guard let name else {
          note(id, folder, "the name of a file in it is not UTF-8")
          continue
        }
        found.append((prefix, name, "\(folder)/\(name)"))
      }
    }
    return found
  }

  private func isHexadecimal(_ byte: UInt8) -> Bool {
    (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
      || (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte)
  }
}
