// Real processes that end in every way a process can, and schedulers that are stopped or killed.

import ArtifactStore
import Foundation
import Glibc
import Pipelines
import Testing

@testable import Scheduling

@Suite(.serialized) struct WorkerProcessTests {
  static func lab(_ act: String, more: String = "") throws -> Laboratory {
    let lab = try Laboratory()
    try lab.describe("one: {uses: act, with: {tag: one, act: \(act)\(more)}}")
    return lab
  }

  /// Bad end → cause, diagnostic id, a word of the message, line of the manifest.
  @Test(arguments: [
    ("abort", RunFailure.Cause.signal, "worker-crashed", "SIGABRT"),
    ("trap", .signal, "worker-crashed", "precondition"),
    ("exit", .exit, "worker-exited", "status 17"),
    ("fail", .diagnostic, "test-failure", "one: the value is wrong"),
    ("silent", .diagnostic, "output-missing", "exactly the file 'metrics.json'"),
    ("extra", .diagnostic, "output-missing", "'more.txt'"),
  ])
  func badEndsAreToldApart(
    act: String, cause: RunFailure.Cause, id: String, word: String
  ) throws {
    let lab = try Self.lab(act)
    let report = try lab.run()
    #expect(report.exitCode == 1)
    let failure = try #require(report.row("one")?.failure)
    #expect(failure.cause == cause)
    #expect(failure.problem.id == id)
    #expect(failure.problem.message.contains(word), "\(failure.problem.message)")
    #expect(failure.problem.span?.start.line == 4)
    #expect(failure.log.map { FileManager.default.fileExists(atPath: $0) } == true)
    let key = try #require(report.row("one")?.key.flatMap(Digest.init(hex:)))
    guard case .miss = try lab.store().lookUp(key) else {
      Issue.record("half a result")
      return
    }
  }

  @Test func aDiagnosticPointsAtTheParameterAndTheInput() throws {
    let lab = try Laboratory()
    try lab.describe(
      """
      source: {uses: act, with: {tag: source}}
      one:
        uses: act
        inputs:
          from: source.metrics
        with:
          act: blame
      """)
    let input = try #require(try lab.run().row("one")?.failure)
    #expect(input.problem.span?.start.line == 8)
    try lab.describe(
      """
      one:
        uses: act
        with:
          act: fail
          value: 3
      """)
    let parameter = try #require(try lab.run().row("one")?.failure)
    #expect(parameter.problem.span?.start.line == 8)
    #expect(parameter.problem.help == "choose another")
    #expect(parameter.logTail.contains("about to fail"))
    #expect(!parameter.logTail.contains { $0.contains(" | ") }, "\(parameter.logTail)")
  }

  @Test func theReportHoldsTheLastTwentyLines() throws {
    let lab = try Laboratory()
    try lab.describe(
      """
      one: {uses: act, with: {tag: one, act: talk}}
      """)
    let report = try lab.run()
    let log = try #require(report.row("one")?.log)
    #expect(LogTail.lines(ofLogAt: log) == (31...50).map { "line \($0)" })
  }

  @Test func aKilledWorkerFailsItsStageOnly() throws {
    let lab = try Self.lab("\"\"", more: ", seconds: 30")
    let report = try lab.run(
      EventLog { event in
        if case .launched(_, _, let pid, _, _) = event { kill(pid, SIGKILL) }
      })
    let failure = try #require(report.row("one")?.failure)
    #expect(failure.problem.id == "worker-killed")
    #expect(failure.problem.message.contains("SIGKILL"))
    // The next run takes the dead worker's lease over at once.
    try lab.describe("one: {uses: act, with: {tag: one, act: \"\", seconds: 0}}")
    try lab.step("next", expecting: [.produced("one")])
  }

  @Test func aDeadWorkersLeaseIsTakenOver() throws {
    let lab = try Self.lab("\"\"", more: ", seconds: 0.3")
    _ = try lab.run(
      EventLog { event in
        guard case .launched(_, _, let pid, _, _) = event else { return }
        usleep(150_000)
        kill(pid, SIGKILL)
      })
    let started = ContinuousClock.now
    try lab.step("next", expecting: [.produced("one", because: "it failed last time")])
    #expect(started.duration(to: .now) < .seconds(5))
  }

  @Test func memoryOverTheLimitEndsTheWorker() throws {
    let lab = try Laboratory()
    try lab.describe(
      "one: {uses: act, resources: {memory: 100MiB}, with: {tag: one, act: allocate}}")
    let report = try lab.run()
    let failure = try #require(report.row("one")?.failure)
    #expect(failure.cause == .memoryLimit)
    #expect(failure.problem.message.contains("100 MiB"))
    #expect((report.row("one")?.peakMemory ?? 0) > 100 << 20)
  }

  @Test(arguments: ["close", "babble", "progress"])
  func whatAWorkerDoesToItsEventsHarmsNothing(act: String) throws {
    let lab = try Self.lab(act)
    let log = EventLog()
    let report = try lab.run(log)
    #expect(report.row("one")?.outcome == .produced, "\(report.rows)")
    if act == "progress" {
      let steps = log.events.compactMap { event -> Int? in
        if case .progress(_, _, let progress) = event { progress.step } else { nil }
      }
      #expect(steps.last == 5)
    }
  }

  @Test func stoppingLetsABodySaveItsCheckpoint() throws {
    let lab = try Self.lab("patient")
    let scheduler = try lab.scheduler()
    whenRunning(lab) {
      usleep(100_000)
      scheduler.stop(signal: SIGINT)
    }
    let report = try scheduler.run()
    #expect(report.outcome == .interrupted)
    #expect(report.exitCode == 130)
    #expect(report.row("one")?.outcome == .interrupted)
    // The resume folder survived, so the second time it goes on; afterwards it is gone.
    try lab.step("resume", expecting: [.produced("one", because: "it was stopped last time")])
    let key = try #require(report.row("one")?.key)
    let work = lab.storePath + "/work/" + key.prefix(2) + "/" + key
    #expect(!FileManager.default.fileExists(atPath: String(work)))
  }

