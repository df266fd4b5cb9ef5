import Diagnostics
import Glibc
import Testing

@testable import ArtifactStore

@Suite struct StoreTests {
  @Test func aNewStoreHasItsFormat() throws {
    let space = try Workspace()
    #expect(try space.read(space.store.path + "/format") == "{\"digest\":\"sha256\",\"store\":1}\n")
    #expect(space.store.lookUp(.of("x")).isMiss)
    #expect(try space.store.verify().objects == 0)
  }

  @Test(arguments: [
    ("{\"digest\":\"sha256\",\"store\":2}", "store-format-unknown"),
    ("{\"digest\":\"blake3\",\"store\":1}", "store-format-unknown"),
    ("{\"digest\":\"sha256\",\"store\":99999999999999999999}", "store-format-damaged"),
    ("", "store-format-damaged"), ("{", "store-format-damaged"), ("[1]", "store-format-damaged"),
    ("{\"store\":1}", "store-format-damaged"), ("{\"store\":\"1\"}", "store-format-damaged"),
    ("{\"store\":1,\"store\":1,\"digest\":\"sha256\"}", "store-format-damaged"),
    ("\u{FEFF}{\"digest\":\"sha256\",\"store\":1}", "store-format-damaged"),
  ])
  func hostileFormatFilesAreRefused(_ text: String, _ expected: String) throws {
    let space = try Workspace()
    try space.write("store/format", text)
    #expect(id { _ = try space.reopened() } == expected)
  }

