import Diagnostics
import Glibc
import Testing

@testable import ArtifactStore

@Suite struct VerifyTests {
  @Test func aWholeStoreIsClean() throws {
    let space = try Workspace()
    for name in ["a", "b", "c"] { try space.publishExample(name) }
    var last = (done: 0, of: 0)
    let report = try space.store.verify { last = ($0, $1) }
    #expect(report.isClean && report.problems.isEmpty)
    #expect(report.objects == 15 && report.results == 3)
    #expect(last.done == last.of && last.of == report.bytes && last.of > 0)
    #expect(report.summary.hasSuffix("3 results: all whole"))
  }

  /// What people, disks and other tools do to a store; each is found, repaired, and made again.
  @Test func damageIsFoundAndRepaired() throws {
    typealias Case = (name: String, ids: [String], damage: (Workspace, Digest) throws -> Void)
    func object(_ space: Workspace) -> String { space.store.objectPath(.of("text of a")) }
    func relative(_ space: Workspace, _ path: String) -> String {
      String(path.dropFirst(space.path.count + 1))
    }
    let cases: [Case] = [
      (
        "bytes changed", ["store-object-damaged", "store-result-damaged"],
        { space, _ in try space.write(relative(space, object(space)), "TEXT OF A", mode: 0o444) }
      ),
      (
        "object gone", ["store-result-damaged"], { space, _ in unlink(object(space)) }
      ),
      (
        "copied by zip", ["store-object-mode", "store-object-mode"],
        { space, key in
          chmod(object(space), 0o664)
          chmod(space.store.resultPath(key), 0o600)
        }
      ),
      (
        "strange file", ["store-object-damaged", "store-object-damaged", "store-result-damaged"],
        { space, key in
          try space.write("store/objects/ab/notes.txt", "x")
          try space.write("store/objects/notes.txt", "x")
          try space.write("store/actions/ab/notes.txt", "x")
        }
      ),
      (
        "on the wrong shelf", ["store-object-damaged"],
        { space, _ in try space.write("store/objects/zz/x", "x") }
      ),
      (
        "object on another's shelf", ["store-object-damaged", "store-result-damaged"],
        { space, _ in
          try FileAccess.makeFolder(space.store.path + "/objects/00")
          rename(
            object(space), space.store.path + "/objects/00/" + FileAccess.name(of: object(space)))
        }
      ),
      (
        "a link for an object", ["store-object-damaged", "store-result-damaged"],
        { space, _ in
          unlink(object(space))
          try space.write("aside", "text of a")
          symlink(space.path + "/aside", object(space))
        }
      ),
      (
        "result cut", ["store-result-damaged"],
        { space, key in
          chmod(space.store.resultPath(key), 0o644)
          truncate(space.store.resultPath(key), 50)
        }
      ),
      (
        "result under another key", ["store-result-damaged"],
        { space, key in
          let other = Digest.of("other")
          let text = try space.read(space.store.resultPath(key)).replacing(key.hex, with: other.hex)
          try space.write(relative(space, space.store.resultPath(other)), text, mode: 0o444)
        }
      ),
    ]
    for (name, ids, damage) in cases {
      let space = try Workspace()
      let key = try space.publishExample("a")
      try damage(space, key)
      let found = try space.store.verify()
      #expect(found.problems.map(\.id).sorted() == ids, "\(name): \(found.problems)")
      #expect(!found.isClean)
      for problem in found.problems {
        #expect(artifactStoreExplanations.contains { $0.id == problem.id })
        #expect(!problem.path.hasPrefix("/"))
      }
      let repaired = try space.store.verify(repair: true)
      #expect(repaired.isClean, "\(name): \(repaired.problems)")
      let after = try space.store.verify()
      #expect(after.problems.isEmpty, "\(name): \(after.problems)")
      #expect(try space.publishExample("a") == key)
      #expect(space.store.lookUp(key).isHit)
      #expect(try space.store.verify().problems.isEmpty, "\(name)")
    }
  }

  @Test func evidenceIsCheckedToo() throws {
    let space = try Workspace()
    let key = try space.publish("e", outputs: [("out", try space.store.put([1]))]).key
    let other = try space.store.put([2])
    try space.publish("e", outputs: [("out", other)])
    unlink(space.store.objectPath(other.digest))
    let report = try space.store.verify(repair: true)
    #expect(report.problems.map(\.id) == ["store-result-damaged"] && report.isClean)
    #expect(space.store.evidence(of: key).isEmpty)
    #expect(space.store.lookUp(key).isHit)
  }
}
