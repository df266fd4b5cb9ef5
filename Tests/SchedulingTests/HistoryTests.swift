// Histories: run, change something, run again, and see what was reused and why the rest was not.

import ArtifactStore
import Foundation
import Pipelines
import Testing

@testable import Scheduling

@Suite(.serialized) struct HistoryTests {
  static let chain = """
    first: {uses: act, with: {tag: first, value: 7}}
    second: {uses: act, inputs: {from: first.metrics}, with: {tag: second, value: 1}}
    third: {uses: act, inputs: {from: second.metrics}, with: {tag: third}}
    """

  @Test func aSecondRunReusesEverything() throws {
    let lab = try Laboratory()
    try lab.describe(Self.chain)
    try lab.step(
      "first run",
      expecting: [
        .produced("first", because: "new"), .produced("second"), .produced("third"),
      ])
    let report = try lab.step(
      "again", expecting: [.reused("first"), .reused("second"), .reused("third")])
    #expect(lab.ran == ["first", "second", "third"])
    #expect(report.exitCode == 0)
    #expect(report.reused == 3)
  }

  @Test func aChangedParameterIsNamedWithBothValues() throws {
    let lab = try Laboratory()
    try lab.describe(Self.chain)
    try lab.step("first run", expecting: [.produced("third")])
    try lab.step(
      "raise the value",
      edit: { try $0.describe(Self.chain.replacingOccurrences(of: "value: 1", with: "value: 2")) },
      expecting: [
        .reused("first"), .produced("second", because: "parameter value: 1 → 2"),
        .produced("third"),
      ])
    try lab.step("back again", edit: { try $0.describe(Self.chain) }, expecting: [.reused("third")])
  }

  @Test func equalBytesStopTheRipple() throws {
    let lab = try Laboratory()
    let manifest = """
      first: {uses: act, with: {tag: first, value: 7, divisor: 4}}
      second: {uses: act, inputs: {from: first.metrics}, with: {tag: second}}
      """
    try lab.describe(manifest)
    try lab.step("first run", expecting: [.produced("second")])
    try lab.step(
      "6 / 4 is 1 as 7 / 4 was",
      edit: { try $0.describe(manifest.replacingOccurrences(of: "value: 7", with: "value: 6")) },
      expecting: [.produced("first"), .reused("second")])
  }

  @Test(.timeLimit(.minutes(1)))
  func aLeaseThatNobodyCanVouchForIsTakenOver() throws {
    let lab = try Laboratory()
    try lab.describe("first: {uses: act, with: {tag: first}}")
    let key = try #require(Planner.plan(try lab.pipeline(), store: lab.store())[0].key)
    // Of another host, or of this one before it was started anew: no process can be asked.
    let lease = """
      {"boot":"b","host":"elsewhere","label":"first","namespace":"1","nonce":"n","pid":1,"start":1,\
      "ttl":0.5}
      """
    try lab.write(lease, to: "artifacts/leases/\(key.hex)")
    let log = EventLog()
    let report = try lab.run(log)
    #expect(report.row("first")?.outcome == .produced)
    #expect(log.events.contains { if case .waiting = $0 { true } else { false } })
  }

  @Test func equalActionsRunOnce() throws {
    let lab = try Laboratory()
    try lab.describe(
      """
      a: {uses: act, with: {tag: twin, seconds: 0.2}}
      b: {uses: act, with: {tag: twin, seconds: 0.2}}
      sum: {uses: act, inputs: {from: b.metrics}, with: {tag: sum}}
      """)
    try lab.step("run", expecting: [.produced("a"), .reused("b"), .produced("sum")])
    #expect(lab.ran == ["twin", "sum"])
  }

  @Test func onlyWhatATargetNeedsRuns() throws {
    let lab = try Laboratory()
    try lab.describe(Self.chain)
    let target = try lab.pipeline().select(["second"])
    let report = try lab.step(
      "second", options: { $0.targets = target }, expecting: [.produced("first")])
    #expect(report.rows.map(\.id) == ["first", "second"])
  }

