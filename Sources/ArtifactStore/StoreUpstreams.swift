// Read-only stores behind this one: a key that is not here is looked up there, and what is found is read
// in place. The list is the file `upstreams`, a JSON list of absolute paths, so that workers and other
// people who use this store see the same.

import CanonicalJSON
import Diagnostics
import Glibc

extension Store {
  /// Paths of the stores behind this one, in the order in which they are asked.
  public func upstreamPaths() throws(Diagnostic) -> [String] { try Self.upstreamPaths(of: path) }

  private static func upstreamPaths(of path: String) throws(Diagnostic) -> [String] {
    let file = path + "/upstreams"
    guard let bytes = try FileAccess.read(file, limit: 1 << 20) else { return [] }
    let value = bytes.withUnsafeBufferPointer { try? JSONValue(parsing: $0) }
    guard let items = value?.array else { throw .upstreamsDamaged(file, "it is no JSON list") }
    var paths: [String] = []
    for item in items {
      guard let path = item.string, path.hasPrefix("/") else {
        throw .upstreamsDamaged(file, "\(item.canonicalText) is no absolute path")
      }
      paths.append(path)
    }
    return paths
  }

  /// Replaces the list.
  public func setUpstreams(_ paths: [String]) throws(Diagnostic) {
    let absolute = paths.map { FileAccess.absolute($0) }
    let text = JSONValue.array(absolute.map { .string($0) }).canonicalText + "\n"
    let draft = try temporaryFile(Array(text.utf8), mode: 0o644, durable: true)
    try FileAccess.rename(draft, path + "/upstreams")
  }

  /// Opens the stores behind this one. One that is not there (not mounted today) is passed over: what it
  /// would have had is made again.
  static func openUpstreams(
    of own: String
  ) throws(Diagnostic) -> (stores: [Store], problems: [Diagnostic]) {
    var stores: [Store] = []
    var problems: [Diagnostic] = []
    for path in try upstreamPaths(of: own) where path != own {
      do throws(Diagnostic) {
        stores.append(try Store(readOnlyAt: path))
      } catch {
        problems.append(.upstreamMissing(path, reason: error.message))
      }
    }
    return (stores, problems)
  }

  /// Where an object can be read: here, else in the first store behind this one that has it.
  func readingPath(_ digest: Digest) -> String {
    let own = ownObjectPath(digest)
    if upstreams.isEmpty || access(own, F_OK) == 0 { return own }
    for store in upstreams {
      let path = store.ownObjectPath(digest)
      if access(path, F_OK) == 0 { return path }
    }
    return own
  }

  /// A result from here or from a store behind this one.
  func foundResult(_ key: Digest) -> StoredResult? {
    if let own = storedResult(key) { return own }
    for store in upstreams {
      if let found = store.storedResult(key) { return found }
    }
    return nil
  }

  /// Copies objects that only a store behind this one has, so that a result published here is whole
  /// without it.
  func copyUp(_ reference: ObjectReference) throws(Diagnostic) {
    guard !upstreams.isEmpty else { return }
    var digests = [reference.digest]
    if case .tree(let digest) = reference, let tree = try? tree(digest) {
      digests += tree.entries.map(\.digest)
    }
    for digest in digests where FileStatus(of: ownObjectPath(digest)) == nil {
      for store in upstreams where FileStatus(of: store.ownObjectPath(digest)) != nil {
        try copyObject(digest, from: store)
        break
      }
    }
  }
}
