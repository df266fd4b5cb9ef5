// plumb show: an instance or an artifact: what it is, its files, its key, its record, where it came
// from.

import ArgumentParser
import ArtifactStore
import CanonicalJSON
import Console
import Diagnostics
import Foundation
import Pipelines
import Scheduling

struct ShowCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show",
    abstract: "Describe a result: files, key, what it was made from, where and how fast.",
    discussion: """
      Takes an instance (train[generation=2]), a port of one (train[generation=2].model), or at \
      least 8 digits of a key or digest, with or without blob:sha256: before them.
      """)

  @OptionGroup var manifest: ManifestOptions
  @OptionGroup var ofRun: RunOption
  @Flag(help: "As JSON.") var json = false

  func run() throws {
    let words = manifest.selectors
    if words.count == 1, let digits = Self.digits(words[0]) {
      let project =
        (try? Project.withManifest(manifest.manifest)) ?? Project.withoutManifest()
      let path = project.storePath(given: manifest.places.store)
      guard Project.isFolder(path) else { throw Diagnostic.storeMissing(path) }
      return try show(digits: digits, text: words[0], in: try Store(at: path))
    }
    let session = try Session(manifest)
    let selector = try session.onlySelector("the instance or artifact that is to be shown")
    let store = try session.openStore()
    var wantedPort: String?
    var wanted: [Int]
    if Selector.hasPort(selector) {
      let ports = try session.pipeline.selectPort(selector)
      wantedPort = ports.first?.port
      wanted = ports.map(\.instance)
    } else {
      wanted = try session.pipeline.select([selector])
    }
    let results = try ofRun.results(session.pipeline, store: store, targets: wanted)
    var output = Output()
    var shown: [JSONValue] = []
    for index in wanted {
      let instance = session.pipeline.instances[index]
      guard let result = results[index] else {
        if wanted.count > 1 { continue }
        throw Diagnostic.notMadeYet("'\(instance.id)'")
      }
      if json {
        shown.append(try describe(result, instance: instance, in: store))
      } else {
        if index != wanted.first { output.line() }
        try describe(result, instance: instance, port: wantedPort, in: store, to: &output)
      }
    }
    if json { output.raw(JSONValue.array(shown).indentedText) }
    output.write()
  }

  // MARK: An instance

  private func describe(
    _ result: ActionResult, instance: Instance, port: String?, in store: Store,
    to output: inout Output
  ) throws {
    output.line(output.style(.bold, instance.id.description))
    output.line("  \(instance.definition.kind): \(instance.definition.summary)")
    output.line("  key \(result.key.hex)")
    for definition in instance.definition.outputs where port == nil || port == definition.name {
      guard let reference = result[definition.name] else { continue }
      output.line()
      output.line("  \(definition.name) (\(definition.type.name))  \(reference)")
      output.lines(try files(of: reference, type: definition.type, in: store).map { "    " + $0 })
    }
    output.line()
    output.line("  made from")
    let record = try store.record(result.record)
    output.lines(record.text.split(separator: "\n").map { "    " + String($0).drawable })
    output.line("  made")
    for (name, value) in result.provenance.object?.sorted.map({ ($0.key, $0.value) }) ?? [] {
      output.line("    \(name): \((value.string ?? value.canonicalText).drawable)")
    }
  }

  private func files(of reference: ObjectReference, type: ArtifactType, in store: Store) throws
    -> [String]
  {
    switch reference {
    case .tree(let digest):
      var table = Table([.init(""), .init("", numeric: true), .init("")])
      for entry in try store.tree(digest).entries {
        table.add([entry.path, Figures.bytes(entry.size), String(entry.digest.hex.prefix(12))])
      }
      return table.lines()
    case .blob(let digest):
      var name = "file"
      if case .file(let fixed) = type.content { name = fixed }
      let size = store.size(of: reference).map { "  " + Figures.bytes($0) } ?? ""
      return [name + size, Project.shown(store.objectPath(digest))]
    }
  }

  private func describe(_ result: ActionResult, instance: Instance, in store: Store) throws
    -> JSONValue
  {
    .object([
      "instance": .string(instance.id.description), "kind": .string(instance.definition.kind),
      "key": .string(result.key.hex),
      "outputs": .object(
        JSONObject(result.outputs.map { ($0.port, .string($0.reference.description)) })),
      "record": .array(
        try store.record(result.record).text.split(separator: "\n").map { .string(String($0)) }),
      "provenance": result.provenance,
    ])
  }

  // MARK: A digest

  /// The hexadecimal digits of a reference or digest, if the word can be one.
  private static func digits(_ word: String) -> String? {
    var digits = Substring(word)
    for prefix in ["blob:sha256:", "tree:sha256:", "sha256:"] where digits.hasPrefix(prefix) {
      digits = digits.dropFirst(prefix.count)
      break
    }
    guard (8...64).contains(digits.utf8.count),
      digits.utf8.allSatisfy({ Character(Unicode.Scalar($0)).isHexDigit })
    else { return nil }
    return digits.lowercased()
  }

  private func show(digits: String, text: String, in store: Store) throws {
    let folder = String(digits.prefix(2))
    func names(_ part: String) -> [String] {
      let all = try? FileManager.default.contentsOfDirectory(
        atPath: "\(store.path)/\(part)/\(folder)")
      return (all ?? []).filter { $0.hasPrefix(digits) }.sorted()
    }
    var output = Output()
    var found = 0
    for name in names("actions") {
      guard let key = Digest(hex: name) else { continue }
      found += 1
      switch store.lookUp(key) {
      case .hit(let result), .damaged(.some(let result), _):
        output.line("\(output.style(.bold, "result")) \(key.hex)")
        for made in result.outputs { output.line("  \(made.port)  \(made.reference)") }
        output.line("  made from")
        let record = try store.record(result.record)
        output.lines(record.text.split(separator: "\n").map { "    " + String($0).drawable })
      case .miss, .damaged(nil, _): output.line("result \(key.hex): unreadable")
      }
    }
    for name in names("objects") {
      guard let digest = Digest(hex: name) else { continue }
      found += 1
      let path = store.objectPath(digest)
      output.line("\(output.style(.bold, "object")) \(digest.hex)")
      if let size = store.size(of: .blob(digest)) { output.line("  \(Figures.bytes(size))") }
      output.line("  \(Project.shown(path))")
      if let tree = try? store.tree(digest) {
        for entry in tree.entries {
          output.line("  \(entry.path.drawable)  \(Figures.bytes(entry.size))")
        }
      }
    }
    guard found > 0 else { throw Diagnostic.artifactUnknown(text) }
    output.write()
  }
}
