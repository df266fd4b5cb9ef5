// A run as a trace for Perfetto or chrome://tracing: one track for each worker slot, complete events for
// instances, waiting and decisions beside them. Made from what the run recorded (events.jsonl, else
// run.json), so that a run that goes on, was stopped or killed gives the same kind of file.
//
// **Source**: "Trace Event Format", the Chromium project: times in microseconds, `X` complete events,
// `i` instants, `b`/`e` spans that may overlap, `C` counters, `M` names.

import CanonicalJSON
import Diagnostics
import Foundation
import Scheduling

public struct RunTrace {
  private struct Open {
    var slot: Int
    var start: Double
    var threads: Int
    var attempt: Int
  }

  private enum Counter: String {
    case queued = "ready, waiting for threads or memory"
    case threads = "threads in use"
  }

  private var events: [JSONValue] = []
  private var open: [String: Open] = [:]
  private var slots: [String?] = []
  private var attempts: [String: Int] = [:]
  private var decided: [String: (time: Double, word: String, reasons: JSONValue, key: JSONValue)] =
    [:]
  private var waits: [String: Int] = [:]
  private var waitCount = 0
  private var counts: [Counter: Int] = [:]
  private var last = 0.0
  private var pipeline: String
  private let run: String
  /// Lines that could not be read.
  public private(set) var damagedLines = 0

  /// The trace of a run folder.
  ///
  /// **Throws**: `run-record-unreadable` where there is neither a record nor an event.
  public init(runFolder: String) throws(Diagnostic) {
    let report = Result { () throws(Diagnostic) in try RunReport(readingRunFolder: runFolder) }
    run = (runFolder as NSString).lastPathComponent
    pipeline = (try? report.get().pipeline) ?? ""
    let path = runFolder + "/events.jsonl"
    let text = FileManager.default.contents(atPath: path) ?? Data()
    if text.isEmpty {
      let report = try report.get()
      for event in Self.events(of: report) { receive(event.time, event.json) }
    } else {
      read(text)
    }
    finish()
  }

  private mutating func read(_ text: Data) {
    text.withUnsafeBytes { bytes in
      for line in bytes.split(separator: 0x0A) {
        let part = UnsafeRawBufferPointer(rebasing: line).bindMemory(to: UInt8.self)
        guard let json = try? JSONValue(parsing: part), let time = json["time"]?.double,
          time.isFinite, time >= 0, json["event"]?.string != nil
        else {
          damagedLines += 1
          continue
        }
        receive(time, json)
      }
    }
  }

  /// A run whose events are gone, from its rows: what it did not record is not there.
  private static func events(of report: RunReport) -> [(time: Double, json: JSONValue)] {
    var events: [(time: Double, json: JSONValue)] = []
    for row in report.rows {
      if let launched = row.launched {
        events.append(
          (
            launched,
            .object([
              "event": "launched", "instance": .string(row.id),
              "threads": .integer(row.threads ?? 1),
            ])
          ))
        guard row.ended != nil || row.seconds != nil else { continue }
      }
      let end = row.ended ?? ((row.launched ?? 0) + (row.seconds ?? 0))
      events.append((end, .object(["event": "finished", "row": row.json])))
    }
    // An end comes before a start at the same moment, except its own.
    return events.enumerated().sorted {
      ($0.element.time, $0.offset) < ($1.element.time, $1.offset)
    }
    .map(\.element)
  }

  // MARK: Events

  private mutating func receive(_ time: Double, _ json: JSONValue) {
    last = max(last, time)
    let id = json["instance"]?.string ?? ""
    switch json["event"]?.string {
    case "started": pipeline = json["pipeline"]?.string ?? pipeline
    case "decided": decided(id, time, json)
    case "launched": launched(id, time, threads: json["threads"]?.integer ?? 1)
    case "waiting": waiting(id, time, json)
    case "submitted":
      instant(
        "submitted \(id)", time, track: 0,
        args: ["instance": .string(id), "job": json["job"] ?? .null])
    case "retrying":
      close(id, time, row: nil, outcome: "failed, runs again", message: json["message"])
    case "finished":
      guard let row = json["row"] else { return }
      finished(time, row)
    case "stopping":
      instant("stopping", time, track: 0, args: ["signal": json["signal"] ?? .null])
    case "warning":
      instant("warning", time, track: 0, args: ["message": json["message"] ?? .null])
    default: break
    }
  }

  private mutating func decided(_ id: String, _ time: Double, _ json: JSONValue) {
    let word = json["decision"]?.string ?? ""
    decided[id] = (time, word, json["reasons"] ?? .array([]), json["key"] ?? .null)
    instant(
      "\(word) \(id)", time, track: 0,
      args: [
        "instance": .string(id), "decision": .string(word), "key": json["key"] ?? .null,
        "reasons": json["reasons"] ?? .array([]),
      ])
    if word == "run" { count(.queued, 1, time) }
  }

  private mutating func launched(_ id: String, _ time: Double, threads wanted: Int) {
    // Launched twice without a word between them: the first attempt ended here.
    close(id, time, row: nil, outcome: "ended", message: nil)
    endWait(id, time)
    if attempts[id] == nil, decided[id]?.word == "run" {
      count(.queued, -1, time)
    }
    attempts[id, default: 0] += 1
    let slot = slots.firstIndex { $0 == nil } ?? slots.count
    if slot == slots.count { slots.append(id) } else { slots[slot] = id }
    open[id] = Open(slot: slot, start: time, threads: wanted, attempt: attempts[id]!)
    count(.threads, wanted, time)
  }

