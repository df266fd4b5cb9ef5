// Following a run from another process: its events.jsonl read back as events, and whether its scheduler
// still lives. Used by `plumb attach`.

import ArtifactStore
import CanonicalJSON
import Diagnostics
import Foundation
import Glibc
import Pipelines

/// Reads what a run has written, again and again, until its last event.
public final class RunFollower {
  public let folder: String
  private let tail: EventsTail
  private var indices: [String: Int] = [:]
  private var progressSeen: [String: Progress] = [:]
  public private(set) var hasEnded = false

  public init(folder: String) {
    self.folder = folder
    tail = EventsTail(folder + "/events.jsonl")
  }

  /// What has happened since the last call; progress comes from `progress.json`, which only detached
  /// runs keep.
  public func events() -> [RunEvent] {
    if indices.isEmpty, let report = try? RunReport(readingRunFolder: folder) {
      for row in report.rows { indices[row.id] = row.instance }
    }
    var events: [RunEvent] = []
    while true {
      let lines = tail.read()
      for line in lines {
        guard let json = line.withUnsafeBufferPointer({ try? JSONValue(parsing: $0) }) else {
          continue
        }
        if json["event"]?.string == "ended" { hasEnded = true }
        if let event = RunEvent(readingBack: json, indices: indices) { events.append(event) }
      }
      if lines.isEmpty { break }
    }
    return hasEnded ? events : events + progress()
  }

  private func progress() -> [RunEvent] {
    let path = folder + "/" + ProgressFile.name
    guard let bytes = FileManager.default.contents(atPath: path),
      let json = [UInt8](bytes).withUnsafeBufferPointer({ try? JSONValue(parsing: $0) })
    else { return [] }
    var events: [RunEvent] = []
    for member in json.object?.members ?? [] {
      guard let index = indices[member.key], let progress = Progress(member.value),
        progressSeen[member.key] != progress
      else { continue }
      progressSeen[member.key] = progress
      events.append(
        .progress(instance: index, id: InstanceID(asWritten: member.key), progress))
    }
    return events
  }
}

/// The process that drives a run.
public struct RunController: Sendable {
  public let pid: Int32
  public let host: String
  /// Its name in the store's `live/`.
  private let live: String

  static let fileName = "controller.json"

  static func write(into folder: String, live: String) {
    let json: JSONValue = .object([
      "pid": .integer(Int(getpid())), "host": .string(Machine.host), "live": .string(live),
    ])
    try? writeFile(folder + "/" + fileName, json.canonicalBytes) {
      .runFolderUnwritable(folder, reason: $0)
    }
  }

  /// nil for runs of older programs.
  public init?(ofRunFolder folder: String) {
    guard let bytes = FileManager.default.contents(atPath: folder + "/" + Self.fileName),
      let json = [UInt8](bytes).withUnsafeBufferPointer({ try? JSONValue(parsing: $0) }),
      let pid = json["pid"]?.integer, let live = json["live"]?.string
    else { return nil }
    self.pid = Int32(clamping: pid)
    self.host = json["host"]?.string ?? ""
    self.live = live
  }

  public var isHere: Bool { host == Machine.host }
  public func isAlive(in store: Store) -> Bool { store.isLive(run: live) }
}

/// Keeps the newest progress of each running instance in the run's folder, once a second at most.
public final class ProgressFile: RunObserver, @unchecked Sendable {
  // Safe: what changes is touched on `queue` only.
  static let name = "progress.json"

  private let queue = DispatchQueue(label: "plumb.progress")
  private var folder: String?
  private var newest: [String: Progress] = [:]
  private var isWaiting = false

  public init() {}

  public func receive(_ event: RunEvent) {
    queue.async { self.note(event) }
  }

  private func note(_ event: RunEvent) {
    switch event {
    case .started(_, let folder, _, _, _): self.folder = folder
    case .progress(_, let id, let progress): newest[id.description] = progress
    case .finished(let row): newest[row.id] = nil
    default: return
    }
    guard !isWaiting else { return }
    isWaiting = true
    queue.asyncAfter(deadline: .now() + 1) { self.write() }
  }

  private func write() {
    isWaiting = false
    guard let folder else { return }
    let json = JSONValue.object(
      JSONObject(newest.sorted { bytesPrecede($0.key, $1.key) }.map { ($0.key, $0.value.json) }))
    try? writeFile(folder + "/" + Self.name, json.canonicalBytes) {
      .runFolderUnwritable(folder, reason: $0)
    }
  }
}

extension InstanceID {
  /// Only its text is known.
  fileprivate init(asWritten text: String) { self.init(stage: text, coordinates: .none) }
}

extension RunEvent {
  /// A line of events.jsonl. Of a decision only its reasons come back, of `ended` nothing: run.json
  /// holds that.
  ///
  /// - Parameter indices: of instances, by their ids.
  init?(readingBack json: JSONValue, indices: [String: Int]) {
    let text = json["instance"]?.string ?? ""
    let id = InstanceID(asWritten: text)
    let index = indices[text]
    func problem(_ consequence: Diagnostic.Severity) -> Diagnostic {
      Diagnostic(
        json["id"]?.string ?? "unknown", json["message"]?.string ?? "", severity: consequence)
    }
    switch (json["event"]?.string, index) {
    case ("started", _):
      self = .started(
        run: json["run"]?.string ?? "", folder: json["folder"]?.string ?? "",
        pipeline: json["pipeline"]?.string ?? "", instances: json["instances"]?.integer ?? 0,
        threads: json["threads"]?.integer ?? 1)
    case ("decided", let index?):
      self = .decided(
        Decision(
          instance: index, id: id, record: nil, verdict: .run,
          reasons: json["reasons"]?.array?.compactMap(\.string) ?? []))
    case ("submitted", let index?):
      self = .submitted(
        instance: index, id: id, job: json["job"]?.string ?? "",
        isAdopted: json["adopted"]?.boolean ?? false)
    case ("launched", let index?):
      self = .launched(
        instance: index, id: id, pid: Int32(clamping: json["pid"]?.integer ?? 0),
        threads: json["threads"]?.integer ?? 1, log: json["log"]?.string ?? "")
    case ("retrying", let index?):
      self = .retrying(
        instance: index, id: id, attempt: json["attempt"]?.integer ?? 2,
        of: json["of"]?.integer ?? 2, pause: json["pause"]?.double ?? 0, problem(.error))
    case ("waiting", let index?):
      self = .waiting(instance: index, id: id, holder: json["holder"]?.string ?? "")
    case ("finished", _):
      guard let row = json["row"].flatMap(RunRow.init) else { return nil }
      self = .finished(row)
    case ("warning", _): self = .warning(problem(.warning))
    case ("stopping", _):
      self = .stopping(
        signal: Int32(clamping: json["signal"]?.integer ?? 0), grace: json["grace"]?.double ?? 0,
        workers: json["workers"]?.integer ?? 0)
    default: return nil
    }
  }
}
