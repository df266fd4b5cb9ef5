// Decides what becomes of each instance: computes its record and key once its inputs' digests are
// known, and asks the store. `plan`, `status`, `why` and `run` all decide here, so they cannot differ.
// Reasons come from PreviousRuns.swift, digests of outside and declared files from InputDigests.swift.

import ArtifactStore
import CanonicalJSON
import Diagnostics
import Pipelines

public final class Planner: Sendable {
  public let pipeline: Pipeline
  public let store: Store
  /// Instances to make again even where the store has a result.
  private let again: [Int: String]
  /// Where a run notes what it is about to look up, so that collection spares it.
  private let live: LiveRun?
  private let digests: InputDigests
  private let tools = ToolVersions()
  private let previous: PreviousRuns

  /// - Parameters:
  ///   - again: index → why it is made again, for `--again` and `--recheck`.
  ///   - live: of a run; whoever only looks has none.
  public init(
    pipeline: Pipeline, store: Store, again: [Int: String] = [:], live: LiveRun? = nil
  ) {
    self.live = live
    self.pipeline = pipeline
    self.store = store
    self.again = again
    digests = InputDigests(store: store)
    previous = PreviousRuns(store: store, pipeline: pipeline.name)
  }

  /// What a run would do, for the targets and everything they need.
  ///
  /// - Parameter targets: indices of instances; nil means all.
  public static func plan(_ pipeline: Pipeline, store: Store, targets: [Int]? = nil) -> [Decision] {
    Planner(pipeline: pipeline, store: store).plan(targets: targets)
  }

  public func plan(targets: [Int]? = nil) -> [Decision] {
    var decisions: [Int: Decision] = [:]
    var makers: [Digest: Int] = [:]
    let wanted = pipeline.withAncestors(of: targets)
    for index in wanted {
      let unknown = pipeline.dependencies(of: index).filter { dependency in
        if case .fail? = decisions[dependency]?.verdict { return true }
        return decisions[dependency]?.existing == nil
      }
      guard unknown.isEmpty else {
        decisions[index] = waiting(index, for: unknown, decisions: decisions)
        continue
      }
      var decision = decide(index) { decisions[$0]?.existing }
      if case .run = decision.verdict, let key = decision.key {
        if let first = makers[key] {
          decision = Decision(
            instance: index, id: decision.id, record: decision.record, verdict: .twin(of: first),
            reasons: ["the same action as \(pipeline.instances[first].id)"],
            existing: decision.existing)
        } else {
          makers[key] = index
        }
      }
      decisions[index] = decision
    }
    return wanted.map { decisions[$0]! }
  }

  private func waiting(_ index: Int, for unknown: [Int], decisions: [Int: Decision]) -> Decision {
    let instance = pipeline.instances[index]
    let names = unknown.prefix(3).map { pipeline.instances[$0].id.description }
    let more = unknown.count > 3 ? " and \(unknown.count - 3) more" : ""
    return Decision(
      instance: index, id: instance.id, record: nil, verdict: .wait(for: unknown),
      reasons: ["waits for " + names.joined(separator: ", ") + more])
  }

  /// The decision for one instance.
  ///
  /// - Parameter result: results of the instances it reads from; all must be known.
  public func decide(_ index: Int, result: (Int) -> ActionResult?) -> Decision {
    let instance = pipeline.instances[index]
    if let open = openFile(of: instance) {
      return Decision(
        instance: index, id: instance.id, record: nil, verdict: .wait(for: []),
        reasons: ["waits for \(open) to be given"])
    }
    let record: ActionRecord
    do {
      record = try self.record(of: instance, result: result)
    } catch {
      return Decision(
        instance: index, id: instance.id, record: nil,
        verdict: .fail(error.located(at: instance.span)), reasons: [error.message])
    }
    func made(
      _ verdict: Decision.Verdict, _ reasons: [String], existing: ActionResult? = nil
    ) -> Decision {
      Decision(
        instance: index, id: instance.id, record: record, verdict: verdict, reasons: reasons,
        existing: existing)
    }
    try? live?.uses([record.key])
    switch store.lookUp(record.key) {
    case .hit(let result):
      for port in instance.definition.outputs where result[port.name] == nil {
        let problem = Diagnostic.outputAddedWithoutRevision(
          port.name, kind: instance.definition.kind, at: instance.span)
        return made(.fail(problem), [problem.message])
      }
      if let why = again[index] { return made(.run, [why], existing: result) }
      if let problem = GateCheck.problem(of: instance, result: result, in: store) {
        return made(.fail(problem), [problem.message], existing: result)
      }
      return made(.reuse(result), ["unchanged"], existing: result)
    case .damaged(_, let missing):
      let what = missing.first.map { "\($0.short) is missing" } ?? "it cannot be read"
      return made(.run, ["its result is damaged: \(what)"])
    case .miss:
      return made(.run, previous.reasons(for: record, of: instance.id))
    }
  }

  /// An outside file whose path is a parameter that nobody has given yet: nothing is read for it.
  private func openFile(of instance: Instance) -> String? {
    for item in instance.inputs.flatMap(\.items) {
      if case .file(let path, let shown, _) = item.source, path.isEmpty { return shown }
    }
    return nil
  }

  /// Seconds that each instance of the pipeline may take, from old runs.
  func expectedSeconds() -> [Double] { previous.durations(of: pipeline) }

  /// The record that pins an instance to its inputs.
  func record(
    of instance: Instance, result: (Int) -> ActionResult?
  ) throws(Diagnostic) -> ActionRecord {
    var inputs: [ActionRecord.Input] = []
    for binding in instance.inputs {
      for (position, item) in binding.items.enumerated() {
        inputs.append(
          ActionRecord.Input(
            port: binding.port.name, index: binding.port.isList ? position : nil,
            coordinates: binding.port.isList ? item.coordinates.json : nil,
            reference: try reference(of: item, in: binding, result: result)))
      }
    }
    return try ActionRecord(
      kind: instance.definition.kind, revision: instance.definition.revision,
      engine: EngineVersion.current,
      parameters: instance.parameters.map { ($0.name, $0.value.json) }
        + tools.facts(of: instance.definition), inputs: inputs,
      files: try digests.declaredFiles(of: instance.definition))
  }

  private func reference(
    of item: InputItem, in binding: InputBinding, result: (Int) -> ActionResult?
  ) throws(Diagnostic) -> ObjectReference {
    switch item.source {
    case .output(let producer, let port):
      let id = pipeline.instances[producer].id
      guard let made = result(producer) else {
        preconditionFailure("'\(binding.port.name)' was decided before its producer \(id)")
      }
      guard let reference = made[port] else {
        throw .outputAddedWithoutRevision(
          port, kind: pipeline.instances[producer].definition.kind, at: item.span)
      }
      return reference
    case .file(let path, _, let byReference):
      do {
        return try digests.outside(path, byReference: byReference)
      } catch {
        throw error.located(at: item.span ?? binding.span)
      }
    }
  }
}

extension Pipeline {
  /// Indices of the targets and everything they read from, in the pipeline's order.
  public func withAncestors(of targets: [Int]?) -> [Int] {
    guard let targets else { return Array(instances.indices) }
    var wanted = Set(targets)
    for index in instances.indices.reversed() where wanted.contains(index) {
      wanted.formUnion(dependencies(of: index))
    }
    return wanted.sorted()
  }
}
