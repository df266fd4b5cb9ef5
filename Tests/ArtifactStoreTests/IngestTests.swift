import Diagnostics
import Glibc
import Testing

@testable import ArtifactStore

@Suite struct IngestTests {
  @Test func filesAndFolders() throws {
    let space = try Workspace()
    let file = try space.write("data/a.txt", "alpha")
    try space.write("data/deep/b.txt", "beta")
    #expect(try space.store.ingest(outsidePath: file) == .blob(.of("alpha")))
    let tree = try space.store.ingest(outsidePath: space.path + "/data/")
    #expect(tree == (try space.store.put(folderAt: space.path + "/data")))
    #expect(try space.store.ingest(outsidePath: space.path + "/x/../data") == tree)
    symlink("data", space.path + "/shortcut")
    #expect(try space.store.ingest(outsidePath: space.path + "/shortcut") == tree)
    #expect(FileStatus(of: file)?.mode == S_IFREG | 0o644)
  }

  @Test func byReferenceKeepsOnlyTheListing() throws {
    let space = try Workspace()
    let file = try space.write("data/a.txt", "alpha")
    let folder = space.path + "/data"
    let tree = try space.store.ingest(outsidePath: folder, byReference: true)
    #expect(try space.files("objects").count == 1)
    #expect(space.store.size(of: tree) == 5)
    #expect(try space.store.outsideFiles(of: folder, blobName: "file") == ["a.txt": file])
    #expect(try space.store.ingest(outsidePath: file, byReference: true) == .blob(.of("alpha")))
    #expect(try space.store.outsideFiles(of: file, blobName: "file") == ["file": file])
    #expect(try space.files("objects").count == 1)
    #expect(try space.store.outsideUnchanged(folder, tree))
    #expect(try space.store.ingest(outsidePath: folder) == tree)
    #expect(try space.files("objects").count == 2)
  }

  @Test func whatCannotBeKeptIsRefused() throws {
    let space = try Workspace()
    let store = space.store
    try space.write("data/a", "a")
    let data = space.path + "/data"
    #expect(id { _ = try store.ingest(outsidePath: data + "/none") } == "store-input-missing")
    #expect(id { _ = try store.ingest(outsidePath: data + "/a/b") } == "store-input-missing")
    #expect(id { _ = try store.ingest(outsidePath: "/dev/null") } == "store-input-special")
    #expect(id { _ = try store.put(fileAt: data) } == "store-input-special")
    #expect(id { _ = try store.put(folderAt: data + "/a") } == "store-input-special")

    func refused(_ expected: String, _ make: (String) -> Void) {
      make(data + "/strange")
      #expect(id { _ = try store.ingest(outsidePath: data) } == expected)
      #expect(id { _ = try store.put(folderAt: data) } == expected)
      unlink(data + "/strange")
    }
    // A pipe must be refused, not waited for.
    refused("store-input-special") { mkfifo($0, 0o644) }
    refused("store-input-link") { symlink("nowhere", $0) }
    refused("store-input-link") { symlink("..", $0) }
    refused("store-input-link") { symlink("strange", $0) }
    refused("store-input-special") { symlink("/dev/zero", $0) }

    let latin: [CChar] = Array(data.utf8CString.dropLast()) + [47, CChar(bitPattern: 0xE9), 0]
    close(open(latin, O_WRONLY | O_CREAT, 0o644))
    #expect(id { _ = try store.ingest(outsidePath: data) } == "store-input-name")
    unlink(latin)
    try space.write("data/\u{E9}", "x")
    try space.write("data/e\u{301}", "x")
    #expect(id { _ = try store.ingest(outsidePath: data) } == "store-tree-damaged")
    #expect(try space.files("tmp") == [])
  }

