// Objects: bytes come in, are hashed, made durable and placed under their digest. Invariant 1: what
// lies at objects/ab/<digest> is whole from the first moment and hashes to its name.

import CLinux
import Diagnostics
import Glibc

extension Store {
  /// Keeps bytes.
  public func put(_ bytes: [UInt8]) throws(Diagnostic) -> ObjectReference {
    let digest = Digest.of(bytes)
    if isPresent(digest, size: bytes.count) {
      refresh(digest)
    } else {
      try place([try draft(bytes)])
    }
    return .blob(digest)
  }

  /// Keeps a record; its digest is not its key.
  public func put(_ record: ActionRecord) throws(Diagnostic) -> Digest {
    try put(Array(record.text.utf8)).digest
  }

  /// Keeps a tree; its files are put before.
  public func put(_ tree: Tree) throws(Diagnostic) -> ObjectReference {
    .tree(try put(tree.bytes).digest)
  }

  /// Keeps a file. With `consuming`, a file of this process's own on the same file system is moved
  /// instead of copied, and gone afterwards.
  ///
  /// **Throws**: `store-input-missing`, `store-input-special`, `store-input-changed`; `store-io`.
  public func put(
    fileAt path: String, consuming: Bool = false
  ) throws(Diagnostic) -> ObjectReference {
    let draft = try draft(fileAt: path, consuming ? .consume : .copy)
    try place([draft])
    return .blob(draft.digest)
  }

  /// Keeps a folder with everything in it, as a tree. Links to files are followed, empty folders are
  /// not kept. A link to an object of this store stands for that object: nothing is read.
  ///
  /// - Parameter linked: further files of the tree, whose objects are in the store.
  ///
  /// **Throws**: also `store-input-name`, `store-input-link`.
  public func put(
    folderAt path: String, consuming: Bool = false, with linked: [Tree.Entry] = []
  ) throws(Diagnostic) -> ObjectReference {
    var batch = DraftBatch()
    var entries = linked
    do throws(Diagnostic) {
      for file in try FolderListing(of: path).files {
        if file.isThroughLink, let digest = linkedObject(path + "/" + file.path) {
          entries.append(.init(path: file.path, size: file.status.size, digest: digest))
          continue
        }
        let isOwn = consuming && !file.isThroughLink
        let draft = try draft(fileAt: path + "/" + file.path, isOwn ? .consume : .copy)
        try batch.add(draft, to: self)
        entries.append(
          .init(
            path: file.path, isExecutable: file.status.isExecutable, size: draft.size,
            digest: draft.digest))
      }
      try batch.finish(in: self)
    } catch {
      batch.discard()
      throw error
    }
    return try put(try Tree(entries))
  }

  /// The object of this store that a link leads to (invariant 1: its name says what it holds).
  private func linkedObject(_ path: String) -> Digest? {
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = readlink(path, &buffer, buffer.count)
    guard count > 64, count < buffer.count,
      let digest = Digest(hex: String(decoding: buffer[count - 64..<count], as: UTF8.self))
    else { return nil }
    return objectPath(digest).utf8.elementsEqual(buffer[..<count]) ? digest : nil
  }

  /// Makes drafts durable and gives them their names.
  ///
  /// Bytes become durable before the name, so a name never leads to half an object after a crash.
  /// A few files are synchronised one by one; many at once by one `syncfs`, which costs one journal
  /// commit instead of one a file. The names become durable before a result is linked: `publish`
  /// synchronises the folders of every object that the result names.
  func place(_ drafts: [Draft]) throws(Diagnostic) {
    do throws(Diagnostic) {
      let new = drafts.filter { draft in
        let isKnown = isPresent(draft.digest, size: draft.size)
        if isKnown {
          refresh(draft.digest)
          FileAccess.remove(draft.path)
        }
        return !isKnown
      }
      if new.count > 16 {
        let file = try Descriptor(opening: new[0].path, O_RDONLY)
        guard repeated({ plumb_sync_filesystem(file.number) }) == 0 else {
          throw Diagnostic.io("write", new[0].path, errno)
        }
      } else {
        for draft in new {
          try Descriptor(opening: draft.path, O_RDONLY).synchronise(draft.path)
        }
      }
      for draft in new { try place(draft) }
    } catch {
      for draft in drafts { FileAccess.remove(draft.path) }
      throw error
    }
  }

  private func place(_ draft: Draft) throws(Diagnostic) {
    let path = ownObjectPath(draft.digest)
    guard try Placement.place(draft.path, at: path, link: link) == .existed else { return }
    if isPresent(draft.digest, size: draft.size) {
      FileAccess.remove(draft.path)
    } else {
      try replaceDamaged(path, by: draft.path, kind: "object")
    }
  }

