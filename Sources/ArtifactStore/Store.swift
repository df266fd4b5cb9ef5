// The store: a folder of immutable objects named by their digests, and results named by the key of
// the action that made them. Any number of processes use one store at the same time; atomic
// publication alone keeps it correct (see ArtifactStore.docc). This file opens it and knows the
// layout; objects are in StoreObjects.swift, results in StoreResults.swift, leases in Lease.swift,
// outside files in Ingest.swift, the other folders in StoreFolders.swift, checks in Verify.swift.

import CanonicalJSON
import Diagnostics
import Glibc
import Synchronization

/// A content-addressed store with an action cache.
public final class Store: Sendable {
  /// Absolute.
  public let path: String
  /// Where digests of outside files are remembered; nil: nowhere.
  let cacheFolder: String?
  let link: LinkCall
  /// Stores behind this one, only read.
  let upstreams: [Store]
  /// Why some of them cannot be used.
  public let upstreamProblems: [Diagnostic]
  let trees = Mutex<TreeCache>(TreeCache())
  /// What this process saw of other processes' leases, by path.
  let sightings = Mutex<[String: LeaseSighting]>([:])
  /// The folder of this process under `tmp`, once it was needed, and a count for names in it.
  let temporary = Mutex<(folder: String?, count: Int)>((nil, 0))

  /// Opens the store at a path, or makes one of a folder that is absent or empty.
  ///
  /// **Throws**: `store-not-a-store`, `store-format-unknown`, `store-format-damaged`, `store-io` and
  /// its kin.
  public convenience init(at path: String) throws(Diagnostic) {
    try self.init(at: path, cacheFolder: StatCache.defaultFolder)
  }

  init(
    at path: String, cacheFolder: String?, link: @escaping LinkCall = systemLink
  ) throws(Diagnostic) {
    self.path = FileAccess.absolute(path)
    self.cacheFolder = cacheFolder
    self.link = link
    (upstreams, upstreamProblems) = try Self.openUpstreams(of: self.path)
    if try !isFormatted() { try create() }
    sweepTemporary()
  }

  /// Opens a store that is there, to read only: nothing is made, swept or touched.
  public init(readOnlyAt path: String) throws(Diagnostic) {
    self.path = FileAccess.absolute(path)
    cacheFolder = nil
    link = systemLink
    (upstreams, upstreamProblems) = ([], [])
    guard try isFormatted() else { throw .notAStore(self.path, found: nil) }
  }

  deinit {
    // Whatever the process left in its folder has no owner any more.
    if let folder = temporary.withLock({ $0.folder }) { FileAccess.remove(folder) }
  }

  /// Where an object lies, here or in a store behind this one, or would lie. Read it in place, never
  /// write through it.
  public func objectPath(_ digest: Digest) -> String { readingPath(digest) }

  func ownObjectPath(_ digest: Digest) -> String {
    let hex = digest.hex
    return "\(path)/objects/\(hex.prefix(2))/\(hex)"
  }

  func resultPath(_ key: Digest) -> String {
    let hex = key.hex
    return "\(path)/actions/\(hex.prefix(2))/\(hex)"
  }

  /// Results that differ from the first one of a key lie here, named by the digest of their outputs.
  func evidenceFolder(_ key: Digest) -> String { resultPath(key) + ".evidence" }

  func leasePath(_ key: Digest) -> String { "\(path)/leases/\(key.hex)" }

  // MARK: Format

  static let formatText = "{\"digest\":\"sha256\",\"store\":1}\n"

  /// Whether the folder is a store of the version that this code knows; false if there is none.
  private func isFormatted() throws(Diagnostic) -> Bool {
    guard let bytes = try FileAccess.read(path + "/format", limit: 1 << 16) else { return false }
    let value = bytes.withUnsafeBufferPointer { try? JSONValue(parsing: $0) }
    guard let version = value?["store"]?.integer, let digest = value?["digest"]?.string else {
      throw .formatDamaged(path)
    }
    guard version == 1, digest == "sha256" else {
      throw .formatUnknown(path, version: version, digest: digest)
    }
    return true
  }

