// Cells of the factorial as compare-estimations reads them back from the metrics of simulate-estimation.

import CanonicalJSON
import Diagnostics
import Estimation
import Reports

/// One cell: which causes were on, and what came of it.
struct EstimationCell {
  let truth: EstimationSetting.Truth
  let fitted: EstimationSetting.Fitted
  let weights: EstimationSetting.Weights
  /// nil for the limit of infinitely many.
  let draws: Int?
  let replicates: Int
  let metrics: [Metric]
  var densities: [Metric] = []

  /// **Throws**: `estimation-metrics`.
  init(_ metrics: [Metric], port: String) throws(Diagnostic) {
    guard let row = metrics.first(where: { $0.name == "draws" }),
      let truth = row.at["truth"]?.string.flatMap(EstimationSetting.Truth.init(rawValue:)),
      let fitted = row.at["fitted"]?.string.flatMap(EstimationSetting.Fitted.init(rawValue:)),
      let weights = row.at["weights"]?.string.flatMap(EstimationSetting.Weights.init(rawValue:)),
      row.value >= 0, row.value == row.value.rounded(), row.value < 1e15
    else { throw .estimationMetrics(port) }
    self.truth = truth
    self.fitted = fitted
    self.weights = weights
    draws = row.value == 0 ? nil : Int(row.value)
    replicates = row.count
    self.metrics = metrics
  }

  /// Ascending in the order in which tables list cells.
  var place: [Int] {
    [
      EstimationSetting.Truth.allCases.firstIndex(of: truth)!,
      EstimationSetting.Fitted.allCases.firstIndex(of: fitted)!,
      EstimationSetting.Weights.allCases.firstIndex(of: weights)!, draws ?? Int.max,
    ]
  }

  func isSame(as other: EstimationCell) -> Bool { place == other.place }

  var coordinates: KeyValuePairs<String, JSONValue> {
    [
      "truth": .string(truth.rawValue), "fitted": .string(fitted.rawValue),
      "weights": .string(weights.rawValue), "draws": .integer(draws ?? 0),
    ]
  }

  subscript(name: String) -> Metric? { metrics.first { $0.name == name } }

  /// A figure per generation, in order.
  func row(_ name: String) -> [(generation: Int, metric: Metric)] {
    metrics.filter { $0.name == name }.compactMap { metric in
      metric.at["generation"]?.integer.map { ($0, metric) }
    }.sorted { $0.generation < $1.generation }
  }

  func value(_ name: String, _ generation: Int) -> Metric? {
    row(name).first { $0.generation == generation }?.metric
  }

  var lastGeneration: Int { row("bias").last?.generation ?? 0 }

  /// What a change of the mean must exceed to count: a tenth of the bias that the weights had.
  var threshold: Double { abs(self["pretrained_bias"]?.value ?? 0) / 10 }

  /// The largest distance from the closed form, in standard errors; nil without closed form or draws.
  var largestDeparture: (value: Double, count: Int)? {
    let values = ["departure", "variance_departure"].flatMap { row($0).map(\.metric.value) }
    guard let largest = values.map(abs).max() else { return nil }
    return (largest, values.count)
  }

  var unconverged: (fits: Int, of: Int) {
    row("unconverged").reduce((0, 0)) {
      ($0.0 + Int($1.metric.value), $0.1 + $1.metric.count)
    }
  }
}

/// What a cell does to the estimate, in words that follow from its figures.
struct EstimationEffect {
  enum Drift: String { case amplifies, reverses = "falls back", holds = "stays", unclear }
  /// Change of the mean from generation 0 to the last.
  let drift: Drift
  /// Whether the variance more than halves.
  let narrows: Bool
  /// Whether single chains wander further than what counts as a change.
  let wanders: Bool

  init(_ cell: EstimationCell) {
    let change = cell["amplification"]
    let size = cell.threshold
    // Without draws there is one chain and no interval: the value is exact.
    let low = change.map { $0.low ?? $0.value } ?? 0
    let high = change.map { $0.high ?? $0.value } ?? 0
    if low > size {
      drift = .amplifies
    } else if high < -size {
      drift = .reverses
    } else if low > -size, high < size {
      drift = .holds
    } else {
      drift = .unclear
    }
    let ratio = cell["variance_ratio"]
    narrows = (ratio.map { $0.high ?? $0.value } ?? 1) < 0.5
    wanders = (cell.value("chain_deviation", cell.lastGeneration)?.value ?? 0) > size
  }

  var words: String {
    ([drift.rawValue] + (narrows ? ["narrows"] : []) + (wanders ? ["single chains wander"] : []))
      .joined(separator: ", ")
  }
}

extension Diagnostic {
  static func estimationMetrics(_ port: String) -> Diagnostic {
    Diagnostic(
      "estimation-metrics",
      "an item of '\(port)' does not say which cell of the factorial it is of",
      help: "bind \(port) to the outputs of simulate-estimation, made by this version",
      consequence: .stageFailed)
  }

  static func estimationTwice(_ cell: String) -> Diagnostic {
    Diagnostic(
      "estimation-twice", "two items of 'metrics' are of the same cell: \(cell)",
      help: "give chains of other seeds as replicates of one stage, not as stages of their own",
      consequence: .stageFailed)
  }
}
