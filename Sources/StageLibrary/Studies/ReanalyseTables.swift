// stages/reanalyse-tables: result tables of others in, their shares, trends and counts recomputed.

import CanonicalJSON
import Diagnostics
import ModelFiles
import Reports
import Scheduling

enum ReanalyseTablesStage: StageBody {
  static let kind = "reanalyse-tables"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let parameters = stage.parameters
    let columns = try ReleasedScores.Columns(
      generation: parameters.string("generation_column"), id: parameters.string("id_column"),
      classes: parameters.strings("classes"))
    let names = columns.classes.map(\.name)
    let target = parameters.string("target")
    guard let followed = names.firstIndex(where: { bytesEqual($0, target) }) else {
      throw .resultTarget(target, classes: names)
    }
    var setups: [ReleasedScores] = []
    for (name, table) in try tables("shares", stage) {
      setups.append(
        try ReleasedScores(
          table, setup: name, columns: columns, shift: parameters.integer("generation_shift"),
          ties: parameters.choice("ties")))
      stage.progress(step: setups.count, of: nil, unit: "tables", note: name)
      if stage.isStopping { throw .interrupted }
    }
    var neurons: ReleasedNeurons?
    let found = try tables("neurons", stage)
    if !found.isEmpty {
      neurons = try ReleasedNeurons(
        found.map(\.table),
        .init(
          layer: parameters.string("layer_column"), unit: parameters.string("unit_column"),
          r: ReleasedNeurons.sides.map { parameters.string("\($0)_r_column") },
          p: ReleasedNeurons.sides.map { parameters.string("\($0)_p_column") },
          beta: ReleasedNeurons.sides.map { parameters.string("\($0)_beta_column") }))
    }
    let measure = ReanalysisMeasure(
      classes: names, target: followed, setups: setups, neurons: neurons,
      thresholds: parameters.numbers("thresholds"), ties: parameters.choice("ties"))
    try AtomicFile.write(
      Metric.file(measure.metrics), to: stage.output("metrics").path("metrics.json"))
    try AtomicFile.write(
      measure.section.bytes, to: stage.output("section").path("section.json"))
  }

  /// CSV files of a port by their names without the ending.
  private static func tables(
    _ port: String, _ stage: StageContext
  ) throws(Diagnostic) -> [(name: String, table: ResultTable)] {
    guard let artifact = stage.optionalInput(port) else { return [] }
    // A single outside file stands under `file`, whatever it was called.
    let isSingle = artifact.names == ["file"]
    let names = artifact.names.filter { isSingle || $0.lowercased().hasSuffix(".csv") }
    guard !names.isEmpty else { throw .resultFiles(port) }
    var tables: [(name: String, table: ResultTable)] = []
    for name in names {
      let bytes = try artifact.bytes(name)
      guard bytes.count <= ResultTable.mostBytes else {
        throw .resultTable(
          name, line: 1, "is in a file of \(bytes.count) bytes, which is too large")
      }
      let short = name.split(separator: "/").last.map(String.init) ?? name
      tables.append(
        (
          isSingle ? "table" : String(short.dropLast(4)), try ResultTable(bytes, path: name)
        ))
    }
    return tables
  }

  static func memory(for order: StageSizes) -> Int {
    // Every cell becomes a text of its own.
    64 << 20 + 12 * (order.bytes(of: "shares") + order.bytes(of: "neurons"))
  }
}
