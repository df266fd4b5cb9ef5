// The factorial through the bodies of its stages: the study's acceptance on closed forms, and what the
// words of the section follow from.

import CanonicalJSON
import Diagnostics
import Estimation
import Foundation
import Reports
import Scheduling
import Testing

@testable import StageLibrary

@Suite struct EstimationStagesTests {
  private func simulate(
    _ place: Workplace, _ name: String, weights: String, draws: Int, replicates: Int = 20,
    generations: Int = 10, fitted: String = "right", truth: String = "beta"
  ) throws {
    try place.run(
      SimulateEstimationStage.self,
      [
        ("truth", .string(truth)), ("fitted", .string(fitted)), ("weights", .string(weights)),
        ("draws", .integer(draws)), ("replicates", .integer(replicates)),
        ("generations", .integer(generations)), ("margin", .number(0.01)),
        ("shown", .array([.integer(0), .integer(generations)])), ("seed", .integer(1)),
      ], [:], ["metrics": name, "densities": name + "-densities"])
  }

  private func compare(_ place: Workplace, _ names: [String]) throws -> ReportSection {
    try place.run(
      CompareEstimationsStage.self, [],
      [
        "metrics": names.map { try place.input($0) },
        "densities": names.map { try place.input($0 + "-densities") },
      ], ["metrics": "causes", "section": "section"])
    return try ReportSection.read(place.bytes("section/section.json"), shown: "section.json")
  }

  /// Acceptance 1: closed forms within 3 standard errors over 20 replicates, the equivalence test of
  /// the plain chain, amplification without sampling error.
  @Test func theStudysChains() throws {
    let place = try Workplace()
    for weights in ["none", "previous"] {
      try simulate(place, weights, weights: weights, draws: 10_000)
      try simulate(place, weights + "-limit", weights: weights, draws: 0)
      let departures = try place.metrics(weights).filter { $0.name == "departure" }
      #expect(departures.count == 11)
      for row in departures {
        #expect(abs(row.value) < 3, "\(weights), \(row.at.members): \(row.value)")
      }
    }
    func value(_ file: String, _ name: String, _ generation: Int? = nil) throws -> Metric {
      let rows = try place.metrics(file).filter {
        $0.name == name && (generation == nil || $0.at["generation"]?.integer == generation)
      }
      return try #require(rows.first)
    }
    #expect(try value("none", "equivalence_p").value < 0.05)
    let limit = try value("previous-limit", "amplification")
    #expect(abs(limit.value - (3073.0 / 5122 - 4.0 / 7)) < 1e-6)
    #expect(limit.low == nil, "a single exact chain has no interval")
    #expect(try value("previous", "converged_chains").value == 20)
    #expect(try value("previous", "largest_residual").value < 1e-6)

    let section = try compare(place, ["none", "previous", "none-limit", "previous-limit"])
    #expect(section.claims.map(\.id) == ["wmle-amplifies", "mle-stays"])
    #expect(section.claims.map(\.verdict) == [.reproduced, .reproduced])
    #expect(section.claims[0].evidence.contains("does not pass it"))
    // Both pictures of densities, with the true ones.
    let pictures = section.figures.filter {
      ["estimation-weighted", "estimation-plain"].contains($0.id)
    }
    #expect(pictures.count == 2)
    for picture in pictures {
      #expect(picture.series.count == 4)
      #expect(picture.series.allSatisfy { $0.points.count == 101 })
    }
  }

  @Test func weightsThatAreHeldPassTheFirstBias() throws {
    let place = try Workplace()
    try simulate(place, "held", weights: "pretrained", draws: 0)
    let last = try #require(
      place.metrics("held").last { $0.name == "bias" && $0.at["generation"]?.integer == 10 })
    #expect(abs(last.value - (24.0 / 37 - 0.5)) < 1e-6)
  }

  /// A claim says no more than its cells: without them it is not testable, with few chains of few draws
  /// it is unclear.
  @Test func claimsWithoutGround() throws {
    let place = try Workplace()
    try simulate(place, "plain", weights: "none", draws: 50, replicates: 3, generations: 3)
    let section = try compare(place, ["plain"])
    #expect(section.claims[0].verdict == .notTestable)
    #expect(section.claims[1].verdict == .unclear)
    try simulate(place, "still", weights: "previous", draws: 0, fitted: "wrong")
    let other = try compare(place, ["still"])
    #expect(other.claims.map(\.verdict) == [.notTestable, .notTestable])
  }

  @Test func refusals() throws {
    let place = try Workplace()
    try simulate(place, "once", weights: "none", draws: 0, generations: 1)
    _ = try place.make("foreign")
    try Data(Metric.file([Metric("share", 0.5, count: 1)])).write(
      to: URL(fileURLWithPath: place.folder + "/foreign/metrics.json"))
    func id(_ names: [String]) throws -> String? {
      do {
        try place.run(
          CompareEstimationsStage.self, [],
          ["metrics": names.map { try place.input($0) }, "densities": []],
          ["metrics": "causes", "section": "section"])
        return nil
      } catch let error as Diagnostic { return error.id }
    }
    #expect(try id(["once", "once"]) == "estimation-twice")
    #expect(try id(["foreign"]) == "estimation-metrics")
    #expect(try id([]) == "estimation-metrics")
    #expect(try id(["once"]) == nil)
  }
}
