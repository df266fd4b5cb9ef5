import CanonicalJSON
import Diagnostics
import Foundation
import Testing

@testable import Pipelines

@Suite struct ManifestSchemaTests {
  @Test func mentionsEveryKey() throws {
    let schema = ManifestSchema.json(catalog: Fixtures.catalog)
    func keys(_ path: [String]) throws -> Set<String> {
      var value = schema
      for step in path { value = try #require(value[step], "no \(step) in \(path)") }
      return Set(try #require(value["properties"]?.object).keys)
    }
    func known(_ table: KeyTable) -> Set<String> {
      Set(table.keys.map(\.name))
    }
    #expect(try keys([]) == known(.manifest))
    let stage = ["properties", "stages", "additionalProperties"]
    #expect(try keys(stage) == known(.stage))
    let text = schema.canonicalText
    for table in [KeyTable.param, .resources, .file] {
      for key in table.keys { #expect(text.contains("\"\(key.name)\":"), "\(key.name)") }
    }
    let all = schema["properties"]?["stages"]?["additionalProperties"]?["allOf"]?.array
    #expect(all?.count == Fixtures.catalog.definitions.count)
    let mitigate = try #require(
      all?.first { $0["if"]?["properties"]?["uses"]?["const"] == "mitigate" })
    let with = try #require(mitigate["then"]?["properties"]?["with"])
    #expect(with["required"] == ["strategy", "round", "seed"])
    #expect(with["additionalProperties"] == false)
    let strategy = with["properties"]?["strategy"]?["anyOf"]?.array
    #expect(strategy?.first == .object(["enum": ["none", "overfit", "preserve", "accumulate"]]))
  }

  /// The path of check-jsonschema, if there is one.
  static let checker: String? = {
    let environment = ProcessInfo.processInfo.environment
    if let path = environment["PLUMB_CHECK_JSONSCHEMA"] { return path }
    let folders = (environment["PATH"] ?? "").split(separator: ":")
    let found = folders.map { "\($0)/check-jsonschema" }
      .first { FileManager.default.isExecutableFile(atPath: $0) }
    if found == nil { print("skipped: no check-jsonschema on PATH or in PLUMB_CHECK_JSONSCHEMA") }
    return found
  }()

  /// What only the resolver can see: names that refer to each other, sums, places.
  static let seenBySchema = [
    "keys-missing", "keys-stage-without-uses", "keys-stages-list",
    "keys-top-level-list", "keys-unknown", "keys-version", "keys-resources", "kind-unknown",
    "input-missing", "input-unknown", "input-number", "input-file-for-artifact",
    "input-artifact-for-file", "input-file-keys", "input-list-for-single", "matrix-empty-axis",
    "matrix-hyphen", "matrix-is-list", "matrix-scalar", "names", "parameter-choice",
    "parameter-is-input", "parameter-mapping", "parameter-missing", "parameter-range",
    "parameter-types", "parameter-unknown", "params-name", "more-than-twenty",
    "slurm-options",
  ]

  @Test(.enabled(if: checker != nil)) func acceptsGoodAndRefusesBadManifests() throws {
    let checker = try #require(Self.checker)
    let schema = NSTemporaryDirectory() + "schema-\(UUID().uuidString).json"
    defer { try? FileManager.default.removeItem(atPath: schema) }
    try ManifestSchema.json(catalog: Fixtures.catalog).indentedText
      .write(toFile: schema, atomically: true, encoding: .utf8)
    func check(_ files: [String]) throws -> (code: Int32, output: String) {
      let process = Process()
      process.executableURL = URL(fileURLWithPath: checker)
      process.arguments = ["--schemafile", schema] + files
      let pipe = Pipe()
      process.standardOutput = pipe
      process.standardError = pipe
      try process.run()
      let output = pipe.fileHandleForReading.readDataToEndOfFile()
      process.waitUntilExit()
      return (process.terminationStatus, String(decoding: output, as: UTF8.self))
    }
    let good = try check([Fixtures.folder + "/fixtures/bias.yaml"])
    #expect(good.code == 0, "\(good.output)")
    let bad = try check(Self.seenBySchema.map { "\(Fixtures.folder)/invalid-manifests/\($0).yaml" })
    #expect(bad.code == 1)
    for name in Self.seenBySchema {
      #expect(bad.output.contains("/\(name).yaml::"), "the schema accepts \(name)")
    }
  }
}

@Suite struct Explanations {
  @Test func everyIdHasAPage() throws {
    let ids = pipelinesExplanations.map(\.id)
    #expect(ids == ids.sorted())
    #expect(Set(ids).count == ids.count)
    let sources = Fixtures.folder.replacing("Tests/PipelinesTests", with: "Sources/Pipelines")
    var used: Set<String> = []
    for file in ["PipelinesDiagnostics", "ReferenceDiagnostics"] {
      let text = try String(contentsOfFile: "\(sources)/\(file).swift", encoding: .utf8)
      used.formUnion(text.matches(of: #/Diagnostic\(\s*"([a-z-]+)"/#).map { String($0.1) })
    }
    #expect(used.count > 50)
    #expect(used.symmetricDifference(ids).isEmpty)
  }
}
