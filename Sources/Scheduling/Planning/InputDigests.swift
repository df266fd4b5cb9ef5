// Digests of what comes from outside the store: `file:` inputs and the files that a stage kind
// declares. Each is taken once per run, so that one run sees one state of a file.

import ArtifactStore
import CanonicalJSON
import Diagnostics
import Foundation
import Pipelines
import Synchronization

final class InputDigests: Sendable {
  private struct Seen {
    var outside: [String: ObjectReference] = [:]
    var declared: [String: [(path: String, digest: Digest)]] = [:]
  }

  private let store: Store
  private let seen = Mutex(Seen())

  init(store: Store) { self.store = store }

  func outside(_ path: String, byReference: Bool) throws(Diagnostic) -> ObjectReference {
    let name = (byReference ? "reference " : "copy ") + path
    if let known = seen.withLock({ $0.outside[name] }) { return known }
    let reference = try store.ingest(outsidePath: path, byReference: byReference)
    seen.withLock { $0.outside[name] = reference }
    return reference
  }

  /// Every file under the kind's folder that one of its `files:` or `code:` globs names, sorted by
  /// bytes.
  func declaredFiles(
    of definition: StageDefinition
  ) throws(Diagnostic) -> [(path: String, digest: Digest)] {
    let globs = definition.files + (definition.command?.code ?? [])
    if globs.isEmpty { return [] }
    if let known = seen.withLock({ $0.declared[definition.folder] }) { return known }
    let all = filesBelow(definition.folder)
    var chosen: Set<String> = []
    for glob in globs {
      let matching = all.filter { matches($0, glob: glob) }
      guard !matching.isEmpty else {
        throw .declaredFilesMissing(glob, definition: definition)
      }
      chosen.formUnion(matching)
    }
    var files: [(path: String, digest: Digest)] = []
    for path in chosen.sorted(by: bytesPrecede) {
      let reference = try store.ingest(outsidePath: definition.folder + "/" + path)
      files.append((path: path, digest: reference.digest))
    }
    seen.withLock { $0.declared[definition.folder] = files }
    return files
  }
}

/// Relative paths of all files below a folder, without hidden ones, sorted by bytes.
func filesBelow(_ folder: String) -> [String] {
  var files: [String] = []
  guard let walk = FileManager.default.enumerator(atPath: folder) else { return [] }
  while let path = walk.nextObject() as? String {
    if path.split(separator: "/").contains(where: { $0.hasPrefix(".") }) { continue }
    var isFolder: ObjCBool = false
    let exists = FileManager.default.fileExists(
      atPath: folder + "/" + path, isDirectory: &isFolder)
    if exists && !isFolder.boolValue { files.append(path) }
  }
  return files.sorted(by: bytesPrecede)
}

/// Shell globs: `*` and `?` stay within one folder, `**` crosses folders.
func matches(_ path: String, glob: String) -> Bool {
  if glob.utf8.elementsEqual(path.utf8) { return true }
  let crossing = glob.contains("**")
  return fnmatch(glob, path, crossing ? 0 : FNM_PATHNAME) == 0
}
