// One test for each invariant of the store that this module keeps (4 is in ActionRecordTests.swift;
// 7 is about collection, 8 about planning).

import CanonicalJSON
import Diagnostics
import Glibc
import Testing

@testable import ArtifactStore

@Suite struct InvariantTests {
  /// 1. An object hashes to its name or `verify` says so; readers never see part of one.
  @Test func invariant1ObjectsHashToTheirNames() async throws {
    let space = try Workspace()
    let store = space.store
    let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    let expected = Digest.of(bytes)
    let path = store.objectPath(expected)
    // A reader looks all the time while several writers put the same object.
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for _ in 0..<4 {
        group.addTask { try store.put(bytes).digest == expected }
      }
      group.addTask {
        for _ in 0..<2000 {
          if let status = FileStatus(of: path), status.size != 3_000_000 { return false }
          if let status = FileStatus(of: path), status.mode & 0o777 != 0o444 { return false }
          usleep(20)
        }
        return true
      }
      for try await isRight in group { #expect(isRight) }
    }
    #expect(try store.bytes(of: expected) == bytes)
    #expect(try store.verify().isClean)

    chmod(path, 0o644)
    let file = open(path, O_WRONLY)
    #expect(pwrite(file, "x", 1, 1234) == 1)
    close(file)
    let report = try store.verify()
    #expect(report.problems.map(\.id).sorted() == ["store-object-damaged", "store-object-mode"])
  }

  /// 2. A result is published only after all its objects are there, and is written once.
  @Test func invariant2ResultsComeAfterObjectsAndOnce() throws {
    let space = try Workspace()
    let absent = ObjectReference.blob(.of("never put"))
    let holey = try space.store.put(
      try Tree([.init(path: "a", size: 3, digest: .of("never put either"))]))
    for reference in [absent, holey, .tree(absent.digest)] {
      let found = id { try space.publish("x", outputs: [("out", reference)]) }
      #expect(found == "store-result-incomplete")
    }
    let record = try space.record("no record")
    let result = ActionResult(
      key: record.key, outputs: [], record: Digest.of(record.text), provenance: .null)
    #expect(id { _ = try space.store.publish(result) } == "store-result-incomplete")
    #expect(try space.files("actions") == [])

    let key = try space.publishExample("y")
    let path = space.store.resultPath(key)
    let first = try space.read(path)
    let status = try #require(FileStatus(of: path))
    #expect(status.mode & 0o777 == 0o444)
    let again = try space.publish(
      "y",
      outputs: [
        ("text", .blob(.of("text of y"))),
        ("folder", try space.store.put(folderAt: "\(space.path)/made/y")),
      ])
    #expect(again.outcome == .identical)
    #expect(try space.read(path) == first)
    #expect(FileStatus(of: path)?.inode == status.inode)
  }

  /// 3. A hit counts only if every object exists with its recorded size; otherwise it heals.
  @Test(arguments: ["blob", "tree", "entry", "record"], ["gone", "shorter", "longer"])
  func invariant3HitsAreWholeOrHeal(_ which: String, _ damage: String) throws {
    let space = try Workspace()
    let key = try space.publishExample("z")
    guard case .hit(let result) = space.store.lookUp(key), let folder = result["folder"],
      let text = result["text"]
    else {
      Issue.record("no hit")
      return
    }
    let victim =
      switch which {
      case "blob": text.digest
      case "tree": folder.digest
      case "entry": try space.store.tree(folder.digest).entries[0].digest
      default: result.record
      }
    let path = space.store.objectPath(victim)
    chmod(path, 0o644)
    switch damage {
    case "gone": unlink(path)
    case "shorter": truncate(path, 1)
    default: truncate(path, 5000)
    }
    // A process that has read the tree before, and one that has not.
    for store in [space.store, try space.reopened()] {
      guard case .damaged(let found, let missing) = store.lookUp(key) else {
        Issue.record("\(store.lookUp(key))")
        return
      }
      #expect(found?.key == key)
      #expect(missing.map(\.digest) == [victim])
    }
    let lease = try #require(try space.store.claim(key, label: "healer"))
    try space.store.heal(key, under: lease)
    #expect(space.store.lookUp(key).isMiss)
    #expect(try space.files("quarantine").count == (damage == "gone" ? 1 : 2))
    #expect(try space.publishExample("z") == key)
    #expect(space.store.lookUp(key).isHit)
    #expect(try space.store.verify().isClean)
    // What is whole is left alone.
    try space.store.heal(key, under: lease)
    #expect(space.store.lookUp(key).isHit)
  }

  /// 5. Nothing is published if an input changed: what a stage reads cannot change any more, and what
  /// stays outside is checked.
  @Test func invariant5InputsCannotChange() throws {
    let space = try Workspace()
    let file = try space.write("data/a.txt", "before")
    let copied = try space.store.ingest(outsidePath: space.path + "/data")
    let outside = try space.store.ingest(outsidePath: file, byReference: true)
    #expect(try space.store.outsideUnchanged(file, outside))
    try space.write("data/a.txt", "after!")
    #expect(try !space.store.outsideUnchanged(file, outside))
    let read = try #require(try space.store.files(of: copied, blobName: "file")["a.txt"])
    #expect(try space.read(read) == "before")
    unlink(file)
    #expect(try !space.store.outsideUnchanged(file, outside))
    #expect(try !space.store.outsideUnchanged(space.path + "/data", copied))
  }

