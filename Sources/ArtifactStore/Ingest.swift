// Outside files become objects while they are hashed, so that stages read only what cannot change
// any more (invariant 5). Huge ones may stay outside (`by_reference`): hashed before the stage,
// checked after it. The stat cache (StatCache.swift) spares hashing what has not been touched.

import Diagnostics
import Glibc

extension Store {
  /// Keeps an outside file as a blob, or a folder as a tree. By reference only the listing of a
  /// folder is kept: the bytes stay where they are, and `outsideFiles` says where.
  ///
  /// **Throws**: `store-input-missing`, `store-input-special`, `store-input-link`,
  /// `store-input-name`, `store-input-changed` if something changes meanwhile; `store-io`.
  public func ingest(
    outsidePath: String, byReference: Bool = false
  ) throws(Diagnostic) -> ObjectReference {
    let path = FileAccess.absolute(outsidePath)
    let (reference, tree) = try examine(path, keepingBytes: !byReference)
    if let tree { _ = try put(tree) }
    return reference
  }

  /// Logical path → absolute path outside the store, for inputs by reference; a file stands under
  /// `blobName`.
  public func outsideFiles(
    of outsidePath: String, blobName: String
  ) throws(Diagnostic) -> [String: String] {
    let path = FileAccess.absolute(outsidePath)
    guard let status = FileStatus(of: path) else { throw .inputMissing(path, errno) }
    guard status.isFolder else { return [blobName: path] }
    let files = try FolderListing(of: path).files
    return Dictionary(files.map { ($0.path, path + "/" + $0.path) }) { first, _ in first }
  }

  /// Whether an outside file or folder still has the content that `reference` names; false if it has
  /// gone.
  public func outsideUnchanged(
    _ outsidePath: String, _ reference: ObjectReference
  ) throws(Diagnostic) -> Bool {
    let path = FileAccess.absolute(outsidePath)
    guard FileStatus(of: path) != nil else { return false }
    do throws(Diagnostic) {
      return try examine(path, keepingBytes: false).reference == reference
    } catch {
      if error.id == "store-input-changed" || error.id == "store-input-missing" { return false }
      throw error
    }
  }

  private func examine(
    _ path: String, keepingBytes: Bool
  ) throws(Diagnostic) -> (reference: ObjectReference, tree: Tree?) {
    guard let status = FileStatus(of: path) else { throw .inputMissing(path, errno) }
    var cache = StatCache(folder: cacheFolder, subject: path)
    defer { cache.save() }
    var batch = DraftBatch()
    do throws(Diagnostic) {
      if !status.isFolder {
        let digest = try digest(path, "", status, keepingBytes, &cache, &batch)
        try batch.finish(in: self)
        return (.blob(digest), nil)
      }
      let listing = try FolderListing(of: path)
      var entries: [Tree.Entry] = []
      for file in listing.files {
        let digest = try digest(
          path + "/" + file.path, file.path, file.status, keepingBytes, &cache, &batch)
        entries.append(
          .init(
            path: file.path, isExecutable: file.status.isExecutable, size: file.status.size,
            digest: digest))
      }
      try batch.finish(in: self)
      // Each file was steady while it was read; this asks the same of the folder as a whole.
      guard try FolderListing(of: path).isSame(as: listing) else {
        throw Diagnostic.inputChanged(path)
      }
      let tree = try Tree(entries)
      return (.tree(.of(tree.bytes)), tree)
    } catch {
      batch.discard()
      throw error
    }
  }

  private func digest(
    _ path: String, _ name: String, _ status: FileStatus, _ keepingBytes: Bool,
    _ cache: inout StatCache, _ batch: inout DraftBatch
  ) throws(Diagnostic) -> Digest {
    if let known = cache.digest(of: name, status),
      !keepingBytes || isPresent(known, size: status.size)
    {
      return known
    }
    let start = FileAccess.now
    let digest: Digest
    let after: FileStatus
    if keepingBytes {
      let draft = try draft(fileAt: path, .copy)
      after = draft.source!
      digest = draft.digest
      try batch.add(draft, to: self)
    } else {
      (digest, after) = try hashOutside(path)
    }
    guard after.isSameContent(as: status) else { throw .inputChanged(path) }
    cache.remember(digest, of: name, after, hashedAt: start)
    return digest
  }
}
