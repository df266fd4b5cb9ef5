// plumb history: one metric from run to run, with what changed in between.

import ArgumentParser
import CanonicalJSON
import Console
import Diagnostics
import Foundation
import RunHistory
import Scheduling

struct HistoryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history", abstract: "Follow a metric from run to run.",
    discussion: """
      plumb history [MANIFEST] METRIC [STAGES]. The share of right-leaning articles, the last month:
        plumb history share score --where class=right --since 30d
      Each row names its run by the digits at the end of its id; plumb why --between takes them.
      """)

  @OptionGroup var manifest: ManifestOptions

  @Option(
    name: .customLong("where"),
    help: ArgumentHelp("Only rows with this value in a column.", valueName: "column=value"))
  var filters: [String] = []

  @Option(help: ArgumentHelp("Only runs of this time, such as 30d.", valueName: "time"))
  var since: String?

  @Option(help: ArgumentHelp("So many runs at most.", valueName: "count"))
  var last: Int = 100

  @Flag(help: "Draw a plot even where the output is no terminal.") var plot = false
  @Flag(help: "As CSV.") var csv = false
  @Flag(help: "As JSON.") var json = false

  mutating func validate() throws {
    if json && csv { throw ValidationError("choose one of --json and --csv") }
    if plot && (json || csv) { throw ValidationError("--plot goes with neither --json nor --csv") }
    if last < 1 { throw ValidationError("--last needs a number from 1") }
  }

  func run() throws {
    let places = try RunPlaces(manifest)
    guard let name = places.words.first else {
      throw Diagnostic.malformedOption(
        "METRIC", "", expected: "given: plumb history METRIC [STAGES]")
    }
    let selector = try RowSelector(Array(places.words.dropFirst()))
    let wanted = try columns()
    let earliest = try since.map {
      Date().timeIntervalSince1970 - (try Quantities.seconds($0, of: "--since"))
    }
    let ports = KnownPorts(places.catalog())
    let history = MetricHistory(
      MetricQuery(name: name, rows: selector, columns: wanted), runs: places.shelf.runs,
      count: last, earliest: earliest ?? -.infinity, store: places.store,
      isMetrics: ports.isMetrics, outsideName: places.outsideNames())
    for problem in places.shelf.damaged(among: min(last, history.runs + 8)) {
      Messages.remark("warning: \(problem.message)")
    }
    if history.runs == 0 {
      Messages.remark(
        "no run\(since.map { " in the last \($0)" } ?? "") in \(Project.shown(places.store.path))")
    }
    if let unknown = wanted.first(where: { !history.columns.contains($0.column) }),
      history.names.contains(name)
    {
      throw Diagnostic.axisUnknown(unknown.column, known: history.columns.sorted())
    }
    if history.runs > 0 { try history.check() }
    var output = Output()
    if json {
      output.raw(HistoryText.json(history).indentedText)
    } else if csv {
      output.lines(HistoryText.cells(history).csv)
    } else {
      HistoryText.write(history, plots: plot || output.width != nil, to: &output)
    }
    output.write()
  }

  private func columns() throws(Diagnostic) -> [(column: String, value: String)] {
    var pairs: [(String, String)] = []
    for filter in filters {
      let parts = filter.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard parts.count == 2, !parts[0].isEmpty else {
        throw .malformedOption("--where", filter, expected: "written column=value")
      }
      pairs.append((String(parts[0]), String(parts[1])))
    }
    return pairs
  }
}
