// Objects and results of several stores, read in place. Nothing here writes, and nothing trusts what it
// finds: an object may be gone, half there, or no file at all.

import ArtifactStore
import Diagnostics
import Glibc
import ModelFiles
import Scheduling

/// Looks for an object in one store after the other.
public struct ObjectReader: Sendable {
  let stores: [Store]

  /// Stores behind a store that is only read are read too.
  public init(_ stores: [Store]) {
    var all: [Store] = []
    func add(_ store: Store) {
      if !all.contains(where: { $0.path == store.path }) { all.append(store) }
    }
    for store in stores { add(store) }
    for store in stores {
      for path in (try? store.upstreamPaths()) ?? [] {
        if let behind = try? Store(readOnlyAt: path) { add(behind) }
      }
    }
    self.stores = all
  }

  /// Where the bytes of an object can be read; nil if it is nowhere.
  func path(_ digest: Digest) -> String? {
    for store in stores {
      let path = store.objectPath(digest)
      var status = stat()
      // A pipe or a device in an object's place must not be opened.
      if lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG,
        access(path, R_OK) == 0
      {
        return path
      }
    }
    return nil
  }

  func map(_ digest: Digest) -> MappedFile? {
    path(digest).flatMap { try? MappedFile(at: $0) }
  }

  /// nil for an object that is gone or larger than `limit` bytes.
  func bytes(_ digest: Digest, limit: Int) -> [UInt8]? {
    guard let file = map(digest), file.bytes.count <= limit else { return nil }
    return file.copy()
  }

  func tree(_ digest: Digest) -> Tree? {
    for store in stores {
      if let tree = try? store.tree(digest) { return tree }
    }
    return nil
  }

  /// A result as it was published, whether or not its objects are still there.
  func result(_ key: Digest) -> ActionResult? {
    for store in stores {
      switch store.lookUp(key) {
      case .hit(let result), .damaged(.some(let result), _): return result
      case .miss, .damaged(nil, _): continue
      }
    }
    return nil
  }

  /// The first result of a key and all that differ from it, in every store.
  func results(_ key: Digest) -> [(store: Store, result: ActionResult)] {
    stores.flatMap { store in
      var found: [(store: Store, result: ActionResult)] = []
      switch store.lookUp(key) {
      case .hit(let result), .damaged(.some(let result), _): found.append((store, result))
      case .miss, .damaged(nil, _): break
      }
      return found + store.evidence(of: key).map { (store, $0) }
    }
  }
}
