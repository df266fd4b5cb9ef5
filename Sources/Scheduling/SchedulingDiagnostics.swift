// All sentences of this room that can reach a user, and the pages behind them (`plumb explain ID`).

import Diagnostics
import Pipelines

extension Diagnostic {
  /// What a body throws after `isStopping` became true and its checkpoint is saved.
  public static var interrupted: Diagnostic {
    Diagnostic(
      "interrupted", "the stage was stopped before it ended",
      help: "run again: finished stages are reused and checkpoints resumed",
      consequence: .stageFailed)
  }

  /// Places this problem at one input of the instance: the scheduler turns it into the line of the
  /// manifest that binds the port.
  public func about(input port: String) -> Diagnostic {
    located(at: SourceSpan(source: SourceText(path: "input \(port)", bytes: []), range: 0..<0))
  }

  /// Places this problem at one parameter of the instance.
  public func about(parameter name: String) -> Diagnostic {
    located(at: SourceSpan(source: SourceText(path: "parameter \(name)", bytes: []), range: 0..<0))
  }

  static func inputFileMissing(_ name: String, port: String, existing: [String]) -> Diagnostic {
    Diagnostic(
      "input-file-missing", "the input '\(port)' holds no file '\(name)'",
      help: existing.count == 1
        ? "it holds only '\(existing[0])'"
        : suggestion(for: name, among: existing, called: "file"),
      consequence: .stageFailed
    ).about(input: port)
  }

  static func inputUnreadable(_ name: String, port: String, reason: String) -> Diagnostic {
    Diagnostic(
      "input-unreadable", "the file '\(name)' of the input '\(port)' cannot be read: \(reason)",
      help: "plumb store verify", consequence: .stageFailed
    ).about(input: port)
  }

  static func declaredFileMissing(_ path: String, existing: [String]) -> Diagnostic {
    Diagnostic(
      "declared-file-missing", "the stage's folder declares no file '\(path)'",
      help: suggestion(for: path, among: existing, called: "file"), consequence: .stageFailed)
  }

  static func declaredFilesMissing(_ glob: String, definition: StageDefinition) -> Diagnostic {
    Diagnostic(
      "declared-files-missing",
      "stage kind '\(definition.kind)' declares files '\(glob)', but there are none",
      help: "look into \(definition.folder), or mend 'files:' in its stage.yaml")
  }

  static func outputAddedWithoutRevision(
    _ port: String, kind: String, at span: SourceSpan?
  ) -> Diagnostic {
    Diagnostic(
      "output-added-without-revision",
      "a result of stage kind '\(kind)' in the store has no output '\(port)'", at: span,
      help: "raise 'revision' in stages/\(kind)/stage.yaml, since the same action now makes more")
  }

  static func runRecordUnreadable(_ path: String, reason: String) -> Diagnostic {
    Diagnostic(
      "run-record-unreadable", "the run's record \(path) cannot be read: \(reason)",
      help: "results are not touched by this; the folder of that run may be removed")
  }

  static func runFolderUnwritable(_ path: String, reason: String) -> Diagnostic {
    Diagnostic(
      "run-folder-unwritable", "cannot write \(path): \(reason)",
      help: "look at free space and rights of the store's folder", consequence: .stageFailed)
  }

  static func orderUnreadable(_ path: String, reason: String) -> Diagnostic {
    Diagnostic(
      "order-unreadable", "the order \(path) cannot be read: \(reason)",
      help: "orders are written by 'plumb run' into runs/<id>/orders",
      consequence: .stageFailed)
  }

  static func orderKeyMismatch(_ path: String, said: String, computed: String) -> Diagnostic {
    Diagnostic(
      "order-key-mismatch",
      "the order \(path) names the key \(said.prefix(12))…, its record gives "
        + "\(computed.prefix(12))…",
      help: "the program and the one that planned differ in version: run again",
      consequence: .stageFailed)
  }
}
