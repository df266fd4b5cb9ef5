import CanonicalJSON
import Diagnostics
import Testing

@testable import ArtifactStore

func digest(_ digit: Character) -> Digest { Digest(hex: String(repeating: digit, count: 64))! }

func example(
  learningRate: Double = 5e-05, revision: Int = 1, generations: [Int] = [0, 1],
  corpus: Character = "5"
) throws -> ActionRecord {
  try ActionRecord(
    kind: "fine-tune", revision: revision, engine: 1,
    parameters: [("learning_rate", .number(learningRate)), ("epochs", 5)],
    inputs: generations.enumerated().map { index, generation in
      .init(
        port: "synthetic", index: index,
        coordinates: .object(["strategy": "none", "generation": .integer(generation)]),
        reference: .tree(digest(Character("\(generation)"))))
    } + [.init(port: "corpus", reference: .tree(digest(corpus)))],
    files: [(path: "grammars/news.yaml", digest: digest("f"))])
}

@Suite struct ActionRecordTests {
  /// Committed literally: a change of this text or key makes every store in the world stale.
  @Test func goldenTextAndKey() throws {
    let record = try example()
    #expect(
      record.text == """
        ["kind","fine-tune",{"engine":1,"revision":1}]
        ["parameter","epochs",5]
        ["parameter","learning_rate",5e-05]
        ["input","corpus","tree:sha256:5555555555555555555555555555555555555555555555555555555555555555"]
        ["input","synthetic",0,{"generation":0,"strategy":"none"},"tree:sha256:0000000000000000000000000000000000000000000000000000000000000000"]
        ["input","synthetic",1,{"generation":1,"strategy":"none"},"tree:sha256:1111111111111111111111111111111111111111111111111111111111111111"]
        ["file","grammars/news.yaml","ffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"]

        """)
    #expect(record.key.hex == "cf697b289ad1a2a12493efb2a7fbe753a53810dd98cf979c4da87721dc53825d")
    #expect(record.key == Digest.of("plumb.action/1\n" + record.text))
  }

  @Test func goldenInnerRecord() throws {
    let record = try ActionRecord(
      innerKind: "judge-frame", revision: 2, engine: 1, facts: [("scale", 0.5)],
      inputs: [.blob(digest("a")), .blob(digest("a"))])
    #expect(
      record.text == """
        ["inner","judge-frame",{"engine":1,"revision":2}]
        ["fact","scale",0.5]
        ["input","",0,{},"blob:sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]
        ["input","",1,{},"blob:sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"]

        """)
    #expect(try ActionRecord(parsing: record.text).key == record.key)
  }

  /// Invariant 4: the key is a function of the record, whatever order the facts were given in.
  @Test func invariant4KeyIsAFunctionOfTheRecord() throws {
    let record = try example()
    let shuffled = try ActionRecord(
      kind: "fine-tune", revision: 1, engine: 1, parameters: record.facts.reversed(),
      inputs: record.inputs.reversed(), files: record.files.reversed())
    #expect(shuffled.text == record.text)
    let read = try ActionRecord(parsing: record.text)
    #expect(read.key == record.key)
    #expect(read.inputs == record.inputs)
    let others = [
      try example(learningRate: 5.000000000000001e-05), try example(revision: 2),
      try example(generations: [1, 0]), try example(generations: [0]), try example(corpus: "6"),
    ]
    #expect(Set(others.map(\.key) + [record.key]).count == 6)
  }

  @Test func aParameterCannotForgeAFact() throws {
    let forged = "5]\n[\"parameter\",\"z\",1"
    let record = try ActionRecord(
      kind: "k", revision: 1, engine: 1, parameters: [("a", .string(forged)), (forged, 1)],
      inputs: [], files: [])
    #expect(record.text.split(separator: "\n").count == 3)
    #expect(try ActionRecord(parsing: record.text).facts.map(\.name) == [forged, "a"])
  }

  /// Two spellings of é are equal to Swift and must be different facts here.
  @Test func namesAreBytes() throws {
    let record = try ActionRecord(
      kind: "k", revision: 1, engine: 1, parameters: [("\u{E9}", 1), ("e\u{301}", 1)], inputs: [],
      files: [])
    #expect(try ActionRecord(parsing: record.text).facts.count == 2)
  }

  @Test func whatCannotBeWrittenIsAnError() {
    typealias Input = ActionRecord.Input
    let reference = ObjectReference.blob(digest("a"))
    let cases:
      [(
        parameters: [(String, JSONValue)], inputs: [Input], files: [(path: String, digest: Digest)]
      )] = [
        ([("a", .number(.nan))], [], []),
        ([("a", [.number(.infinity)])], [], []),
        ([("a", .object(JSONObject([("b", .number(.nan))])))], [], []),
        ([("a", .object(JSONObject([("b", 1), ("b", 2)])))], [], []),
        ([("a", 1), ("a", 1)], [], []),
        ([], [Input(port: "p", reference: reference), Input(port: "p", reference: reference)], []),
        ([], [Input(port: "p", index: 1, reference: reference)], []),
        (
          [],
          [
            Input(port: "p", index: 0, reference: reference),
            Input(port: "p", index: 2, reference: reference),
          ], []
        ),
        (
          [],
          [
            Input(port: "p", index: 0, reference: reference),
            Input(port: "p", reference: reference),
          ], []
        ),
        ([], [Input(port: "p", index: 0, coordinates: 3, reference: reference)], []),
        (
          [],
          [
            Input(
              port: "p", index: 0, coordinates: .object(["x": .number(.nan)]), reference: reference)
          ], []
        ),
        ([], [], [("f", digest("a")), ("f", digest("b"))]),
      ]
    for (index, bad) in cases.enumerated() {
      let found = id {
        _ = try ActionRecord(
          kind: "k", revision: 1, engine: 1, parameters: bad.parameters, inputs: bad.inputs,
          files: bad.files)
      }
      #expect(found == "store-record-value", "case \(index)")
    }
  }

  @Test func hostileRecordsAreRefused() throws {
    let good = try example().text
    let lines = good.split(separator: "\n").map(String.init)
    let kind = lines[0] + "\n"
    let swapped = ([lines[0], lines[2], lines[1]] + lines[3...]).joined(separator: "\n") + "\n"
    let texts = [
      "", "\n", kind + "\n", String(good.dropLast()), good + "\n", " " + good, swapped,
      lines.dropFirst().joined(separator: "\n") + "\n",
      good.replacing("5e-05", with: "0.00005"), good.replacing("5e-05", with: "5E-05"),
      good.replacing("\"epochs\",5", with: "\"epochs\", 5"),
      good.replacing("{\"engine\":1,\"revision\":1}", with: "{\"revision\":1,\"engine\":1}"),
      good.replacing(
        "{\"engine\":1,\"revision\":1}", with: "{\"engine\":1,\"revision\":1,\"x\":1}"),
      good.replacing("{\"engine\":1,\"revision\":1}", with: "{\"engine\":1.5,\"revision\":1}"),
      good.replacing("\"kind\"", with: "\"inner\""), good.replacing("\"kind\"", with: "\"sort\""),
      good.replacing("tree:sha256:55", with: "tree:sha256:5"),
      good.replacing("\"synthetic\",1", with: "\"synthetic\",2"),
      kind + "[\"input\",\"a\",0,{\"x\":1,\"x\":2},\"blob:sha256:\(digest("a"))\"]\n",
      kind + "[\"parameter\",\"a\",1]\n[\"parameter\",\"a\",1]\n",
      kind + "[\"fact\",\"a\",1]\n", kind + "[\"parameter\",\"a\"]\n",
      kind + "[\"parameter\",\"a\",\(String(repeating: "[", count: 5000))]\n",
      kind + "[\"parameter\",\"a\",1e999]\n", kind + "[\"parameter\",\"a\",\"\\ud800\"]\n",
      kind + kind,
    ]
    for text in texts {
      #expect(id { _ = try ActionRecord(parsing: text) } == "store-record-damaged", "\(text)")
    }
  }
}
