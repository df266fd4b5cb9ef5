// Documents are tests: every manifest in the repository resolves, light examples run, and the README's
// commands do what it says.

import Foundation
import Testing

@Suite struct DocumentTests {
  private static func manifests(_ folder: String) -> [String] {
    let names = try? FileManager.default.contentsOfDirectory(atPath: Built.project + "/" + folder)
    return (names ?? []).filter { $0.hasSuffix(".yaml") }.sorted().map { folder + "/" + $0 }
  }

  private static let kinds: [String] = {
    let names = try? FileManager.default.contentsOfDirectory(atPath: Built.project + "/stages")
    return (names ?? []).filter { $0 != "README.md" }.sorted()
  }()

  @Test(arguments: manifests("pipelines"))
  func `every pipeline checks`(manifest: String) throws {
    let work = try Workspace()
    let checked = try work.plumb("check", Built.project + "/" + manifest)
    #expect(checked.code == 0, "\(checked.errors)")
  }

  @Test(arguments: kinds)
  func `every stage kind has an example that runs`(kind: String) throws {
    let work = try Workspace()
    let example = Built.project + "/stages/\(kind)/example.yaml"
    try #require(FileManager.default.fileExists(atPath: example))
    let run = try work.plumb(["run", example, "--store", work.path("store")], seconds: 120)
    #expect(run.code == 0, "\(run.errors)")
    let graph = try work.plumb("graph", example)
    #expect(graph.output.contains(kind), "the example does not use its own kind")
  }

  @Test func `the README's commands run, in its order`() throws {
    let work = try Workspace()
    try FileManager.default.createSymbolicLink(
      atPath: work.path("stages"), withDestinationPath: Built.project + "/stages")
    // The same pipeline in small: what is tested is the commands.
    let lighter: [(Regex<Substring>, String)] = [
      (#/generations: \d+/#, "generations: 1"), (#/ documents: \d+/#, " documents: 3"),
      (#/library_documents: \d+/#, "library_documents: 60"),
      (#/\{documents: \d+/#, "{documents: 60"),
      (#/seed: \[1, 2\]/#, "seed: [1]"),
      (#/layers: \d+, width: \d+, heads: \d+/#, "layers: 1, width: 32, heads: 2"),
      (#/vocabulary_size: \d+/#, "vocabulary_size: 400"),
      (#/overfit_epochs: \d+/#, "overfit_epochs: 2"),
    ]
    var text = try String(
      contentsOfFile: Built.project + "/pipelines/quickstart.yaml", encoding: .utf8)
    for (pattern, replacement) in lighter { text.replace(pattern, with: replacement) }
    try work.write(text, to: "pipelines/quickstart.yaml")
    let readme = try String(contentsOfFile: Built.project + "/README.md", encoding: .utf8)
    let commands = Self.commands(in: readme)
    #expect(commands.count >= 12, "the README shows \(commands.count) commands")
    for command in commands {
      let end = try work.shell(command, seconds: 240)
      #expect(end.code == 0, "\(command)\n\(end.output)\(end.errors)")
    }
  }

  /// Lines that begin with `$ plumb ` or `plumb ` in code blocks.
  static func commands(in text: String) -> [String] {
    var commands: [String] = []
    var isCode = false
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      if line.hasPrefix("```") {
        isCode.toggle()
      } else if isCode, line.hasPrefix("plumb ") || line.hasPrefix("$ plumb ") {
        let command = line.drop { $0 == "$" || $0 == " " }
        let end = command.range(of: "  #")?.lowerBound ?? command.endIndex
        commands.append(String(command[..<end]))
      }
    }
    return commands
  }

  @Test func `the README names every stage kind and every dependency`() throws {
    let readme = try String(contentsOfFile: Built.project + "/README.md", encoding: .utf8)
    for kind in Self.kinds { #expect(readme.contains("`\(kind)`"), "\(kind)") }
    let package = try String(contentsOfFile: Built.project + "/Package.swift", encoding: .utf8)
    for match in package.matches(of: /\.package\(url: "[^"]+\/([a-z-]+)"/) {
      #expect(readme.contains(match.1), "\(match.1)")
    }
  }

  @Test func `every diagnostic has a page`() throws {
    let work = try Workspace()
    let pages = Set(try work.plumb("explain").lines)
    let sources = Built.project + "/Sources"
    var ids: Set<String> = []
    for module in try FileManager.default.contentsOfDirectory(atPath: sources)
    where !module.contains("test") {
      let folder = URL(fileURLWithPath: sources + "/" + module).resolvingSymlinksInPath()
      let files = FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)
      while let file = files?.nextObject() as? URL {
        guard file.pathExtension == "swift" else { continue }
        let text = try String(contentsOf: file, encoding: .utf8)
        for match in text.matches(of: /Diagnostic\(\s*"([a-z][a-z0-9-]{2,})"/) {
          ids.insert(String(match.1))
        }
      }
    }
    #expect(ids.count > 80, "only \(ids.count) were found")
    #expect(ids.subtracting(pages).sorted() == [], "without a page")
  }
}
