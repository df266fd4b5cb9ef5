// plumb diff: parameters and metrics of two runs side by side, and what only one of them has; or all
// their artifacts by their numbers. Exit code 1 says that something differs, as diff does.

import ArgumentParser
import CanonicalJSON
import Console
import Diagnostics
import Reports
import RunHistory
import Scheduling

struct DiffCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "diff", abstract: "Compare metrics and parameters of two runs.",
    discussion: """
      plumb diff [MANIFEST] [RUN [RUN]] [STAGES]: runs are latest, latest~1, a date, part of an id, or \
      STORE:RUN. Without any the newest run stands against the one before. A difference within a \
      metric's own tolerance is none. Exit code 0: the same; 1: something differs; 2: trouble.
      """)

  @OptionGroup var manifest: ManifestOptions
  @Flag(help: "Also what is equal.") var all = false

  @Flag(
    help: ArgumentHelp(
      "Compare all artifacts by their numbers instead of by their digests.",
      discussion: "For runs of different machines, whose last bits differ."))
  var numeric = false

  @Option(
    help: ArgumentHelp(
      "With --numeric: how far apart two numbers may be, times the larger of 1 and their sizes.",
      valueName: "number"))
  var tolerance: Double = 1e-5

  @Flag(help: "As JSON.") var json = false

  mutating func validate() throws {
    guard tolerance >= 0, tolerance.isFinite else {
      throw ValidationError("--tolerance needs a number from 0")
    }
  }

  func run() throws {
    let places = try RunPlaces(manifest)
    let runs = Array(places.words.prefix { RunPlaces.isRun($0) }.prefix(2))
    let old = try places.find(runs.first ?? "latest~1")
    let new = try places.find(runs.count > 1 ? runs[1] : "latest")
    let comparison = try RunComparison(
      old, new, selector: try RowSelector(Array(places.words.dropFirst(runs.count))),
      outsideName: places.outsideNames())
    let ports = KnownPorts(places.catalog())
    let isSame =
      numeric
      ? writeNumeric(
        comparison,
        NumericComparison(comparison, tolerance: tolerance, fileName: ports.fileName))
      : RunDifference(
        comparison,
        metrics: MetricComparison(comparison, isMetrics: ports.isMetrics, everything: all),
        everything: all
      ).write(json: json)
    if !isSame { throw Ending(code: 1) }
  }

  // MARK: Numbers

  private func writeNumeric(_ runs: RunComparison, _ numbers: NumericComparison) -> Bool {
    let oneSided = runs.pairs.filter { $0.old == nil || $0.new == nil }
    let lopsided = runs.pairs.filter { pair in
      guard let old = pair.old, let new = pair.new else { return false }
      return old.outputs.isEmpty != new.outputs.isEmpty
    }
    let isSame =
      oneSided.isEmpty && lopsided.isEmpty && numbers.unreadable.isEmpty
      && numbers.files.allSatisfy(\.isWithinTolerance)
    var output = Output()
    if json {
      output.raw(
        JSONValue.object([
          "from": WhyBetween.json(runs.old), "to": WhyBetween.json(runs.new),
          "same": .boolean(isSame), "tolerance": .number(tolerance),
          "equal": .integer(numbers.equal), "files": .array(numbers.files.map(Self.json)),
          "unreadable": .array(numbers.unreadable.map { .string($0) }),
          "only_in_one": .array(oneSided.map { .string($0.id) }),
        ]).indentedText)
      output.write()
      return isSame
    }
    output.line(output.style(.bold, "\(runs.old.shown) → \(runs.new.shown)".drawable))
    let shown = numbers.files.filter { all || !$0.isWithinTolerance }
    if !shown.isEmpty {
      var table = Table([
        .init("artifact", mayShrink: true), .init("numbers", numeric: true),
        .init("differ", numeric: true), .init("beyond", numeric: true),
        .init("absolute", numeric: true), .init("relative", numeric: true),
        .init("at", mayShrink: true),
      ])
      for file in shown {
        table.add([
          file.name, "\(file.numbers)", "\(file.differing)", "\(file.beyond)",
          Figures.value(file.largestAbsolute, digits: 3),
          Figures.value(file.largestRelative, digits: 3), file.place,
        ])
      }
      output.table(table)
    }
    for file in shown where file.others > 0 {
      let more = file.others > 1 ? ", and \(file.others - 1) more" : ""
      output.line("\(file.name): not a matter of numbers: \(file.firstOther ?? "")\(more)".drawable)
    }
    for problem in numbers.unreadable { output.line(problem.drawable) }
    if !oneSided.isEmpty {
      output.line("only in one run: \(WhyBetween.byStage(oneSided))".drawable)
    }
    if !lopsided.isEmpty {
      output.line("results in one run only: \(WhyBetween.byStage(lopsided))".drawable)
    }
    let near = numbers.files.count(where: \.isWithinTolerance)
    output.line(
      "\(numbers.equal) artifacts are equal, \(near) files within \(tolerance), "
        + "\(numbers.files.count - near) not")
    output.write()
    return isSame
  }

  private static func json(_ file: NumericDifference) -> JSONValue {
    .object([
      "name": .string(file.name), "numbers": .integer(file.numbers),
      "differing": .integer(file.differing), "beyond": .integer(file.beyond),
      "largest_absolute": RunDifference.json(file.largestAbsolute),
      "largest_relative": RunDifference.json(file.largestRelative), "at": .string(file.place),
      "other_differences": .integer(file.others),
      "first_other": file.firstOther.map { .string($0) } ?? .null,
    ])
  }
}