  @Test func foldersOfOthersAreNotTakenOver() throws {
    let space = try Workspace()
    try space.write("mine/thesis.tex", "x")
    #expect(id { _ = try Store(at: space.path + "/mine", cacheFolder: nil) } == "store-not-a-store")
    #expect(
      id { _ = try Store(at: space.path + "/mine/thesis.tex", cacheFolder: nil) }
        == "store-not-a-store")
    try space.write("kept/README.md", "x")
    try space.write("kept/.gitignore", "x")
    // What an interrupted creation leaves.
    try space.write("kept/objects/.keep", "")
    _ = try Store(at: space.path + "/kept", cacheFolder: nil)
  }

  @Test func manyCreateOneStore() async throws {
    let space = try Workspace()
    let path = space.path + "/new/deep/store"
    try await withThrowingTaskGroup(of: Void.self) { group in
      for index in 0..<8 {
        group.addTask {
          let store = try Store(at: path, cacheFolder: nil)
          _ = try store.put(Array("object \(index)".utf8))
        }
      }
      try await group.waitForAll()
    }
    #expect(try Store(at: path, cacheFolder: nil).verify().objects == 8)
  }

  @Test func filesComeInWhole() throws {
    let space = try Workspace()
    let store = space.store
    let text = String(repeating: "0123456789", count: 300_000)
    let file = try space.write("in/big.txt", text)
    let reference = try store.put(fileAt: file)
    #expect(reference == .blob(.of(text)))
    #expect(store.size(of: reference) == 3_000_000)
    #expect(FileStatus(of: file)?.mode == S_IFREG | 0o644)
    #expect(try store.put(fileAt: file, consuming: true) == reference)
    #expect(FileStatus(of: file) == nil)

    // A file with a second name may still be written through that name, so it is copied.
    let named = try space.write("in/named.txt", "named")
    link(named, named + ".too")
    let copied = try store.put(fileAt: named, consuming: true)
    let inode = try #require(FileStatus(of: store.objectPath(copied.digest))?.inode)
    #expect(FileStatus(of: named)?.inode != inode)

    try space.write("in/empty", "")
    #expect(try store.put(fileAt: space.path + "/in/empty").digest == .of(""))
    #expect(try store.verify().isClean)
    #expect(try space.files("tmp") == [])
  }

  /// Nothing is read for a link to an object of the own store; any other link is followed.
  @Test(arguments: [false, true]) func linksToObjectsStandForThem(_ consuming: Bool) throws {
    let space = try Workspace()
    let store = space.store
    let object = try store.put(Array("a frame".utf8)).digest
    let outside = try space.write("out/\(Digest.of("other").hex)", "not what the name says")
    let inode = FileStatus(of: store.objectPath(object))?.inode
    try space.write("in/whole.txt", "whole")
    symlink(store.objectPath(object), space.path + "/in/linked.txt")
    symlink(outside, space.path + "/in/outside.txt")
    let reference = try store.put(folderAt: space.path + "/in", consuming: consuming)
    let tree = try store.tree(reference.digest)
    #expect(tree.entries.map(\.path) == ["linked.txt", "outside.txt", "whole.txt"])
    #expect(tree.entries[0].digest == object && tree.entries[0].size == 7)
    #expect(tree.entries[1].digest == .of("not what the name says"))
    #expect(FileStatus(of: store.objectPath(object))?.inode == inode)
    #expect(try store.verify().isClean)
    #expect(try space.files("tmp") == [])
    // The same said outright, and a name that stands twice.
    let entry = Tree.Entry(path: "too/linked.txt", size: 7, digest: object)
    let more = try store.put(folderAt: space.path + "/out", with: [entry])
    #expect(try store.tree(more.digest).entries.last == entry)
    #expect(throws: Diagnostic.self) {
      try store.put(folderAt: space.path + "/out", with: [entry, entry])
    }
    // An object that is not there is a link to nowhere.
    symlink(store.objectPath(.of("gone")), space.path + "/in/gone.txt")
    #expect(throws: Diagnostic.self) { try store.put(folderAt: space.path + "/in") }
  }

  @Test(arguments: [false, true]) func foldersComeInAsTrees(_ consuming: Bool) throws {
    let space = try Workspace()
    try space.write("in/a b.txt", "a")
    try space.write("in/line\nbreak", "b")
    try space.write("in/deep/er/run", "c", mode: 0o755)
    try space.write("elsewhere", "d")
    try FileAccess.makeFolder(space.path + "/in/empty")
    symlink("../elsewhere", space.path + "/in/link")
    let reference = try space.store.put(folderAt: space.path + "/in", consuming: consuming)
    let tree = try space.store.tree(reference.digest)
    #expect(tree.entries.map(\.path) == ["a b.txt", "deep/er/run", "line\nbreak", "link"])
    #expect(tree.entries.map(\.isExecutable) == [false, true, false, false])
    #expect(space.store.size(of: reference) == 4)
    let files = try space.store.files(of: reference, blobName: "-")
    #expect(try files.mapValues { try space.read($0) }["link"] == "d")
    #expect(try space.read(space.path + "/elsewhere") == "d")
    #expect((FileStatus(of: space.path + "/in/a b.txt") == nil) == consuming)
    #expect(space.store.contains(reference))
    #expect(!space.store.contains(.tree(.of("no"))))
  }

  @Test func manySmallFilesComeInAtOnce() throws {
    let space = try Workspace()
    for index in 0..<300 { try space.write("in/\(index)", "file \(index % 100)") }
    let reference = try space.store.put(folderAt: space.path + "/in")
    #expect(try space.store.tree(reference.digest).entries.count == 300)
    #expect(try space.store.verify().objects == 101)
    #expect(try space.files("tmp") == [])
  }

  @Test func anObjectOfAWrongSizeIsReplaced() throws {
    let space = try Workspace()
    let reference = try space.store.put(Array("right".utf8))
    let path = space.store.objectPath(reference.digest)
    chmod(path, 0o644)
    truncate(path, 2)
    #expect(try space.store.put(Array("right".utf8)) == reference)
    #expect(try space.read(path) == "right")
    #expect(try space.files("quarantine").count == 1)
  }

  /// Hard links are refused on FAT, some network shares and some container mounts.
  @Test(arguments: [EPERM, EOPNOTSUPP, ENOSYS]) func withoutHardLinks(_ failure: Int32) throws {
    let space = try Workspace(link: { _, _ in failure })
    let key = try space.publishExample("a")
    #expect(try space.publishExample("a") == key)
    #expect(space.store.lookUp(key).isHit)
    let lease = try #require(try space.store.claim(key, label: "x"))
    #expect(try space.reopened().claim(key, label: "y") == nil)
    lease.release()
    #expect(try space.store.verify().isClean)
    #expect(try space.files("tmp") == [])
  }

  /// Over NFS the answer to a link that worked can be lost: an error, or "exists" after a repetition.
  @Test(arguments: [EEXIST, EIO]) func lostAnswersOfLinks(_ failure: Int32) throws {
    let space = try Workspace(link: { old, new in
      let truth = systemLink(old, new)
      return truth == ENOENT ? truth : failure
    })
    let key = try space.publishExample("a")
    #expect(space.store.lookUp(key).isHit)
    #expect(try space.store.claim(key, label: "x") != nil)
    #expect(try space.files("tmp") == [])
  }

  @Test(arguments: [
    (ENOSPC, "store-full"), (EDQUOT, "store-full"), (EROFS, "store-no-permission"),
    (EACCES, "store-no-permission"), (EIO, "store-io"),
  ])
  func failuresNameTheWayOut(_ failure: Int32, _ expected: String) throws {
    let space = try Workspace(link: { old, new in
      new.contains("/objects/") ? failure : systemLink(old, new)
    })
    #expect(id { _ = try space.store.put([1, 2, 3]) } == expected)
    #expect(try space.files("tmp") == [])
    #expect(try space.files("objects") == [])
  }

  @Test func aReadOnlyStoreCanBeRead() throws {
    let space = try Workspace()
    let key = try space.publishExample("a")
    let path = space.store.path
    for folder in ["", "/tmp", "/objects", "/actions"] { chmod(path + folder, 0o555) }
    defer { for folder in ["", "/tmp", "/objects", "/actions"] { chmod(path + folder, 0o755) } }
    let store = try space.reopened()
    #expect(store.lookUp(key).isHit)
    // The superuser may write anywhere.
    if geteuid() != 0 { #expect(id { _ = try store.put([1]) } == "store-no-permission") }
  }

  @Test func missingObjectsAreNamed() throws {
    let space = try Workspace()
    #expect(id { _ = try space.store.bytes(of: .of("x")) } == "store-object-missing")
    #expect(id { _ = try space.store.tree(.of("x")) } == "store-object-missing")
    #expect(space.store.size(of: .tree(.of("x"))) == nil)
    let blob = try space.store.put(Array("no tree".utf8))
    #expect(id { _ = try space.store.tree(blob.digest) } == "store-tree-damaged")
    #expect(id { _ = try space.store.record(blob.digest) } == "store-record-damaged")
  }
}
