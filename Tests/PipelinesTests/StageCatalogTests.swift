import Diagnostics
import Foundation
import Testing

@testable import Pipelines

@Suite struct StageCatalogTests {
  /// A folder of stage kinds that lives as long as the test.
  private func load(_ files: [(folder: String, text: String)]) throws -> (
    StageCatalog, [Diagnostic]
  ) {
    let root = NSTemporaryDirectory() + "catalog-\(UUID().uuidString)"
    defer { try? FileManager.default.removeItem(atPath: root) }
    for (folder, text) in files {
      try FileManager.default.createDirectory(
        atPath: "\(root)/\(folder)", withIntermediateDirectories: true)
      try text.write(toFile: "\(root)/\(folder)/stage.yaml", atomically: true, encoding: .utf8)
    }
    let tops = Set(files.map { $0.folder.split(separator: "/")[0] }).sorted()
    return StageCatalog.load(folders: tops.map { "\(root)/\($0)" })
  }

  @Test func readsEveryKey() throws {
    let definition = try #require(Fixtures.catalog["generate-corpus"])
    #expect(definition.revision == 2)
    #expect(definition.inputs.map(\.name) == ["model", "prompts"])
    #expect(definition.output("corpus")?.type.name == "corpus")
    let seed = try #require(definition.parameter("seed"))
    #expect(!seed.isRequired)
    #expect(seed.requiredWhen.map(\.parameter) == ["decoding"])
    #expect(seed.requiredWhen[0].values == [.string("top-p"), .string("top-k")])
    let temperature = try #require(definition.parameter("temperature"))
    #expect(temperature.default == .number(1))
    #expect(temperature.range == "above 0 and at most 10")
    #expect(Fixtures.catalog["compose-corpus"]?.files == ["grammars/*.yaml"])
    #expect(Fixtures.catalog["mitigate"]?.input("synthetic")?.isList == true)
    #expect(Fixtures.catalog["fine-tune"]?.input("recipe")?.isOptional == true)
    #expect(Fixtures.catalog.definitions.map(\.kind).first == "compose-corpus")
  }

  static let good = """
    kind: x
    revision: 1
    summary: A kind.
    outputs: {out: {type: corpus}}

    """

  @Test(arguments: [
    (good.replacing("kind: x", with: "kind: y"), "kind-is-not-folder", "1:7"),
    (good.replacing("revision: 1", with: "revision: 0"), "value-kind", "2:11"),
    (good.replacing("summary: A kind.\n", with: ""), "missing-key", "1:1"),
    (good.replacing("corpus", with: "corpsu"), "unknown-artifact-type", "4:23"),
    (good + "run: fast", "value-kind", "5:6"),
    (good + "code: [a.py]", "only-with-command", "5:1"),
    (good + "run: native\ncommand: [a]", "run-and-command", "5:6"),
    (good + "command: []", "empty-command", "5:10"),
    (good + "command: [a, $(inputs.text)]", "bad-command-reference", "5:14"),
    (good + "command: [a, $(outputs.oot)]", "bad-command-reference", "5:14"),
    (good + "command: [a, $(checkpoint)]", "bad-command-reference", "5:14"),
    (good + "command: [a, '$(outputs.out']", "bad-command-reference", "5:14"),
    (good + "command: [a, true]", "value-kind", "5:14"),
    (good + "command: [a]\nsecrets: [A-B]", "bad-name", "6:11"),
    (good + "command: [a]\nenvironment: {A-B: x}", "bad-name", "6:15"),
    (good + "command: [a]\ntools: {python: []}", "empty-command", "6:9"),
    (good + "command: [a]\ncode: [/etc/passwd]", "bad-glob", "6:8"),
    (good + "parameter: {}", "unknown-key", "5:1"),
    (good + "files: [../x]", "bad-glob", "5:9"),
    (good + "parameters: {a: {type: integer, default: x}}", "parameter-type", "5:42"),
    (good + "parameters: {a: {type: integer, at_most: 3, default: 4}}", "parameter-range", "5:54"),
    (good + "parameters: {a: {type: path}}", "path-in-definition", "5:24"),
    (
      good + "parameters: {a: {type: integer, default: 1, optional: true}}", "default-conflict",
      "5:45"
    ),
    (good + "parameters: {a: {type: integer, required_when: {b: 1}}}", "unknown-parameter", "5:49"),
    (
      good
        + "parameters: {a: {type: integer, required_when: {b: z}}, b: {type: choice, choices: [x]}}",
      "parameter-choice", "5:52"
    ),
    (good + "parameters: {a-b: {type: integer}}", "bad-name", "5:14"),
    (
      good + "parameters: {a: {type: integer, default: $(params.x)}}", "substitution-not-here",
      "5:42"
    ),
    (good + "inputs: {a: {type: corpus, list: 1}}", "yaml-kind", "5:34"),
    (good + "inputs: {a: corpus}", "yaml-kind", "5:13"),
    ("kind: [", "yaml-syntax", "1:8"),
  ])
  func badDefinitionsAreRefused(text: String, id: String, place: String) throws {
    let (catalog, problems) = try load([("a/x", text)])
    #expect(problems.map(\.id) == [id])
    #expect(problems.first?.span?.shown == place)
    #expect(catalog["x"] == nil)
    #expect(catalog.broken == ["x"])
  }

  @Test func aProjectsCopyOfAShippedKindIsItsOwn() throws {
    let root = FileManager.default.temporaryDirectory.path + "/plumb-catalog-\(UUID())"
    defer { try? FileManager.default.removeItem(atPath: root) }
    for folder in ["mine/x", "shipped/x", "shipped/y"] {
      try FileManager.default.createDirectory(
        atPath: "\(root)/\(folder)", withIntermediateDirectories: true)
      try Self.good.replacing("kind: x", with: "kind: \(folder.last!)").write(
        toFile: "\(root)/\(folder)/stage.yaml", atomically: true, encoding: .utf8)
    }
    let (catalog, problems) = StageCatalog.load(
      folders: ["\(root)/mine"], fallback: "\(root)/shipped")
    #expect(problems.isEmpty)
    #expect(catalog["x"]?.folder == "\(root)/mine/x")
    #expect(catalog["y"]?.folder == "\(root)/shipped/y")
  }

  @Test func twoFoldersMustNotCollide() throws {
    let (catalog, problems) = try load([("a/x", Self.good), ("b/x", Self.good)])
    #expect(problems.map(\.id) == ["kind-twice"])
    #expect(catalog.definitions.count == 1)
    let (two, none) = try load([
      ("a/x", Self.good), ("b/y", Self.good.replacing("kind: x", with: "kind: y")),
    ])
    #expect(none.isEmpty)
    #expect(two.definitions.map(\.kind) == ["x", "y"])
  }

  @Test func usersOfBrokenKindsHearOneWord() throws {
    let (catalog, _) = try load([("a/x", "kind: x")])
    let (pipeline, problems) = PipelineResolver.resolve(
      SourceText(
        path: "m.yaml",
        text:
          "version: 1\nname: n\nstages:\n  a: {uses: x, with: {b: 1}, inputs: {c: d.e}}\n  d: {uses: x}\n"
      ),
      at: "/m.yaml", catalog: catalog, overrides: ManifestOverrides(workingFolder: "/"))
    #expect(pipeline == nil)
    #expect(problems.map(\.id) == ["broken-kind", "broken-kind"])
  }

  @Test func missingFoldersAreTold() {
    #expect(StageCatalog.load(folders: ["/nowhere/at/all"]).1.map(\.id) == ["missing-catalog"])
  }
}
