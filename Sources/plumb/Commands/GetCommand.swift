// plumb get: copies of artifacts outside the store. Copies, never links: a program that writes
// through a link would damage the object.

import ArgumentParser
import ArtifactStore
import Console
import Diagnostics
import Foundation
import Pipelines

struct GetCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "get", abstract: "Copy artifacts out of the store.",
    discussion: """
      plumb get 'train[generation=2].model' --to models makes \
      models/train[generation=2].model/…; an artifact that is one file becomes one file: \
      models/score.metrics.json. A stage without a port gives all its outputs.
      """)

  @OptionGroup var manifest: ManifestOptions
  @OptionGroup var ofRun: RunOption
  @Option(
    name: .customLong("to"),
    help: ArgumentHelp("Where to; made if it is not there.", valueName: "dir"))
  var target: String = "."

  func run() throws {
    let session = try Session(manifest)
    let selector = try session.onlySelector("what is to be copied: STAGE.PORT")
    let store = try session.openStore()
    let ports: [(instance: Int, port: String)]
    if Selector.hasPort(selector) {
      ports = try session.pipeline.selectPort(selector)
    } else {
      ports = try session.pipeline.select([selector]).flatMap { index in
        session.pipeline.instances[index].definition.outputs.map { (index, $0.name) }
      }
    }
    let results = try ofRun.results(session.pipeline, store: store, targets: ports.map(\.instance))
    var copies: [(from: String, to: String)] = []
    for (index, port) in ports {
      let instance = session.pipeline.instances[index]
      guard let reference = results[index]?[port] else {
        throw Diagnostic.notMadeYet("'\(instance.id).\(port)'")
      }
      copies += try self.copies(of: reference, port: port, instance: instance, in: store)
    }
    for copy in copies where FileManager.default.fileExists(atPath: copy.to) {
      throw Diagnostic.wouldOverwrite(copy.to)
    }
    for copy in copies { try write(copy.from, to: copy.to) }
    var output = Output()
    output.lines(copies.map(\.to))
    output.write()
  }

  private func copies(
    of reference: ObjectReference, port: String, instance: Instance, in store: Store
  ) throws -> [(from: String, to: String)] {
    // An axis value may hold a slash; a file name may not.
    let name = "\(instance.id).\(port)".replacing("/", with: "_")
    let base = target == "." ? name : target + "/" + name
    let content = instance.definition.output(port)?.type.content
    if case .blob(let digest) = reference, case .file(let fixed) = content {
      let dot = fixed.lastIndex(of: ".")
      return [(store.objectPath(digest), base + (dot.map { String(fixed[$0...]) } ?? ""))]
    }
    let files = try store.files(of: reference, blobName: "file")
    return files.sorted { $0.key < $1.key }.map { ($0.value, base + "/" + $0.key) }
  }

  private func write(_ source: String, to path: String) throws {
    let manager = FileManager.default
    do {
      try manager.createDirectory(
        atPath: Project.folder(of: path), withIntermediateDirectories: true)
      try manager.copyItem(atPath: source, toPath: path)
      // Objects are read-only; a copy belongs to the one who asked for it.
      try manager.setAttributes([.posixPermissions: 0o644], ofItemAtPath: path)
    } catch {
      throw Diagnostic.cannotWrite(path, reason: error.localizedDescription)
    }
  }
}
