// stages/ and this module describe the same kinds: each folder has a body, each body a folder, each
// README tells about its kind what stage.yaml says.

import Diagnostics
import Foundation
import Pipelines
import Testing

@testable import StageLibrary

@Suite struct StageLibraryTests {
  private static let stages =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path + "/stages"

  private static let catalog = StageCatalog.load(folders: [stages])

  @Test func `every folder has a body and every body a folder`() {
    #expect(Self.catalog.1.isEmpty, "\(Self.catalog.1)")
    let kinds = Self.catalog.0.definitions.map(\.kind)
    #expect(kinds == StageLibrary.bodies.map { $0.kind })
    #expect(kinds.count >= 11)
  }

  @Test(arguments: StageLibrary.bodies.map { $0.kind })
  func `a folder holds definition, README and example, and they agree`(kind: String) throws {
    let definition = try #require(Self.catalog.0[kind])
    #expect(definition.folder.hasSuffix("/" + kind))
    let example = try String(contentsOfFile: definition.folder + "/example.yaml", encoding: .utf8)
    #expect(example.contains("uses: \(kind)"))
    let readme = try String(contentsOfFile: definition.folder + "/README.md", encoding: .utf8)
    #expect(readme.hasPrefix("# \(kind)\n") || readme.hasPrefix("# `\(kind)`\n"), "its heading")
    // What, method, source, cost, limits.
    for word in ["Cost", "Limits"] {
      #expect(readme.localizedCaseInsensitiveContains(word), "no word about: \(word)")
    }
    let source = try #require(
      StageLibrary.bodies.first { $0.kind == kind }.map { "\($0)" })
    #expect(source.hasSuffix("Stage"))
  }

  /// An adapter belongs to the weights it was trained beside: whoever reads one can open them.
  @Test(arguments: StageLibrary.bodies.map { $0.kind })
  func `a stage that reads an adapter opens models as they are tuned`(kind: String) throws {
    let definition = try #require(Self.catalog.0[kind])
    guard definition.input("adapter") != nil, let storage = definition.parameter("storage"),
      case .choice(let choices) = storage.type
    else { return }
    #expect(choices.contains("nf4"))
  }

  @Test(arguments: StageLibrary.bodies.map { $0.kind })
  func `a stage that draws random numbers has no default seed`(kind: String) throws {
    let definition = try #require(Self.catalog.0[kind])
    guard let seed = definition.parameter("seed") else { return }
    #expect(seed.default == nil)
    #expect(seed.isRequired || !seed.requiredWhen.isEmpty)
  }
}
