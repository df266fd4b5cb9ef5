// runs/<id>/run.json: `RunReport` as JSON and back. Unknown members are passed over, missing ones get
// the value of a run that was cut short, so that older and newer programs read each other's runs.

import CanonicalJSON
import Diagnostics
import Foundation

extension RunReport {
  public var json: JSONValue {
    .object([
      "id": .string(id), "pipeline": .string(pipeline), "manifest": .string(manifest),
      "version": .string(version), "host": .string(host), "user": .string(user),
      "parameters": parameters, "threads": .integer(threads), "started": .number(started),
      "seconds": .number(seconds), "outcome": .string(outcome.rawValue),
      "exit": .integer(Int(exitCode)), "rows": .array(rows.map(\.json)),
    ])
  }

  /// Reads a run's record.
  ///
  /// **Throws**: `run-record-unreadable`.
  public init(readingRunFolder folder: String) throws(Diagnostic) {
    let path = folder + "/run.json"
    let bytes = try readFile(path) { .runRecordUnreadable(path, reason: $0) }
    let json: JSONValue
    do {
      json = try JSONValue(parsing: SourceText(path: path, bytes: bytes))
    } catch {
      throw .runRecordUnreadable(path, reason: error.message)
    }
    guard let id = json["id"]?.string, let rows = json["rows"]?.array else {
      throw .runRecordUnreadable(path, reason: "it is not the record of a run")
    }
    self.init(
      id: id, folder: folder, pipeline: json["pipeline"]?.string ?? "",
      manifest: json["manifest"]?.string ?? "", version: json["version"]?.string ?? "",
      host: json["host"]?.string ?? "", user: json["user"]?.string ?? "",
      parameters: json["parameters"] ?? .null, threads: json["threads"]?.integer ?? 1,
      started: json["started"]?.double ?? 0, seconds: json["seconds"]?.double ?? 0,
      outcome: json["outcome"]?.string.flatMap(Outcome.init(rawValue:)) ?? .running,
      exitCode: Int32(clamping: json["exit"]?.integer ?? 1), rows: rows.compactMap(RunRow.init))
  }
}

extension RunRow {
  public var json: JSONValue {
    var members: [(String, JSONValue)] = [
      ("instance", .integer(instance)), ("id", .string(id)), ("stage", .string(stage)),
      ("kind", .string(kind)), ("outcome", .string(outcome.rawValue)),
      ("reasons", .array(reasons.map { .string($0) })),
    ]
    if let key { members.append(("key", .string(key))) }
    if let decision { members.append(("decision", .string(decision))) }
    if let launched { members.append(("launched", .number(launched))) }
    if let ended { members.append(("ended", .number(ended))) }
    if let seconds { members.append(("seconds", .number(seconds))) }
    if let cpuSeconds { members.append(("cpu_seconds", .number(cpuSeconds))) }
    if let threads { members.append(("threads", .integer(threads))) }
    if let peakMemory { members.append(("peak_memory", .integer(peakMemory))) }
    if let log { members.append(("log", .string(log))) }
    if !outputs.isEmpty {
      members.append(
        ("outputs", .object(JSONObject(outputs.map { ($0.port, .string($0.reference)) }))))
    }
    if let job { members.append(("job", .string(job))) }
    if attempts > 1 { members.append(("attempts", .integer(attempts))) }
    if let comparison { members.append(("comparison", .string(comparison.rawValue))) }
    if let evidence { members.append(("evidence", .string(evidence))) }
    if let failure { members.append(("failure", failure.json)) }
    return .object(JSONObject(members))
  }

  init?(_ json: JSONValue) {
    guard let id = json["id"]?.string else { return nil }
    self.init(
      instance: json["instance"]?.integer ?? 0, id: id, stage: json["stage"]?.string ?? id,
      kind: json["kind"]?.string ?? "")
    key = json["key"]?.string
    decision = json["decision"]?.string
    reasons = json["reasons"]?.array?.compactMap(\.string) ?? []
    outcome = json["outcome"]?.string.flatMap(Outcome.init(rawValue:)) ?? .pending
    launched = json["launched"]?.double
    ended = json["ended"]?.double
    seconds = json["seconds"]?.double
    cpuSeconds = json["cpu_seconds"]?.double
    threads = json["threads"]?.integer
    peakMemory = json["peak_memory"]?.integer
    log = json["log"]?.string
    outputs =
      json["outputs"]?.object?.members.compactMap { member in
        member.value.string.map { (port: member.key, reference: $0) }
      } ?? []
    job = json["job"]?.string
    attempts = json["attempts"]?.integer ?? (launched == nil ? 0 : 1)
    comparison = json["comparison"]?.string.flatMap(Comparison.init(rawValue:))
    evidence = json["evidence"]?.string
    failure = json["failure"].flatMap(RunFailure.init)
  }
}

extension RunFailure {
  var json: JSONValue {
    var members: [(String, JSONValue)] = [
      ("cause", .string(cause.rawValue)), ("id", .string(problem.id)),
      ("message", .string(problem.message)), ("log_tail", .array(logTail.map { .string($0) })),
      ("text", .string(problem.description)),
    ]
    if let help = problem.help { members.append(("help", .string(help))) }
    if let log { members.append(("log", .string(log))) }
    return .object(JSONObject(members))
  }

  /// Read back, a problem has no place any more; `text` in the file shows it as it was printed.
  init?(_ json: JSONValue) {
    guard let cause = json["cause"]?.string.flatMap(Cause.init(rawValue:)),
      let message = json["message"]?.string
    else { return nil }
    self.init(
      cause: cause,
      problem: Diagnostic(
        json["id"]?.string ?? "stage-failed", message, help: json["help"]?.string,
        consequence: .stageFailed),
      logTail: json["log_tail"]?.array?.compactMap(\.string) ?? [], log: json["log"]?.string)
  }
}
