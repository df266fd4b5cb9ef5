// Runs on a cluster of scripts (FakeCluster.swift) that loses answers, nodes and patience.

import Diagnostics
import Foundation
import Glibc
import Pipelines
import Slurm
import Synchronization
import Testing

@testable import Scheduling

@Suite struct SlurmExecutorTests {
  let lab: Laboratory
  let cluster: FakeCluster

  init() throws {
    lab = try Laboratory()
    cluster = try FakeCluster()
  }

  @discardableResult
  private func run(
    _ log: EventLog? = nil, _ change: (inout RunOptions.SlurmOptions) -> Void = { _ in }
  ) async throws -> RunReport {
    let slurm = lab.slurm(cluster, change)
    let scheduler = try lab.scheduler(log) {
      $0.executor = .slurm(slurm)
      $0.threads = 1
    }
    return try await Self.wait(for: scheduler)
  }

  /// A run blocks, and tests share few threads.
  private static func wait(for scheduler: Scheduler) async throws -> RunReport {
    try await withCheckedThrowingContinuation { continuation in
      Thread.detachNewThread {
        continuation.resume(with: Result { try scheduler.run() })
      }
    }
  }

  /// Runs from this moment on, on a thread of its own: a child task would wait for a place in the pool,
  /// which other tests may hold for long.
  private static func start(_ scheduler: Scheduler) -> AsyncThrowingStream<RunReport, any Error> {
    AsyncThrowingStream { continuation in
      Thread.detachNewThread {
        do {
          continuation.yield(try scheduler.run())
          continuation.finish()
        } catch {
          continuation.finish(throwing: error)
        }
      }
    }
  }

  private static func end(
    _ running: AsyncThrowingStream<RunReport, any Error>
  ) async throws -> RunReport {
    var reports = running.makeAsyncIterator()
    return try #require(try await reports.next())
  }

  /// Lets bodies go on that wait for the test.
  private func go() throws { try lab.write("", to: "count.go") }

  private static let fan = """
    base: {uses: act, with: {tag: base, value: 1}}
    wide: {uses: act, matrix: {n: 1..4}, inputs: {from: [base.metrics]}, with: {tag: wide, value: $(matrix.n)}}
    sum: {uses: act, inputs: {from: ["wide[*].metrics"]}, with: {tag: sum}}
    """

