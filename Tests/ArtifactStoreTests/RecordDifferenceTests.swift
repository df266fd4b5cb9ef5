import CanonicalJSON
import Testing

@testable import ArtifactStore

@Suite struct RecordDifferenceTests {
  @Test func sentences() throws {
    let old = try example()
    func why(_ new: ActionRecord) -> [String] { new.differences(from: old).map(\.description) }

    #expect(why(old) == [])
    #expect(why(try example(learningRate: 0.0001)) == ["parameter learning_rate: 5e-05 → 0.0001"])
    #expect(why(try example(revision: 2)) == ["kind revision 1 → 2"])
    #expect(
      why(try example(corpus: "6")) == [
        "input corpus changed: tree:sha256:555555555555… → tree:sha256:666666666666…"
      ])
    #expect(
      why(try example(generations: [0])) == [
        "input synthetic[generation=1,strategy=none]: item left"
      ])
    #expect(
      why(try example(generations: [0, 1, 2])) == [
        "input synthetic[generation=2,strategy=none]: item joined"
      ])
    // The first of two leaves: the second moves up, which is not a change of its own.
    #expect(
      why(try example(generations: [1])) == [
        "input synthetic[generation=0,strategy=none]: item left"
      ])
    #expect(
      why(try example(generations: [1, 0])) == ["input synthetic: items stand in another order"])
  }

  @Test func parametersAndFilesComeAndGo() throws {
    func record(
      _ parameters: [(String, JSONValue)], _ files: [(path: String, digest: Digest)],
      _ inputs: [ActionRecord.Input] = [], engine: Int = 1, kind: String = "k"
    ) throws -> ActionRecord {
      try ActionRecord(
        kind: kind, revision: 1, engine: engine, parameters: parameters, inputs: inputs,
        files: files)
    }
    let old = try record(
      [("gone", 1), ("same", true)], [("a", digest("a")), ("b", digest("b"))],
      [.init(port: "left", reference: .blob(digest("1")))])
    let new = try record(
      [("new", ["x"]), ("same", true)], [("b", digest("c")), ("d", digest("d"))],
      [.init(port: "right", reference: .blob(digest("1")))], engine: 2, kind: "q")
    let differences = new.differences(from: old)
    #expect(
      differences.map(\.description) == [
        "kind k → q", "engine 1 → 2", "parameter gone: gone, was 1",
        "parameter new: new, [\"x\"]", "input left: is gone", "input right: is new",
        "declared file a is gone", "declared file b changed", "declared file d is new",
      ])
    #expect(differences[0].subject == .kind)
    #expect(differences[3].subject == .parameter("new"))
  }

  /// 1 and 1.0 are different facts, and a difference that Swift's `==` would overlook is shown.
  @Test func differencesAreEmptyExactlyWhenKeysAreEqual() throws {
    let values: [JSONValue] = [
      1, 1.0, "1", true, .null, [], .object([:]), "\u{E9}", "e\u{301}", .number(-0.0), .number(0),
    ]
    let records = try values.map {
      try ActionRecord(
        kind: "k", revision: 1, engine: 1, parameters: [("a", $0)], inputs: [], files: [])
    }
    for a in records {
      for b in records { #expect(a.differences(from: b).isEmpty == (a.key == b.key)) }
    }
    #expect(Set(records.map(\.key)).count == values.count)
  }

  @Test func itemsWithoutCoordinatesAreMatchedByPlace() throws {
    func record(_ digits: [Character]) throws -> ActionRecord {
      try ActionRecord(
        kind: "k", revision: 1, engine: 1, parameters: [],
        inputs: digits.enumerated().map {
          .init(port: "frames", index: $0.offset, reference: .blob(digest($0.element)))
        }, files: [])
    }
    let why = try record(["1", "3"]).differences(from: record(["1", "2"]))
    #expect(
      why.map(\.description) == [
        "input frames[1] changed: blob:sha256:222222222222… → blob:sha256:333333333333…"
      ])
    #expect(
      why[0].references == .init(old: .blob(digest("2")), new: .blob(digest("3"))))
  }
}
