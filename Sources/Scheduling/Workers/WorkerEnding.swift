// What a worker says before it ends, and what its end means: causes are told apart here.

import CanonicalJSON
import Diagnostics
import Glibc
import Pipelines
import Slurm

/// Exit statuses of `plumb exec-stage`, besides 0.
enum WorkerStatus {
  static let failed: Int32 = 1
  /// The order makes no sense.
  static let refused: Int32 = 2
  /// The lease is held by another.
  static let busy: Int32 = 75
  /// Stopped; a checkpoint may have been saved.
  static let interrupted: Int32 = 130
  /// The scheduler is gone.
  static let orphaned: Int32 = 131
}

/// A problem as a worker reports it: `{"problem":{…}}`.
struct WorkerProblem: Sendable, Equatable {
  enum Subject: Sendable, Equatable {
    case input(String)
    case parameter(String)
  }

  var id: String
  var message: String
  var help: String?
  var notes: [String]
  var subject: Subject?

  init(_ problem: Diagnostic) {
    id = problem.id
    message = problem.message
    help = problem.help
    notes = problem.notes.map(\.message)
    if let span = problem.span {
      let words = span.source.path.split(separator: " ", maxSplits: 1)
      switch words.first {
      case "input" where words.count == 2: subject = .input(String(words[1]))
      case "parameter" where words.count == 2: subject = .parameter(String(words[1]))
      default:
        // A place inside an input's file: shown as a note, since the manifest is where the user looks.
        let excerpt = Diagnostic("x", "x", at: span).description.split(separator: "\n").dropFirst()
        let place = "\(span.source.path):\(span.start.line):\(span.start.column)"
        notes.insert(([place] + excerpt.map(String.init)).joined(separator: "\n"), at: 0)
      }
    }
  }

  var json: JSONValue {
    var members: [(String, JSONValue)] = [
      ("id", .string(id)), ("message", .string(message)),
      ("notes", .array(notes.map { .string($0) })),
    ]
    if let help { members.append(("help", .string(help))) }
    switch subject {
    case .input(let port): members.append(("input", .string(port)))
    case .parameter(let name): members.append(("parameter", .string(name)))
    case nil: break
    }
    return .object(["problem": .object(JSONObject(members))])
  }

  init?(_ json: JSONValue) {
    guard let json = json["problem"], let id = json["id"]?.string,
      let message = json["message"]?.string
    else { return nil }
    self.id = id
    self.message = message
    help = json["help"]?.string
    notes = json["notes"]?.array?.compactMap(\.string) ?? []
    if let port = json["input"]?.string { subject = .input(port) }
    if let name = json["parameter"]?.string { subject = .parameter(name) }
  }

  /// As it stands in the log. An input or a parameter is no file with lines that could be shown.
  func text(of problem: Diagnostic) -> String {
    var shown = problem
    if subject != nil { shown.span = nil }
    return shown.description
  }

  /// The problem at its place in the manifest.
  func diagnostic(for instance: Instance) -> Diagnostic {
    let span =
      switch subject {
      case .input(let port): instance.place(ofInput: port)
      case .parameter(let name): instance.place(ofParameter: name)
      case nil: instance.span
      }
    return Diagnostic(
      id, "\(instance.id): \(message)", at: span, notes: notes.map { Diagnostic.Note($0) },
      help: help, consequence: .stageFailed)
  }
}

/// The last word of a worker that did not fail: `{"end":{…}}`.
struct WorkerStatement: Sendable, Equatable {
  enum Outcome: String, Sendable {
    case published, identical, differs
    /// The store had a result after all.
    case found
  }

  var outcome: Outcome
  /// Where a differing result is kept.
  var evidence: String?
  /// Bytes.
  var peakMemory: Int?
  /// What a person should know although all went well, such as slow kernels.
  var remark: String?

  var json: JSONValue {
    var members: [(String, JSONValue)] = [("outcome", .string(outcome.rawValue))]
    if let evidence { members.append(("evidence", .string(evidence))) }
    if let peakMemory { members.append(("peak_memory", .integer(peakMemory))) }
    if let remark { members.append(("remark", .string(remark))) }
    return .object(["end": .object(JSONObject(members))])
  }

