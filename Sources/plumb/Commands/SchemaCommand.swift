// plumb schema: a JSON Schema of manifests, for editors that complete and check while one types.

import ArgumentParser
import Pipelines

struct SchemaCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "schema", abstract: "Print the JSON Schema of manifests, for editors.",
    discussion: """
      Keep it beside the manifests and name it in their first line:
        plumb schema > manifest.schema.json
        # yaml-language-server: $schema=../manifest.schema.json
      """)

  @OptionGroup var places: PlaceOptions

  func run() throws {
    let catalog = try Session.catalog(Project.withoutManifest(), places)
    var output = Output()
    output.raw(ManifestSchema.json(catalog: catalog).indentedText)
    output.write()
  }
}