  /// 6. A killed or failed stage leaves no half result: after a crash between any two steps the next
  /// one succeeds.
  @Test(arguments: 0..<8) func invariant6CrashesLeaveNothingHalf(_ step: Int) throws {
    let space = try Workspace()
    let store = space.store
    let record = try space.record("crash")
    let bytes = Array("text of crash".utf8)
    switch step {
    case 0:  // half a temporary file of a process that is gone
      let dead = ProcessIdentity.current.fileName.split(separator: "-")
      let folder =
        store.path + "/tmp/" + (dead[..<3] + ["4194304", "77", "abc"]).joined(separator: "-")
      try FileAccess.makeFolder(folder + "/deep")
      try space.write("store/tmp/" + FileAccess.name(of: folder) + "/deep/1", "half")
    case 1: _ = try store.put(bytes)  // objects, no result
    case 2:  // the record, too
      _ = try store.put(bytes)
      _ = try store.put(record)
    case 3:  // an object of which the disk lost the end
      let path = store.objectPath(.of(bytes))
      try space.write(String(path.dropFirst(space.path.count + 1)), "text", mode: 0o444)
    case 4:  // a result of which the disk lost the end
      try space.publishExample("crash")
      let path = store.resultPath(record.key)
      chmod(path, 0o644)
      truncate(path, 100)
    case 5:  // a result without its objects
      try space.publishExample("crash")
      FileAccess.remove(store.path + "/objects")
    case 6: try space.write("store/leases/\(record.key)", "{\"host\":\"")  // half a lease
    default:  // an empty result
      let path = store.resultPath(record.key)
      try space.write(String(path.dropFirst(space.path.count + 1)), "", mode: 0o444)
    }
    let next = try space.reopened()
    #expect(!next.lookUp(record.key).isHit)
    if step == 0 { #expect(try FileAccess.entries(in: store.path + "/tmp").count <= 2) }
    if next.lookUp(record.key).isDamaged {
      let lease = try #require(try next.claim(record.key, label: "next"))
      try next.heal(record.key, under: lease)
    }
    #expect(next.lookUp(record.key).isMiss)
    try space.publishExample("crash")
    #expect(next.lookUp(record.key).isHit)
    #expect(try next.verify().isClean)
  }

  /// 3. Whatever stands where a result belongs is moved away, and the action can be made again.
  @Test(.timeLimit(.minutes(1)), arguments: ["folder", "dangling link", "link to itself", "pipe"])
  func invariant3StrangersMakeRoom(stranger: String) throws {
    let space = try Workspace()
    let (key, _) = try space.publish(
      "e", outputs: [("out", try space.store.put(Array("text".utf8)))])
    let path = space.store.resultPath(key)
    FileAccess.remove(path)
    switch stranger {
    case "folder": try FileAccess.makeFolder(path + "/deep")
    case "dangling link": symlink("/nowhere", path)
    case "link to itself": symlink(path, path)
    default: mkfifo(path, 0o644)
    }
    #expect(!space.store.lookUp(key).isHit)
    #expect(try space.store.verify().problems.map(\.id) == ["store-result-damaged"])
    let lease = try #require(try space.store.claim(key, label: "next"))
    try space.store.heal(key, under: lease)
    _ = try space.publish("e", outputs: [("out", try space.store.put(Array("text".utf8)))])
    #expect(space.store.lookUp(key).isHit)
    #expect(try space.store.verify().isClean)
  }

  /// 6. A failed publish is loud and leaves nothing.
  @Test func invariant6FailedPublishIsLoud() throws {
    let space = try Workspace(link: { old, new in
      new.contains("/actions/") ? ENOSPC : systemLink(old, new)
    })
    let found = id { try space.publishExample("full") }
    #expect(found == "store-full")
    #expect(space.store.lookUp(try space.record("full").key).isMiss)
    #expect(try space.files("actions") == [])
    #expect(try space.files("tmp") == [])
  }

  /// 9. A different result for the same key is kept as evidence beside the first, which stays.
  @Test func invariant9DifferentResultsAreEvidence() throws {
    let space = try Workspace()
    let one = try space.store.put(Array("one".utf8))
    let two = try space.store.put(Array("two".utf8))
    let (key, first) = try space.publish("e", outputs: [("out", one)])
    #expect(first == .published)
    let second = try space.publish("e", outputs: [("out", two)]).outcome
    guard case .differs(let evidence) = second else {
      Issue.record("\(second)")
      return
    }
    #expect(FileStatus(of: evidence) != nil)
    #expect(try space.publish("e", outputs: [("out", two)]).outcome == second)
    #expect(try space.publish("e", outputs: [("out", one)]).outcome == .identical)
    guard case .hit(let result) = space.store.lookUp(key) else {
      Issue.record("no hit")
      return
    }
    #expect(result["out"] == one)
    #expect(space.store.evidence(of: key).map { $0["out"] } == [two])
    let report = try space.store.verify()
    #expect(report.isClean && report.evidence == 1 && report.results == 1)
  }
}
