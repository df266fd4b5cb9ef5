// A store with recorded runs in it, written as the scheduler writes them, without running anything.

import ArtifactStore
import CanonicalJSON
import Diagnostics
import Foundation
import Scheduling

@testable import RunHistory

/// One night: instances are made one after the other and recorded.
final class Nights {
  let folder: String
  let store: Store

  init(_ name: String = "store") throws {
    folder =
      URL(fileURLWithPath: NSTemporaryDirectory() + "/plumb-history-" + UUID().uuidString)
      .standardizedFileURL.path
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    store = try Store(at: folder + "/" + name)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  func blob(_ text: String) throws -> ObjectReference { try store.put(Array(text.utf8)) }

  func tree(_ files: [String: String]) throws -> ObjectReference {
    var entries: [Tree.Entry] = []
    for (path, text) in files {
      let bytes = Array(text.utf8)
      entries.append(
        Tree.Entry(path: path, size: bytes.count, digest: try store.put(bytes).digest))
    }
    return try store.put(Tree(entries))
  }

  /// An instance whose result is published; its row as a run records it.
  func made(
    _ id: String, kind: String = "act", revision: Int = 1, parameters: [(String, JSONValue)] = [],
    inputs: [(String, ObjectReference)] = [], files: [(path: String, digest: Digest)] = [],
    gives output: ObjectReference, port: String = "out", host: String = "here"
  ) throws -> RunRow {
    let record = try ActionRecord(
      kind: kind, revision: revision, engine: 1, parameters: parameters,
      inputs: inputs.map { ActionRecord.Input(port: $0.0, reference: $0.1) }, files: files)
    _ = try store.publish(
      ActionResult(
        key: record.key, outputs: [(port, output)], record: try store.put(record),
        provenance: .object(["host": .string(host), "cpu": "a processor", "kernels": "Haswell"])))
    return row(id, kind: kind, key: record.key, outputs: [(port, output)])
  }

  func row(
    _ id: String, kind: String = "act", key: Digest?, outputs: [(String, ObjectReference)] = [],
    outcome: RunRow.Outcome = .produced
  ) -> RunRow {
    var row = RunRow(
      instance: 0, id: id, stage: String(id.prefix { $0 != "[" }), kind: kind)
    row.key = key?.hex
    row.outcome = outcome
    row.outputs = outputs.map { (port: $0.0, reference: $0.1.description) }
    return row
  }

  /// Writes runs/<id>/run.json and reads it back.
  @discardableResult
  func record(
    _ rows: [RunRow], id: String? = nil, pipeline: String = "night", started: Double = 0,
    parameters: JSONValue = .object([:])
  ) throws -> RecordedRun {
    let run: (id: String, path: String)
    if let id {
      run = (id, store.path + "/runs/" + id)
      try FileManager.default.createDirectory(atPath: run.path, withIntermediateDirectories: true)
    } else {
      let made = try store.createRun(name: pipeline)
      run = (made.id, made.path)
    }
    let json: JSONValue = .object([
      "id": .string(run.id), "pipeline": .string(pipeline), "started": .number(started),
      "seconds": 1.0, "outcome": "succeeded", "exit": 0, "parameters": parameters,
      "rows": .array(rows.map(\.json)),
    ])
    try Data(json.indentedText.utf8).write(to: URL(fileURLWithPath: run.path + "/run.json"))
    return RecordedRun(try RunReport(readingRunFolder: run.path), in: store)
  }

  func remove(_ reference: ObjectReference) throws {
    try FileManager.default.removeItem(atPath: store.objectPath(reference.digest))
  }
}
