// All sentences of this room that can reach a user, and the pages behind them (`plumb explain ID`).

import Diagnostics
import Glibc
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

  static func launchFailed(_ what: String, error: Int32) -> Diagnostic {
    Diagnostic(
      "worker-not-started",
      "a worker could not be started (\(what)): \(String(cString: strerror(error)))",
      help: "look at the limits of processes, open files and memory (ulimit -a)",
      consequence: .stageFailed)
  }

  static func workerKilled(
    _ instance: Instance, signal: Int32, dumpedCore: Bool
  ) -> Diagnostic {
    let crash = signal != SIGKILL && signal != SIGTERM && signal != SIGINT && signal != SIGHUP
    return Diagnostic(
      crash ? "worker-crashed" : "worker-killed",
      "\(instance.id): the worker was ended by \(signalName(signal))"
        + (dumpedCore ? ", core dumped" : ""),
      at: instance.span,
      help: crash
        ? "this is a fault of the program, not of the manifest; the log's last lines tell more"
        : "something outside Plumb sent it; run again, checkpoints are resumed",
      consequence: .stageFailed)
  }

  static func outOfMemory(_ instance: Instance, peak: Int) -> Diagnostic {
    Diagnostic(
      "worker-out-of-memory",
      "\(instance.id): the kernel ended the worker because memory ran out"
        + (peak > 0 ? " (it had used up to \(mebibytes(peak)))" : ""),
      at: instance.span,
      help: "give its stage 'resources: {memory: …}' so that fewer run side by side, or make it "
        + "smaller",
      consequence: .stageFailed)
  }

  static func overMemoryLimit(_ instance: Instance, limit: Int, peak: Int) -> Diagnostic {
    Diagnostic(
      "worker-over-memory-limit",
      "\(instance.id): the worker used \(mebibytes(peak)), more than 1.25 times the "
        + "\(mebibytes(limit)) of its 'resources: {memory: …}'",
      at: instance.span, help: "raise 'memory' there, or make the stage smaller",
      consequence: .stageFailed)
  }

  static func overTimeLimit(_ instance: Instance, limit: Double) -> Diagnostic {
    Diagnostic(
      "worker-over-time-limit",
      "\(instance.id): the worker took more than the \(rounded(limit)) s of its "
        + "'resources: {time: …}'",
      at: instance.span,
      help: "raise 'time' there; a stage with checkpoints goes on where it was when run again",
      consequence: .stageFailed)
  }

  static func gateFailed(
    _ instance: Instance, _ gate: Gate, _ rows: [String]
  ) -> Diagnostic {
    let bounds = [gate.least.map { "at least \($0)" }, gate.most.map { "at most \($0)" }]
      .compactMap { $0 }.joined(separator: " and ")
    let more = rows.count > 3 ? ", and \(rows.count - 3) more" : ""
    return Diagnostic(
      "gate-failed",
      "\(instance.id): the metric '\(gate.metric)' must be \(bounds), it is "
        + rows.prefix(3).joined(separator: ", ") + more,
      at: gate.span, help: "the result stays in the store; what needs it is not made",
      consequence: .gateFailed)
  }

  static func gateWithoutRows(
    _ instance: Instance, _ gate: Gate, existing: [String]
  ) -> Diagnostic {
    let place = gate.at.map { "\($0.name)=\($0.value)" }.joined(separator: ",")
    return Diagnostic(
      "gate-failed",
      "\(instance.id): there is no metric '\(gate.metric)'"
        + (place.isEmpty ? "" : " at \(place)") + " for its gate",
      at: gate.span,
      help: suggestion(for: gate.metric, among: existing, called: "metric"),
      consequence: .gateFailed)
  }

  static func workerExited(_ instance: Instance, status: Int32) -> Diagnostic {
    Diagnostic(
      status == WorkerStatus.orphaned ? "worker-lost-scheduler" : "worker-exited",
      status == WorkerStatus.orphaned
        ? "\(instance.id): the worker ended because it lost its scheduler"
        : "\(instance.id): the worker ended with status \(status) and no word why",
      at: instance.span, help: "the log's last lines tell more", consequence: .stageFailed)
  }

  static func publishedNothing(_ instance: Instance) -> Diagnostic {
    Diagnostic(
      "worker-published-nothing",
      "\(instance.id): the worker ended well, but the store has no whole result for its key",
      at: instance.span, help: "plumb store verify", consequence: .storeDamaged)
  }

  static func noBody(_ kind: String) -> Diagnostic {
    Diagnostic(
      "no-stage-body", "this program has no body for the stage kind '\(kind)'",
      help: "a kind with 'run: native' needs one in StageLibrary; 'plumb stages' lists kinds",
      consequence: .stageFailed)
  }

  // MARK: Programs as stages

  static func programMissing(_ name: String, folders: [String], kind: String) -> Diagnostic {
    Diagnostic(
      "program-missing",
      "stage kind '\(kind)' needs the program '\(name)', which is not in "
        + folders.joined(separator: ", "),
      help: "install it, or give another PATH under 'environment:' in its stage.yaml",
      consequence: .stageFailed)
  }

  static func toolWithoutVersion(_ name: String, _ words: [String], kind: String) -> Diagnostic {
    Diagnostic(
      "tool-without-version",
      "the tool '\(name)' of stage kind '\(kind)' printed nothing: \(words.joined(separator: " "))",
      help: "give the words that print its version, such as [python3, --version]")
  }

  static func commandEmpty(_ kind: String) -> Diagnostic {
    Diagnostic(
      "command-failed", "the command of stage kind '\(kind)' has no words left",
      help: "its first word must not be optional", consequence: .stageFailed)
  }

  static func commandNotStarted(_ program: String, kind: String, error: Int32) -> Diagnostic {
    Diagnostic(
      "command-failed",
      "'\(program)' of stage kind '\(kind)' could not be started: \(String(cString: strerror(error)))",
      help: "a program of its own needs a line under 'code:'; a script needs '#!' or an "
        + "interpreter as the first word", consequence: .stageFailed)
  }

  static func commandFailed(
    _ program: String, kind: String, status: Int32?, signal: Int32, lastLines: [String]
  ) -> Diagnostic {
    Diagnostic(
      "command-failed",
      status.map { "'\(program)' of stage kind '\(kind)' ended with status \($0)" }
        ?? "'\(program)' of stage kind '\(kind)' was ended by \(signalName(signal))",
      notes: lastLines.isEmpty
        ? [] : [.init("its last words:\n" + lastLines.joined(separator: "\n"))],
      consequence: .stageFailed)
  }

  static func commandFolder(_ path: String, error: Int32) -> Diagnostic {
    Diagnostic(
      "command-folder",
      "the program's folder could not be made: \(path): "
        + String(cString: strerror(error)),
      help: "look at free space and rights of the store's folder", consequence: .stageFailed)
  }

  static func secretMissing(_ name: String, kind: String) -> Diagnostic {
    Diagnostic(
      "secret-missing",
      "stage kind '\(kind)' needs the secret '\(name)', which is not set in the environment",
      help: "set the variable \(name) for plumb; its value goes to the program and nowhere else",
      consequence: .stageFailed)
  }

  static func secretInOutput(_ name: String, file: String, kind: String) -> Diagnostic {
    Diagnostic(
      "secret-in-output",
      "stage kind '\(kind)' wrote the value of its secret '\(name)' into \(file): nothing was published",
      help: "artifacts are shared: mend the program", consequence: .stageFailed)
  }

  static func outputMissing(_ port: String, file: String?, found: [String]) -> Diagnostic {
    let wanted = file.map { "exactly the file '\($0)'" } ?? "at least one file"
    let there =
      found.isEmpty ? "nothing" : found.prefix(5).map { "'\($0)'" }.joined(separator: ", ")
    return Diagnostic(
      "output-missing",
      "the stage ended without its output '\(port)': it must write \(wanted), it wrote \(there)",
      help: "this is a fault of the stage's body", consequence: .stageFailed)
  }

  static func inputChanged(_ port: String, path: String) -> Diagnostic {
    Diagnostic(
      "input-changed", "\(path) changed while the stage was reading it: nothing was published",
      help: "run again, or drop 'by_reference' so that the store keeps a copy",
      consequence: .stageFailed
    ).about(input: port)
  }

  static func resultDiffers(
    _ id: InstanceID, comparison: RunRow.Comparison, evidence: String?
  ) -> Diagnostic {
    Diagnostic(
      "result-differs",
      "\(id): made again, it came out different"
        + (comparison == .withinTolerance ? ", within the tolerance of each metric" : "")
        + "; the first result stays",
      help: evidence.map { "the second one is kept at \($0)" }, severity: .warning,
      consequence: .stageFailed)
  }

  static func lockBusy(_ id: InstanceID, holder: String) -> Diagnostic {
    Diagnostic(
      "lock-busy", "\(id) is made by another run at this moment: \(holder)",
      help: "run again later, or with --if-locked wait, which uses the other's result",
      consequence: .busy)
  }

  static func skipped(_ id: InstanceID, because cause: InstanceID) -> Diagnostic {
    Diagnostic(
      "stage-skipped", "\(id) was left out because \(cause) failed",
      help: "mend \(cause) and run again", consequence: .stageFailed)
  }

  static func remark(_ text: String, _ id: InstanceID) -> Diagnostic {
    Diagnostic("worker-remark", "\(id): \(text)", severity: .warning)
  }

  static func slowKernels(_ used: String, offered: String) -> Diagnostic {
    Diagnostic(
      "slow-kernels",
      "OpenBLAS uses its '\(used)' kernels, this processor can run '\(offered)'",
      help: "unset OPENBLAS_CORETYPE, or set it to \(offered)", severity: .warning)
  }
}

private func mebibytes(_ bytes: Int) -> String { "\(bytes >> 20) MiB" }
