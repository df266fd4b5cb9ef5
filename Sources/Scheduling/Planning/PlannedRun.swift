// What a run would find, in the form of a run's record: so that the manifest as it is now can stand on
// one side of a comparison.

import ArtifactStore
import CanonicalJSON
import Diagnostics
import Foundation
import Pipelines

extension RunReport {
  /// - Returns: the record as if everything that is known had been run, and the records of actions by
  ///   instance.
  public static func planned(
    _ decisions: [Decision], of pipeline: Pipeline
  ) -> (report: RunReport, records: [String: ActionRecord]) {
    var records: [String: ActionRecord] = [:]
    let rows = decisions.map { decision in
      let id = decision.id.description
      var row = RunRow(
        instance: decision.instance, id: id, stage: decision.id.stage,
        kind: pipeline.instances[decision.instance].definition.kind)
      row.key = decision.key?.hex
      row.decision = decision.word
      row.reasons = decision.reasons
      row.outcome = decision.isReuse ? .reused : .pending
      row.outputs = (decision.existing?.outputs ?? []).map {
        (port: $0.port, reference: $0.reference.description)
      }
      records[id] = decision.record
      return row
    }
    let report = RunReport(
      id: "now", folder: "", pipeline: pipeline.name, manifest: pipeline.manifestPath, version: "",
      host: "", user: "",
      parameters: .object(JSONObject(pipeline.parameters.map { ($0.name, $0.value.json) })),
      threads: 1, started: Date().timeIntervalSince1970, seconds: 0, outcome: .running, exitCode: 0,
      rows: rows)
    return (report, records)
  }
}
