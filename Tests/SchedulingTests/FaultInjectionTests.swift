// Faults at every system call: `strace` kills the engine at, or fails, each N-th write, link, rename,
// fsync, open and unlink of a run that publishes 22 results. Whatever happens, the store is clean
// afterwards, nothing finished is lost, and the next run succeeds.
//
// A sample runs with all tests; `make faults` (PLUMB_FAULT_POINTS) runs as many points as are asked for.

import ArtifactStore
import CLinux
import Foundation
import Glibc
import Testing

@testable import Scheduling

/// One fault: in which process, at which call, what.
private struct FaultPoint: CustomStringConvertible, Hashable {
  enum Target: Hashable {
    /// The scheduler, its threads and its workers: each of them at its own N-th call.
    case engine
    /// The worker of one instance.
    case worker(Int)
  }

  let target: Target
  let call: String
  let number: Int
  /// `signal=KILL` or `error=ENOSPC`.
  let fault: String

  var description: String { "\(target) \(call) \(number) \(fault)" }
}

@Suite(.serialized) struct FaultInjectionTests {
  private static let calls = [
    "write", "link", "linkat", "rename", "renameat2", "fsync", "openat", "unlink", "mkdir",
  ]
  private static let faults = [
    "signal=KILL", "error=ENOSPC", "error=EIO", "error=EDQUOT", "error=EEXIST",
  ]
  private static let results = 22
  private static let strace: String? = ["/usr/bin/strace", "/usr/local/bin/strace"].first {
    Glibc.access($0, X_OK) == 0
  }
  private static let wanted =
    ProcessInfo.processInfo.environment["PLUMB_FAULT_POINTS"].flatMap { Int($0) } ?? 6

  /// So that a long campaign can be cut into pieces.
  private static let first =
    ProcessInfo.processInfo.environment["PLUMB_FAULT_FROM"].flatMap { Int($0) } ?? 0

  /// A body that crashes must not be examined: the examiner would wait for strace, and strace for it.
  private static let quiet = ["SWIFT_BACKTRACE": "enable=no"]

  private static func laboratory() throws -> Laboratory {
    let lab = try Laboratory()
    try lab.describe(
      """
      pieces:
        uses: act
        matrix: {n: 1..3}
        with: {act: pieces, value: $(matrix.n)}
      sum:
        uses: act
        inputs: {from: "pieces[*].metrics"}
        with: {value: 1}
      """)
    return lab
  }

