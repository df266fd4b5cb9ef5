// What becomes of an instance, and why in words. Made by Planner.swift; `plan`, `status`, `why` and
// `run` show the same value.

import ArtifactStore
import CanonicalJSON
import Diagnostics
import Pipelines

public struct Decision: Sendable {
  public enum Verdict: Sendable {
    /// The store has a whole result for the key.
    case reuse(ActionResult)
    /// There is none, it is damaged, or the user asked for it again.
    case run
    /// Inputs will be made first, so the key is not known yet: it may still be reused if the same
    /// bytes come out. Holds indices of instances.
    case wait(for: [Int])
    /// Another instance of this pipeline has the same key and comes first.
    case twin(of: Int)
    /// The inputs could not be read.
    case fail(Diagnostic)
  }

  /// Index in `Pipeline.instances`.
  public let instance: Int
  public let id: InstanceID
  /// nil while inputs are not known.
  public let record: ActionRecord?
  public let verdict: Verdict
  /// Why, most telling first: "parameter learning_rate: 5e-05 → 0.0001", "new", "waits for …".
  public let reasons: [String]
  /// The store's result for the key, also where it is to be made again.
  public let existing: ActionResult?

  init(
    instance: Int, id: InstanceID, record: ActionRecord?, verdict: Verdict, reasons: [String],
    existing: ActionResult? = nil
  ) {
    self.instance = instance
    self.id = id
    self.record = record
    self.verdict = verdict
    self.reasons = reasons
    self.existing = existing
  }

  public var key: Digest? { record?.key }

  /// One word for tables: `reuse`, `run`, `wait`, `twin`, `fail`.
  public var word: String {
    switch verdict {
    case .reuse: "reuse"
    case .run: "run"
    case .wait: "wait"
    case .twin: "twin"
    case .fail: "fail"
    }
  }

  public var isReuse: Bool { if case .reuse = verdict { true } else { false } }
  /// True where a run would start a worker, as far as can be said before.
  public var needsWork: Bool {
    switch verdict {
    case .run, .wait: true
    case .reuse, .twin, .fail: false
    }
  }
}
