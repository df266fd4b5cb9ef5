import CanonicalJSON
import Testing

@testable import ArtifactStore

@Suite struct ActionResultTests {
  private func stored() -> StoredResult {
    let result = ActionResult(
      key: digest("1"),
      outputs: [("model", .tree(digest("2"))), ("history", .blob(digest("3")))],
      record: digest("4"), provenance: .object(["host": "h", "seconds": 1.5]))
    return StoredResult(result, sizes: [10, 20], recordSize: 30)
  }

  @Test func readsWhatItWrites() throws {
    let stored = stored()
    let read = try #require(StoredResult(parsing: Array(stored.text.utf8), key: digest("1")))
    #expect(read.text == stored.text)
    #expect(read.result.hasSameOutputs(as: stored.result))
    #expect(read.result.outputs.map(\.port) == ["history", "model"])
    #expect(read.sizes == [10, 20] && read.recordSize == 30)
  }

  @Test func hostileResultsAreNoResults() {
    let text = stored().text
    let changes: [(String, String)] = [
      ("\"result\": 1", "\"result\": 2"), ("\"result\": 1", "\"result\": \"1\""),
      (digest("1").hex, digest("5").hex), ("tree:sha256", "link:sha256"),
      ("tree:sha256:2222", "tree:sha256:222"), ("\"size\": 10", "\"size\": \"10\""),
      ("\"size\": 20", "\"size\": 1e99"), ("\"outputs\": {", "\"outputs\": [{"),
      ("\"model\"", "\"history\""), ("\"provenance\"", "\"provenence\""),
      ("\"record\"", "\"recorder\""), ("{\n", "{\n\"result\": 1,\n"), ("}", ""), ("\"", "'"),
    ]
    for (old, new) in changes {
      let bad = text.replacing(old, with: new, maxReplacements: 1)
      #expect(bad != text)
      #expect(StoredResult(parsing: Array(bad.utf8), key: digest("1")) == nil, "\(old) → \(new)")
    }
    for length in stride(from: 0, to: text.utf8.count - 2, by: 7) {
      #expect(StoredResult(parsing: Array(text.utf8.prefix(length)), key: digest("1")) == nil)
    }
  }

  @Test func aHostileResultIsNeverAHit() throws {
    let space = try Workspace()
    let key = try space.publishExample("a")
    let path = space.store.resultPath(key)
    let text = try space.read(path)
    let size = try #require(text.firstMatch(of: /"size": ([0-9]+)/)?.1)
    for bad in ["", "null", "[]", text.replacing("\"size\": \(size)", with: "\"size\": -1")] {
      try space.write(String(path.dropFirst(space.path.count + 1)), bad, mode: 0o444)
      #expect(space.store.lookUp(key).isDamaged)
      let lease = try #require(try space.store.claim(key, label: "x"))
      let objects = try space.files("objects")
      try space.store.heal(key, under: lease)
      // The result lied; the objects are good and stay.
      #expect(try space.files("objects") == objects)
      #expect(space.store.lookUp(key).isMiss)
    }
  }

  /// Publishing does not need `heal` first: a damaged result is moved away and replaced.
  @Test func publishingReplacesADamagedResult() throws {
    let space = try Workspace()
    let key = try space.publishExample("a")
    let path = space.store.resultPath(key)
    try space.write(String(path.dropFirst(space.path.count + 1)), "{", mode: 0o444)
    try space.publishExample("a")
    #expect(space.store.lookUp(key).isHit)
    #expect(try space.files("quarantine").count == 1)
  }

  @Test func provenanceMustHaveAText() throws {
    let space = try Workspace()
    let record = try space.record("r")
    let result = ActionResult(
      key: record.key, outputs: [], record: try space.store.put(record),
      provenance: .object(["seconds": .number(.nan)]))
    #expect(id { _ = try space.store.publish(result) } == "store-record-value")
  }
}
