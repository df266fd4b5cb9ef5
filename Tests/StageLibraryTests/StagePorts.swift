// What a worker hands to a stage body beyond what a test says: ports and defaults of stage.yaml.

import CanonicalJSON
import Foundation
import Pipelines
import Scheduling

@testable import StageLibrary

enum StagePorts {
  private static let catalog = StageCatalog.load(folders: [
    URL(fileURLWithPath: #filePath).deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent().path + "/stages"
  ]).0

  /// Every port of the kind; those that are not given are empty.
  static func inputs(
    _ body: any StageBody.Type, _ given: [String: [InputArtifact]]
  ) -> [String: [InputArtifact]] {
    let ports = catalog[body.kind]?.inputs.map { ($0.name, [InputArtifact]()) } ?? []
    return Dictionary(uniqueKeysWithValues: ports).merging(given) { $1 }
  }

  /// The values that are given, and defaults for the others that have one.
  static func parameters(
    _ body: any StageBody.Type, _ given: [(String, JSONValue)]
  ) -> Parameters {
    let names = Set(given.map(\.0))
    let defaults = catalog[body.kind]?.parameters.compactMap { definition in
      definition.default.map { (definition.name, $0.json) }
    }
    return Parameters(
      JSONObject(given + (defaults ?? []).filter { !names.contains($0.0) }))
  }
}
