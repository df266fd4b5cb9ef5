// Collection: what nothing leads to and is older than a grace period moves to trash/<time>/, from where
// it comes back with `undo`, until the trash is emptied.
//
// Others use the store meanwhile. A run notes each key in live/ before it looks it up; collection moves
// results first, reads live/ again, and puts back what a run has noted: so at least one of the two
// notices the other. Objects go last, and only those that no remaining result names; one that a writer
// touches again (`put` of the same bytes) is young and stays. Whatever still slips through is a miss and
// heals (invariant 3).

import Diagnostics
import Glibc

/// What collection would move, or moved.
public struct CollectionReport: Sendable {
  public struct Item: Sendable {
    public enum Kind: String, Sendable { case result, object, work, run }
    public let kind: Kind
    /// Relative to the store.
    public let path: String
    /// Bytes; of folders, of all files in them.
    public let size: Int
  }

  public fileprivate(set) var items: [Item] = []
  public fileprivate(set) var kept = (results: 0, objects: 0, bytes: 0)
  /// Of what is kept, only because it is younger than the grace period.
  public fileprivate(set) var young = (objects: 0, bytes: 0)
  /// The folder in trash/ that `undo` takes; nil if nothing was moved.
  public fileprivate(set) var trash: String?
  /// Results that a run asked for at the same moment, and that stayed.
  public fileprivate(set) var saved = 0

  public var bytes: Int { items.reduce(0) { $0 + $1.size } }
  public func count(_ kind: Item.Kind) -> Int { items.count { $0.kind == kind } }
}

extension Store {
  public static let defaultGrace = 14 * 86_400

  /// Finds what nothing needs and, with `apply`, moves it to the trash.
  ///
  /// - Parameters:
  ///   - grace: seconds; what changed since then stays.
  ///   - keepingRuns: seconds; records of older runs go.
  /// **Throws**: `store-root-damaged`, `store-no-roots` where nothing says what to keep.
  public func collect(
    apply: Bool, grace: Int = Store.defaultGrace, keepingRuns: Int = 90 * 86_400
  ) throws(Diagnostic) -> CollectionReport {
    try collect(apply: apply, grace: grace, keepingRuns: keepingRuns, beforeRecheck: {})
  }

  /// - Parameter beforeRecheck: for tests: another process at the worst moment.
  func collect(
    apply: Bool, grace: Int, keepingRuns: Int, beforeRecheck: () -> Void
  ) throws(Diagnostic) -> CollectionReport {
    var collection = Collection(store: self, apply: apply, grace: grace)
    try collection.results()
    beforeRecheck()
    try collection.restoreWhatIsUsed()
    try collection.objects()
    try collection.work()
    try collection.runs(age: keepingRuns)
    return collection.report
  }

  /// Folders of the trash, newest first, with the bytes in them.
  public func trash() throws(Diagnostic) -> [(name: String, bytes: Int)] {
    try FileAccess.entries(in: path + "/trash").reversed().map { name in
      (name, Self.size(ofFolder: "\(path)/trash/\(name)"))
    }
  }

  /// Brings back what a collection moved away; the newest one unless another is named. What has been
  /// made again since then stays as it is, and its old form stays in the trash.
  public func undoCollection(_ name: String? = nil) throws(Diagnostic) -> (
    name: String, files: Int
  )? {
    let all = try FileAccess.entries(in: path + "/trash")
    guard let name = name ?? all.last, all.contains(name) else { return nil }
    let folder = "\(path)/trash/\(name)"
    var count = 0
    // Objects before results: at no moment does a result name what is not there.
    for area in ["objects", "actions", "work", "runs"] {
      count += try bringBack(
        "\(folder)/\(area)", to: "\(path)/\(area)", depth: area == "runs" ? 0 : 1)
    }
    FileAccess.removeEmptyFolders(folder)
    return (name, count)
  }

  private func bringBack(
    _ folder: String, to place: String, depth: Int
  ) throws(Diagnostic) -> Int {
    var count = 0
    for name in try FileAccess.entries(in: folder) {
      if depth > 0 {
        count += try bringBack("\(folder)/\(name)", to: "\(place)/\(name)", depth: depth - 1)
        continue
      }
      try FileAccess.makeFolder(place)
      if FileStatus(of: "\(place)/\(name)", followingLinks: false) != nil { continue }
      try FileAccess.rename("\(folder)/\(name)", "\(place)/\(name)")
      count += 1
    }
    return count
  }

  /// Frees what lies in the trash for at least so many seconds, and gives the bytes.
  public func emptyTrash(olderThan age: Int = 0) throws(Diagnostic) -> Int {
    var bytes = 0
    for (name, size) in try trash() {
      let folder = "\(path)/trash/\(name)"
      guard let status = FileStatus(of: folder, followingLinks: false) else { continue }
      if (FileAccess.now - status.modified) / 1_000_000_000 < age { continue }
      FileAccess.remove(folder)
      if FileStatus(of: folder, followingLinks: false) == nil { bytes += size }
    }
    return bytes
  }

  static func size(ofFolder folder: String) -> Int {
    var total = 0
    for name in (try? FileAccess.entries(in: folder)) ?? [] {
      let path = "\(folder)/\(name)"
      guard let status = FileStatus(of: path, followingLinks: false) else { continue }
      total += status.isFolder ? size(ofFolder: path) : status.size
    }
    return total
  }
}

private struct Collection {
  let store: Store
  let apply: Bool
  /// Nanoseconds since 1970; what changed later stays.
  private var limit: Int
  var report = CollectionReport()
  private var reached: Reachability
  private var trash: String?
  /// Moved results, so that they can be put back.
  private var moved: [Digest] = []

