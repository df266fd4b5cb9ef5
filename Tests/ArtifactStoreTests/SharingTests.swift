// Results that travel: copies between stores, stores behind a store, repair from another one, groups.

import CanonicalJSON
import Diagnostics
import Glibc
import Testing

@testable import ArtifactStore

@Suite struct SharingTests {
  @Test func resultsAreCopiedWholeAndOnce() throws {
    let space = try Workspace()
    let other = try Workspace()
    let keys = try ["a", "b", "c"].map { try space.publishExample($0) }
    let report = try space.store.copy(keys, to: other.store, anonymous: true)
    #expect(report.results == 3 && report.known == 0 && report.objects > 6)
    for key in keys { #expect(other.store.lookUp(key).isHit) }
    #expect(try other.store.verify().isClean)
    guard case .hit(let result) = other.store.lookUp(keys[0]) else { return }
    #expect(result.provenance["host"] == nil)
    let again = try space.store.copy(keys, to: other.store)
    #expect(again.results == 0 && again.known == 3 && again.objects == 0)
  }

  @Test func whatIsDamagedDoesNotSpread() throws {
    let space = try Workspace()
    let other = try Workspace()
    let key = try space.publishExample("a")
    let text = Digest.of("text of a")
    chmod(space.store.objectPath(text), 0o644)
    try space.write("store/objects/\(text.hex.prefix(2))/\(text.hex)", "TEXT of a", mode: 0o444)
    #expect(id { _ = try space.store.copy([key], to: other.store) } == "store-copy-damaged")
    #expect(other.store.lookUp(key).isMiss)
    unlink(space.store.objectPath(text))
    #expect(try space.store.copy([key], to: other.store).damaged == [key])
    #expect(try other.store.verify().isClean)
  }

  @Test func anotherStoreRepairsThisOne() throws {
    let space = try Workspace()
    let other = try Workspace()
    let keys = try ["a", "b"].map { try space.publishExample($0) }
    _ = try space.store.copy(keys, to: other.store)
    unlink(space.store.objectPath(.of("two of a")))
    let text = Digest.of("text of b")
    chmod(space.store.objectPath(text), 0o644)
    try space.write("store/objects/\(text.hex.prefix(2))/\(text.hex)", "TEXT of b", mode: 0o444)
    #expect(try !space.store.verify().isClean)
    let report = try space.store.verify(
      repairingFrom: try Store(readOnlyAt: other.store.path))
    #expect(report.isClean && report.problems.count == 2, "\(report.problems)")
    let after = try space.store.verify()
    #expect(after.problems.isEmpty)
    for key in keys { #expect(space.store.lookUp(key).isHit) }
  }

  @Test func aSampleReadsSome() throws {
    let space = try Workspace()
    for name in 0..<20 { try space.publishExample("\(name)") }
    let report = try space.store.verify(sample: 0.5)
    #expect(report.isClean && report.hashed > 0 && report.hashed < report.objects)
  }

  /// Hits of a store behind this one are read in place; what is made here is whole without it.
  @Test func upstreamsAreReadInPlace() throws {
    let lab = try Workspace()
    let space = try Workspace()
    let key = try lab.publishExample("shared")
    try space.store.setUpstreams([lab.store.path])
    let store = try space.reopened()
    guard case .hit(let result) = store.lookUp(key), let folder = result["folder"] else {
      Issue.record("no hit")
      return
    }
    #expect(try space.files("objects") == [] && space.files("actions") == [])
    let paths = try store.files(of: folder, blobName: "x")
    #expect(try space.read(try #require(paths["deep/two.txt"])) == "two of shared")
    // An output made of objects that only the other store has.
    guard case .tree(let digest) = folder else { return }
    let made = try store.put(try Tree(try store.tree(digest).entries))
    let record = try space.record("own")
    let own = ActionResult(
      key: record.key, outputs: [("out", made)], record: try store.put(record),
      provenance: .object([:]))
    #expect(try store.publish(own) == .published)
    try store.setUpstreams([])
    #expect(try space.reopened().lookUp(own.key).isHit)
    #expect(try space.store.verify().isClean)
  }

  @Test func anUpstreamThatIsNotThereIsPassedOver() throws {
    let space = try Workspace()
    try space.store.setUpstreams(["/nonexistent/lab"])
    let store = try space.reopened()
    #expect(store.upstreamProblems.map(\.id) == ["store-upstream-missing"])
    #expect(store.lookUp(.of("k")).isMiss)
    for bad in ["{", "{}", "[1]", "[\"relative\"]"] {
      try space.write("store/upstreams", bad)
      #expect(id { _ = try space.reopened() } == "store-upstreams-damaged", "\(bad)")
    }
  }

  /// Folders of a shared store are for the group whatever the umask; nothing else's mode is touched.
  @Test func sharedStoresStayShared() throws {
    let space = try Workspace()
    let path = space.path + "/shared"
    try Store.create(at: path, shared: true)
    let store = try Store(at: path, cacheFolder: nil)
    let reference = try store.put(Array("x".utf8))
    _ = try store.workFolder(for: .of("k"))
    let run = try store.createRun(name: "r")
    for folder in [
      path, path + "/objects", FileAccess.folder(of: store.objectPath(reference.digest)),
      path + "/leases", path + "/tmp", run.path, path + "/work",
    ] {
      let mode = FileStatus(of: folder).map { $0.mode & 0o7777 }
      #expect(mode == 0o2775, "\(folder): \(String(mode ?? 0, radix: 8))")
    }
    #expect(FileStatus(of: store.objectPath(reference.digest))!.mode & 0o777 == 0o444)
    // An ordinary store is left as the umask says.
    #expect(FileStatus(of: space.store.path + "/objects")!.mode & 0o2000 == 0)
  }

  /// A strict umask hides nothing that the others of a group need.
  @Test func aStrictUmaskHarmsNoGroup() async throws {
    let space = try Workspace()
    let path = space.path
    await #expect(processExitsWith: .success) {
      [path = path as String] in
      umask(0o077)
      try Store.create(at: path + "/shared", shared: true)
      let store = try Store(at: path + "/shared", cacheFolder: nil)
      let object = store.objectPath(try store.put(Array("x".utf8)).digest)
      let run = try store.beginRun(label: "r")
      let lease = try store.claim(.of("k"), label: "l")
      try store.record(root: Root(project: "p", name: "n", keys: [], references: []))
      for (file, mode) in [
        (object, 0o444), (run.path, 0o644), (store.leasePath(.of("k")), 0o644),
        (store.path + "/roots/p/n", 0o644), (store.path + "/format", 0o444),
        (FileAccess.folder(of: object), 0o2775), (store.path + "/roots/p", 0o2775),
      ] {
        let found = FileStatus(of: file).map { Int($0.mode) & 0o7777 }
        try #require(found == mode, "\(file)")
      }
      withExtendedLifetime((run, lease)) {}
    }
  }

  @Test func leasesAreListedAndBroken() throws {
    let space = try Workspace()
    let lease = try #require(try space.store.claim(.of("k"), label: "train[seed=1]"))
    let notes = try space.store.leases()
    #expect(notes.map(\.holder.label) == ["train[seed=1]"] && notes[0].holder.isAlive == true)
    #expect(notes[0].silent < 30 && notes[0].judgement.contains("lives"))
    #expect(try space.store.breakLease(.of("k")))
    #expect(try !space.store.breakLease(.of("k")))
    #expect(lease.isLost)
  }
}
