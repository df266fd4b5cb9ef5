// plumb store gc: what nothing needs goes to the trash, comes back from there, or is freed.

import ArgumentParser
import ArtifactStore
import CanonicalJSON
import Console
import Diagnostics

struct CollectCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "gc",
    abstract: "Find what no run, pin or tag needs; --apply moves it to the trash.",
    discussion: """
      Kept are results that the last runs of every pipeline reached, pins, what runs that go on at \
      this moment use, and everything younger than the grace period. Without --apply nothing is \
      moved. --undo brings back what the last collection moved, until --empty-trash frees it.
      """)

  @OptionGroup var place: StoreOptions
  @Flag(help: "Move it to the trash.") var apply = false
  @Flag(help: "Bring back what the last collection moved.") var undo = false
  @Flag(help: "Free what lies in the trash.") var emptyTrash = false
  @Option(
    help: ArgumentHelp("Keep what changed since then (default: 14d).", valueName: "age"))
  var grace: String?
  @Option(
    help: ArgumentHelp("Keep records of runs so long (default: 90d).", valueName: "age"))
  var keepRuns: String?
  @Flag(help: "Name every file.") var verbose = false
  @Flag(help: "As JSON.") var json = false

  mutating func validate() throws {
    if [apply, undo, emptyTrash].count(where: { $0 }) > 1 {
      throw ValidationError("choose one of --apply, --undo and --empty-trash")
    }
  }

  func run() throws {
    let store = try place.open()
    var output = Output()
    if undo {
      guard let back = try store.undoCollection() else {
        output.line("nothing is in the trash")
        return output.write()
      }
      output.line("\(back.files) files came back from trash/\(back.name)")
      return output.write()
    }
    if emptyTrash {
      let age = try grace.map { try Quantities.age($0, of: "--grace") } ?? 0
      output.line("\(Figures.bytes(try store.emptyTrash(olderThan: age))) freed")
      return output.write()
    }
    let report = try store.collect(
      apply: apply,
      grace: try grace.map { try Quantities.age($0, of: "--grace") } ?? Store.defaultGrace,
      keepingRuns: try keepRuns.map { try Quantities.age($0, of: "--keep-runs") } ?? 90 * 86_400)
    if json {
      output.raw(report.json.indentedText)
      return output.write()
    }
    if verbose { output.lines(report.items.map { "\($0.kind.rawValue)  \($0.path)" }) }
    let parts = [
      (report.count(.result), "results"), (report.count(.object), "objects"),
      (report.count(.work), "unfinished stages"), (report.count(.run), "records of runs"),
    ].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
    output.line(
      "kept: \(report.kept.results) results, \(report.kept.objects) objects "
        + "(\(Figures.bytes(report.kept.bytes)))"
        + (report.young.bytes > 0
          ? ", of which \(Figures.bytes(report.young.bytes)) only because they are young" : ""))
    if report.saved > 0 { output.line("\(report.saved) results stayed: a run asked for them") }
    if parts.isEmpty {
      output.line("nothing to collect")
    } else if let trash = report.trash {
      output.line(
        "moved to trash/\(trash): \(parts.joined(separator: ", ")) (\(Figures.bytes(report.bytes)))"
      )
      output.line("plumb store gc --undo brings it back, --empty-trash frees it")
    } else {
      output.line("would go: \(parts.joined(separator: ", ")) (\(Figures.bytes(report.bytes)))")
      output.line("plumb store gc --apply moves it to the trash")
    }
    output.write()
  }
}

extension CollectionReport {
  fileprivate var json: JSONValue {
    .object([
      "trash": trash.map { .string($0) } ?? .null, "bytes": .integer(bytes),
      "kept": .object([
        "results": .integer(kept.results), "objects": .integer(kept.objects),
        "bytes": .integer(kept.bytes),
      ]),
      "items": .array(
        items.map {
          .object([
            "kind": .string($0.kind.rawValue), "path": .string($0.path), "size": .integer($0.size),
          ])
        }),
    ])
  }
}

extension Quantities {
  /// Seconds of `14d`, `36h`, `90m`, `45s` or `2w`.
  static func age(_ text: String, of option: String) throws(Diagnostic) -> Int {
    let units: [Character: Int] = ["s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800]
    guard let unit = text.last.flatMap({ units[$0] }), let number = Double(text.dropLast()),
      number >= 0, number * Double(unit) < 1e10
    else { throw .malformedOption(option, text, expected: "an age such as 14d, 36h or 90m") }
    return Int(number * Double(unit))
  }
}
