// Two runs side by side: which instances differ, and what made them differ. An input whose bytes
// differ is followed to the instance that made it, so that a cause is told once and not again for
// everything after it. Contents are opened for causes alone (ContentComparison.swift).

import ArtifactStore
import CanonicalJSON
import Diagnostics
import Scheduling

/// One reason why an instance differs between two runs.
public struct RunCause: Sendable, Hashable {
  public enum Subject: String, Sendable {
    case kind, revision, engine, parameter, program, fact, file
    /// An input from outside the store, or an item that joined or left.
    case input
    /// An input that another instance makes, which differs itself.
    case follows
    /// The same action gave other results.
    case evidence
    /// A record is gone.
    case unknown
  }

  public let subject: Subject
  /// "parameter learning_rate: 0.0005 → 0.001"
  public let text: String
  /// For `follows`: the instance that differs first.
  public let instance: String?
  /// What to compare where it lies outside: both contents and how people call them.
  let old: ObjectReference?
  let new: ObjectReference?
  let name: String?

  init(
    _ subject: Subject, _ text: String, instance: String? = nil, old: ObjectReference? = nil,
    new: ObjectReference? = nil, name: String? = nil
  ) {
    self.subject = subject
    self.text = text
    self.instance = instance
    self.old = old
    self.new = new
    self.name = name
  }
}

/// An instance in two runs.
public struct InstancePair: Sendable {
  public enum State: String, Sendable {
    /// The same action, the same results (or none in either run).
    case same
    /// Another action; `isSameResult` says whether the same bytes came out.
    case changed
    /// The same action with other results.
    case evidence
    /// The same action, made in only one of the runs.
    case ended = "ended-differently"
    /// It was not decided in one of the runs, so nothing is known of it there.
    case undecided
    case onlyOld = "only-in-first"
    case onlyNew = "only-in-second"
  }

  public let id: String
  public let stage: String
  public let old: RunRow?
  public let new: RunRow?
  public let state: State

  init(_ old: RunRow?, _ new: RunRow?) {
    self.old = old
    self.new = new
    id = (new ?? old)!.id
    stage = (new ?? old)!.stage
    state = Self.state(old, new)
  }

  public var isSameResult: Bool {
    guard let old, let new, !old.outputs.isEmpty else { return false }
    return Self.equal(old, new)
  }

  private static func state(_ old: RunRow?, _ new: RunRow?) -> State {
    guard let old else { return .onlyNew }
    guard let new else { return .onlyOld }
    guard let oldKey = old.key, let newKey = new.key else {
      return old.key == nil && new.key == nil && old.outcome == new.outcome ? .same : .undecided
    }
    guard oldKey == newKey else { return .changed }
    if old.comparison == .differs || new.comparison == .differs { return .evidence }
    if equal(old, new) { return .same }
    return old.outputs.isEmpty || new.outputs.isEmpty ? .ended : .evidence
  }

  private static func equal(_ old: RunRow, _ new: RunRow) -> Bool {
    guard old.outputs.count == new.outputs.count else { return false }
    return old.outputs.allSatisfy { output in
      new.outputs.contains { $0.port == output.port && $0.reference == output.reference }
    }
  }
}

/// Two runs of the same or of different stores. Not for several threads at once.
///
/// **Cost**: both run records are read; the records of actions only of instances that differ, contents
/// only of what no instance made.
public final class RunComparison {
  public let old: RecordedRun
  public let new: RecordedRun
  /// Instances of both runs that are chosen, in the order of the second run, then those that only the
  /// first has.
  public let pairs: [InstancePair]
  public let reader: ObjectReader
  private let contents: ContentComparison
  private let outsideName: (_ id: String, _ port: String) -> String?
  private var known: [String: [RunCause]] = [:]

