// Which run a name means, among good and damaged records and in other stores.

import Diagnostics
import Foundation
import Testing

@testable import RunHistory

@Suite struct RunShelfTests {
  private func shelf(_ nights: Nights, pipeline: String? = "night") throws -> RunShelf {
    try RunShelf(nights.store, pipeline: pipeline)
  }

  private func id(_ shelf: RunShelf, _ name: String) -> String {
    do throws(Diagnostic) {
      return try shelf.find(name).id
    } catch {
      return "error " + error.id
    }
  }

  @Test func runsAreFoundByAllTheirNames() throws {
    let nights = try Nights()
    try nights.record([], id: "20261120T010000.000Z-night-aaaaaa")
    try nights.record([], id: "20261121T010000.000Z-night-abcdef")
    try nights.record([], id: "20261121T020000.000Z-other-123456", pipeline: "other")
    try nights.record([], id: "20261122T010000.000Z-night-777777")
    let shelf = try shelf(nights)
    #expect(id(shelf, "latest").hasSuffix("777777"))
    #expect(id(shelf, "latest~1").hasSuffix("abcdef"), "another pipeline's run does not count")
    #expect(id(shelf, "latest~2").hasSuffix("aaaaaa"))
    #expect(id(shelf, "latest~3") == "error run-unknown")
    #expect(id(shelf, "2026-11-21").hasSuffix("abcdef"))
    #expect(id(shelf, "2026-11-21T02") == "error run-unknown")
    #expect(id(shelf, "123456").hasSuffix("other-123456"), "an id may be of another pipeline")
    #expect(id(shelf, "20261122T01").hasSuffix("777777"))
    #expect(id(shelf, "20261121T") == "error run-ambiguous")
    #expect(id(shelf, "nothing") == "error run-unknown")
    #expect(id(try self.shelf(nights, pipeline: nil), "latest~1").hasSuffix("123456"))
    #expect(id(try self.shelf(nights, pipeline: "absent"), "latest") == "error run-unknown")
  }

  @Test(arguments: [
    "", "{", "null", "[]", "{\"id\": 1, \"rows\": []}", "{\"id\": \"x\"}", "\u{0}\u{0}",
    String(repeating: "[", count: 5000),
  ])
  func damagedRecordsArePassedOverUnlessTheyAreNamed(text: String) throws {
    let nights = try Nights()
    try nights.record([], id: "20261120T010000.000Z-night-aaaaaa")
    let folder = nights.store.path + "/runs/20261121T010000.000Z-night-bbbbbb"
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
    try Data(text.utf8).write(to: URL(fileURLWithPath: folder + "/run.json"))
    let shelf = try shelf(nights)
    #expect(id(shelf, "latest").hasSuffix("aaaaaa"))
    #expect(id(shelf, "bbbbbb") == "error run-record-unreadable")
    #expect(shelf.damaged(among: 5).map(\.id) == ["run-record-unreadable"])
  }

  @Test func addressesNameStoresAndRuns() throws {
    let nights = try Nights("artifacts")
    let run = try nights.record([])
    let store = nights.store.path
    #expect(RunAddress("latest~2") == RunAddress(run: "latest~2"))
    #expect(RunAddress(store) == RunAddress(store: store, run: "latest"))
    #expect(RunAddress(store + ":latest~1") == RunAddress(store: store, run: "latest~1"))
    #expect(
      RunAddress(store + ":2026-11-22T08:30") == RunAddress(store: store, run: "2026-11-22T08:30"))
    #expect(RunAddress("2026-11-22T08:30") == RunAddress(run: "2026-11-22T08:30"))
    #expect(
      RunAddress(store + "/runs/" + run.report.id) == RunAddress(store: store, run: run.report.id))
    #expect(RunAddress(against: nights.folder).store == store, "a project's folder has its store")
    #expect(RunAddress(against: store + ":").run == "latest")
    #expect(RunAddress(against: "lab:7e0106") == RunAddress(store: "lab", run: "7e0106"))
  }

  @Test func instancesAreChosenByTheirRecordedNames() throws {
    let selector = try RowSelector(["train[seed=1]", "base"])
    #expect(selector.matches(stage: "train", id: "train[strategy=none,seed=1]"))
    #expect(!selector.matches(stage: "train", id: "train[strategy=none,seed=11]"))
    #expect(selector.matches(stage: "base", id: "base"))
    #expect(!selector.matches(stage: "bases", id: "bases"))
    #expect(throws: (any Error).self) { try RowSelector(["train["]) }
    #expect(throws: (any Error).self) { try RowSelector([""]) }
    #expect(InstanceName("a[x=1,2,y=b]")?.axes.map(\.value) == ["1,2", "b"])
  }
}
