// All stage kinds that `uses:` may name: the folders of `stages/`, and folders that a user adds.

import CanonicalJSON
import Diagnostics
import Foundation

/// The stage definitions of one or several folders.
public struct StageCatalog: Sendable {
  /// Sorted by the bytes of their kinds.
  public let definitions: [StageDefinition]
  /// Kinds whose definitions have problems: a manifest that uses them hears no more than that.
  let broken: Set<String>
  private let index: [String: Int]

  init(_ definitions: [StageDefinition], broken: Set<String> = []) {
    self.definitions = definitions.sorted { bytesPrecede($0.kind, $1.kind) }
    self.broken = broken
    index = Dictionary(
      self.definitions.enumerated().map { ($1.kind, $0) }, uniquingKeysWith: { first, _ in first })
  }

  public subscript(kind: String) -> StageDefinition? { index[kind].map { definitions[$0] } }

  /// Reads `<folder>/<kind>/stage.yaml` of every folder; folders inside without one are passed over.
  ///
  /// The problems are those of the definitions; the catalog holds the sound ones.
  ///
  /// Kinds of `fallback`, those that came with the program, are passed over where a folder has a kind
  /// of that name: a project that holds a copy of them (another clone) means its own.
  public static func load(
    folders: [String], fallback: String? = nil
  ) -> (StageCatalog, [Diagnostic]) {
    let problems = Problems()
    var definitions: [StageDefinition] = []
    var broken: Set<String> = []
    for folder in folders + (fallback.map { [$0] } ?? []) {
      let isFallback = folder == fallback
      let path = Paths.absolute(folder, from: Paths.workingFolder)
      guard let names = try? FileManager.default.contentsOfDirectory(atPath: path) else {
        problems.add(.missingCatalogFolder(folder))
        continue
      }
      for name in names.sorted(by: bytesPrecede) where !name.hasPrefix(".") {
        let file = "\(path)/\(name)/stage.yaml"
        guard FileManager.default.fileExists(atPath: file) else { continue }
        if isFallback, broken.contains(name) || definitions.contains(where: { $0.kind == name }) {
          continue
        }
        let shown = folder.hasSuffix("/") ? folder : folder + "/"
        guard
          let source = problems.attempt({ () throws(Diagnostic) in
            try Paths.read(file, shown: "\(shown)\(name)/stage.yaml", at: nil)
          }),
          let definition = StageDefinitionReader.read(
            source, folder: "\(path)/\(name)", folderName: name, problems: problems)
        else {
          broken.insert(name)
          continue
        }
        if let other = definitions.first(where: { $0.kind == definition.kind }) {
          problems.add(.kindTwice(definition, other))
        } else {
          definitions.append(definition)
        }
      }
    }
    return (StageCatalog(definitions, broken: broken), problems.report())
  }
}
