// Why an instance must run: the difference between its record and the record of the same instance in
// the newest run that has one. Read only when a reason is asked for, so that a run in which
// everything is reused never opens an old run.

import ArtifactStore
import CanonicalJSON
import Diagnostics
import Foundation
import Pipelines
import Synchronization

final class PreviousRuns: Sendable {
  private let store: Store
  private let pipeline: String
  /// Newest first; nil until first needed.
  private let reports = Mutex<[PreviousRun]?>(nil)
  /// A store that is shared by many pipelines must not make planning slow.
  private let depth = 30

  init(store: Store, pipeline: String) {
    self.store = store
    self.pipeline = pipeline
  }

  /// "parameter learning_rate: 5e-05 → 0.0001", "new", "it failed last time".
  func reasons(for record: ActionRecord, of id: InstanceID) -> [String] {
    guard let (row, folder) = lastRow(of: id.description) else { return ["new"] }
    if row.key == record.key.hex {
      switch row.outcome {
      case .failed: return ["it failed last time"]
      case .interrupted: return ["it was stopped last time"]
      case .produced, .reused: return ["its result is no longer in the store"]
      case .pending, .skipped, .notStarted: return ["it has not been made yet"]
      }
    }
    guard let older = Self.record(of: row, in: folder, store: store) else {
      return ["changed since the last run, whose record is gone"]
    }
    let differences = record.differences(from: older).map(\.description)
    return differences.isEmpty ? ["changed"] : differences
  }

  /// The newest row of an instance that got as far as having a key.
  func lastRow(of id: String) -> (RunRow, folder: String)? {
    for run in load() {
      if let position = run.positions[id], run.report.rows[position].key != nil {
        return (run.report.rows[position], run.report.folder)
      }
    }
    return nil
  }

  /// Seconds that each instance took when it was last produced; where that is not known, what others of
  /// its stage took, else one.
  func durations(of pipeline: Pipeline) -> [Double] {
    var known: [String: Double] = [:]
    var byStage: [String: Double] = [:]
    for run in load().prefix(5) {
      for row in run.report.rows where row.outcome == .produced {
        guard let seconds = row.seconds, known[row.id] == nil else { continue }
        known[row.id] = seconds
        byStage[row.stage] = max(byStage[row.stage] ?? 0, seconds)
      }
    }
    return pipeline.instances.map { known[$0.id.description] ?? byStage[$0.id.stage] ?? 1 }
  }

  /// Seconds that actions took when they were last produced, by their keys: an instance of another
  /// setting is another action.
  func secondsOfActions() -> [String: Double] {
    var known: [String: Double] = [:]
    for run in load().prefix(5) {
      for row in run.report.rows where row.outcome == .produced {
        if let key = row.key, known[key] == nil { known[key] = row.seconds }
      }
    }
    return known
  }

  private struct PreviousRun {
    let report: RunReport
    /// Of each instance among the rows.
    let positions: [String: Int]
  }

  private func load() -> [PreviousRun] {
    reports.withLock { reports in
      if let reports { return reports }
      let folders = (try? store.runs()) ?? []
      var found: [PreviousRun] = []
      for folder in folders.prefix(depth) {
        if let report = try? RunReport(readingRunFolder: folder.path), report.pipeline == pipeline {
          let places = report.rows.enumerated().map { ($0.element.id, $0.offset) }
          found.append(
            PreviousRun(
              report: report, positions: Dictionary(places, uniquingKeysWith: { first, _ in first })
            ))
        }
      }
      reports = found
      return found
    }
  }

  /// The record behind a row: from the store, else from the order that its worker received.
  static func record(of row: RunRow, in folder: String, store: Store) -> ActionRecord? {
    if let key = row.key.flatMap(Digest.init(hex:)), case .hit(let result) = store.lookUp(key),
      let record = try? store.record(result.record)
    {
      return record
    }
    let path = WorkerOrder.path(inRunFolder: folder, instance: row.instance)
    guard let order = try? WorkerOrder(readingFrom: path), order.record.key.hex == row.key else {
      return nil
    }
    return order.record
  }
}

extension RunRow {
  /// The record that this row's key stands for, if the store or the run folder still has it.
  public func record(inRunFolder folder: String, store: Store) -> ActionRecord? {
    PreviousRuns.record(of: self, in: folder, store: store)
  }
}
