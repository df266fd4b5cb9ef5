// Where recorded runs are looked for: the store of the project, the pipeline's name, other stores. The
// manifest need not be right for this; only its name is read.

import ArtifactStore
import Console
import Diagnostics
import Foundation
import Pipelines
import RunHistory
import Scheduling
import YAMLSyntax

struct RunPlaces {
  let project: Project
  let store: Store
  /// nil where no manifest is at hand: then runs of all pipelines are meant.
  let pipelineName: String?
  /// Words after the manifest.
  let words: [String]
  let shelf: RunShelf
  private let options: ManifestOptions
  private var places: PlaceOptions { options.places }

  init(_ options: ManifestOptions) throws {
    self.options = options
    let manifest = options.words.first.flatMap { Self.isManifest($0) ? $0 : nil }
    words = manifest == nil ? options.words : Array(options.words.dropFirst())
    if let manifest {
      project = try Project.withManifest(manifest)
    } else {
      project = (try? Project.withManifest(nil)) ?? Project.withoutManifest()
    }
    pipelineName = try project.manifest.map { try Self.name(ofManifest: $0) } ?? nil
    let path = project.storePath(given: options.places.store)
    guard Project.isFolder(path) else { throw Diagnostic.storeMissing(path) }
    store = try Store(at: path)
    shelf = try RunShelf(store, pipeline: pipelineName)
  }

  /// A path of a store or of a run is no manifest, though it has a slash.
  private static func isManifest(_ word: String) -> Bool {
    let name = word.lowercased()
    if name.hasSuffix(".yaml") || name.hasSuffix(".yml") { return true }
    var isFolder: ObjCBool = false
    return word.contains("/")
      && FileManager.default.fileExists(atPath: word, isDirectory: &isFolder)
      && !isFolder.boolValue
  }

  private static func name(ofManifest path: String) throws(Diagnostic) -> String? {
    guard let bytes = FileManager.default.contents(atPath: path) else { return nil }
    let root = try YAMLNode.parse(SourceText(path: path, bytes: [UInt8](bytes)))
    return root.mapping?["name"]?.scalar?.text
  }

  /// Whether a word is meant as a run and not as a stage.
  static func isRun(_ word: String) -> Bool {
    if word == "now" || word == "latest" || word.hasPrefix("latest~") || word.contains("/")
      || word.contains(":") && !word.contains("[")
    {
      return true
    }
    guard let first = word.first, !word.contains("[") else { return false }
    // The end of an id has six digits, which may all be letters.
    let isHex = word.allSatisfy(\.isHexDigit)
    return first.isNumber || isHex && word.count >= 4 && word.contains(where: \.isNumber)
      || isHex && word.count == 6
  }

  /// The stage kinds that are known here; of others only names of ports are known.
  func catalog() -> StageCatalog? {
    guard let folders = try? project.stageFolders(given: places.stageFolders) else { return nil }
    return StageCatalog.load(folders: folders.folders, fallback: folders.builtIn).0
  }

  /// The manifest as it is now; nil where there is none or it cannot be resolved, which hinders nobody
  /// from looking at runs.
  func session() -> Session? {
    guard let manifest = project.manifest else { return nil }
    var options = options
    options.words = [manifest]
    // A manifest with problems says so by itself when something is to be run.
    return try? Session(options)
  }

  /// How the manifest calls outside files; it is resolved when the first name is asked for.
  func outsideNames() -> (_ id: String, _ port: String) -> String? {
    var names: OutsideNames?
    return { id, port in
      if names == nil { names = OutsideNames(session()?.pipeline) }
      return names?.name(id, port)
    }
  }

  /// A run as people name it: here or in another store.
  func find(_ address: RunAddress) throws -> RecordedRun {
    guard let path = address.store else {
      let report = try shelf.find(address.run)
      return RecordedRun(report, in: store, shown: Self.shown(report))
    }
    let other = try Store(readOnlyAt: Project.absolute(path))
    let report = try RunShelf(other, pipeline: pipelineName).find(address.run)
    return RecordedRun(
      report, in: other, shown: "\(Project.shown(other.path)):\(Self.shown(report))")
  }

  /// A run that goes on has told only a part of what it will.
  private static func shown(_ report: RunReport) -> String {
    report.outcome == .running ? report.id + " (goes on, or was killed)" : report.id
  }

  func find(_ text: String) throws -> RecordedRun { try find(RunAddress(text)) }
}

/// How a manifest calls the outside files of its inputs.
private struct OutsideNames {
  private var names: [String: String] = [:]

  init(_ pipeline: Pipeline?) {
    for instance in pipeline?.instances ?? [] {
      for binding in instance.inputs {
        for item in binding.items {
          if case .file(_, let shown, _) = item.source {
            names["\(instance.id) \(binding.port.name)"] = shown
          }
        }
      }
    }
  }

  func name(_ instance: String, _ port: String) -> String? { names["\(instance) \(port)"] }
}

/// Which port holds what, by the kinds that are known.
struct KnownPorts {
  private let catalog: StageCatalog?

  init(_ catalog: StageCatalog?) { self.catalog = catalog }

  /// A port of a kind that is known no more is taken by its name.
  func isMetrics(_ kind: String, _ port: String) -> Bool {
    catalog?[kind]?.output(port).map { $0.type.name == "metrics" } ?? (port == "metrics")
  }

  func fileName(_ kind: String, _ port: String) -> String? {
    if case .file(let name)? = catalog?[kind]?.output(port)?.type.content { return name }
    return nil
  }
}
