// Metric gates: whether the figures that an instance made lie inside the bounds of its manifest.

import ArtifactStore
import CanonicalJSON
import Diagnostics
import Foundation
import Pipelines

enum GateCheck {
  /// What is wrong with the first gate that does not pass; nil where all do.
  ///
  /// Every row of a metric must pass, or every row at the coordinates that the gate names. A value that
  /// is no number does not pass.
  static func problem(
    of instance: Instance, result: ActionResult, in store: Store
  ) -> Diagnostic? {
    if instance.gates.isEmpty { return nil }
    let rows = rows(of: instance, result, in: store)
    for gate in instance.gates {
      let own = rows.filter { row in
        bytesEqual(row.name, gate.metric)
          && gate.at.allSatisfy { wanted in row.at[wanted.name] == wanted.value }
      }
      guard !own.isEmpty else {
        let names = Set(rows.map(\.name)).sorted(by: bytesPrecede)
        return .gateWithoutRows(instance, gate, existing: names)
      }
      let outside = own.filter { row in
        guard let value = row.value, value.isFinite else { return true }
        return gate.least.map { value < $0 } == true || gate.most.map { value > $0 } == true
      }
      if !outside.isEmpty { return .gateFailed(instance, gate, outside.map(\.text)) }
    }
    return nil
  }

  private struct Row {
    var name: String
    var value: Double?
    var at: [String: String]

    var text: String {
      let place = at.sorted { bytesPrecede($0.key, $1.key) }.map { "\($0.key)=\($0.value)" }
      return (value.map { "\($0)" } ?? "no number")
        + (place.isEmpty ? "" : " (\(place.joined(separator: ", ")))")
    }
  }

  private static func rows(
    of instance: Instance, _ result: ActionResult, in store: Store
  ) -> [Row] {
    var rows: [Row] = []
    for port in instance.definition.outputs where port.type.name == "metrics" {
      guard let reference = result[port.name], case .blob(let digest) = reference,
        let data = FileManager.default.contents(atPath: store.objectPath(digest)),
        let list = (try? JSONValue(parsing: String(decoding: data, as: UTF8.self)))?.array
      else { continue }
      for item in list {
        guard let name = item["name"]?.string else { continue }
        var at: [String: String] = [:]
        for member in item["at"]?.object?.members ?? [] {
          at[member.key] = member.value.string ?? member.value.canonicalText
        }
        rows.append(Row(name: name, value: item["value"]?.double, at: at))
      }
    }
    return rows
  }
}