  @Test func namesMayHoldAnything() throws {
    let space = try Workspace()
    let names = [
      "a b", "line\nbreak", "\"quoted\"", "[1]", "-rf", "tab\there", "日本語", "back\\slash",
    ]
    for name in names { try space.write("data/" + name, name) }
    let reference = try space.store.ingest(outsidePath: space.path + "/data")
    let files = try space.store.files(of: reference, blobName: "")
    #expect(Set(files.keys) == Set(names))
    for (name, path) in files { #expect(try space.read(path) == name) }
  }

  /// A file that is written to while it is being read would get a digest of bytes that never were.
  @Test func changesWhileReadingAreErrors() throws {
    let space = try Workspace()
    let size = 4 << 20
    let file = try space.write("data/growing", String(repeating: "x", count: size))
    let done = space.path + "/done"
    let writer = try Shell("while [ ! -e '\(done)' ]; do printf more >> '\(file)'; done")
    defer { writer.wait() }
    while try #require(FileStatus(of: file)).size == size { usleep(1000) }
    var found: Set<String?> = []
    for _ in 0..<3 {
      found.insert(id { _ = try space.store.ingest(outsidePath: file) })
      found.insert(id { _ = try space.store.ingest(outsidePath: file, byReference: true) })
      found.insert(id { _ = try space.store.put(folderAt: space.path + "/data") })
    }
    try space.write("done", "")
    #expect(found.contains("store-input-changed"))
    #expect(found.subtracting(["store-input-changed", nil]).isEmpty)
    #expect(try space.store.verify().isClean)
    #expect(try space.files("tmp") == [])
  }
}

@Suite struct StatCacheTests {
  @Test func untouchedFilesAreNotReadAgain() throws {
    let space = try Workspace()
    let file = try space.write("a", "alpha")
    let status = try #require(FileStatus(of: file))
    var cache = StatCache(folder: space.path + "/cache", subject: file)
    // As if it had been hashed an hour later.
    cache.remember(digest("a"), of: "", status, hashedAt: FileAccess.now + 3_600_000_000_000)
    cache.save()
    let read = try space.reopened().ingest(outsidePath: file, byReference: true)
    #expect(read == .blob(digest("a")))
    // What is remembered spares reading only if the object is there.
    #expect(try space.store.ingest(outsidePath: file) == .blob(.of("alpha")))
  }

  @Test func everyPartOfTheStatusCounts() throws {
    let space = try Workspace()
    let file = try space.write("a", "alpha")
    for change in ["size", "mtime", "ctime", "inode"] {
      let status = try #require(FileStatus(of: file))
      var cache = StatCache(folder: space.path + "/cache", subject: file)
      cache.remember(digest("a"), of: "", status, hashedAt: FileAccess.now + 3_600_000_000_000)
      #expect(cache.digest(of: "", status) == digest("a"))
      usleep(10_000)
      switch change {
      case "size": try space.write("a", "alphabet")
      case "mtime": space.age(file, seconds: 100)
      case "ctime": chmod(file, 0o600)
      default:
        try space.write("b", "alphabet")
        rename(space.path + "/b", file)
      }
      #expect(cache.digest(of: "", try #require(FileStatus(of: file))) == nil, "\(change)")
    }
  }

  /// A file hashed in the tick in which it was written may be written again in that tick.
  @Test func racilyCleanFilesAreNotTrusted() throws {
    let space = try Workspace()
    let file = try space.write("a", "alpha")
    #expect(try space.store.ingest(outsidePath: file, byReference: true) == .blob(.of("alpha")))
    let status = try #require(FileStatus(of: file))
    #expect(StatCache(folder: space.path + "/cache", subject: file).digest(of: "", status) == nil)
    var cache = StatCache(folder: space.path + "/cache", subject: file)
    for (margin, expected) in [(0, nil), (StatCache.racyMargin + 1, digest("a"))] {
      let newest = max(status.modified, status.changed)
      cache.remember(digest("a"), of: "", status, hashedAt: newest + margin)
      #expect(cache.digest(of: "", status) == expected)
    }
  }

  @Test(arguments: [
    "", "x", "plumb.stat-cache/2\n", "plumb.stat-cache/1\n[\"\",1,2,3,4,5,\"zz\"]\n",
    "plumb.stat-cache/1\n[\"\",1]\n{}\n\u{0}\n", "plumb.stat-cache/1\n[\"\",1,2,3,4,5e99,\"\"]\n",
  ])
  func aDamagedCacheCostsTimeOnly(_ text: String) throws {
    let space = try Workspace()
    let file = try space.write("a", "alpha")
    try space.write("cache/digests/\(Digest.of(file))", text)
    #expect(try space.store.ingest(outsidePath: file) == .blob(.of("alpha")))
  }

  @Test func anUnwritableCacheCostsTimeOnly() throws {
    let space = try Workspace()
    try space.write("cache", "a file where the folder should be")
    let file = try space.write("a", "alpha")
    #expect(try space.store.ingest(outsidePath: file) == .blob(.of("alpha")))
  }
}