  @Test func keepGoingMakesWhatDoesNotDependOnTheFailure() throws {
    let lab = try Laboratory()
    let manifest = """
      bad: {uses: act, with: {tag: bad, act: fail}}
      after: {uses: act, inputs: {from: bad.metrics}, with: {tag: after}}
      good: {uses: act, with: {tag: good, seconds: 0.3}}
      better: {uses: act, inputs: {from: good.metrics}, with: {tag: better}}
      """
    try lab.describe(manifest)
    let stopped = try lab.step("stop at once", expecting: [.failed("bad"), .skipped("after")])
    #expect(stopped.exitCode == 1)
    #expect(stopped.row("good")?.outcome == .produced, "what ran may end")
    #expect(stopped.row("better")?.outcome == .notStarted)
    let report = try lab.step(
      "go on", options: { $0.keepGoing = true },
      expecting: [
        .failed("bad"), .skipped("after"), .reused("good"), .produced("better"),
      ])
    #expect(report.exitCode == 1)
    #expect(report.row("bad")?.reasons == ["it failed last time"])
  }

  @Test func anOutsideFileThatChangedIsNamed() throws {
    let lab = try Laboratory()
    try lab.describe("read: {uses: copy, inputs: {files: {file: words.txt}}}")
    try lab.write("one", to: "words.txt")
    try lab.step("first run", expecting: [.produced("read")])
    try lab.step("again", expecting: [.reused("read")])
    let report = try lab.step(
      "edit", edit: { try $0.write("other", to: "words.txt") }, expecting: [.produced("read")])
    #expect(report.row("read")?.reasons.first?.contains("files") == true)
  }

  @Test func aMissingOutsideFileFailsAtItsLine() throws {
    let lab = try Laboratory()
    try lab.describe("read: {uses: copy, inputs: {files: {file: absent.txt}}}")
    let report = try lab.step("run", expecting: [.failed("read")])
    #expect(report.row("read")?.failure?.problem.span?.start.line == 4)
  }

  /// Invariant 5.
  @Test func anEditDuringTheStageHarmsNothing() async throws {
    let lab = try Laboratory()
    try lab.describe(
      "read: {uses: copy, inputs: {files: {file: words.txt}}, with: {seconds: 0.3}}")
    try lab.write("one", to: "words.txt")
    let report = try lab.run(
      EventLog { event in
        if case .launched = event { try? lab.write("two", to: "words.txt") }
      })
    #expect(report.row("read")?.outcome == .produced)
    try lab.step("the edit is seen next time", expecting: [.produced("read")])
  }

  /// Invariant 5.
  @Test func nothingIsPublishedIfAnInputByReferenceChanged() throws {
    let lab = try Laboratory()
    try lab.describe(
      """
      read: {uses: copy, inputs: {files: {file: words.txt, by_reference: true}}, with: {seconds: 0.4}}
      """)
    try lab.write("one", to: "words.txt")
    let report = try lab.run(
      EventLog { event in
        guard case .launched = event else { return }
        usleep(200_000)
        try? lab.write("another", to: "words.txt")
      })
    let row = try #require(report.row("read"))
    #expect(row.outcome == .failed)
    #expect(row.failure?.problem.id == "input-changed")
    #expect(row.failure?.problem.span?.start.line == 4)
    let key = try #require(row.key.flatMap(Digest.init(hex:)))
    guard case .miss = try lab.store().lookUp(key) else {
      Issue.record("something was published")
      return
    }
  }

  /// Invariant 3.
  @Test func aDamagedResultIsMadeAgain() throws {
    let lab = try Laboratory()
    try lab.describe(Self.chain)
    let report = try lab.step("first run", expecting: [.produced("second")])
    let output = try #require(report.row("second")?.outputs.first)
    let digest = try #require(ObjectReference(output.reference)).digest
    try FileManager.default.removeItem(atPath: try lab.store().objectPath(digest))
    let healed = try lab.step(
      "heal", expecting: [.reused("first"), .produced("second"), .reused("third")])
    #expect(healed.row("second")?.reasons.first?.contains("damaged") == true)
    try lab.step("whole again", expecting: [.reused("second")])
  }

