// Collection removes nothing that a root reaches, that a live run uses, or that is young; what it moves
// comes back.

import CanonicalJSON
import Diagnostics
import Glibc
import Testing

@testable import ArtifactStore

@Suite struct CollectionTests {
  /// Nothing is young: everything was made before "now".
  private let grace = -3600

  private func collect(_ space: Workspace, apply: Bool = true) throws -> CollectionReport {
    try space.store.collect(
      apply: apply, grace: grace, keepingRuns: grace, beforeRecheck: {})
  }

  private func root(_ space: Workspace, _ name: String, _ keys: [Digest]) throws {
    try space.store.record(root: Root(project: "p", name: name, keys: keys, references: []))
  }

  /// 7. Roots, pins and live runs keep what they lead to; everything else goes and comes back.
  @Test func invariant7WhatIsReachedStays() throws {
    let space = try Workspace()
    let keys = try ["rooted", "pinned", "live", "loose"].map { try space.publishExample($0) }
    try root(space, "last", [keys[0]])
    try space.store.pin(
      Pin(name: "n", keys: [keys[1]], references: [], reason: "r", expires: nil, user: "u"))
    let run = try space.store.beginRun(label: "now")
    try run.uses([keys[2]])
    // A live run also keeps everything that was made since it began, so that is tested apart.
    let loose = try #require(space.store.storedResult(keys[3]))
    let objects = try #require(space.store.objects(of: loose))
    let before = try space.store.verify()

    let dry = try collect(space, apply: false)
    #expect(dry.items.isEmpty, "a live run keeps what is younger than itself")
    withExtendedLifetime(run) {}
    let note = try #require(try space.store.liveRuns().first)
    #expect(note.keys == [keys[2]] && note.isAlive == true && note.label == "now")
    try space.write(
      "store/live/" + FileAccess.name(of: run.path),
      "{\"host\":\"h\",\"label\":\"now\",\"pid\":1,\"started\":9999999999}\n\(keys[2])\n")

    let plan = try collect(space, apply: false)
    #expect(plan.trash == nil && plan.count(.result) == 1)
    #expect(try space.store.verify().objects == before.objects)
    let report = try collect(space)
    #expect(report.items.map(\.path) == plan.items.map(\.path))
    #expect(report.count(.result) == 1 && report.kept.results == 3)
    #expect(report.count(.object) == objects.count)
    for key in keys[..<3] { #expect(space.store.lookUp(key).isHit) }
    #expect(space.store.lookUp(keys[3]).isMiss)
    #expect(try space.store.verify().isClean)
    #expect(try collect(space).items.isEmpty)

    let back = try #require(try space.store.undoCollection())
    #expect(back.files == report.items.count)
    #expect(space.store.lookUp(keys[3]).isHit)
    let after = try space.store.verify()
    #expect(after.isClean && after.objects == before.objects && after.results == before.results)
    #expect(try space.store.trash().isEmpty)
    withExtendedLifetime(run) {}
  }

  @Test func youngThingsStay() throws {
    let space = try Workspace()
    let loose = try space.publishExample("loose")
    try root(space, "last", [try space.publishExample("rooted")])
    let report = try space.store.collect(apply: true)
    #expect(report.items.isEmpty && report.young.objects == 0, "a young result keeps its objects")
    #expect(space.store.lookUp(loose).isHit)
    _ = try space.store.put(Array("named by nothing".utf8))
    #expect(try space.store.collect(apply: true).young.objects == 1)
  }

  @Test func withoutRootsNothingIsKnown() throws {
    let space = try Workspace()
    try space.publishExample("a")
    #expect(id { _ = try collect(space) } == "store-no-roots")
    try space.write("store/roots/p/x", "{")
    #expect(id { _ = try collect(space) } == "store-root-damaged")
    unlink(space.store.path + "/roots/p/x")
    try space.write("store/pins/x", "{}")
    #expect(id { _ = try collect(space) } == "store-root-damaged")
    #expect(try space.store.verify().results == 1)
  }

  /// A run that notes and finds a result in the moment in which it is moved gets it back.
  @Test func aRunAtTheSameMomentLosesNothing() throws {
    let space = try Workspace()
    let key = try space.publishExample("wanted")
    let other = try space.publishExample("unwanted")
    try root(space, "last", [try space.publishExample("rooted")])
    var run: LiveRun?
    let report = try space.store.collect(
      apply: true, grace: grace, keepingRuns: grace,
      beforeRecheck: {
        run = try? space.store.beginRun(label: "late")
        try? run?.uses([key])
      })
    #expect(report.saved == 1)
    #expect(space.store.lookUp(key).isHit)
    #expect(space.store.lookUp(other).isMiss)
    #expect(try space.store.verify().isClean)
    withExtendedLifetime(run) {}
  }

  /// Parts of stages have no root; they stay while all that they were made from stays.
  @Test func partsStayWithWhatTheyWereMadeFrom() throws {
    let space = try Workspace()
    let frame = try space.store.put(Array("frame".utf8))
    let gone = try space.store.put(Array("frame of a folder that is no longer used".utf8))
    func part(_ input: ObjectReference) throws -> Digest {
      let record = try ActionRecord(
        innerKind: "judge", revision: 1, engine: 1, facts: [], inputs: [input])
      let result = ActionResult(
        key: record.key,
        outputs: [("result", try space.store.put(Array("verdict \(input)".utf8)))],
        record: try space.store.put(record), provenance: .object([:]))
      _ = try space.store.publish(result)
      return record.key
    }
    let kept = try part(frame)
    let collected = try part(gone)
    let (stage, _) = try space.publish("stage", outputs: [("frames", frame)])
    try root(space, "last", [stage])
    _ = try collect(space)
    #expect(space.store.lookUp(kept).isHit && space.store.lookUp(collected).isMiss)
    #expect(try space.store.verify().isClean)
    #expect(try space.store.keysWithParts([stage]).sorted() == [stage, kept].sorted())
  }

  @Test func pinsEnd() throws {
    let space = try Workspace()
    let key = try space.publishExample("pinned")
    try root(space, "last", [try space.publishExample("rooted")])
    let pin = Pin(
      name: "a/b", keys: [key], references: [], reason: "old", expires: 1, user: "u")
    try space.store.pin(pin)
    #expect(try space.store.pins() == [pin])
    _ = try collect(space)
    #expect(space.store.lookUp(key).isMiss)
    #expect(try space.store.unpin("a/b"))
    #expect(try !space.store.unpin("a/b"))
  }

  @Test func theTrashIsEmptied() throws {
    let space = try Workspace()
    try space.publishExample("loose")
    try root(space, "last", [try space.publishExample("rooted")])
    let report = try collect(space)
    #expect(try space.store.emptyTrash(olderThan: 3600) == 0)
    #expect(try space.store.emptyTrash() == report.bytes)
    #expect(try space.store.undoCollection() == nil)
    #expect(try space.store.verify().isClean)
  }

  @Test func usageSaysWhatKeepsWhat() throws {
    let space = try Workspace()
    let key = try space.publishExample("rooted")
    let loose = try space.publishExample("loose")
    try root(space, "last", [key])
    let usage = try space.store.usage()
    #expect(usage.keepers.map(\.name) == ["root p/last"])
    #expect(usage.keepers[0].bytes == usage.keepers[0].alone && usage.unreached.count > 0)
    #expect(try space.store.reasons(for: key).contains("root p/last"))
    #expect(try space.store.reasons(for: loose).isEmpty)
  }
}
