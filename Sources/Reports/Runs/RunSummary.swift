// What the command line knows about a run once it has ended: the facts of the provenance section.
// Plain values, so that the page (RunPage.swift) can be made again from `run.json`.

import CanonicalJSON

/// One run of a pipeline, as its report page tells it.
public struct RunSummary: Sendable, Equatable {
  /// How an instance ended.
  public enum Outcome: String, Sendable, CaseIterable {
    case produced, reused, failed, skipped
  }

  /// One instance of a stage in this run.
  public struct Stage: Sendable, Equatable {
    /// As selectors write it: `train[strategy=preserve,generation=2]`.
    public var id: String
    public var kind: String
    public var outcome: Outcome
    /// Why it was made or could be taken over: "parameter learning_rate changed".
    public var reason: String?
    /// The action's key, 64 hexadecimal digits.
    public var key: String?
    /// **Units**: seconds after the start of the run.
    public var start: Double?
    /// **Units**: seconds of work in this run; absent for what was reused.
    public var seconds: Double?
    /// **Units**: bytes.
    public var peakMemory: Int?
    public var threads: Int?
    public var outputs: [Output]

    public init(
      id: String, kind: String, outcome: Outcome, reason: String? = nil, key: String? = nil,
      start: Double? = nil, seconds: Double? = nil, peakMemory: Int? = nil, threads: Int? = nil,
      outputs: [Output] = []
    ) {
      self.id = id
      self.kind = kind
      self.outcome = outcome
      self.reason = reason
      self.key = key
      self.start = start
      self.seconds = seconds
      self.peakMemory = peakMemory
      self.threads = threads
      self.outputs = outputs
    }
  }

  /// A port with the reference it got: `blob:sha256:…` or `tree:sha256:…`.
  public struct Output: Sendable, Equatable {
    public var port: String
    public var reference: String

    public init(port: String, reference: String) {
      self.port = port
      self.reference = reference
    }
  }

  /// A name and a value as the reader sees them, in the order given.
  public struct Fact: Sendable, Equatable {
    public var name: String
    public var value: String

    public init(_ name: String, _ value: String) {
      self.name = name
      self.value = value
    }
  }

  /// The pipeline's name and summary.
  public var name: String
  public var summary: String
  public var id: String
  /// When it began, as text ("2026-11-23 00:40 UTC").
  public var started: String
  /// **Units**: seconds from the first decision to the last.
  public var seconds: Double
  /// What was typed.
  public var command: String
  /// Version, engine number, host, CPU, BLAS kernels, store …
  public var environment: [Fact]
  /// Parameters of the manifest as resolved.
  public var parameters: [Fact]
  public var manifestPath: String
  public var manifestText: String
  /// In topological order.
  public var stages: [Stage]

  public init(
    name: String, summary: String = "", id: String, started: String, seconds: Double,
    command: String = "", environment: [Fact] = [], parameters: [Fact] = [],
    manifestPath: String = "", manifestText: String = "", stages: [Stage] = []
  ) {
    self.name = name
    self.summary = summary
    self.id = id
    self.started = started
    self.seconds = seconds
    self.command = command
    self.environment = environment
    self.parameters = parameters
    self.manifestPath = manifestPath
    self.manifestText = manifestText
    self.stages = stages
  }

  public func count(_ outcome: Outcome) -> Int { stages.count { $0.outcome == outcome } }
}

extension RunSummary {
  /// The same facts as JSON, for `run.json`.
  public var json: JSONValue {
    func facts(_ list: [Fact]) -> JSONValue {
      .array(list.map { .object(["name": .string($0.name), "value": .string($0.value)]) })
    }
    return .object([
      "command": .string(command), "environment": facts(environment), "id": .string(id),
      "manifest": .string(manifestText), "manifest_path": .string(manifestPath),
      "name": .string(name), "parameters": facts(parameters), "seconds": .number(seconds),
      "stages": .array(stages.map(\.json)), "started": .string(started),
      "summary": .string(summary),
    ])
  }
}

extension RunSummary.Stage {
  public var json: JSONValue {
    var members: [(String, JSONValue)] = [
      ("id", .string(id)), ("kind", .string(kind)), ("outcome", .string(outcome.rawValue)),
    ]
    if let reason { members.append(("reason", .string(reason))) }
    if let key { members.append(("key", .string(key))) }
    if let start { members.append(("start", .number(start))) }
    if let seconds { members.append(("seconds", .number(seconds))) }
    if let peakMemory { members.append(("peak_memory", .integer(peakMemory))) }
    if let threads { members.append(("threads", .integer(threads))) }
    members.append(
      ("outputs", .object(JSONObject(outputs.map { ($0.port, .string($0.reference)) }))))
    return .object(JSONObject(members))
  }
}
