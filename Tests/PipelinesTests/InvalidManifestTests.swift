// Bad manifests and the exact words they get stand side by side in invalid-manifests/.
// `PLUMB_RECORD=1` writes the words anew; read every difference before committing it.

import Diagnostics
import Foundation
import Testing

@testable import Pipelines

@Suite struct InvalidManifests {
  static let names: [String] = {
    let files =
      (try? FileManager.default.contentsOfDirectory(atPath: Fixtures.folder + "/invalid-manifests"))
      ?? []
    return files.filter { $0.hasSuffix(".yaml") }.map { String($0.dropLast(5)) }.sorted()
  }()

  @Test func thereAreMany() {
    #expect(Self.names.count >= 60)
  }

  @Test(arguments: names)
  func getTheirWords(name: String) throws {
    let path = Fixtures.folder + "/invalid-manifests/" + name
    let bytes = try #require(FileManager.default.contents(atPath: path + ".yaml"))
    let (pipeline, problems) = PipelineResolver.resolve(
      SourceText(path: name + ".yaml", bytes: Array(bytes)), at: "/study/" + name + ".yaml",
      catalog: Fixtures.catalog, overrides: ManifestOverrides(workingFolder: "/elsewhere"))
    #expect(pipeline == nil)
    #expect(!problems.isEmpty)
    for problem in problems { #expect(problem.span != nil, "\(problem.id) has no place") }
    let text = DiagnosticPrinter().text(of: problems)
    if ProcessInfo.processInfo.environment["PLUMB_RECORD"] == "1" {
      try text.write(toFile: path + ".expected.txt", atomically: true, encoding: .utf8)
    }
    let expected = try String(contentsOfFile: path + ".expected.txt", encoding: .utf8)
    #expect(text == expected)
  }
}