  /// Runs the pipeline under `strace` with some options.
  private static func run(
    _ lab: Laboratory, _ target: FaultPoint.Target, _ options: [String]
  ) async throws -> Int32 {
    let words = ["-f", "-qq", "--seccomp-bpf"] + options
    let run = ["run", lab.folder + "/lab.yaml", lab.storePath, lab.folder + "/stages"]
    let output = lab.folder + "/output"
    switch target {
    case .engine:
      let child = Child(
        strace!, words + [Laboratory.workerPath] + run, environment: quiet, output: output)
      // The runtime wakes its threads by writing to an eventfd, which cannot fail; where the fault hits
      // that, a thread sleeps for ever. Then it counts as a kill.
      for _ in 0..<500 {
        var ending = plumb_ending()
        if plumb_collect(child.pid, &ending) == 0, ending.ended {
          return ending.signal == 0 ? ending.exit_status : 128 + ending.signal
        }
        try await Task.sleep(for: .milliseconds(20))
      }
      let log = options.firstIndex(of: "-o").map { options[$0 + 1] } ?? ""
      let text = (try? String(contentsOfFile: log, encoding: .utf8)) ?? ""
      let lines = text.split(separator: "\n")
      let hit = Set(lines.filter { $0.contains("INJECTED") }.map { $0.prefix { $0 != " " } })
      let isWakeUp = lines.contains {
        $0.contains(#""\1\0\0\0\0\0\0\0", 8"#) && hit.contains($0.prefix { $0 != " " })
          && ($0.contains("INJECTED") || $0.contains("unfinished"))
      }
      if isWakeUp { engines(of: child.pid).forEach { kill($0, SIGKILL) } }
      return try await child.wait(seconds: 60)
    case .worker(let instance):
      let wrapper = lab.folder + "/wrapper"
      // -D: the worker stays the scheduler's child.
      try lab.write(
        """
        #!/bin/sh
        case "$3" in
        */orders/\(instance).json) exec \(strace!) -D \(words.joined(separator: " ")) "$@" ;;
        *) exec "$@" ;;
        esac
        """, to: "wrapper")
      chmod(wrapper, 0o755)
      let child = Child(
        Laboratory.workerPath, run,
        environment: quiet.merging(["TEST_WORKER_WRAPPER": wrapper]) { $1 }, output: output)
      return try await child.wait(seconds: 60)
    }
  }

  /// What a tracer started.
  private static func engines(of tracer: Int32) -> [Int32] {
    let path = "/proc/\(tracer)/task/\(tracer)/children"
    let text = (try? String(contentsOfFile: path, encoding: .utf8)) ?? ""
    return text.split(separator: " ").compactMap { Int32($0) }
  }

  /// How often each call is made, by the thread that makes it most often, and from where on it is about
  /// the store and no longer about libraries.
  private static func counts(
    _ target: FaultPoint.Target
  ) async throws -> [(call: String, range: ClosedRange<Int>)] {
    let lab = try laboratory()
    let log = lab.folder + "/strace.log"
    let code = try await run(
      lab, target, ["-o", log, "-e", "trace=" + calls.joined(separator: ",")])
    #expect(code == 0, "\(lab.output)")
    if case .worker = target { usleep(200_000) }
    var count: [String: [Substring: Int]] = [:]
    var first: [String: Int] = [:]
    for line in try String(contentsOfFile: log, encoding: .utf8).split(separator: "\n") {
      // "9330  openat(AT_FDCWD, …"
      let process = line.prefix { $0 != " " }
      let rest = line.dropFirst(process.count).drop { $0 == " " }
      guard let bracket = rest.firstIndex(of: "("), !rest.hasPrefix("<") else { continue }
      let call = String(rest[..<bracket])
      let number = (count[call]?[process] ?? 0) + 1
      count[call, default: [:]][process] = number
      if call != "openat" || line.contains(lab.folder) {
        first[call] = min(first[call] ?? .max, number)
      }
    }
    return calls.compactMap { call in
      guard let most = count[call]?.values.max(), let first = first[call] else { return nil }
      return (call, first...max(first, most))
    }
  }

  private static func points() async throws -> [FaultPoint] {
    var points: [FaultPoint] = []
    for target in [FaultPoint.Target.worker(1), .worker(3), .engine] {
      for (call, range) in try await counts(target) {
        for number in range {
          points += faults.map {
            FaultPoint(target: target, call: call, number: number, fault: $0)
          }
        }
      }
    }
    return points
  }

  /// What lies in `actions`, with its bytes.
  private static func published(_ lab: Laboratory) -> [String: Data] {
    let folder = lab.storePath + "/actions"
    var found: [String: Data] = [:]
    for case let name as String in FileManager.default.enumerator(atPath: folder) ?? .init() {
      if name.count == 67 {
        found[name] = FileManager.default.contents(atPath: folder + "/" + name)
      }
    }
    return found
  }

  /// - Returns: what is wrong.
  private static func check(_ point: FaultPoint) async throws -> String? {
    let lab = try laboratory()
    let options = [
      "-o", point.target == .engine ? lab.folder + "/strace.log" : "/dev/null", "-e",
      "trace=" + point.call, "-e",
      "inject=\(point.call):\(point.fault):when=\(point.number)",
    ]
    let code = try await run(lab, point.target, options)
    let before = published(lab)
    if FileManager.default.fileExists(atPath: lab.storePath + "/format") {
      let report = try lab.store().verify()
      if !report.isClean { return "after the fault (exit \(code)): \(report.problems)" }
    }
    let next = lab.startProcess()
    let nextCode = try await next.wait(seconds: 60)
    guard nextCode == 0 else { return "the next run ends with \(nextCode): \(lab.output)" }
    let after = published(lab)
    for (name, bytes) in before where after[name] != bytes { return "lost: \(name)" }
    guard after.count == results else { return "\(after.count) results" }
    let report = try lab.store().verify()
    if !report.isClean || report.evidence > 0 { return "after the next run: \(report.problems)" }
    for area in ["leases", "tmp", "quarantine"] {
      let left =
        (try? FileManager.default.contentsOfDirectory(atPath: lab.storePath + "/" + area)) ?? []
      if !left.isEmpty { return "left in \(area): \(left)" }
    }
    return nil
  }

  @Test(
    .enabled(if: strace != nil, "strace is not installed"),
    .timeLimit(.minutes(240)))
  func nothingIsLostAtAnyCall() async throws {
    var all = try await Self.points()
    try #require(all.count > 500)
    // The same sample each time, spread over everything.
    all.sort { Digest.of($0.description) < Digest.of($1.description) }
    let points = all.dropFirst(Self.first).prefix(Self.wanted)
    let begin = Date()
    try await withThrowingTaskGroup(of: String?.self) { group in
      var waiting = points.makeIterator()
      func start() {
        guard let point = waiting.next() else { return }
        group.addTask {
          do {
            return try await Self.check(point).map { "\(point): \($0)" }
          } catch {
            return "\(point): \(error)"
          }
        }
      }
      for _ in 0..<2 { start() }
      var done = 0
      while let problem = try await group.next() {
        done += 1
        if let problem { Issue.record("\(problem)") }
        if done % 100 == 0 { print("\(done) of \(points.count) points") }
        start()
      }
    }
    let seconds = Int(Date().timeIntervalSince(begin))
    print("\(points.count) of \(all.count) points of failure tried in \(seconds) s")
  }
}