  /// Invariant 8: the plan's word and the run's deed.
  @Test func planAndRunAgree() throws {
    let lab = try Laboratory()
    try lab.describe(Self.chain + "\nfree: {uses: act, with: {tag: free}}")
    try lab.step("first run", expecting: [.produced("third")])
    for edit in ["value: 7", "value: 1", "tag: third", "tag: free"] {
      try lab.describe(
        (Self.chain + "\nfree: {uses: act, with: {tag: free}}").replacingOccurrences(
          of: edit, with: edit.hasPrefix("value") ? edit + "0" : edit + "-\(edit.count)"))
      let pipeline = try lab.pipeline()
      let plan = Planner.plan(pipeline, store: try lab.store())
      let report = try lab.run()
      for (decision, row) in zip(plan, report.rows) {
        #expect(decision.id.description == row.id)
        switch decision.verdict {
        case .reuse: #expect(row.outcome == .reused, "\(edit): \(row.id)")
        case .run:
          #expect(row.outcome == .produced, "\(edit): \(row.id)")
          #expect(row.reasons == decision.reasons)
          #expect(row.key == decision.key?.hex)
        case .wait(let upstream):
          #expect(decision.reasons.first?.hasPrefix("waits for ") == true)
          #expect(upstream.contains { report.rows[$0].outcome == .produced })
        case .twin, .fail: Issue.record("\(edit): \(decision)")
        }
      }
      let after = Planner.plan(pipeline, store: try lab.store())
      #expect(after.allSatisfy { $0.isReuse })
    }
  }

  @Test func againComparesAndTheFirstStays() throws {
    let lab = try Laboratory()
    try lab.describe(
      """
      same: {uses: act, with: {tag: same}}
      random: {uses: act, with: {tag: random, act: random}}
      noisy: {uses: act, with: {tag: noisy, act: noisy}}
      """)
    let first = try lab.step("first run", expecting: [.produced("random")])
    let log = EventLog()
    let report = try lab.run(log) { $0.again = [0, 1, 2] }
    #expect(report.row("same")?.comparison == .identical)
    #expect(report.row("random")?.comparison == .differs)
    #expect(report.row("noisy")?.comparison == .withinTolerance)
    for id in ["same", "random", "noisy"] {
      #expect(report.row(id)?.outcome == .produced)
      #expect(
        report.row(id)?.outputs.first?.reference == first.row(id)?.outputs.first?.reference,
        "the first result stays")
    }
    let evidence = try #require(report.row("random")?.evidence)
    #expect(FileManager.default.fileExists(atPath: evidence))
    let warned = log.events.count {
      if case .warning(let problem) = $0 { problem.id == "result-differs" } else { false }
    }
    #expect(warned == 2)
  }

  @Test func recheckTakesTheSameSampleEachTime() throws {
    let lab = try Laboratory()
    try lab.describe(
      (0..<10).map { "s\($0): {uses: act, with: {tag: s\($0)}}" }.joined(separator: "\n"))
    try lab.step("first run", expecting: [.produced("s0")])
    let report = try lab.run(nil) { $0.recheck = 0.15 }
    #expect(report.produced == 2, "15 % of ten, rounded up")
    #expect(
      report.rows.filter { $0.outcome == .produced }.allSatisfy { $0.comparison == .identical })
    let again = try lab.run(nil) { $0.recheck = 0.15 }
    #expect(
      again.rows.filter { $0.outcome == .produced }.map(\.id)
        == report.rows.filter { $0.outcome == .produced }.map(\.id))
  }

  @Test func innerActionsAreShared() throws {
    let lab = try Laboratory()
    try lab.describe(
      """
      a: {uses: act, with: {tag: a, act: memo}}
      b: {uses: act, inputs: {from: a.metrics}, with: {tag: b, act: memo}}
      """)
    try lab.step("run", expecting: [.produced("a"), .produced("b")])
    #expect(lab.ran == ["a", "piece", "b"])
  }

  @Test func theRunsRecordReadsBack() throws {
    let lab = try Laboratory()
    try lab.describe(Self.chain)
    let report = try lab.run(nil) { $0.version = "1.2" }
    let read = try RunReport(readingRunFolder: report.folder)
    #expect(read.json == report.json)
    #expect(read.outcome == .succeeded)
    #expect(read.version == "1.2")
    let row = try #require(read.row("first"))
    #expect(row.threads == 2, "alone, it gets all threads")
    #expect((row.peakMemory ?? 0) > 1 << 20)
    #expect(row.cpuSeconds != nil)
    let record = try #require(row.record(inRunFolder: report.folder, store: try lab.store()))
    #expect(record.key.hex == row.key)
    let events = try String(contentsOfFile: report.folder + "/events.jsonl", encoding: .utf8)
    #expect(events.split(separator: "\n").count == 1 + 3 * 3 + 1)
    guard case .hit(let result) = try lab.store().lookUp(record.key) else {
      Issue.record("no result")
      return
    }
    #expect(result.provenance["instance"]?.string == "first")
    #expect(result.provenance["version"]?.string == "1.2")
    #expect(result.provenance["host"]?.string == Machine.host)
  }
}