  @Test func aWorkerThatDoesNotListenIsKilledAfterTheGrace() throws {
    let lab = try Self.lab("hang")
    let scheduler = try lab.scheduler { $0.grace = 0.3 }
    whenRunning(lab) {
      scheduler.stop(signal: SIGTERM)
    }
    let started = ContinuousClock.now
    let report = try scheduler.run()
    #expect(report.exitCode == 143)
    #expect(report.row("one")?.outcome == .interrupted)
    #expect(started.duration(to: .now) < .seconds(6))
  }

  @Test func theSecondStopIsAtOnce() throws {
    let lab = try Self.lab("hang")
    let scheduler = try lab.scheduler { $0.grace = 60 }
    whenRunning(lab) {
      scheduler.stop()
      scheduler.stop()
    }
    let started = ContinuousClock.now
    #expect(try scheduler.run().row("one")?.outcome == .interrupted)
    #expect(started.duration(to: .now) < .seconds(6))
  }

  @Test func aRealCtrlCEndsARealRun() async throws {
    let lab = try Laboratory()
    try lab.describe(
      """
      quick: {uses: act, with: {tag: quick}}
      slow: {uses: act, inputs: {from: quick.metrics}, with: {tag: slow, seconds: 30}}
      """)
    let child = lab.startProcess()
    try await eventually("the slow stage runs") { lab.ran == ["quick", "slow"] }
    kill(child.pid, SIGINT)
    #expect(try await child.wait() == 130)
    #expect(lab.output.contains("produced 1"))
    let run = try #require(try lab.store().runs().first)
    #expect(try RunReport(readingRunFolder: run.path).outcome == .interrupted)
  }

  @Test func aKilledSchedulerLeavesNoOrphanAndNothingHalf() async throws {
    let lab = try Laboratory()
    try lab.describe(
      """
      quick: {uses: act, with: {tag: quick}}
      slow: {uses: act, inputs: {from: quick.metrics}, with: {tag: slow, act: hang}}
      """)
    let child = lab.startProcess()
    try await eventually("the slow stage runs") { lab.ran == ["quick", "slow"] }
    let worker = try #require(workers(of: child.pid).first)
    kill(child.pid, SIGKILL)
    #expect(try await child.wait() == 137)
    try await eventually("the worker ends") { kill(worker, 0) != 0 }
    #expect(try lab.store().verify().isClean)
    try lab.describe("quick: {uses: act, with: {tag: quick}}")
    try lab.step("finished work is not redone", expecting: [.reused("quick")])
  }

  @Test func aSecondRunWaitsAndReuses() async throws {
    let lab = try Laboratory()
    try lab.describe("one: {uses: act, with: {tag: one, seconds: 1}}")
    let child = lab.startProcess()
    try await eventually("the first run works") { lab.ran == ["one"] }
    let log = EventLog()
    let report = try lab.run(log)
    #expect(report.row("one")?.outcome == .reused)
    #expect(lab.ran == ["one"], "made once")
    #expect(
      log.events.contains { if case .waiting = $0 { true } else { false } },
      "the second run said that it waits")
    #expect(try await child.wait() == 0)
  }

  @Test func aWaitingRunTakesOverWhenTheFirstIsKilled() async throws {
    let lab = try Laboratory()
    try lab.describe("one: {uses: act, with: {tag: one, act: patient}}")
    let child = lab.startProcess()
    try await eventually("the first run works") { lab.ran == ["one"] }
    let worker = try #require(workers(of: child.pid).first)
    let report = try lab.run(
      EventLog { event in
        if case .waiting = event {
          kill(worker, SIGTERM)
        }
      })
    #expect(report.row("one")?.outcome == .produced)
    #expect(lab.ran == ["one", "one"], "it resumed what the first one had saved")
    _ = try await child.wait()
  }

  @Test func aProgramThatIsNotThereFailsTheStage() throws {
    let lab = try Self.lab("\"\"")
    let report = try lab.run(nil) { $0.worker.path = "/nonexistent/plumb" }
    #expect(report.row("one")?.failure?.cause == .launch)
    #expect(report.row("one")?.failure?.problem.id == "worker-not-started")
  }

  @Test func aRunOfManyReusedInstancesIsQuick() throws {
    let lab = try Laboratory()
    // Two hundred instances of one key: one worker makes them all.
    try lab.describe(
      """
      one: {uses: act, matrix: {n: 1..200}, with: {tag: one}}
      """)
    _ = try lab.run()
    #expect(lab.ran == ["one"])
    let started = ContinuousClock.now
    let report = try lab.run()
    #expect(report.reused == 200)
    #expect(started.duration(to: .now) < .seconds(3), "debug build; half a second in release")
  }

  /// On a thread of its own: `run()` blocks the test's.
  private func whenRunning(_ lab: Laboratory, _ action: @escaping @Sendable () -> Void) {
    Thread.detachNewThread {
      while lab.ran.isEmpty { usleep(10_000) }
      action()
    }
  }

  /// Children of a process that carry out orders.
  private func workers(of parent: Int32) -> [Int32] {
    let entries = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return entries.compactMap(Int32.init).filter { pid in
      guard let stat = try? String(contentsOfFile: "/proc/\(pid)/stat", encoding: .utf8),
        let tail = stat.split(separator: ")").last
      else { return false }
      let fields = tail.split(separator: " ")
      return fields.count > 1 && Int32(fields[1]) == parent
    }
  }
}
