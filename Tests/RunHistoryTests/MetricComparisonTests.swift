// Metrics of two runs, by name and place; numbers of two machines, by tolerance.

import ArtifactStore
import CanonicalJSON
import Diagnostics
import Foundation
import Reports
import Scheduling
import Testing

@testable import RunHistory

@Suite struct MetricComparisonTests {
  private let nights: Nights

  init() throws { nights = try Nights() }

  private func run(_ metrics: [Metric], seed: Int) throws -> RecordedRun {
    let text = String(decoding: Metric.file(metrics), as: UTF8.self)
    return try run(text, seed: seed)
  }

  private func run(_ text: String, seed: Int) throws -> RecordedRun {
    try nights.record([
      try nights.made(
        "score", parameters: [("seed", .integer(seed))], gives: try nights.blob(text),
        port: "metrics")
    ])
  }

  private func compare(
    _ old: RecordedRun, _ new: RecordedRun, everything: Bool = false
  ) throws -> MetricComparison {
    MetricComparison(
      try RunComparison(old, new), isMetrics: { $1 == "metrics" }, everything: everything)
  }

  @Test func differencesRespectEachMetricsTolerance() throws {
    let old = try run(
      [
        Metric("share", 0.5, count: 10, at: ["class": "left"], tolerance: 0.01),
        Metric("share", 0.5, count: 10, at: ["class": "right"], tolerance: 0.01),
        Metric("loss", 2, low: 1, high: 3, count: 10), Metric("gone", 1, count: 1),
        Metric("zero", 0, count: 1),
      ], seed: 1)
    let new = try run(
      [
        Metric("zero", 1, count: 1),
        Metric("share", 0.505, count: 10, at: ["class": "left"], tolerance: 0.01),
        Metric("share", 0.52, count: 10, at: ["class": "right"], tolerance: 0.01),
        Metric("loss", 2, low: 1, high: 3.5, count: 10), Metric("came", 1, count: 1),
      ], seed: 2)
    let pairs = try compare(old, new).pairs
    #expect(
      pairs.map { "\($0.metric.name) \($0.verdict.rawValue)" } == [
        "zero differs", "share within-tolerance", "share differs", "loss differs",
        "came only-in-second", "gone only-in-first",
      ])
    #expect(pairs[0].relative == nil && pairs[0].absolute == 1)
    #expect(abs((pairs[2].relative ?? 0) - 0.04) < 1e-12)
    #expect(try compare(old, old).equalArtifacts == 1)
    #expect(try compare(old, old, everything: true).pairs.allSatisfy { $0.verdict == .equal })
  }

  @Test func metricsThatStandTwiceArePairedInOrder() throws {
    let old = try run([Metric("x", 1, count: 1), Metric("x", 2, count: 1)], seed: 1)
    let new = try run(
      [Metric("x", 1, count: 1), Metric("x", 3, count: 1), Metric("x", 4, count: 1)], seed: 2)
    let pairs = try compare(old, new).pairs
    #expect(pairs.map { $0.old?.value } == [1, 2, nil])
    #expect(pairs.map { $0.new?.value } == [1, 3, 4])
  }

  @Test(arguments: [
    "", "{}", "[1]", "[{\"name\": \"\", \"value\": 1, \"n\": 1}]", "[{\"name\": \"x\"}]", "\u{0}",
    "[{\"name\": \"x\", \"value\": \"1\", \"n\": 1}]",
  ])
  func whatIsNoMetricsFileIsSaidToBeNone(text: String) throws {
    let good = try run([Metric("x", 1, count: 1)], seed: 1)
    let bad = try run(text, seed: 2)
    let comparison = try compare(good, bad)
    #expect(comparison.unreadable.count == 1 && comparison.pairs.isEmpty)
    try nights.remove(try nights.blob(text))
    #expect(try compare(good, bad).unreadable.first?.contains("in no store") == true)
  }

  // MARK: Numbers

  private func numbers(
    _ old: String, _ new: String, file: String, tolerance: Double = 1e-5
  ) throws -> NumericDifference {
    let runs = try RunComparison(try run(old, seed: 1), try run(new, seed: 2))
    let all = NumericComparison(runs, tolerance: tolerance) { _, _ in file }
    return try #require(all.files.first)
  }

  @Test(arguments: [
    // file, old, new, numbers, differing, beyond, other differences
    ("m.json", "{\"a\": 1.0, \"b\": [2]}", "{\"a\": 1.000001, \"b\": [2]}", 2, 1, 0, 0),
    ("m.json", "{\"a\": 1.0}", "{\"a\": 1.1}", 1, 1, 1, 0),
    ("m.json", "{\"a\": 1}", "{\"a\": 1.0}", 1, 0, 0, 0),
    ("m.json", "{\"a\": \"x\"}", "{\"a\": \"y\"}", 0, 0, 0, 1),
    ("m.json", "{\"a\": 1}", "{\"b\": 1}", 0, 0, 0, 2),
    (
      "m.json", "[{\"name\":\"x\",\"value\":1,\"tolerance\":0.5}]",
      "[{\"name\":\"x\",\"value\":1.4,\"tolerance\":0.5}]", 2, 1, 0, 0
    ),
    ("s.jsonl", "{\"a\": 1}\n{\"a\": 2}\n", "{\"a\": 1}\n{\"a\": 3}\n", 2, 1, 1, 0),
    ("s.jsonl", "{\"a\": 1}\n", "{\"a\": 1}\n{\"a\": 3}\n", 1, 0, 0, 1),
    ("t.csv", "a,b\n1,x\n", "a,b\n1.000001,x\n", 1, 1, 0, 0),
    ("t.csv", "a,b\n1,\"x, y\"\n", "a,b\n1,\"x, z\"\n", 1, 0, 0, 1),
    ("t.csv", "a,b\n1,2\n", "a,b\n1\n", 0, 0, 0, 1),
    ("file", "hello\n", "world\n", 0, 0, 0, 1),
    ("file", "\u{0}\u{1}", "\u{0}\u{2}", 0, 0, 0, 1),
  ])
  func numbersAreComparedInTheirFormats(
    file: String, old: String, new: String, count: Int, differing: Int, beyond: Int, others: Int
  ) throws {
    let found = try numbers(old, new, file: file)
    #expect(found.numbers == count)
    #expect(found.differing == differing)
    #expect(found.beyond == beyond)
    #expect(found.others == others)
    #expect(found.isWithinTolerance == (beyond == 0 && others == 0))
  }

  @Test func theLargestDifferenceIsPlaced() throws {
    let found = try numbers(
      "{\"a\": 1}\n{\"a\": 10}\n", "{\"a\": 1.5}\n{\"a\": 10.2}\n", file: "s.jsonl", tolerance: 0.1)
    #expect(found.largestAbsolute == 0.5 && found.place == "line 1: a")
    #expect(abs(found.largestRelative - 1.0 / 3) < 1e-12)
    #expect(found.beyond == 1)
  }
}
