// The bytes that each stage kind makes of its example, written down in golden.json: a change of bytes
// without a raised `revision` (or `engine`) would let old and new results pass for each other.
//
// Kinds that compute with floats through BLAS, libm or gnuplot make other last bits elsewhere; of them
// the golden file holds the names and values of their metrics, compared with a tolerance, and the files
// of their outputs. Exact ones stand there with the key they were made under: under the same key other
// bytes are a mistake, under another key (the example or what it reads changed) they are news.
// PLUMB_GOLDEN=write writes the file anew: after raising a revision, never instead.

import CanonicalJSON
import Foundation
import Testing

@Suite struct GoldenTests {
  private static let path =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/golden.json"

  /// Kinds whose bytes are the same everywhere: text and integers.
  private static let exact = [
    "compose-corpus", "compose-facts", "compose-opinions", "import-corpus", "mitigate",
    "train-tokenizer",
  ]

  @Test func `examples make the bytes that their revision stands for`() throws {
    let work = try Workspace()
    let kinds = try FileManager.default.contentsOfDirectory(atPath: Built.project + "/stages")
      .filter { $0 != "README.md" }.sorted()
    let described = try JSONValue(parsing: try work.plumb("stages", "--json").output)
    var golden: [(String, JSONValue)] = []
    for kind in kinds {
      let definition = try #require(described.array?.first { $0["kind"]?.string == kind })
      let example = Built.project + "/stages/\(kind)/example.yaml"
      let run = try work.plumb(["run", example, "--store", "store", "--json"], seconds: 120)
      try #require(run.code == 0, "\(kind): \(run.errors)")
      var outputs: [(String, JSONValue)] = []
      for row in run.events.compactMap({ $0["row"] }) where row["kind"]?.string == kind {
        let instance = try #require(row["id"]?.string)
        for (port, reference) in row["outputs"]?.object?.sorted.map({ ($0.key, $0.value) }) ?? [] {
          let name = instance + "." + port
          let value: JSONValue =
            Self.exact.contains(kind)
            ? .object(["key": row["key"] ?? .null, "bytes": reference])
            : try shape(of: name, example: example, in: work, folder: "out/" + kind)
          outputs.append((name, value))
        }
      }
      golden.append(
        (
          kind,
          .object([
            "revision": definition["revision"] ?? .null,
            "outputs": .object(JSONObject(outputs)),
          ])
        ))
    }
    let made = JSONValue.object(JSONObject(golden))
    if ProcessInfo.processInfo.environment["PLUMB_GOLDEN"] == "write" {
      try made.indentedText.write(toFile: Self.path, atomically: true, encoding: .utf8)
    }
    let text = try String(contentsOfFile: Self.path, encoding: .utf8)
    let expected = try JSONValue(parsing: text)
    for kind in kinds {
      let (old, new) = (expected[kind], made[kind])
      #expect(
        old?["revision"] == new?["revision"],
        "\(kind): the revision was raised; write the golden file anew (PLUMB_GOLDEN=write)")
      for (name, value) in new?["outputs"]?.object?.sorted.map({ ($0.key, $0.value) }) ?? [] {
        let before = old?["outputs"]?[name]
        if let key = before?["key"], key != value["key"] {
          Issue.record(
            "\(name) of the example of \(kind) has another key: write the golden file anew")
          continue
        }
        #expect(
          before.map { Self.agree($0, value) } ?? false,
          """
          \(kind) makes other bytes of \(name) than revision \(old?["revision"]?.integer ?? 0) \
          stands for: raise `revision` in its stage.yaml.
          before: \(before?.canonicalText ?? "nothing")
          now:    \(value.canonicalText)
          """)
      }
    }
  }

  /// Metrics as they are; of anything else the names of its files and their numbers of lines.
  private func shape(
    of output: String, example: String, in work: Workspace, folder: String
  ) throws -> JSONValue {
    let got = try work.plumb(
      ["get", example, output, "--store", "store", "--to", folder], seconds: 60)
    try #require(got.code == 0, "\(got.errors)")
    var parts: [(String, JSONValue)] = []
    for path in got.lines {
      let text = work.read(path)
      let name = String(path.dropFirst("\(folder)/\(output)".count).drop { $0 == "/" })
      if output.hasSuffix(".metrics"), let metrics = try JSONValue(parsing: text).array {
        parts.append((name, .array(metrics)))
      } else if output.hasSuffix(".history") {
        // The losses of a training: what a wrong gradient changes first.
        let steps = try text.split(separator: "\n").map { try JSONValue(parsing: String($0)) }
        parts.append((name, .array(steps)))
      } else if name.hasSuffix("jsonl") {
        parts.append((name, .integer(text.split(separator: "\n").count)))
      } else {
        parts.append((name, .boolean(!text.isEmpty)))
      }
    }
    return .object(JSONObject(parts))
  }

  /// Numbers agree to 2 parts in 1,000; everything else is equal.
  static func agree(_ a: JSONValue, _ b: JSONValue) -> Bool {
    if let x = a.double, let y = b.double { return abs(x - y) <= 2e-3 * max(1, abs(x), abs(y)) }
    if let x = a.array, let y = b.array {
      return x.count == y.count && zip(x, y).allSatisfy { agree($0, $1) }
    }
    if let x = a.object, let y = b.object {
      return x.count == y.count
        && zip(x.sorted, y.sorted).allSatisfy { $0.key == $1.key && agree($0.value, $1.value) }
    }
    return a == b
  }
}