  /// - Parameter outsideName: how the manifest calls an outside input of an instance, if anybody knows.
  ///
  /// **Throws**: `run-instance-unknown`.
  public init(
    _ old: RecordedRun, _ new: RecordedRun, selector: RowSelector = .everything,
    outsideName: @escaping (_ id: String, _ port: String) -> String? = { _, _ in nil }
  ) throws(Diagnostic) {
    self.old = old
    self.new = new
    self.outsideName = outsideName
    reader = ObjectReader([new.store, old.store])
    contents = ContentComparison(reader)
    var seen: Set<String> = []
    var pairs: [InstancePair] = []
    for row in new.rows where selector.matches(stage: row.stage, id: row.id) {
      if seen.insert(row.id).inserted { pairs.append(InstancePair(old.row(row.id), row)) }
    }
    for row in old.rows where selector.matches(stage: row.stage, id: row.id) {
      if new.row(row.id) == nil, seen.insert(row.id).inserted {
        pairs.append(InstancePair(row, nil))
      }
    }
    self.pairs = pairs
    if pairs.isEmpty || !selector.isEverything {
      try selector.check((new.rows + old.rows).map { (stage: $0.stage, id: $0.id) })
    }
  }

  public func pair(_ id: String) -> InstancePair? {
    let rows = (old.row(id), new.row(id))
    return rows.0 == nil && rows.1 == nil ? nil : InstancePair(rows.0, rows.1)
  }

  // MARK: Causes

  /// Why one instance differs; those of the subject `follows` lie further up. Empty where it does not
  /// differ.
  public func causes(of id: String) -> [RunCause] {
    if let known = known[id] { return known }
    let causes = pair(id).map(findCauses) ?? []
    known[id] = causes
    return causes
  }

  private func findCauses(_ pair: InstancePair) -> [RunCause] {
    guard let old = pair.old, let new = pair.new else { return [] }
    if pair.state == .evidence { return [evidence(old, new)] }
    guard pair.state == .changed else { return [] }
    guard let before = self.old.record(of: old, reader) else {
      return [unknown("its record in \(self.old.shown) is gone", old, new)]
    }
    guard let after = self.new.record(of: new, reader) else {
      return [unknown("its record in \(self.new.shown) is gone", old, new)]
    }
    var causes: [RunCause] = []
    for difference in after.differences(from: before) {
      causes += self.causes(difference, before, after, id: pair.id)
    }
    return causes.isEmpty ? [.init(.unknown, "the records differ in no fact")] : unique(causes)
  }

  /// Where no record can say why, the first output that differs says at least what.
  private func unknown(_ text: String, _ old: RunRow, _ new: RunRow) -> RunCause {
    for output in new.outputs {
      guard let other = old.outputs.first(where: { $0.port == output.port }),
        other.reference != output.reference
      else { continue }
      return .init(
        .unknown, text, old: ObjectReference(other.reference),
        new: ObjectReference(output.reference), name: "its \(output.port)")
    }
    return .init(.unknown, text)
  }

  private func causes(
    _ difference: RecordDifference, _ before: ActionRecord, _ after: ActionRecord, id: String
  ) -> [RunCause] {
    switch difference.subject {
    case .kind: return [.init(.kind, difference.description)]
    case .revision: return [.init(.revision, difference.description)]
    case .engine: return [.init(.engine, difference.description)]
    case .parameter(let name):
      return [.init(name.hasPrefix("$") ? .program : .parameter, difference.description)]
    case .fact: return [.init(.fact, difference.description)]
    case .file(let path):
      let old = before.files.first { bytesEqual($0.path, path) }.map(\.digest)
      let new = after.files.first { bytesEqual($0.path, path) }.map(\.digest)
      return [
        .init(
          .file, difference.description, old: old.map { .blob($0) }, new: new.map { .blob($0) },
          name: path)
      ]
    case .input(let port):
      guard let change = difference.references else {
        return [.init(.input, difference.description)]
      }
      return [input(change, port: port, id: id, text: difference.description)]
    }
  }

  /// An input that changed: from the same instance as before, from another, or from outside.
  private func input(
    _ change: RecordDifference.Change, port: String, id: String, text: String
  ) -> RunCause {
    let then = old.makers(of: change.old)
    let now = new.makers(of: change.new)
    if then.isEmpty, now.isEmpty {
      let name = outsideName(id, port)
      return .init(
        .input, name.map { "input \(port): \($0) changed" } ?? text, old: change.old,
        new: change.new, name: name ?? port)
    }
    let common = now.first { maker in
      then.contains { $0.row.id == maker.row.id && $0.port == maker.port }
    }
    if let common {
      return .init(
        .follows, "input \(port) changed: \(common.row.id).\(common.port)",
        instance: common.row.id)
    }
    func name(_ makers: [(row: RunRow, port: String)]) -> String {
      makers.first.map { "\($0.row.id).\($0.port)" } ?? outsideName(id, port) ?? "an outside file"
    }
    return .init(.input, "input \(port) now comes from \(name(now)), it came from \(name(then))")
  }

