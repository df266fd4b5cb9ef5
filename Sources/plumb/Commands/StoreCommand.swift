// plumb store …: looking after the store.

import ArgumentParser
import ArtifactStore
import CanonicalJSON
import Console
import Diagnostics

struct StoreCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "store", abstract: "Look after the store.",
    subcommands: [
      VerifyCommand.self, UsageCommand.self, CollectCommand.self, LeasesCommand.self,
      PinCommand.self, UnpinCommand.self, PinsCommand.self, StoreInitCommand.self,
      UpstreamsCommand.self,
    ])
}

struct VerifyCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "verify",
    abstract: "Rehash every object, and check every result against its record.",
    discussion: "Ends with exit code 6 if anything is damaged.")

  @Argument(help: "A manifest, to find the store of its project.") var manifest: String?
  @Flag(help: "Restore modes, and move what is damaged to quarantine/.") var repair = false
  @Option(
    help: ArgumentHelp(
      "Read the bytes of this share of the objects only, such as 5%: others each time.",
      valueName: "share"))
  var sample: String?
  @Option(
    help: ArgumentHelp(
      "Fetch what is damaged or missing from another store, and repair.", valueName: "store"))
  var repairFrom: String?
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
    let share = try sample.map { try Quantities.share($0, of: "--sample") } ?? 1
    let source = try repairFrom.map { try Store(readOnlyAt: Project.absolute($0)) }
    let report = try store.verify(repair: repair, sample: share, repairingFrom: source) {
      done, total in
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
      for key in report.disputed {
        output.line(
          "evidence: \(key.hex) was made with other bytes too; plumb show \(key.hex.prefix(12))")
      }
      if report.hashed < report.objects {
        output.line("the bytes of \(report.hashed) of \(report.objects) objects were read")
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
      "clean": .boolean(isClean), "hashed": .integer(hashed),
      "disputed": .array(disputed.map { .string($0.hex) }),
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

/// The store of a command that is not about a manifest.
struct StoreOptions: ParsableArguments {
  @Argument(help: "A manifest, to find the store of its project.") var manifest: String?
  @OptionGroup var places: PlaceOptions

  func open() throws -> Store { try openStore(manifest, places) }
}

/// Opens a store that is there; what it says about stores behind it is printed.
func openStore(_ manifest: String?, _ places: PlaceOptions) throws -> Store {
  let project = try manifest.map { try Project.withManifest($0) } ?? Project.withoutManifest()
  let path = project.storePath(given: places.store)
  guard Project.isFolder(path) else { throw Diagnostic.storeMissing(path) }
  let store = try Store(at: path)
  Messages.print(store.upstreamProblems)
  return store
}
