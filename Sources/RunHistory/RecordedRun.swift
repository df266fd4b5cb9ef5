// A run with the store that it was recorded in, and ways to look things up in it quickly.

import ArtifactStore
import CanonicalJSON
import Diagnostics
import Scheduling

/// One side of a comparison. Not for several threads at once.
public final class RecordedRun {
  public let report: RunReport
  public let store: Store
  /// How it is named to people.
  public let shown: String
  /// Records that are known without any file: of a plan.
  private let planned: [String: ActionRecord]
  private let positions: [String: Int]
  private lazy var makers: [String: [Int]] = {
    var makers: [String: [Int]] = [:]
    for (position, row) in report.rows.enumerated() {
      for output in row.outputs { makers[output.reference, default: []].append(position) }
    }
    return makers
  }()

  public init(
    _ report: RunReport, in store: Store, shown: String? = nil,
    planned: [String: ActionRecord] = [:]
  ) {
    self.report = report
    self.store = store
    self.shown = shown ?? report.id
    self.planned = planned
    positions = Dictionary(
      report.rows.enumerated().map { ($1.id, $0) }, uniquingKeysWith: { first, _ in first })
  }

  public var rows: [RunRow] { report.rows }

  public func row(_ id: String) -> RunRow? { positions[id].map { report.rows[$0] } }

  /// Its place among the rows.
  func position(_ id: String) -> Int? { positions[id] }

  /// Every instance and port that an artifact came out of; equal bytes may come out of several.
  func makers(of reference: ObjectReference) -> [(row: RunRow, port: String)] {
    let text = reference.description
    return (makers[text] ?? []).flatMap { position in
      let row = report.rows[position]
      return row.outputs.filter { $0.reference == text }.map { (row, $0.port) }
    }
  }

  /// The record behind a row: from the results of any store, else from the order in the run's folder.
  func record(of row: RunRow, _ reader: ObjectReader) -> ActionRecord? {
    if let known = planned[row.id] { return known }
    guard let key = row.key.flatMap(Digest.init(hex:)) else { return nil }
    if let result = reader.result(key), let bytes = reader.bytes(result.record, limit: 1 << 26),
      let text = String(validating: bytes, as: UTF8.self),
      let record = try? ActionRecord(parsing: text), record.key == key
    {
      return record
    }
    return row.record(inRunFolder: report.folder, store: store)
  }

  /// Who made what a row names: host, processor, kernels; nil where no result says so.
  func provenance(of row: RunRow, _ reader: ObjectReader) -> JSONValue? {
    guard let key = row.key.flatMap(Digest.init(hex:)) else { return nil }
    let all = reader.results(key)
    let own = all.filter { $0.store.path == store.path }
    let same = (own + all).first { candidate in
      row.outputs.allSatisfy { candidate.result[$0.port]?.description == $0.reference }
    }
    return same?.result.provenance
  }
}
