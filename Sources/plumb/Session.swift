// What most commands begin with: the stage kinds, the pipeline of the manifest, the store.

import ArtifactStore
import Console
import Diagnostics
import Foundation
import Pipelines
import Scheduling

/// One command's view of its project; everything is loaded once, when it is first needed.
struct Session {
  let project: Project
  let catalog: StageCatalog
  let pipeline: Pipeline
  /// Words after the manifest.
  let selectors: [String]
  private let places: PlaceOptions

  /// Reads the manifest and checks all of it; warnings are printed, errors thrown together.
  init(_ options: ManifestOptions) throws {
    project = try Project.withManifest(options.manifest)
    catalog = try Self.catalog(project, options.places)
    selectors = options.selectors
    places = options.places
    let (pipeline, problems) = PipelineResolver.resolve(
      manifestAt: project.manifest!, catalog: catalog,
      overrides: ManifestOverrides(
        assignments: options.assignments, files: options.parameterFiles,
        workingFolder: Project.workingFolder))
    guard let pipeline, problems.allSatisfy({ $0.severity == .warning }) else {
      throw Diagnostics(problems)
    }
    Messages.print(problems)
    self.pipeline = pipeline
  }

  static func catalog(_ project: Project, _ places: PlaceOptions) throws -> StageCatalog {
    let stages = try project.stageFolders(given: places.stageFolders)
    let (catalog, problems) = StageCatalog.load(folders: stages.folders, fallback: stages.builtIn)
    guard problems.allSatisfy({ $0.severity == .warning }) else { throw Diagnostics(problems) }
    Messages.print(problems)
    return catalog
  }

  func openStore() throws(Diagnostic) -> Store {
    try Store(at: project.storePath(given: places.store))
  }

  /// Instances that the selectors name; nil where there are none, which means all.
  func targets() throws(Diagnostic) -> [Int]? {
    selectors.isEmpty ? nil : try pipeline.select(selectors)
  }

  /// Parameters that are still to be given: looking is possible without, running is not.
  func requireEverythingSet() throws {
    if !pipeline.unset.isEmpty { throw Diagnostics(pipeline.unset) }
  }

  /// The one selector of commands that are about one thing.
  func onlySelector(_ what: String) throws(Diagnostic) -> String {
    guard selectors.count == 1 else { throw .oneSelectorNeeded(what, given: selectors) }
    return selectors[0]
  }
}