  private static let ownNames: Set<String> = [
    "objects", "actions", "work", "runs", "roots", "pins", "live", "leases", "tmp", "trash",
    "quarantine", "upstreams",
  ]

  /// Makes the store; `format` comes last, and several processes may do this at once.
  private func create() throws(Diagnostic) {
    if let status = FileStatus(of: path), !status.isFolder { throw .notAStore(path, found: nil) }
    let strange = try FileAccess.entries(in: path).first {
      !Self.ownNames.contains($0) && !$0.hasPrefix(".") && $0 != "README.md" && $0 != "format"
    }
    if let strange { throw .notAStore(path, found: strange) }
    for name in ["objects", "actions", "runs", "leases", "tmp"] {
      try FileAccess.makeFolder("\(path)/\(name)")
    }
    let draft = try temporaryFile(Array(Self.formatText.utf8), mode: 0o444, durable: true)
    if try Placement.place(draft, at: path + "/format", link: link) == .existed {
      FileAccess.remove(draft)
      // Another process was first; it may have been another version.
      _ = try isFormatted()
    }
    try FileAccess.synchroniseFolder(path)
  }

  /// Makes a store. In a shared one the group may write, and hands itself on; folders that are there
  /// already are left as they are unless they are ours.
  public static func create(at path: String, shared: Bool) throws(Diagnostic) {
    let path = FileAccess.absolute(path)
    try FileAccess.makeFolder(path)
    if shared, let status = FileStatus(of: path), status.mode & 0o2775 != 0o2775 {
      guard chmod(path, 0o2775) == 0 else { throw .io("share", path, errno) }
    }
    _ = try Store(at: path)
  }

  // MARK: Temporary files

  /// A name under `tmp` that nobody else uses.
  func temporaryName() throws(Diagnostic) -> String {
    let (known, number) = temporary.withLock { state in
      state.count += 1
      return (state.folder, state.count)
    }
    if let known { return "\(known)/\(number)" }
    let folder = "\(path)/tmp/\(ProcessIdentity.current.fileName)-\(FileAccess.randomName())"
    try FileAccess.makeFolder(folder)
    let winner = temporary.withLock { state in
      if state.folder == nil { state.folder = folder }
      return state.folder!
    }
    if winner != folder { FileAccess.remove(folder) }
    return "\(winner)/\(number)"
  }

  /// A temporary file with these bytes.
  func temporaryFile(
    _ bytes: [UInt8], mode: mode_t, durable: Bool
  ) throws(Diagnostic) -> String {
    let name = try temporaryName()
    do throws(Diagnostic) {
      let file = try Descriptor(opening: name, O_WRONLY | O_CREAT | O_EXCL)
      try file.write(bytes, name)
      guard fchmod(file.number, mode) == 0 else { throw Diagnostic.io("protect", name, errno) }
      if durable { try file.synchronise(name) }
    } catch {
      FileAccess.remove(name)
      throw error
    }
    return name
  }

  /// A new place in `quarantine` for something damaged.
  func quarantinePath(_ kind: String, _ name: String) throws(Diagnostic) -> String {
    try FileAccess.makeFolder(path + "/quarantine")
    return
      "\(path)/quarantine/\(FileAccess.timeStamp())-\(FileAccess.randomName(4))-\(kind)-\(name)"
  }

  /// Moves a damaged file out of the way; nothing if it has gone already.
  @discardableResult
  func quarantine(_ damaged: String, kind: String) throws(Diagnostic) -> Bool {
    let place = try quarantinePath(kind, FileAccess.name(of: damaged))
    if rename(damaged, place) == 0 { return true }
    if errno == ENOENT { return false }
    throw .io("move to quarantine", damaged, errno)
  }

  /// Puts a good file over a damaged one, which is kept in quarantine; at no moment is there none.
  func replaceDamaged(_ damaged: String, by good: String, kind: String) throws(Diagnostic) {
    let place = try quarantinePath(kind, FileAccess.name(of: damaged))
    if link(damaged, place) != 0 {
      guard rename(damaged, place) == 0 || errno == ENOENT else {
        throw .io("move to quarantine", damaged, errno)
      }
    }
    try FileAccess.rename(good, damaged)
  }
}
