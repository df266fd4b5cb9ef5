// plumb store …: looking after the store.

import ArgumentParser
import ArtifactStore
import CanonicalJSON
import Console
import Diagnostics

struct StoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "store", abstract: "Look after the store.",
    subcommands: [VerifyCommand.self])
}

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Rehash every object, and check every result against its record.",
    discussion: "Ends with exit code 6 if anything is damaged.")

  @Argument(help: "A manifest, to find the store of its project.") var manifest: String?
  @Flag(help: "Restore modes, and move what is damaged to quarantine/.") var repair = false
  @Flag(help: "As JSON.") var json = false
  @OptionGroup var places: PlaceOptions

  func run() throws {
    let project =
      try manifest.map { try Project.withManifest($0) } ?? Project.withoutManifest()
    let path = project.storePath(given: places.store)
    guard Project.isFolder(path) else { throw Diagnostic.storeMissing(path) }
    let store = try Store(at: path)
    let terminal = Terminal.errors()
    var lastShare = -1
    let report = try store.verify(repair: repair) { done, total in
      let share = total > 0 ? done * 100 / total : 100
      guard terminal.isTerminal, !json, share != lastShare else { return }
      lastShare = share
      terminal.write("\r  \(share) %\u{1B}[K")
    }
    if terminal.isTerminal && !json { terminal.write("\r\u{1B}[K") }
    var output = Output()
    if json {
      output.raw(report.json.indentedText)
    } else {
      for problem in report.problems {
        let end = problem.isRepaired ? " (repaired)" : ""
        output.line("\(problem.id): \(problem.path.drawable): \(problem.message.drawable)\(end)")
      }
      output.line(
        "\(report.objects) objects (\(Figures.bytes(report.bytes))), \(report.results) results: "
          + (report.problems.isEmpty ? "all whole" : report.isClean ? "all whole now" : "damaged"))
    }
    output.write()
    if !report.isClean {
      throw Diagnostic.storeIsDamaged(report.problems.count { !$0.isRepaired })
    }
  }
}

extension VerifyReport {
  fileprivate var json: JSONValue {
    .object([
      "objects": .integer(objects), "bytes": .integer(bytes), "results": .integer(results),
      "clean": .boolean(isClean),
      "problems": .array(
        problems.map { problem in
          .object([
            "id": .string(problem.id), "path": .string(problem.path),
            "message": .string(problem.message), "repaired": .boolean(problem.isRepaired),
          ])
        }),
    ])
  }
}