  init(store: Store, apply: Bool, grace: Int) {
    self.store = store
    self.apply = apply
    limit = FileAccess.now - grace * 1_000_000_000
    reached = Reachability(store)
  }

  private func isYoung(_ status: FileStatus) -> Bool {
    // Renames set the change time, and copies by hand set both: either counts.
    max(status.modified, status.changed) > limit
  }

  mutating func results() throws(Diagnostic) {
    // What a run has made but not published yet is named by nothing.
    for run in try store.liveRuns() { limit = min(limit, (run.started - 3600) * 1_000_000_000) }
    try reached.walk()
    if try store.roots().isEmpty, try store.pins().isEmpty { throw .noRoots(store.path) }
    for key in try store.resultKeys() {
      let path = store.resultPath(key)
      guard let status = FileStatus(of: path, followingLinks: false) else { continue }
      if reached.keys[key] != nil || isYoung(status) {
        report.kept.results += 1
        continue
      }
      let evidence = store.evidenceFolder(key)
      let size = status.size + Store.size(ofFolder: evidence)
      guard try move(path, .result, size: size) else { continue }
      moved.append(key)
      if FileStatus(of: evidence) != nil { _ = try move(evidence, nil, size: 0) }
    }
  }

  /// A run may have noted and found a result just before it was moved.
  mutating func restoreWhatIsUsed() throws(Diagnostic) {
    guard apply else { return }
    let used = try store.liveRuns()
    if let damaged = used.first(where: \.isDamaged) { throw .rootDamaged(damaged.path) }
    let keys = Set(used.flatMap(\.keys))
    for key in moved where keys.contains(key) {
      for path in [store.resultPath(key), store.evidenceFolder(key)] {
        guard let trash, FileStatus(of: path, followingLinks: false) == nil else { continue }
        rename(trash + path.dropFirst(store.path.utf8.count), path)
      }
      report.items.removeAll { $0.path.hasSuffix(key.hex) && $0.kind == .result }
      report.kept.results += 1
      report.saved += 1
    }
  }

  /// Objects that no remaining result names, however that came to stay.
  mutating func objects() throws(Diagnostic) {
    var now = Reachability(store)
    try now.walk(inner: false)
    let gone = apply ? [] : Set(moved)
    for key in try store.resultKeys() where !gone.contains(key) { now.reach(key: key, "a result") }
    for digest in try store.objectDigests() {
      let path = store.ownObjectPath(digest)
      // Looked at in the last moment: a writer may just have asked for the same bytes.
      guard let status = FileStatus(of: path, followingLinks: false) else { continue }
      let isReached = now.objects[digest] != nil
      if isReached || isYoung(status) {
        report.kept.objects += 1
        report.kept.bytes += status.size
        if !isReached {
          report.young.objects += 1
          report.young.bytes += status.size
        }
        continue
      }
      _ = try move(path, .object, size: status.size)
    }
  }

  /// Resume state of keys that nobody makes.
  mutating func work() throws(Diagnostic) {
    for shelf in try FileAccess.entries(in: store.path + "/work") {
      for name in try FileAccess.entries(in: "\(store.path)/work/\(shelf)") {
        let path = "\(store.path)/work/\(shelf)/\(name)"
        guard let status = FileStatus(of: path, followingLinks: false), !isYoung(status),
          Store.newest(in: path) <= limit
        else { continue }
        if let key = Digest(hex: name), store.holder(of: key) != nil { continue }
        _ = try move(path, .work, size: Store.size(ofFolder: path))
      }
    }
  }

  mutating func runs(age: Int) throws(Diagnostic) {
    let limit = min(self.limit, FileAccess.now - age * 1_000_000_000)
    for run in try store.runs() where Store.newest(in: run.path) <= limit {
      _ = try move(run.path, .run, size: Store.size(ofFolder: run.path))
    }
  }

  /// - Returns: whether it is, or would be, in the trash.
  private mutating func move(
    _ path: String, _ kind: CollectionReport.Item.Kind?, size: Int
  ) throws(Diagnostic) -> Bool {
    let relative = String(path.dropFirst(store.path.utf8.count + 1))
    if apply {
      if trash == nil {
        trash = "\(store.path)/trash/\(FileAccess.timeStamp())-\(FileAccess.randomName(4))"
        report.trash = trash.map { FileAccess.name(of: $0) }
      }
      let place = trash! + "/" + relative
      try FileAccess.makeFolder(FileAccess.folder(of: place))
      if rename(path, place) != 0 {
        if errno == ENOENT { return false }
        throw .io("move to the trash", path, errno)
      }
    }
    if let kind { report.items.append(.init(kind: kind, path: relative, size: size)) }
    return true
  }
}

extension Store {
  /// When anything in a folder changed last: nanoseconds since 1970.
  fileprivate static func newest(in folder: String) -> Int {
    guard let status = FileStatus(of: folder, followingLinks: false) else { return 0 }
    var newest = max(status.modified, status.changed)
    guard status.isFolder else { return newest }
    for name in (try? FileAccess.entries(in: folder)) ?? [] {
      newest = max(newest, Self.newest(in: "\(folder)/\(name)"))
    }
    return newest
  }
}

extension FileAccess {
  /// Removes a folder and those in it as far as they are empty.
  static func removeEmptyFolders(_ path: String) {
    for name in (try? entries(in: path)) ?? [] { removeEmptyFolders("\(path)/\(name)") }
    rmdir(path)
  }
}