  private mutating func finished(_ time: Double, _ row: JSONValue) {
    guard let id = row["id"]?.string else { return }
    endWait(id, time)
    if open[id] == nil, attempts[id] == nil, decided[id]?.word == "run" {
      count(.queued, -1, time)
    }
    // The worker's own end; the store was asked for its word after it.
    let end = open[id].map { max($0.start, min(time, row["ended"]?.double ?? time)) } ?? time
    close(id, end, row: row, outcome: row["outcome"]?.string ?? "ended", message: nil)
  }

  private mutating func close(
    _ id: String, _ time: Double, row: JSONValue?, outcome: String, message: JSONValue?
  ) {
    guard let running = open.removeValue(forKey: id) else { return }
    slots[running.slot] = nil
    var args: [(String, JSONValue)] = [
      ("outcome", .string(outcome)), ("threads", .integer(running.threads)),
    ]
    if running.attempt > 1 { args.append(("attempt", .integer(running.attempt))) }
    if let known = decided[id] {
      args += [("decision", .string(known.word)), ("reasons", known.reasons), ("key", known.key)]
      if running.attempt == 1 {
        args.append(("waited_seconds", .number(Self.milli(running.start - known.time))))
      }
    }
    for name in ["peak_memory", "cpu_seconds", "comparison"] {
      if let value = row?[name] { args.append((name, value)) }
    }
    if let text = message ?? row?["failure"]?["message"] { args.append(("message", text)) }
    add(
      name: id, phase: "X", time: running.start, track: running.slot + 1,
      more: [
        ("dur", .number(Self.micro(time - running.start))),
        ("cat", .string(row?["kind"]?.string ?? "stage")), ("args", .object(JSONObject(args))),
      ])
    count(.threads, -running.threads, time)
  }

  private mutating func waiting(_ id: String, _ time: Double, _ json: JSONValue) {
    // The worker that met the other run's lease has ended.
    close(id, time, row: nil, outcome: "waits for another run", message: nil)
    guard waits[id] == nil else { return }
    waitCount += 1
    waits[id] = waitCount
    wait("b", id, waitCount, time, args: ["holder": json["holder"] ?? .null])
  }

  private mutating func endWait(_ id: String, _ time: Double) {
    guard let number = waits.removeValue(forKey: id) else { return }
    wait("e", id, number, time, args: [:])
  }

  private mutating func wait(
    _ phase: String, _ id: String, _ number: Int, _ time: Double,
    args: KeyValuePairs<String, JSONValue>
  ) {
    add(
      name: "\(id) waits for another run", phase: phase, time: time, track: 0,
      more: [("cat", "lease"), ("id", .integer(number)), ("args", .object(args))])
  }

  /// Whatever was going on when the record ends, ends there.
  private mutating func finish() {
    for id in open.keys.sorted() {
      close(id, last, row: nil, outcome: "was running at the end of the record", message: nil)
    }
    for id in waits.keys.sorted() { endWait(id, last) }
  }

  // MARK: Writing

  private static func micro(_ seconds: Double) -> Double { (max(0, seconds) * 1e6).rounded() }
  private static func milli(_ seconds: Double) -> Double { (max(0, seconds) * 1e3).rounded() / 1e3 }

  private mutating func add(
    name: String, phase: String, time: Double, track: Int, more: [(String, JSONValue)]
  ) {
    let common: [(String, JSONValue)] = [
      ("name", .string(name)), ("ph", .string(phase)), ("ts", .number(Self.micro(time))),
      ("pid", 1), ("tid", .integer(track)),
    ]
    events.append(.object(JSONObject(common + more)))
  }

  private mutating func instant(
    _ name: String, _ time: Double, track: Int, args: KeyValuePairs<String, JSONValue>
  ) {
    add(
      name: name, phase: "i", time: time, track: track,
      more: [("s", "t"), ("cat", "scheduler"), ("args", .object(args))])
  }

  private mutating func count(_ counter: Counter, _ change: Int, _ time: Double) {
    counts[counter, default: 0] += change
    add(
      name: counter.rawValue, phase: "C", time: time, track: 0,
      more: [("args", .object(["count": .integer(counts[counter]!)]))])
  }

  /// The whole trace, one event a line.
  public var text: String {
    func name(_ what: String, _ track: Int, _ text: String) -> JSONValue {
      .object([
        "name": .string(what), "ph": "M", "pid": 1, "tid": .integer(track),
        "args": .object(["name": .string(text)]),
      ])
    }
    var all = [
      name("process_name", 0, "plumb \(pipeline) \(run)"), name("thread_name", 0, "scheduler"),
    ]
    for slot in slots.indices { all.append(name("thread_name", slot + 1, "worker \(slot + 1)")) }
    all += events
    let lines = all.map(\.canonicalText).joined(separator: ",\n")
    let other = JSONValue.object([
      "run": .string(run), "damaged_lines": .integer(damagedLines),
    ])
    return
      "{\"displayTimeUnit\":\"ms\",\"otherData\":\(other.canonicalText),\"traceEvents\":[\n\(lines)\n]}\n"
  }
}
