// plumb metrics: all figures of a pipeline in one table, with coordinates as columns; chosen,
// averaged and laid across an axis on request. The arithmetic is in MetricRows.swift.

import ArgumentParser
import ArtifactStore
import CanonicalJSON
import Console
import Diagnostics
import Foundation
import Pipelines
import Reports
import Scheduling

struct MetricsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "metrics", abstract: "Print the metrics of a pipeline as a table.",
    discussion: """
      The share of right-leaning articles, strategies down, generations across, mean of the seeds:
        plumb metrics score --name share --where class=right --across generation --mean seed
      """)

  @OptionGroup var manifest: ManifestOptions
  @OptionGroup var ofRun: RunOption

  @Option(help: ArgumentHelp("Only metrics of this name.", valueName: "name"))
  var name: [String] = []

  @Option(
    name: .customLong("where"),
    help: ArgumentHelp("Only rows with this value in a column.", valueName: "column=value"))
  var filters: [String] = []

  @Option(help: ArgumentHelp("Lay the values of this column side by side.", valueName: "column"))
  var across: String?

  @Option(help: ArgumentHelp("Average over this column.", valueName: "column"))
  var mean: [String] = []

  @Flag(help: "As JSON.") var json = false
  @Flag(help: "As CSV.") var csv = false

  mutating func validate() throws {
    if json && csv { throw ValidationError("choose one of --json and --csv") }
  }

  func run() throws {
    let session = try Session(manifest)
    let store = try session.openStore()
    var rows = MetricRows(try read(session, store))
    try rows.check(columns: mean + [across].compactMap { $0 } + wanted.map(\.column))
    for (column, value) in try wanted { rows.keep(column, value) }
    if !name.isEmpty { rows.keepNames(name) }
    for column in mean { rows.average(over: column) }
    var output = Output()
    if json {
      output.raw(rows.json.indentedText)
    } else {
      let cells = try across.map { try rows.cells(across: $0) } ?? rows.cells()
      if csv {
        output.lines(cells.csv)
      } else {
        output.table(cells.table)
      }
    }
    output.write()
  }

  private var wanted: [(column: String, value: String)] {
    get throws(Diagnostic) {
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

  /// Every metrics output of the chosen instances; what is not made yet is said, not hidden.
  private func read(_ session: Session, _ store: Store) throws -> [MetricRows.Row] {
    let pipeline = session.pipeline
    let chosen = try session.targets() ?? Array(pipeline.instances.indices)
    let makers = chosen.filter { index in
      pipeline.instances[index].definition.outputs.contains { $0.type.name == "metrics" }
    }
    guard !makers.isEmpty else { throw Diagnostic.noMetrics(pipeline.name) }
    let results = try ofRun.results(pipeline, store: store, targets: makers)
    var rows: [MetricRows.Row] = []
    var missing: [String] = []
    for index in makers {
      let instance = pipeline.instances[index]
      for port in instance.definition.outputs where port.type.name == "metrics" {
        guard let reference = results[index]?[port.name] else {
          missing.append(instance.id.description)
          continue
        }
        guard case .blob(let digest) = reference else { continue }
        let bytes = try store.bytes(of: digest)
        let metrics = try Metric.read(bytes, shown: "\(instance.id).\(port.name)")
        rows += metrics.map { MetricRows.Row(stage: instance.id, metric: $0) }
      }
    }
    if rows.isEmpty, let first = missing.first { throw Diagnostic.notMadeYet("'\(first)'") }
    if !missing.isEmpty {
      Messages.remark(
        "\(missing.count) of \(makers.count) instances have no result yet, such as \(missing[0])")
    }
    return rows
  }
}
