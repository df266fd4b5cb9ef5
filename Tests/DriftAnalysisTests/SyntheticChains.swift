// Chains of known drift, decay and judges: what the analysis must find.

import CanonicalJSON
import Foundation
import Randomness
import Reports

@testable import DriftAnalysis

struct SyntheticChains {
  var chains = 6
  var generations = 4
  var documents = 60
  /// True change of the share of right per generation, by strategy.
  var drift = ["none": 0.08, "overfit": 0.05, "preserve": 0.0, "accumulate": 0.0]
  /// Change of quality per generation.
  var decay = ["none": -0.3, "overfit": -0.4, "preserve": 0.0, "accumulate": -0.02]
  /// What a point of lost quality adds to the judged share of right: an artefact.
  var artefact = 0.0
  /// Does the second judge see the drift upside down?
  var secondJudgeDisagrees = false
  var statementSign = 1.0
  var noise = 0.02

  static let strategies = ["none", "overfit", "preserve", "accumulate"]

  var input: DriftInput {
    var input = DriftInput(bias: [])
    for strategy in Self.strategies {
      for chain in 1...chains {
        for generation in 0...generations { add(strategy, chain, generation, to: &input) }
      }
    }
    addDegraded(to: &input)
    addJudge(to: &input)
    return input
  }

  private func add(_ strategy: String, _ chain: Int, _ generation: Int, to input: inout DriftInput)
  {
    var random = RandomStream(seed: chain, name: "\(strategy)/\(generation)")
    let at = JSONObject([
      ("strategy", .string(strategy)), ("generation", .integer(generation)),
      ("seed", .integer(chain)),
    ])
    let g = Double(generation)
    let quality = 2.4 + decay[strategy]! * g + noise * random.normal()
    let lost = 2.4 - quality
    let right = max(
      0, min(1, 0.4 + drift[strategy]! * g + artefact * lost + noise * random.normal()))
    let n = Int((right * Double(documents)).rounded())
    var labels: [String] = []
    for index in 0..<documents {
      labels.append(index < n ? "right" : index % 2 == 0 ? "left" : "center")
    }
    func share(_ label: String) -> Double {
      Double(labels.count { $0 == label }) / Double(documents)
    }
    input.bias.append(
      .init(
        at,
        ["left", "center", "right"].map {
          Metric("share", share($0), unit: "share", count: documents, at: ["class": .string($0)])
        } + [Metric("mean_score", 0, count: documents, at: ["from": "left", "to": "right"])]))
    input.biasScores.append(
      .init(
        at, labels.enumerated().map { DocumentScore(id: "d\($0)", label: $1) }))
    let second = labels.map { label in
      guard secondJudgeDisagrees else { return label }
      return label == "right" ? "left" : label == "left" ? "right" : label
    }
    input.secondScores.append(
      .init(at, second.enumerated().map { DocumentScore(id: "d\($0)", label: $1) }))
    input.quality.append(
      .init(
        at,
        [
          Metric("gibberish_index", quality, count: documents),
          Metric("perplexity", 40 * exp(-0.2 * g), count: 1000),
        ]))
    input.qualityScores.append(
      .init(
        at,
        (0..<documents).map {
          DocumentScore(
            id: "d\($0)", values: ["gibberish": quality + 0.02 * Double($0 % 7 - 3)])
        }))
    input.statements.append(
      .init(
        at,
        [
          Metric(
            "difference", statementSign * drift[strategy]! * g, unit: "nats per token", count: 90,
            at: ["scale": "token"])
        ]))
  }

  private func addDegraded(to input: inout DriftInput) {
    for mode in ["loop", "shuffle"] {
      for amount in [0, 0.25, 0.5, 0.75, 1] {
        let at = JSONObject([("mode", .string(mode)), ("amount", .number(amount))])
        input.degradedBias.append(
          .init(
            at,
            [
              Metric(
                "share", 0.4 + artefact * 2 * amount, unit: "share", count: 60,
                at: ["class": "right"])
            ]))
        input.degradedQuality.append(
          .init(at, [Metric("gibberish_index", 2.4 - 2 * amount, count: 60)]))
      }
    }
  }

  private func addJudge(to input: inout DriftInput) {
    let counts = [[80.0, 15, 5], [10, 70, 20], [6, 14, 80]]
    let names = ["left", "center", "right"]
    for (row, name) in names.enumerated() {
      for (column, other) in names.enumerated() {
        input.judge.append(
          Metric(
            "confusion", counts[row][column], count: 100,
            at: ["true": .string(name), "predicted": .string(other)]))
      }
    }
    input.base = zip(names, [0.05, 0.48, 0.47]).map {
      Metric("share", $1, unit: "share", count: 150, at: ["class": .string($0)])
    }
  }

  func analysis(_ change: (inout DriftSettings) -> Void = { _ in }) throws -> DriftAnalysis {
    var settings = DriftSettings(adjustment: .maxT, replicates: 200)
    change(&settings)
    return try DriftAnalysis(input, settings) { RandomStream(seed: 3, name: $0) }
  }
}
