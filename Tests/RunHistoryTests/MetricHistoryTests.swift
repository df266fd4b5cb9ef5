// A metric over nights: values, gaps that are said, and what changed in between.

import ArtifactStore
import CanonicalJSON
import Diagnostics
import Foundation
import Reports
import Scheduling
import Testing

@testable import RunHistory

@Suite struct MetricHistoryTests {
  private let nights: Nights

  init() throws { nights = try Nights() }

  @discardableResult
  private func night(_ number: Int, _ value: Double, documents: Int) throws -> ObjectReference {
    let metrics = try nights.blob(
      String(
        decoding: Metric.file([
          Metric(
            "share", value, low: value - 0.1, high: value + 0.1, count: 9, at: ["class": "left"]),
          Metric("share", 1 - value, count: 9, at: ["class": "right"]),
          Metric("loss", value, count: 9),
        ]), as: UTF8.self))
    let corpus = try nights.blob("corpus \(documents)")
    let rows = [
      try nights.made("corpus", parameters: [("documents", .integer(documents))], gives: corpus),
      try nights.made(
        "score[seed=1]", inputs: [("corpus", corpus)], gives: metrics, port: "metrics"),
    ]
    try nights.record(
      rows, id: "2026112\(number)T010000.000Z-night-00000\(number)", started: Double(number))
    return metrics
  }

  private func history(
    _ columns: [(column: String, value: String)] = [("class", "left")], name: String = "share",
    count: Int = .max, earliest: Double = -.infinity
  ) throws -> MetricHistory {
    MetricHistory(
      MetricQuery(name: name, rows: .everything, columns: columns),
      runs: try RunShelf(nights.store, pipeline: "night").runs, count: count, earliest: earliest,
      store: nights.store, isMetrics: { $1 == "metrics" })
  }

  @Test func eachNightHasItsValueAndWhatChanged() throws {
    try night(1, 0.5, documents: 10)
    try night(2, 0.5, documents: 10)
    try night(3, 0.7, documents: 12)
    let series = try #require(try history().series.first)
    #expect(try history().series.count == 1)
    #expect(series.points.map { $0.metric?.value } == [0.5, 0.5, 0.7])
    #expect(
      series.points.map(\.change) == [nil, "", "corpus: parameter documents: 10 → 12"])
    #expect(series.place.map { "\($0.column)=\($0.value)" } == ["seed=1", "class=left"])
    #expect(try history([]).series.count == 2)
    #expect(try history([("stage", "score")]).series.count == 2)
    let last = try #require(try history(count: 1).series.first)
    #expect(last.points.map(\.change) == ["corpus: parameter documents: 10 → 12"])
    #expect(try history(earliest: 2).runs == 2)
  }

  @Test func aNightWithoutAValueIsSaid() throws {
    let first = try night(1, 0.5, documents: 10)
    try night(2, 0.6, documents: 11)
    var failed = nights.row("score[seed=1]", key: nil, outcome: .failed)
    failed.failure = RunFailure(cause: .exit, problem: Diagnostic("x", "it broke"))
    try nights.record([failed], id: "20261123T010000.000Z-night-000003", started: 3)
    try nights.remove(first)
    let series = try #require(try history().series.first)
    #expect(
      series.points.map(\.note) == [
        "its object is gone from the store", nil, "failed: it broke",
      ])
    #expect(series.points.map { $0.metric?.value } == [nil, 0.6, nil])
    #expect(series.points.map(\.time) == [1, 2, 3])
  }

  @Test func whatNobodyMeasuredIsNamed() throws {
    try night(1, 0.5, documents: 10)
    let none = try history(name: "shore")
    #expect(none.names == ["share", "loss"])
    #expect(throws: Diagnostic.self) { try none.check() }
    try history().check()
  }
}