  private func evidence(_ old: RunRow, _ new: RunRow) -> RunCause {
    let ports = new.outputs.filter { output in
      !old.outputs.contains { $0.port == output.port && $0.reference == output.reference }
    }.map(\.port)
    let what = ports.isEmpty ? "" : " (\(ports.joined(separator: ", ")))"
    return .init(
      .evidence, "the same action gave different results\(what)", instance: new.id)
  }

  private func unique(_ causes: [RunCause]) -> [RunCause] {
    var seen: Set<RunCause> = []
    return causes.filter { seen.insert($0).inserted }
  }

  // MARK: Following

  /// An instance at which something differs that nothing before it explains.
  public struct Root: Sendable {
    public let id: String
    public let causes: [RunCause]
  }

  /// What made these instances differ, each cause once: instances in the order in which the second run
  /// has them, with the causes that lie in themselves.
  public func roots(of ids: [String]) -> [Root] {
    var seen = Set(ids)
    var rest = ids
    var found: [String: [RunCause]] = [:]
    while let id = rest.popLast() {
      let causes = causes(of: id)
      let own = causes.filter { $0.subject != .follows }
      if !own.isEmpty { found[id] = own }
      for cause in causes where cause.subject == .follows {
        if let next = cause.instance, seen.insert(next).inserted { rest.append(next) }
      }
    }
    return found.map { Root(id: $0.key, causes: $0.value) }.sorted {
      (new.position($0.id) ?? .max, $0.id) < (new.position($1.id) ?? .max, $1.id)
    }
  }

  /// What a cause looks like from near: lines that differ, hosts on which results were made. Empty
  /// where the cause says everything by itself.
  public func details(of cause: RunCause) -> [String] {
    if cause.subject == .evidence, let id = cause.instance, let pair = pair(id) {
      return evidenceDetails(pair)
    }
    guard let old = cause.old, let new = cause.new else { return [] }
    return contents.sentences(old, new, name: cause.name ?? "it")
  }

  private func evidenceDetails(_ pair: InstancePair) -> [String] {
    guard let old = pair.old, let new = pair.new else { return [] }
    var said: [String] = []
    let sides = [(self.old, old), (self.new, new)]
    let makers = sides.map { run, row in run.provenance(of: row, reader) }
    for ((run, _), maker) in zip(sides, makers) {
      said.append("\(run.shown): " + Self.text(ofProvenance: maker))
    }
    for output in new.outputs {
      guard let other = old.outputs.first(where: { $0.port == output.port }),
        other.reference != output.reference,
        let a = ObjectReference(other.reference), let b = ObjectReference(output.reference)
      else { continue }
      said += contents.sentences(a, b, name: output.port)
    }
    for (run, row) in sides where row.comparison == .differs {
      said += madeAgain(row, in: run)
    }
    return said
  }

  private static func text(ofProvenance maker: JSONValue?) -> String {
    let names = ["host", "cpu", "kernels", "threads", "version", "started"]
    let facts = names.compactMap { name -> String? in
      guard let value = maker?[name], value != .null else { return nil }
      return "\(name) \(value.string ?? value.canonicalText)"
    }
    return facts.isEmpty ? "no result says where it was made" : facts.joined(separator: ", ")
  }

  /// Results of the same action that lie beside the first one of its store.
  private func madeAgain(_ row: RunRow, in run: RecordedRun) -> [String] {
    guard let key = row.key.flatMap(Digest.init(hex:)) else { return [] }
    let all = reader.results(key).filter { $0.store.path == run.store.path }.map(\.result)
    guard let first = all.first else { return [] }
    var said: [String] = []
    for other in all.dropFirst().prefix(3) {
      said.append("made again: " + Self.text(ofProvenance: other.provenance))
      for (port, reference) in other.outputs {
        guard let before = first[port], before != reference else { continue }
        said += contents.sentences(before, reference, name: port)
      }
    }
    return said
  }
}
