// `context.memo`: a piece of a stage with its own record, so that other runs share it. A lease that
// another holds is not waited for: two workers that make the same piece waste work and harm nothing.

import ArtifactStore
import CanonicalJSON
import Diagnostics

struct InnerAction {
  let kind: String
  let revision: Int
  let facts: [(String, JSONValue)]
  let inputs: [ObjectReference]
  let store: Store

  func result(_ make: (String) throws(Diagnostic) -> Void) throws(Diagnostic) -> InputArtifact {
    let record = try ActionRecord(
      innerKind: kind, revision: revision, engine: EngineVersion.current, facts: facts,
      inputs: inputs)
    if case .hit(let result) = store.lookUp(record.key) { return try artifact(result) }
    let lease = try store.claim(record.key, label: "inner \(kind)")
    defer { lease?.release() }
    if let lease, case .damaged = store.lookUp(record.key) {
      try store.heal(record.key, under: lease)
    }
    let folder = try store.temporaryFolder()
    defer { store.removeTemporary(folder) }
    try make(folder)
    let recordDigest = try store.put(record)
    let reference = try store.put(folderAt: folder)
    let result = ActionResult(
      key: record.key, outputs: [(port: "result", reference: reference)], record: recordDigest,
      provenance: .object(["inner": true, "kind": .string(kind)]))
    _ = try store.publish(result)
    // Another worker may have been first with other bits: the first result counts everywhere.
    if case .hit(let first) = store.lookUp(record.key) { return try artifact(first) }
    return try artifact(result)
  }

  private func artifact(_ result: ActionResult) throws(Diagnostic) -> InputArtifact {
    let reference = result.outputs[0].reference
    return InputArtifact(
      port: kind, reference: reference, files: try store.files(of: reference, blobName: "file"))
  }
}
