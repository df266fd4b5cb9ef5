// plumb model show: what a model or an adapter is, how large, in which number formats, and what memory its uses need;
// before anything of it is imported.

import ArgumentParser
import ArtifactStore
import CanonicalJSON
import Console
import Diagnostics
import Foundation
import StageLibrary

struct ModelCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "model", abstract: "Look at models.", subcommands: [ModelShowCommand.self])
}

struct ModelShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Describe a model: family, sizes, number formats, memory.",
    discussion: """
      Takes a folder in the Hugging Face layout, a .gguf file, a folder of a peft adapter, or a folder \
      of the store as 'plumb show' prints it (tree:sha256:…). Nothing is changed; weights are not read.
      """)

  @Argument(help: "A folder, a .gguf file, or tree:sha256:….") var path: String
  @Flag(help: "As JSON.") var json = false
  @OptionGroup var places: PlaceOptions

  func run() throws {
    let files = try files()
    var output = Output()
    if AdapterDescription.fits(files) {
      let adapter = try AdapterDescription(files: files)
      if json {
        output.raw(adapter.json.indentedText)
      } else {
        describe(adapter, to: &output)
      }
      output.write()
      return
    }
    let inspection = try ModelInspection(files: files)
    if json {
      output.raw(inspection.json.indentedText)
    } else {
      describe(inspection, to: &output)
    }
    output.write()
  }

  private func files() throws -> [String: String] {
    if path.hasPrefix("tree:sha256:") {
      guard let reference = ObjectReference(path) else { throw Diagnostic.artifactUnknown(path) }
      let folder = Project.withoutManifest().storePath(given: places.store)
      guard Project.isFolder(folder) else { throw Diagnostic.storeMissing(folder) }
      return try Store(at: folder).files(of: reference, blobName: "file")
    }
    var isFolder: ObjCBool = false
    guard FileManager.default.fileExists(atPath: path, isDirectory: &isFolder) else {
      throw Diagnostic.modelPathMissing(path)
    }
    guard isFolder.boolValue else { return ["file": path] }
    var files: [String: String] = [:]
    for name in try FileManager.default.contentsOfDirectory(atPath: path) {
      var isFolder: ObjCBool = false
      let inside = path + "/" + name
      if FileManager.default.fileExists(atPath: inside, isDirectory: &isFolder), !isFolder.boolValue
      {
        files[name] = inside
      }
    }
    return files
  }

  private func describe(_ adapter: AdapterDescription, to output: inout Output) {
    output.line(
      output.style(.bold, "LoRA adapter")
        + "  \(Figures.short(Double(adapter.weights))) weights, \(Figures.bytes(adapter.bytes))")
    output.line()
    var rows = Table([.init(""), .init("", mayShrink: true)])
    for row in adapter.rows { rows.add(["  " + row.name, row.text]) }
    output.table(rows)
  }

  private func describe(_ inspection: ModelInspection, to output: inout Output) {
    let model = inspection.description
    output.line(
      output.style(.bold, model.familyName)
        + "  \(Figures.short(Double(model.weights))) weights (\(model.weights))")
    output.line()
    var sizes = Table([.init(""), .init("", mayShrink: true)])
    for row in model.sizes { sizes.add(["  " + row.name, row.text]) }
    sizes.add(["  tokenizer", inspection.tokenizer])
    sizes.add(["  chat template", inspection.chatTemplate])
    output.table(sizes)
    output.line()
    var storage = Table([
      .init("  stored as"), .init("tensors", numeric: true), .init("weights", numeric: true),
      .init("size", numeric: true),
    ])
    for row in model.storage {
      storage.add([
        "  " + row.type, "\(row.tensors)", Figures.short(Double(row.weights)),
        Figures.bytes(row.bytes),
      ])
    }
    output.table(storage)
    output.line()
    var memory = Table([.init("  memory for", mayShrink: true), .init("", numeric: true)])
    for row in model.memory { memory.add(["  " + row.use, Figures.bytes(row.bytes)]) }
    output.table(memory)
    if !inspection.leftOut.isEmpty {
      output.line()
      output.line(
        "  \(inspection.leftOut.count) tensors of heads for other tasks are left out: "
          + inspection.leftOut.prefix(3).joined(separator: ", ").drawable
          + (inspection.leftOut.count > 3 ? ", …" : ""))
    }
  }
}

extension ModelInspection {
  fileprivate var json: JSONValue {
    var members = description.json.object?.members.map { ($0.key, $0.value) } ?? []
    members += [
      ("tokenizer", .string(tokenizer)), ("chat_template", .string(chatTemplate)),
      ("left_out", .array(leftOut.map { .string($0) })),
    ]
    return .object(JSONObject(members))
  }
}

extension Diagnostic {
  fileprivate static func modelPathMissing(_ path: String) -> Diagnostic {
    Diagnostic(
      "model-path-missing", "there is no '\(path)'",
      help: "give a folder with config.json, or a .gguf file")
  }
}