  init(
    outcome: Outcome, evidence: String? = nil, peakMemory: Int? = nil, remark: String? = nil
  ) {
    self.outcome = outcome
    self.evidence = evidence
    self.peakMemory = peakMemory
    self.remark = remark
  }

  init?(_ json: JSONValue) {
    guard let json = json["end"], let outcome = json["outcome"]?.string.flatMap(Outcome.init)
    else { return nil }
    self.init(
      outcome: outcome, evidence: json["evidence"]?.string,
      peakMemory: json["peak_memory"]?.integer, remark: json["remark"]?.string)
  }
}

/// How a worker's process ended.
struct WorkerEnding: Sendable, Equatable {
  /// Of a normal exit.
  var status: Int32?
  var signal: Int32?
  var dumpedCore = false
  /// Signals that the scheduler sent.
  var sentSignals: Set<Int32> = []
  var isOverMemoryLimit = false
  var isOverTimeLimit = false
  /// The kernel ended processes for want of memory meanwhile.
  var isOutOfMemory = false
  /// What a cluster says about its job.
  var obituary: SlurmObituary?
  /// A cluster would not take the job, and said this.
  var refusal: String?
  /// Where its last lines stand, if not in its log.
  var log: String?
  var seconds = 0.0
  var cpuSeconds = 0.0
  var peakMemory = 0

  /// Whether the scheduler's own TERM or KILL ended it.
  var wasStopped: Bool {
    if isOverMemoryLimit || isOverTimeLimit { return false }
    if status == WorkerStatus.interrupted { return true }
    return signal.map(sentSignals.contains) ?? false
  }

  /// Why it failed; nil if status 0, busy, or stopped by us.
  func failure(
    of instance: Instance, problem: WorkerProblem?, memoryLimit: Int?
  ) -> (cause: RunFailure.Cause, problem: Diagnostic)? {
    if isOverMemoryLimit {
      return (.memoryLimit, .overMemoryLimit(instance, limit: memoryLimit ?? 0, peak: peakMemory))
    }
    if status == 0 || status == WorkerStatus.busy || wasStopped { return nil }
    if isOverTimeLimit {
      return (.timeLimit, .overTimeLimit(instance, limit: instance.resources.time ?? 0))
    }
    if let refusal { return (.launch, .slurmRefused(instance, reason: refusal)) }
    if let obituary { return obituary.failure(of: instance, problem: problem) }
    if let signal {
      if signal == SIGKILL && isOutOfMemory {
        return (.outOfMemory, .outOfMemory(instance, peak: peakMemory))
      }
      return (.signal, .workerKilled(instance, signal: signal, dumpedCore: dumpedCore))
    }
    if let problem { return (.diagnostic, problem.diagnostic(for: instance)) }
    return (.exit, .workerExited(instance, status: status ?? -1))
  }
}

extension RunFailure.Cause {
  /// How a manifest's `retries: {on: …}` calls it; nil for what another attempt cannot change.
  var retryClass: RetryClass? {
    switch self {
    case .signal, .launch, .lostNode: .crash
    case .outOfMemory, .memoryLimit: .memory
    case .timeLimit: .time
    case .diagnostic, .exit: .failure
    case .gate, .upstream, .locked, .cancelled: nil
    }
  }
}

func signalName(_ signal: Int32) -> String {
  switch signal {
  case SIGKILL: "SIGKILL"
  case SIGTERM: "SIGTERM"
  case SIGINT: "SIGINT"
  case SIGHUP: "SIGHUP"
  case SIGSEGV: "SIGSEGV (a wrong memory access)"
  case SIGABRT: "SIGABRT (it gave up)"
  case SIGILL: "SIGILL (a failed precondition, or a processor without these instructions)"
  case SIGTRAP: "SIGTRAP (a failed precondition)"
  case SIGBUS: "SIGBUS (a file shrank, or the disk is full)"
  case SIGFPE: "SIGFPE"
  case SIGPIPE: "SIGPIPE"
  case SIGXCPU: "SIGXCPU (limit of processor time)"
  default: "signal \(signal)"
  }
}
