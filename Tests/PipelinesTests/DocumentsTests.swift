// Documents are tests: what is shipped resolves, and so do the examples of the concept page.

import Diagnostics
import Foundation
import Testing

@testable import Pipelines

@Suite struct Documents {
  private static let root = Fixtures.folder.replacing("/Tests/PipelinesTests", with: "")

  private static let shipped: [String] = {
    let files = FileManager.default
    let kinds = (try? files.contentsOfDirectory(atPath: root + "/stages")) ?? []
    let pipelines = (try? files.contentsOfDirectory(atPath: root + "/pipelines")) ?? []
    let paths =
      kinds.map { "stages/\($0)/example.yaml" }
      + pipelines.filter { $0.hasSuffix(".yaml") }.map { "pipelines/\($0)" }
    return paths.filter { files.fileExists(atPath: "\(root)/\($0)") }.sorted()
  }()

  @Test func shippedStageKindsAreSound() {
    let (_, problems) = StageCatalog.load(folders: [Self.root + "/stages"])
    #expect(problems.isEmpty, "\(DiagnosticPrinter().text(of: problems))")
  }

  @Test(arguments: shipped) func shippedManifestsResolve(path: String) {
    let (catalog, _) = StageCatalog.load(folders: [Self.root + "/stages"])
    let (_, problems) = PipelineResolver.resolve(
      manifestAt: path, catalog: catalog, overrides: ManifestOverrides(workingFolder: Self.root))
    #expect(problems.isEmpty, "\(DiagnosticPrinter().text(of: problems))")
  }

  /// Code blocks that begin with `version:` are whole manifests, others after `inputs:` are inputs.
  @Test func examplesOfTheConceptPageResolve() throws {
    let page = try String(
      contentsOfFile: Self.root + "/Sources/Pipelines/Pipelines.docc/Pipelines.md", encoding: .utf8)
    let blocks = page.matches(of: #/```yaml\n((?s).*?)```/#).map { String($0.1) }
    let manifests = blocks.filter { $0.hasPrefix("version:") }
    #expect(manifests.count >= 2)
    for text in manifests {
      let (_, problems) = Fixtures.resolve(text)
      #expect(problems.isEmpty, "\(text)\n\(DiagnosticPrinter().text(of: problems))")
    }
  }

  @Test func conceptPageNamesEveryKey() throws {
    let page = try String(
      contentsOfFile: Self.root + "/Sources/Pipelines/Pipelines.docc/Pipelines.md", encoding: .utf8)
    for table in [KeyTable.manifest, .param, .stage, .resources, .file, .parameter, .definition] {
      for key in table.keys {
        #expect(page.contains(key.name), "the page does not name \(key.name)")
      }
    }
  }
}
