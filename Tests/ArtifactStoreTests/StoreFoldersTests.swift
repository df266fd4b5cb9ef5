import Diagnostics
import Glibc
import Testing

@testable import ArtifactStore

@Suite struct StoreFoldersTests {
  @Test func workFoldersStayUntilRemoved() throws {
    let space = try Workspace()
    let key = Digest.of("k")
    let folder = try space.store.workFolder(for: key)
    #expect(folder == "\(space.store.path)/work/\(key.hex.prefix(2))/\(key.hex)")
    try space.write("store/work/\(key.hex.prefix(2))/\(key.hex)/state/step", "5")
    #expect(try space.reopened().workFolder(for: key) == folder)
    #expect(try space.read(folder + "/state/step") == "5")
    try space.store.removeWorkFolder(for: key)
    #expect(FileStatus(of: folder) == nil)
    try space.store.removeWorkFolder(for: key)
  }

  @Test func temporaryFoldersGoWithTheirOwner() throws {
    let space = try Workspace()
    let here = ProcessIdentity.current.fileName
    let parts = here.split(separator: "-").map(String.init)
    let names = [
      "dead": "\(parts[0])-\(parts[1])-\(parts[2])-4194305-1-abc",
      "reused": "\(parts[0])-\(parts[1])-\(parts[2])-\(parts[3])-1-abc",
      "living": here + "-abc", "foreign": "ffffffff-\(parts[1])-\(parts[2])-1-1-abc",
      "odd": "notes", "old": "other-host-of-long-ago",
    ]
    for name in names.values { try space.write("store/tmp/\(name)/deep/file", "x") }
    symlink("/etc", "\(space.store.path)/tmp/\(names["dead"]!)/deep/link")
    chmod("\(space.store.path)/tmp/\(names["dead"]!)/deep", 0o500)
    // A change time cannot be forged, so this one stays; its age is tested by the boundary alone.
    space.age("\(space.store.path)/tmp/\(names["old"]!)", seconds: 86_400 * 30)
    _ = try space.reopened()
    let left = Set(try FileAccess.entries(in: space.store.path + "/tmp"))
    #expect(!left.contains(names["dead"]!) && !left.contains(names["reused"]!))
    #expect(left.isSuperset(of: [names["living"]!, names["foreign"]!, names["odd"]!]))
    #expect(FileStatus(of: "/etc/passwd") != nil)
  }

  @Test func temporaryFoldersDiffer() throws {
    let space = try Workspace()
    let folders = try (0..<10).map { _ in try space.store.temporaryFolder() }
    #expect(Set(folders).count == 10)
    #expect(FileStatus(of: folders[0])?.device == FileStatus(of: space.store.path)?.device)
    space.store.removeTemporary(folders[0])
    #expect(FileStatus(of: folders[0]) == nil && FileStatus(of: folders[1]) != nil)
    var other: Store? = try space.reopened()
    let gone = try #require(try other?.temporaryFolder())
    other = nil
    #expect(FileStatus(of: gone) == nil)
  }

  @Test func runsAreListedNewestFirst() throws {
    let space = try Workspace()
    let runs = try ["first", "../second", "third"].map { name in
      usleep(2000)
      return try space.store.createRun(name: name)
    }
    #expect(try space.store.runs().map(\.id) == runs.reversed().map(\.id))
    #expect(runs[1].id.contains("-%2E.%2Fsecond-"))
    #expect(runs.allSatisfy { FileStatus(of: $0.path)?.isFolder == true })
  }

  @Test func rootsAreReadBack() throws {
    let space = try Workspace()
    let root = Root(
      project: "lab/drift", name: "..", keys: [.of("a"), .of("b")], references: [.tree(.of("c"))])
    try space.store.record(root: root)
    try space.store.record(root: root)
    let read = try #require(try space.store.roots().first)
    #expect(try space.store.roots().count == 1)
    #expect(read.project == root.project && read.name == root.name)
    #expect(read.keys == root.keys && read.references == root.references)
    #expect(try space.files("roots") == ["lab%2Fdrift/%2E."])
    for bad in [
      "", "{}", "{\"root\":2,\"project\":\"\",\"name\":\"\",\"keys\":[],\"references\":[]}",
      "{\"root\":1,\"project\":\"\",\"name\":\"\",\"keys\":[\"x\"],\"references\":[]}",
      "{\"root\":1,\"project\":\"\",\"name\":\"\",\"keys\":[],\"references\":[7]}",
    ] {
      try space.write("store/roots/lab%2Fdrift/%2E.", bad)
      #expect(id { _ = try space.store.roots() } == "store-root-damaged", "\(bad)")
      #expect(try !space.store.verify().isClean)
    }
  }

  @Test func aStrangeFileAmongTheRootsIsNamed() throws {
    let space = try Workspace()
    try space.write("store/roots/notes.txt", "hello")
    #expect(id { _ = try space.store.roots() } == "store-root-damaged")
    #expect(try space.store.verify().problems.map(\.id) == ["store-root-damaged"])
  }
}