  @Test func instancesThatBecomeReadyTogetherAreOneArray() async throws {
    try lab.describe(Self.fan)
    let log = EventLog()
    let report = try await run(log)
    #expect(
      report.outcome == .succeeded, "\(report.rows.map { $0.failure?.problem.message ?? "" })")
    #expect(report.produced == 6)
    #expect(cluster.submissions.count == 3, "\(cluster.submissions)")
    #expect(cluster.submissions[1].contains("--array=0-3"))
    #expect(!cluster.submissions[0].contains("--array"))
    #expect(lab.ran.count == 6)
    #expect(report.row("wide[n=2]")?.job?.hasPrefix("2_") == true)
    #expect(report.row("base")?.seconds != nil)
    #expect(report.rows.allSatisfy { ($0.peakMemory ?? 0) > 0 })
    let words = log.events.map { $0.json["event"]?.string ?? "" }
    #expect(words.count { $0 == "submitted" } == 6)
    #expect(words.count { $0 == "launched" } == 6)
    let left = try FileManager.default.contentsOfDirectory(atPath: lab.storePath + "/jobs")
    #expect(left == [], "notes about jobs that have ended go")
    // The same keys, whatever made them.
    #expect(try lab.run().reused == 6)
  }

  @Test func resultsAreThoseOfLocalRuns() async throws {
    try lab.describe(Self.fan)
    let far = try await run()
    let other = try Laboratory()
    try other.describe(Self.fan)
    let near = try other.run()
    #expect(
      far.rows.map { $0.outputs.map(\.reference) } == near.rows.map { $0.outputs.map(\.reference) })
    #expect(far.rows.map(\.key) == near.rows.map(\.key))
  }

  @Test func resourcesAndSettingsReachTheCluster() async throws {
    let manifest = """
      version: 1
      name: lab
      params: {queue: short}
      slurm: {partition: $(params.queue), account: lab, extra: [--nice=5]}
      stages:
        a:
          uses: act
          with: {tag: a}
          resources: {threads: 3, memory: 100MiB, time: 10m}
          slurm: {partition: gpu, gres: "gpu:1", extra: [--exclusive]}
        b: {uses: act, with: {tag: b}}
      """
    try lab.write(manifest, to: "lab.yaml")
    try await run()
    let a = try #require(cluster.submissions.first { $0.contains("--cpus-per-task=3") })
    for word in [
      "--mem=100M", "--time=11", "--partition=gpu", "--account=lab", "--gres=gpu:1", "--nice=5",
      "--exclusive",
    ] { #expect(a.contains(word), "\(word) in \(a)") }
    let b = try #require(cluster.submissions.first { $0.contains("--cpus-per-task=1") })
    #expect(b.contains("--partition=short") && !b.contains("--mem") && !b.contains("--exclusive"))
  }

  @Test func jobsAreLimitedAndSplit() async throws {
    try lab.describe("wide: {uses: act, matrix: {n: 1..7}, with: {tag: x, value: $(matrix.n)}}")
    try cluster.be("array", "3")
    try await run { $0.jobs = 5 }
    #expect(lab.ran.count == 7)
    let sizes = cluster.submissions.map { line in
      line.firstMatch(of: /--array=0-(\d+)/).map { Int($0.1)! + 1 } ?? 1
    }
    #expect(sizes.allSatisfy { $0 <= 3 }, "\(sizes)")
    #expect(sizes.prefix(2).reduce(0, +) == 5, "\(sizes)")
  }

  // MARK: Lost answers

  @Test(arguments: ["lose", "garble", "crash"])
  func aLostAnswerSubmitsNothingTwice(mood: String) async throws {
    try lab.describe(
      "a: {uses: act, matrix: {n: 1..3}, with: {tag: a, value: $(matrix.n), seconds: 1.0}}")
    try cluster.be(mood)
    let report = try await run { $0.commandTime = 3 }
    #expect(report.outcome == .succeeded)
    #expect(cluster.submissions.count == 1, "\(cluster.submissions)")
    #expect(lab.ran.count == 3)
  }

  /// The job was there, ran, and was forgotten before the first look.
  @Test func aLostAnswerOfAQuickJobIsMadeUpForByTheStore() async throws {
    try lab.describe("a: {uses: act, with: {tag: a}}")
    try cluster.be("lose")
    try cluster.be("forget")
    let report = try await run { $0.commandTime = 3 }
    #expect(report.outcome == .succeeded)
    #expect(lab.ran == ["a"])
    #expect(cluster.submissions.count == 1)
  }

  @Test func aClusterThatIsAwayIsWaitedFor() async throws {
    try lab.describe("a: {uses: act, with: {tag: a, seconds: 0.2}}")
    try cluster.be("down")
    let log = EventLog { [cluster] event in
      if case .warning(let problem) = event, problem.id == "slurm-unreachable" {
        cluster.stopBeing("down")
      }
    }
    let report = try await run(log)
    #expect(
      report.outcome == .succeeded, "\(report.rows.map { $0.failure?.problem.message ?? "" })")
    #expect(cluster.submissions.count == 1)
    #expect(
      log.events.count {
        if case .warning(let it) = $0 { it.id == "slurm-unreachable" } else { false }
      }
        == 1)
  }

  @Test func silenceInTheMiddleHarmsNothing() async throws {
    try lab.describe("a: {uses: act, with: {tag: a, seconds: 1.0}}")
    let log = EventLog { [cluster] event in
      if case .launched = event { try? cluster.be("down") }
    }
    // The result and the worker's own word need no controller.
    #expect(try await run(log).outcome == .succeeded)
    #expect(lab.ran == ["a"])
  }

  @Test func aRefusalFailsTheStage() async throws {
    try lab.describe("a: {uses: act, with: {tag: a}}")
    try cluster.be("refuse")
    let report = try await run()
    let failure = try #require(report.row("a")?.failure)
    #expect(failure.cause == .launch)
    #expect(failure.problem.id == "slurm-refused")
    #expect(failure.problem.message.contains("Invalid partition name specified"))
    #expect(report.exitCode == 1)
  }

  @Test func withoutSlurmThereIsNoRun() async throws {
    try lab.describe("a: {uses: act, with: {tag: a}}")
    await #expect {
      try await run { $0.environment = ["PATH": "/nowhere"] }
    } throws: {
      ($0 as? Diagnostic)?.consequence == .unavailable
    }
    #expect(try lab.store().runs().isEmpty)
  }

  @Test func garbageAndSlownessAreEndured() async throws {
    try lab.describe(Self.fan)
    try cluster.be("garbage")
    try cluster.be("slow")
    #expect(try await run().outcome == .succeeded)
    #expect(lab.ran.count == 6)
  }

  // MARK: Ends

  @Test(arguments: [
    ("OUT_OF_MEMORY", RunFailure.Cause.outOfMemory, "slurm-out-of-memory"),
    ("TIMEOUT", .timeLimit, "slurm-over-time"), ("DEADLINE", .timeLimit, "slurm-over-time"),
    ("CANCELLED", .cancelled, "slurm-job-cancelled"), ("FAILED", .exit, "slurm-job-failed"),
    ("COMPLETED", .exit, "slurm-no-result"),
    ("OUT_OF_MEMORY:late", .outOfMemory, "slurm-out-of-memory"),
  ])
  func endsAreExplained(fate: String, cause: RunFailure.Cause, id: String) async throws {
    try lab.describe("a: {uses: act, with: {tag: a, act: hang}}")
    try cluster.be("fate", fate)
    let report = try await run()
    let failure = try #require(report.row("a")?.failure)
    #expect(failure.cause == cause)
    #expect(failure.problem.id == id)
    #expect(failure.problem.message.contains("job 1"))
    if fate == "FAILED" {
      #expect(failure.logTail == ["the node has no such program"])
      #expect(failure.problem.message.contains("exit status 1"), "\(failure.problem.message)")
    }
    #expect(cluster.submissions.count == 1, "not submitted again of itself")
  }

  @Test(arguments: ["NODE_FAIL", "BOOT_FAIL", "PREEMPTED", "NODE_FAIL:late", "VANISH"])
  func lostNodesAreTriedAgain(fate: String) async throws {
    try lab.describe(
      "a: {uses: act, with: {tag: a, seconds: 1.0}, retries: {max: 0, backoff: 0.1s}}")
    try cluster.be("fate", fate)
    let report = try await run()
    #expect(report.outcome == .succeeded, "\(report.row("a")?.failure?.problem.message ?? "")")
    #expect(report.row("a")?.attempts == 2)
    #expect(cluster.submissions.count == 2)
  }

  @Test func lostNodesAreNotTriedForEver() async throws {
    try lab.describe("a: {uses: act, with: {tag: a}, retries: {max: 0, backoff: 0.05s}}")
    try cluster.be("fate", "NODE_FAIL")
    try cluster.be("always")
    let report = try await run { $0.patience = 0.1 }
    #expect(report.row("a")?.failure?.cause == .lostNode)
    #expect(cluster.submissions.count == 1 + RunOptions.SlurmOptions.lostNodes)
  }

  @Test func accountingExplainsWhatTheControllerForgot() async throws {
    try lab.describe("a: {uses: act, with: {tag: a}, retries: {max: 0, backoff: 0.1s}}")
    try cluster.be("fate", "VANISH")
    try cluster.be("accounted", "1|OUT_OF_MEMORY|0:9|\n")
    let report = try await run()
    #expect(report.row("a")?.failure?.problem.id == "slurm-out-of-memory")
  }

  @Test func aStagesOwnWordIsItsFailure() async throws {
    try lab.describe("a: {uses: act, with: {tag: a, act: fail, value: 3}}")
    let report = try await run()
    let failure = try #require(report.row("a")?.failure)
    #expect(failure.problem.id == "test-failure")
    #expect(failure.problem.span?.start.line != nil)
    #expect(failure.logTail.contains { $0.contains("about to fail") })
    #expect(report.row("a")?.attempts == 1)
  }

  @Test func crashesAreExplainedBySignal() async throws {
    try lab.describe("a: {uses: act, with: {tag: a, act: abort}}")
    let failure = try #require(try await run().row("a")?.failure)
    #expect(failure.cause == .signal)
    #expect(failure.problem.message.contains("SIGABRT"))
    #expect(failure.cause.retryClass == .crash)
  }

  // MARK: Stopping and restarting

  @Test func stoppingLetsJobsSave() async throws {
    try lab.describe("a: {uses: act, with: {tag: a, act: patient}}")
    let scheduler = Mutex<Scheduler?>(nil)
    let log = EventLog { event in
      guard case .launched = event else { return }
      // The body itself says that it has begun to wait.
      DispatchQueue.global().asyncAfter(deadline: .now() + 0.5) {
        scheduler.withLock { $0 }?.stop()
      }
    }
    let made = try lab.scheduler(log) {
      $0.executor = .slurm(lab.slurm(cluster))
      $0.grace = 20
    }
    scheduler.withLock { $0 = made }
    let report = try await Self.wait(for: made)
    #expect(report.row("a")?.outcome == .interrupted)
    #expect(report.exitCode == 130)
    #expect(cluster.cancellations.count == 1)
    #expect(cluster.cancellations[0].contains("--signal=TERM"))
    #expect(try await run().outcome == .succeeded, "it goes on from what it saved")
    #expect(lab.ran == ["a", "a"])
  }

  @Test func stoppingCancelsWhatWaits() async throws {
    try lab.describe("a: {uses: act, matrix: {n: 1..3}, with: {tag: a, value: $(matrix.n)}}")
    try cluster.be("hold")
    let scheduler = Mutex<Scheduler?>(nil)
    let seen = Mutex(0)
    let log = EventLog { event in
      guard case .submitted = event else { return }
      if seen.withLock({
        $0 += 1; return $0
      }) == 3 {
        scheduler.withLock { $0 }?.stop()
      }
    }
    let made = try lab.scheduler(log) { $0.executor = .slurm(lab.slurm(cluster)) }
    scheduler.withLock { $0 = made }
    let report = try await Self.wait(for: made)
    #expect(report.interrupted == 3)
    // On a loaded machine the grace may be over before scancel is: then once more, by force.
    #expect((1...2).contains(cluster.cancellations.count), "not one for each job")
    cluster.stopBeing("hold")
    #expect(lab.ran == [])
  }

  /// Without `--keep-going` nobody pays for hours of jobs whose run has failed.
  @Test func aFailureTakesBackWhatWaits() async throws {
    try lab.describe(
      """
      bad: {uses: act, with: {tag: bad, act: fail}}
      a: {uses: act, matrix: {n: 1..3}, with: {tag: a, value: $(matrix.n)}}
      """)
    // The first task runs; the others wait.
    try cluster.be("hold-after")
    let report = try await run()
    #expect(report.row("bad")?.outcome == .failed)
    #expect(report.skipped == 3 && report.interrupted == 0)
    cluster.stopBeing("hold-after")
    #expect(lab.ran == ["bad"])
  }

  /// The controller is killed while jobs wait or run; the next one adopts them.
  @Test(arguments: [false, true])
  func aKilledControllersJobsAreAdopted(isRunning: Bool) async throws {
    try lab.describe(
      "a: {uses: act, matrix: {n: 1..3}, with: {tag: a, value: $(matrix.n), act: await}}")
    if !isRunning { try cluster.be("hold") }
    let child = startController()
    try await eventually("jobs are there") {
      cluster.submissions.count == 1 && (!isRunning || lab.ran.count == 3)
    }
    // The record names its job soon.
    try await Task.sleep(for: .milliseconds(300))
    kill(child.pid, SIGKILL)
    _ = try await child.wait()
    let adopted = Mutex(0)
    let log = EventLog { [lab, cluster] event in
      guard case .submitted(_, _, _, true) = event else { return }
      let count = adopted.withLock { count in
        count += 1
        return count
      }
      guard count == 3 else { return }
      cluster.stopBeing("hold")
      try? lab.write("", to: "count.go")
    }
    let report = try await run(log)
    #expect(report.outcome == .succeeded)
    #expect(cluster.submissions.count == 1, "\(cluster.submissions)")
    #expect(lab.ran.count == 3)
    try await eventually("notes go") {
      try FileManager.default.contentsOfDirectory(atPath: lab.storePath + "/jobs").isEmpty
    }
  }

  private func startController() -> Child {
    Child(
      Laboratory.workerPath,
      ["run", lab.folder + "/lab.yaml", lab.storePath, lab.folder + "/stages"],
      environment: [
        "TEST_COUNT_FILE": lab.folder + "/count", "TEST_SLURM": "1",
        "PATH": cluster.environment["PATH"]!,
      ], output: lab.folder + "/output")
  }

  /// Killed between the record and sbatch's answer: sbatch itself lives on, and submits.
  @Test func aSubmissionUnderWayIsWaitedFor() async throws {
    try lab.describe("a: {uses: act, with: {tag: a, act: await}}")
    try cluster.be("think")
    let child = startController()
    try await eventually("sbatch was called") { cluster.calls.contains("sbatch") }
    kill(child.pid, SIGKILL)
    _ = try await child.wait()
    #expect(cluster.submissions.count == 0, "it has not submitted yet")
    DispatchQueue.global().asyncAfter(deadline: .now() + 2) { [cluster] in
      cluster.stopBeing("think")
    }
    let log = EventLog { [lab] event in
      if case .submitted = event { try? lab.write("", to: "count.go") }
    }
    let report = try await run(log)
    #expect(report.outcome == .succeeded)
    #expect(cluster.submissions.count == 1, "\(cluster.submissions)")
    #expect(lab.ran == ["a"])
  }

  /// Killed after the record was written and before sbatch was called: nothing is in the queue.
  @Test func anIntentWithoutASubmissionIsVoid() async throws {
    try lab.describe("a: {uses: act, with: {tag: a}}")
    let key = try #require(
      Planner.plan(try lab.pipeline(), store: try lab.store())[0].key)
    let jobs = lab.storePath + "/jobs"
    try FileManager.default.createDirectory(atPath: jobs, withIntermediateDirectories: true)
    let batch = SlurmBatch(
      name: SlurmBatch.randomName(), owner: "", host: Machine.host,
      written: Date().timeIntervalSince1970, script: lab.folder + "/none.sh",
      tasks: [
        .init(key: key.hex, instance: "a", order: "o", log: "l", events: "e", again: false)
      ])
    #expect(batch.write(into: jobs) == 0)
    #expect(try await run().outcome == .succeeded)
    #expect(lab.ran == ["a"])
    // The next run clears it away.
    try lab.describe("b: {uses: act, with: {tag: b}}")
    #expect(try await run().outcome == .succeeded)
    #expect(try FileManager.default.contentsOfDirectory(atPath: jobs) == [])
  }

  @Test func twoRunsShareOneJob() async throws {
    try lab.describe("a: {uses: act, with: {tag: a, act: await}}")
    let first = try lab.scheduler { $0.executor = .slurm(lab.slurm(cluster)) }
    let log = EventLog { [lab] event in
      if case .submitted(_, _, _, true) = event { try? lab.write("", to: "count.go") }
    }
    let second = try lab.scheduler(log) { $0.executor = .slurm(lab.slurm(cluster)) }
    let one = Self.start(first)
    try await eventually("the first has submitted") { cluster.submissions.count == 1 }
    try await Task.sleep(for: .milliseconds(300))
    let other = try await Self.wait(for: second)
    #expect(try await Self.end(one).outcome == .succeeded)
    #expect(other.outcome == .succeeded)
    #expect(cluster.submissions.count == 1)
    #expect(lab.ran == ["a"])
  }

  @Test func theQueueIsAskedForAllAtOnceAndEverMoreSeldom() async throws {
    try lab.describe(
      "a: {uses: act, matrix: {n: 1..6}, with: {tag: a, value: $(matrix.n), seconds: 3.0}}")
    try await run {
      $0.shortestPause = 0.2
      $0.longestPause = 5
    }
    let looks = cluster.calls.count { $0 == "squeue" }
    #expect((1...12).contains(looks), "\(looks) looks in three seconds")
    #expect(cluster.calls.count { $0 == "scontrol" } == 1, "only the configuration")
  }
}
