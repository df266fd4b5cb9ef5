// Traces from events as they were recorded: whole, cut short, damaged, or only a record.

import CanonicalJSON
import Diagnostics
import Foundation
import Scheduling
import Testing

@testable import RunHistory

@Suite struct RunTraceTests {
  private let nights: Nights
  private let folder: String

  init() throws {
    nights = try Nights()
    let run = try nights.record([])
    folder = run.report.folder
  }

  private func trace(_ lines: [String]) throws -> [JSONValue] {
    try Data(lines.joined(separator: "\n").utf8).write(
      to: URL(fileURLWithPath: folder + "/events.jsonl"))
    return try events(RunTrace(runFolder: folder))
  }

  private func events(_ trace: RunTrace) throws -> [JSONValue] {
    let json = try JSONValue(parsing: trace.text)
    return try #require(json["traceEvents"]?.array)
  }

  private func line(_ time: Double, _ event: String, _ id: String, _ more: String = "") -> String {
    event == "finished"
      ? "{\"time\":\(time),\"event\":\"finished\",\"row\":{\"id\":\"\(id)\",\"kind\":\"act\","
        + "\"outcome\":\"produced\",\"ended\":\(time),\"peak_memory\":7\(more)}}"
      : "{\"time\":\(time),\"event\":\"\(event)\",\"instance\":\"\(id)\"\(more)}"
  }

  @Test func workersHaveTracksAndInstancesTheirTimes() throws {
    let all = try trace([
      "{\"time\":0,\"event\":\"started\",\"pipeline\":\"night\"}",
      line(0, "decided", "a", ",\"decision\":\"run\",\"key\":\"k\",\"reasons\":[\"new\"]"),
      line(0, "decided", "b", ",\"decision\":\"run\",\"key\":\"l\",\"reasons\":[]"),
      line(0.5, "launched", "a", ",\"threads\":2"), line(1, "launched", "b", ",\"threads\":1"),
      line(2, "finished", "a"), line(2, "decided", "c", ",\"decision\":\"reuse\""),
      line(2, "finished", "c"), line(2.5, "launched", "d", ",\"threads\":1"),
      line(3, "finished", "b"), line(4, "finished", "d"),
    ])
    let complete = all.filter { $0["ph"]?.string == "X" }
    #expect(complete.map { $0["name"]?.string } == ["a", "b", "d"])
    #expect(complete.map { $0["tid"]?.integer } == [1, 2, 1], "d takes the place of a")
    #expect(complete.map { $0["ts"]?.double } == [500_000, 1_000_000, 2_500_000])
    #expect(complete.map { $0["dur"]?.double } == [1_500_000, 2_000_000, 1_500_000])
    let args = try #require(complete[0]["args"])
    #expect(args["key"]?.string == "k" && args["peak_memory"]?.integer == 7)
    #expect(args["reasons"]?.array == ["new"] && args["waited_seconds"]?.double == 0.5)
    let waiting = all.filter { $0["name"]?.string == "ready, waiting for threads or memory" }
    #expect(waiting.map { $0["args"]?["count"]?.integer } == [1, 2, 1, 0])
    let names = all.filter { $0["name"]?.string == "thread_name" }
    #expect(names.map { $0["args"]?["name"]?.string } == ["scheduler", "worker 1", "worker 2"])
    #expect(all.count { $0["ph"]?.string == "i" } == 3)
  }

  @Test func waitingForAnotherRunIsASpan() throws {
    let all = try trace([
      line(0, "launched", "a", ",\"threads\":1"), line(1, "waiting", "a", ",\"holder\":\"me\""),
      line(5, "finished", "a"),
    ])
    let spans = all.filter { ["b", "e"].contains($0["ph"]?.string ?? "") }
    #expect(spans.map { $0["ts"]?.double } == [1_000_000, 5_000_000])
    #expect(Set(spans.map { $0["id"]?.integer }) == [1])
    let attempt = try #require(all.first { $0["ph"]?.string == "X" })
    #expect(attempt["dur"]?.double == 1_000_000)
  }

  @Test func whatRanWhenTheRecordEndsIsThere() throws {
    let all = try trace([
      line(0, "launched", "a", ",\"threads\":1"), line(1, "retrying", "a", ",\"message\":\"oh\""),
      line(2, "launched", "a", ",\"threads\":1"), line(3, "launched", "b"),
      "{\"time\":4,\"event\":\"stopping\",\"signal\":2}", "{\"time\":5,\"event\":\"fini",
    ])
    let complete = all.filter { $0["ph"]?.string == "X" }
    #expect(complete.map { $0["args"]?["attempt"]?.integer } == [nil, 2, nil])
    #expect(complete.map { $0["dur"]?.double } == [1_000_000, 2_000_000, 1_000_000])
    #expect(try RunTrace(runFolder: folder).damagedLines == 1)
  }

  @Test(arguments: [
    "", "\n\n", "null", "[]", "{\"time\":-1,\"event\":\"launched\"}",
    "{\"time\":1e400,\"event\":\"x\"}", "{\"time\":1,\"event\":\"finished\"}",
    "{\"time\":1,\"event\":\"finished\",\"row\":{\"id\":\"never launched\",\"ended\":-5}}",
    "{\"time\":\"1\",\"event\":\"launched\"}", "{\"time\":1}", "\u{0}",
    "{\"time\":3,\"event\":\"launched\",\"instance\":\"a\"}\n{\"time\":1,\"event\":\"finished\","
      + "\"row\":{\"id\":\"a\"}}",
  ])
  func strangeEventsGiveAWholeFile(text: String) throws {
    for event in try trace([text]) {
      #expect(event["ts"]?.double.map { $0 >= 0 && $0.isFinite } != false)
      #expect(event["dur"]?.double.map { $0 >= 0 && $0.isFinite } != false)
    }
  }

  @Test func aRunWithoutEventsIsTracedFromItsRecord() throws {
    var row = nights.row("a", key: nil)
    row.launched = 1
    row.ended = 3
    row.threads = 2
    let run = try nights.record([row])
    let complete = try events(RunTrace(runFolder: run.report.folder)).filter {
      $0["ph"]?.string == "X"
    }
    #expect(complete.map { $0["dur"]?.double } == [2_000_000])
    #expect(throws: Diagnostic.self) { try RunTrace(runFolder: "/nowhere") }
  }
}
