// A study with known drift, for tests and for looking at a page:
// `PLUMB_SHOW_REPORT=FILE swift test --filter StudyReportTests` writes it.

import CanonicalJSON
import Foundation
import Randomness

@testable import Reports

enum SyntheticStudy {
  static let labels = ["left", "center", "right"]

  static func input(
    strategies: [String] = ["none", "overfit", "preserve", "accumulate"], generations: Int = 4,
    seeds: Int = 2
  ) -> StudyInput {
    var input = StudyInput(
      title: "Does a language model drift when it learns from its own articles?",
      summary: "A small GPT-2 retrained on what it wrote, with three mitigations.",
      axes: .init(x: "generation", series: "strategy", replicate: "seed"), target: "right",
      bias: [])
    let slopes = ["none": 0.05, "overfit": 0.035, "preserve": -0.005, "accumulate": 0.01]
    for strategy in strategies {
      for generation in 0...generations {
        for seed in 1...seeds {
          var random = RandomStream(seed: seed, name: "\(strategy)/\(generation)")
          let at = JSONObject([
            ("strategy", .string(strategy)), ("generation", .integer(generation)),
            ("seed", .integer(seed)),
          ])
          let g = Double(generation)
          let right = 0.34 + slopes[strategy, default: 0] * g + 0.015 * random.normal()
          let center = (1 - right) * 0.45
          var metrics: [Metric] = []
          for (label, share) in zip(labels, [1 - right - center, center, right]) {
            metrics.append(
              Metric(
                "share", share, unit: "share", low: share - 0.06, high: share + 0.06, count: 240,
                at: ["class": .string(label)]))
            metrics.append(
              Metric(
                "share_change", share - 0.333, unit: "share", low: share - 0.37,
                high: share - 0.29, count: 240, at: ["class": .string(label)]))
            metrics.append(
              Metric(
                "reference_share", 0.333, unit: "share", count: 240,
                at: ["class": .string(label)]))
          }
          let score = 2 * right + center - 1
          metrics.append(
            Metric(
              "mean_score", score, low: score - 0.05, high: score + 0.05, count: 240,
              at: ["from": "left", "to": "right"]))
          input.bias.append(.init(at, metrics))
          input.quality.append(
            .init(
              at,
              [
                Metric("perplexity", 60 * exp(-0.15 * g) + random.normal(), count: 31_000),
                Metric("reference_perplexity", 71, count: 31_000),
                Metric("distinct_2", 0.42 - 0.04 * g + 0.005 * random.normal(), count: 30_000),
                Metric(
                  "repetition_4", 0.1 + 0.07 * g, low: 0.08 + 0.07 * g, high: 0.12 + 0.07 * g,
                  count: 240),
                Metric("length", 128, low: 120, high: 133, count: 240),
              ]))
          input.samples.append(
            .init(
              at,
              (0..<6).map { index in
                let turn = "The senator said the new law is a \(strategy) answer to no question. "
                return StudyInput.Sample(
                  id: "news-\(index)",
                  text: "title: A bill <reaches> the floor\nbody: "
                    + String(repeating: turn, count: generation + 2))
              }))
          input.history.append(
            .init(
              at,
              (1...400).map {
                TrainingStep(step: $0, loss: 2.2 + 3 * exp(-Double($0) / 60) - 0.2 * g)
              }))
        }
      }
    }
    input.classifier = [
      Metric("accuracy", 0.874, low: 0.84, high: 0.9, count: 360),
      Metric("macro_f1", 0.871, low: 0.83, high: 0.9, count: 360),
      Metric("majority_accuracy", 0.34, count: 360), Metric("ece", 0.031, count: 360),
      Metric("temperature", 0.62, count: 360),
    ]
    for (row, label) in labels.enumerated() {
      input.classifier.append(
        Metric("recall", 0.85 + 0.02 * Double(row), count: 120, at: ["class": .string(label)]))
      input.classifier.append(
        Metric("precision", 0.88, count: 118, at: ["class": .string(label)]))
      for (column, other) in labels.enumerated() {
        input.classifier.append(
          Metric(
            "confusion", row == column ? 104 : 8, count: 120,
            at: ["true": .string(label), "predicted": .string(other)]))
      }
    }
    for bin in 4..<10 {
      let middle = 0.1 * Double(bin) + 0.05
      input.classifier.append(
        Metric(
          "calibration_accuracy", middle - 0.03, low: middle - 0.1, high: min(1, middle + 0.06),
          count: 60, at: ["bin": .integer(bin)]))
      input.classifier.append(
        Metric("calibration_confidence", middle, count: 60, at: ["bin": .integer(bin)]))
    }
    return input
  }

  static var run: RunSummary {
    var stages: [RunSummary.Stage] = []
    for (index, kind) in ["compose-corpus", "train-tokenizer", "fine-tune"].enumerated() {
      stages.append(
        .init(
          id: "\(kind)-\(index)", kind: kind, outcome: index == 0 ? .reused : .produced,
          reason: "first time", key: String(repeating: "0123456789abcdef", count: 4),
          start: index == 0 ? nil : Double(index), seconds: index == 0 ? nil : 2.5,
          peakMemory: 150_000_000, threads: 1,
          outputs: [.init(port: "corpus", reference: "tree:sha256:0123456789abcdef")]))
    }
    for index in 0..<30 {
      stages.append(
        .init(
          id: "train[strategy=preserve,generation=\(index)]",
          kind: index % 2 == 0
            ? "fine-tune" : "generate-corpus", outcome: index == 29 ? .failed : .produced,
          reason: "parameter learning_rate: 0.001 → 0.002",
          key: String(repeating: "f", count: 64), start: 6 + Double(index / 2) * 5,
          seconds: 4 + Double(index % 2), peakMemory: 450_000_000, threads: 1))
    }
    return RunSummary(
      name: "quickstart", summary: "Drift in minutes", id: "20261123T003000-4f2a",
      started: "2026-11-23 00:30 UTC", seconds: 84, command: "plumb run pipelines/quickstart.yaml",
      environment: [
        .init("version", "plumb 0.1.0, engine 1"), .init("host", "a <b> & c"),
        .init("BLAS", "OpenBLAS 0.3.21, SkylakeX kernels"),
      ], parameters: [.init("seed", "42"), .init("generations", "4")],
      manifestPath: "pipelines/quickstart.yaml",
      manifestText: "version: 1\nname: quickstart\nparams:\n  seed: 42\n", stages: stages)
  }
}
