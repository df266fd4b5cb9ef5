// `retries`, `resources: {time: …}` and `gate` at work.

import ArtifactStore
import Foundation
import Pipelines
import Testing

@testable import Scheduling

@Suite(.serialized) struct RunningSettingsTests {
  @Test func aCrashIsTriedAgain() throws {
    let lab = try Laboratory()
    try lab.describe(
      "first: {uses: act, retries: {max: 2, backoff: 0.1s}, with: {tag: first, act: flaky}}")
    let log = EventLog()
    let report = try lab.run(log)
    let row = try #require(report.row("first"))
    #expect(row.outcome == .produced)
    #expect(row.attempts == 3)
    #expect(row.failure == nil, "what went well in the end has no failure")
    #expect(lab.ran == ["first", "first", "first"])
    #expect(report.exitCode == 0)
    let pauses = log.events.compactMap { event -> Double? in
      if case .retrying(_, _, _, _, let pause, _) = event { pause } else { nil }
    }
    #expect(pauses == [0.1, 0.2])
    let again = try lab.run()
    #expect(again.row("first")?.outcome == .reused, "retries are no part of a key")
  }

  @Test func attemptsComeToAnEnd() throws {
    let lab = try Laboratory()
    try lab.describe(
      "first: {uses: act, retries: {max: 1, backoff: 0s}, with: {tag: first, act: flaky}}")
    let report = try lab.run()
    #expect(report.row("first")?.outcome == .failed)
    #expect(report.row("first")?.attempts == 2)
    #expect(report.row("first")?.failure?.problem.id == "worker-crashed")
    #expect(report.exitCode == 1)
  }

  @Test func whatTheStageSaysIsTriedAgainOnlyWhenAsked() throws {
    let lab = try Laboratory()
    try lab.describe("first: {uses: act, retries: 5, with: {tag: first, act: flaky-fail}}")
    #expect(try lab.run().row("first")?.attempts == 1)
    try lab.describe(
      """
      first: {uses: act, retries: {max: 5, backoff: 0s, on: [failure]}, with: {tag: first, act: flaky-fail}}
      """)
    #expect(try lab.run().row("first")?.outcome == .produced)
  }

  @Test func aStopEndsThePause() throws {
    let lab = try Laboratory()
    try lab.describe(
      "first: {uses: act, retries: {max: 3, backoff: 10m}, with: {tag: first, act: abort}}")
    let log = EventLog()
    let scheduler = try lab.scheduler(log)
    let start = ContinuousClock.now
    Thread.detachNewThread {
      while !log.events.contains(where: { if case .retrying = $0 { true } else { false } }) {
        usleep(10_000)
      }
      scheduler.stop()
    }
    let report = try scheduler.run()
    #expect(report.row("first")?.outcome == .failed)
    #expect(start.duration(to: .now) < .seconds(60))
  }

  @Test func timeIsLimited() throws {
    let lab = try Laboratory()
    try lab.describe(
      """
      slow: {uses: act, resources: {time: 0.3s}, with: {tag: slow, act: hang}}
      other: {uses: act, resources: {time: 1h}, with: {tag: other}}
      """)
    let report = try lab.run { $0.keepGoing = true }
    #expect(report.row("slow")?.failure?.cause == .timeLimit)
    #expect(report.row("slow")?.failure?.problem.id == "worker-over-time-limit")
    #expect(report.row("other")?.outcome == .produced)
    #expect(report.exitCode == 1)
  }

  @Test func aCheckpointCarriesOverATimeLimit() throws {
    let lab = try Laboratory()
    try lab.describe(
      """
      slow:
        uses: act
        resources: {time: 0.5s}
        retries: {max: 1, backoff: 0s, on: [time]}
        with: {tag: slow, act: patient}
      """)
    let report = try lab.run()
    #expect(report.row("slow")?.outcome == .produced, "it saved when asked to end, and went on")
    #expect(report.row("slow")?.attempts == 2)
  }

  static func gated(_ gate: String) -> String {
    """
    first: {uses: act, gate: {\(gate)}, with: {tag: first, value: 7}}
    second: {uses: act, inputs: {from: first.metrics}, with: {tag: second}}
    """
  }

  @Test func aGateKeepsTheResultAndStopsWhatNeedsIt() throws {
    let lab = try Laboratory()
    try lab.describe(Self.gated("sum: {max: 6.5}"))
    let report = try lab.run()
    #expect(report.exitCode == 4)
    let first = try #require(report.row("first"))
    #expect(first.failure?.cause == .gate)
    #expect(first.failure?.problem.id == "gate-failed")
    #expect(!first.outputs.isEmpty, "the result is there")
    #expect(report.row("second")?.outcome != .produced)
    #expect(lab.ran == ["first"])
    let plan = Planner.plan(try lab.pipeline(), store: try lab.store())
    #expect(plan.map(\.word) == ["fail", "wait"], "plan sees what run does")
    #expect(try lab.run().exitCode == 4, "a second run makes nothing again")
    #expect(lab.ran == ["first"])
    try lab.describe(Self.gated("sum: {max: 7, min: 7}"))
    let mended = try lab.run()
    #expect(mended.exitCode == 0)
    #expect(mended.row("first")?.outcome == .reused, "bounds are no part of a key")
    #expect(mended.row("second")?.outcome == .produced)
  }

  @Test func aGateWithoutItsMetricFails() throws {
    let lab = try Laboratory()
    try lab.describe(Self.gated("summ: {max: 9}"))
    let problem = try #require(try lab.run().row("first")?.failure?.problem)
    #expect(problem.id == "gate-failed")
    #expect(problem.help?.contains("sum") == true)
    try lab.describe(Self.gated("sum: {max: 9, at: {class: right}}"))
    #expect(try lab.run().exitCode == 4)
  }

  @Test func aFailureWeighsMoreThanAGate() throws {
    let lab = try Laboratory()
    try lab.describe(
      """
      first: {uses: act, gate: {sum: {max: 1}}, with: {tag: first, value: 7}}
      broken: {uses: act, with: {tag: broken, act: exit}}
      """)
    #expect(try lab.run { $0.keepGoing = true }.exitCode == 1)
  }
}