  /// Whether an object exists in this store with this size; that its bytes are right is `verify`'s
  /// question.
  func isPresent(_ digest: Digest, size: Int) -> Bool {
    guard let status = FileStatus(of: ownObjectPath(digest), followingLinks: false) else {
      return false
    }
    return status.isRegular && status.size == size
  }

  /// Also in a store behind this one.
  private func isReadable(_ digest: Digest, size: Int) -> Bool {
    isPresent(digest, size: size) || upstreams.contains { $0.isPresent(digest, size: size) }
  }

  /// An object that is put again is wanted again: collection must take it for young. Objects of other
  /// people cannot be touched; losing one to a collection at this very moment is a miss, and heals.
  private func refresh(_ digest: Digest) {
    let path = ownObjectPath(digest)
    guard let status = FileStatus(of: path, followingLinks: false),
      FileAccess.now - status.modified > 3600 * 1_000_000_000
    else { return }
    utimensat(AT_FDCWD, path, nil, AT_SYMLINK_NOFOLLOW)
  }

  // MARK: Reading

  /// All bytes of an object; for small ones.
  ///
  /// **Throws**: `store-object-missing`.
  public func bytes(of digest: Digest) throws(Diagnostic) -> [UInt8] {
    guard let bytes = try FileAccess.read(objectPath(digest)) else {
      throw .objectMissing(digest.hex)
    }
    return bytes
  }

  /// A folder's listing. Read from disk once a process.
  ///
  /// **Throws**: `store-object-missing`, `store-tree-damaged`.
  public func tree(_ digest: Digest) throws(Diagnostic) -> Tree {
    if let tree = trees.withLock({ $0[digest] }) { return tree }
    let bytes = try bytes(of: digest)
    // Hashing costs less than parsing, and a listing decides where files are read from.
    guard Digest.of(bytes) == digest else { throw .objectDamaged(digest.hex) }
    let tree = try Tree(parsing: bytes)
    trees.withLock { $0.insert(tree, digest) }
    return tree
  }

  /// The record that an object holds.
  public func record(_ digest: Digest) throws(Diagnostic) -> ActionRecord {
    let bytes = try bytes(of: digest)
    guard let text = String(validating: bytes, as: UTF8.self) else {
      throw .recordDamaged("it is not UTF-8")
    }
    return try ActionRecord(parsing: text)
  }

  /// Whether the object, and every file of a tree, is here.
  public func contains(_ reference: ObjectReference) -> Bool {
    guard let size = objectSize(reference.digest) else { return false }
    return missing(reference, size: size).isEmpty
  }

  /// Bytes of the content: of the file, or of all files of the tree; nil if the object is not here.
  public func size(of reference: ObjectReference) -> Int? {
    switch reference {
    case .blob(let digest): objectSize(digest)
    case .tree(let digest): try? tree(digest).size
    }
  }

  /// Logical path → absolute path of the object to read in place. A blob stands under `blobName`.
  public func files(
    of reference: ObjectReference, blobName: String
  ) throws(Diagnostic) -> [String: String] {
    switch reference {
    case .blob(let digest): return [blobName: objectPath(digest)]
    case .tree(let digest):
      let entries = try tree(digest).entries
      return Dictionary(uniqueKeysWithValues: entries.map { ($0.path, objectPath($0.digest)) })
    }
  }

  func objectSize(_ digest: Digest) -> Int? {
    guard let status = FileStatus(of: objectPath(digest), followingLinks: false), status.isRegular
    else { return nil }
    return status.size
  }

  /// Whether an object's bytes are what its name says.
  func isWhole(_ digest: Digest) throws(Diagnostic) -> Bool {
    let path = ownObjectPath(digest)
    let file = try Descriptor(opening: path, O_RDONLY | O_NONBLOCK)
    return try hash(file, path, copyTo: nil).0 == digest
  }

  /// What of a reference is absent or has another size; `size` is that of the object itself.
  func missing(_ reference: ObjectReference, size: Int) -> [ObjectReference] {
    guard isReadable(reference.digest, size: size) else { return [reference] }
    guard case .tree(let digest) = reference else { return [] }
    guard let tree = try? tree(digest) else { return [reference] }
    return tree.entries.filter { !isReadable($0.digest, size: $0.size) }.map { .blob($0.digest) }
  }
}

/// Drafts of one folder, placed in groups so that temporary files do not pile up.
struct DraftBatch {
  private var drafts: [Draft] = []
  private var bytes = 0

  mutating func add(_ draft: Draft, to store: Store) throws(Diagnostic) {
    drafts.append(draft)
    bytes += draft.size
    if drafts.count >= 4096 || bytes > 1 << 30 { try finish(in: store) }
  }

  mutating func finish(in store: Store) throws(Diagnostic) {
    let all = drafts
    drafts = []
    bytes = 0
    try store.place(all)
  }

  func discard() {
    for draft in drafts { FileAccess.remove(draft.path) }
  }
}
