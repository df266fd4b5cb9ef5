// The stage kind `compare-estimations`: all cells of the factorial in, one table of causes and a section
// of the report out. What the section says is in EstimationSection.swift.

import CanonicalJSON
import Diagnostics
import ModelFiles
import Reports
import Scheduling

enum CompareEstimationsStage: StageBody {
  static let kind = "compare-estimations"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    var cells: [EstimationCell] = []
    for artifact in stage.inputs("metrics") {
      let cell = try EstimationCell(
        Metric.read(artifact.bytes("metrics.json"), shown: "metrics.json"), port: "metrics")
      if cells.contains(where: cell.isSame(as:)) {
        throw .estimationTwice(
          cell.coordinates.map { "\($0.key) \($0.value.canonicalText)" }.joined(separator: ", "))
      }
      cells.append(cell)
    }
    guard !cells.isEmpty else { throw .estimationMetrics("metrics") }
    for artifact in stage.inputs("densities") {
      let rows = try Metric.read(artifact.bytes("metrics.json"), shown: "metrics.json")
      let cell = try EstimationCell(rows, port: "densities")
      if let place = cells.firstIndex(where: cell.isSame(as:)) { cells[place].densities = rows }
    }
    let section = EstimationSection(cells)
    try AtomicFile.write(
      Metric.file(metrics(section.cells)), to: stage.output("metrics").path("metrics.json"))
    try AtomicFile.write(
      section.section.bytes, to: stage.output("section").path("section.json"))
    for claim in section.claims {
      stage.log("\(claim.id): \(claim.verdict.words); \(claim.evidence)")
    }
  }

  private static func metrics(_ cells: [EstimationCell]) -> [Metric] {
    var rows: [Metric] = []
    for cell in cells {
      func add(_ name: String, _ metric: Metric?, unit: String = "") {
        guard let metric else { return }
        rows.append(
          Metric(
            name, metric.value, unit: unit, low: metric.low, high: metric.high,
            count: metric.count, at: cell.coordinates, tolerance: metric.tolerance))
      }
      add("bias", cell.value("bias", cell.lastGeneration))
      add("amplification", cell["amplification"])
      add("variance_ratio", cell["variance_ratio"])
      add("chain_deviation", cell.value("chain_deviation", cell.lastGeneration))
      add("equivalence_p", cell["equivalence_p"])
      if let departure = cell.largestDeparture {
        rows.append(
          Metric(
            "largest_departure", departure.value, unit: "standard errors", count: departure.count,
            at: cell.coordinates, tolerance: 1e-3))
      }
      let fits = cell.unconverged
      rows.append(
        Metric(
          "unconverged", Double(fits.fits), unit: "fits", count: fits.of, at: cell.coordinates))
    }
    return rows
  }
}
