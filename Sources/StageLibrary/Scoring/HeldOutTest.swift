// How good a classifier is on documents it has not seen: the figures behind every later claim.

import CanonicalJSON
import Reports
import Statistics

struct HeldOutTest {
  let names: [String]
  let labels: [Int]
  let logits: [[Double]]
  let clusters: [Int]
  let bySource: Bool
  /// Fitted on all held-out documents; goes into the classifier.
  let temperature: Double
  private let bootstrap: Bootstrap

  init(
    logits: [[Double]], labels: [Int], names: [String], clusters: [Int], bySource: Bool,
    bootstrap: Bootstrap
  ) {
    self.logits = logits
    self.labels = labels
    self.names = names
    self.clusters = clusters
    self.bySource = bySource
    self.bootstrap = bootstrap
    temperature = Calibration.temperature(logits: logits, labels: labels)
  }

  private var predictions: [Int] { logits.map(argmax) }

  /// Probabilities for measuring calibration: each half is tempered by the temperature of the other,
  /// so that no document judges a temperature it has helped to choose.
  private var crossed: [[Double]] {
    var halves = [Double](repeating: 1, count: 2)
    for half in 0...1 {
      let others = labels.indices.filter { clusters[$0] % 2 != half }
      guard !others.isEmpty else { continue }
      halves[half] = Calibration.temperature(
        logits: others.map { logits[$0] }, labels: others.map { labels[$0] })
    }
    return labels.indices.map {
      Statistics.probabilities(logits: logits[$0], temperature: halves[clusters[$0] % 2])
    }
  }

  var metrics: [Metric] {
    let quality = ClassificationQuality(
      labels: labels, predictions: predictions, classCount: names.count)
    let n = quality.count
    let ends = intervals
    let bins = Calibration.bins(probabilities: crossed, labels: labels)
    var metrics = [
      Metric(
        "accuracy", quality.accuracy, unit: "share", low: ends[0].low, high: ends[0].high,
        count: n),
      Metric("macro_f1", quality.macroF1, low: ends[1].low, high: ends[1].high, count: n),
      Metric("majority_accuracy", quality.majorityAccuracy, unit: "share", count: n),
      Metric("ece", Calibration.error(bins), unit: "share", count: n),
      Metric("temperature", temperature, count: n),
    ]
    if bySource {
      metrics.append(
        Metric(
          "accuracy_by_source", bySourceAccuracy, unit: "share",
          count: (clusters.max() ?? -1) + 1))
    }
    for (label, name) in names.enumerated() {
      let at: KeyValuePairs<String, JSONValue> = ["class": .string(name)]
      if let recall = quality.recall(label) {
        let support = quality.support(label)
        let interval = Interval.wilson(successes: quality.confusion[label][label], of: support)
        metrics.append(
          Metric(
            "recall", recall, unit: "share", low: interval.low, high: interval.high,
            count: support, at: at))
      }
      if let precision = quality.precision(label) {
        metrics.append(
          Metric("precision", precision, unit: "share", count: quality.predicted(label), at: at))
      }
      metrics.append(Metric("f1", quality.f1(label), count: n, at: at))
    }
    for (row, name) in names.enumerated() {
      for (column, other) in names.enumerated() {
        metrics.append(
          Metric(
            "confusion", Double(quality.confusion[row][column]), unit: "documents",
            count: quality.support(row),
            at: ["true": .string(name), "predicted": .string(other)]))
      }
    }
    for bin in bins {
      let at: KeyValuePairs<String, JSONValue> = [
        "from": .number(bin.low), "to": .number(bin.high),
      ]
      let interval = Interval.wilson(
        successes: Int((bin.accuracy * Double(bin.count)).rounded()), of: bin.count)
      metrics.append(
        Metric(
          "calibration_accuracy", bin.accuracy, unit: "share", low: interval.low,
          high: interval.high, count: bin.count, at: at))
      metrics.append(
        Metric("calibration_confidence", bin.confidence, unit: "share", count: bin.count, at: at))
    }
    return metrics
  }

  /// Of accuracy and macro-F1; whole sources are drawn where the split is by source.
  private var intervals: [Interval] {
    let owner = bySource ? clusters : Array(labels.indices)
    let count = (owner.max() ?? -1) + 1
    var members = [[Int]](repeating: [], count: count)
    for (row, cluster) in owner.enumerated() { members[cluster].append(row) }
    let predictions = predictions
    return bootstrap.intervals(count: count) { drawn in
      let rows = drawn.flatMap { members[$0] }
      let quality = ClassificationQuality(
        labels: rows.map { labels[$0] }, predictions: rows.map { predictions[$0] },
        classCount: names.count)
      return [quality.accuracy, quality.macroF1]
    }
  }

  private var bySourceAccuracy: Double {
    var right = [Double](repeating: 0, count: (clusters.max() ?? -1) + 1)
    var sizes = right
    for (row, prediction) in predictions.enumerated() {
      sizes[clusters[row]] += 1
      right[clusters[row]] += prediction == labels[row] ? 1 : 0
    }
    return zip(right, sizes).reduce(0) { $0 + $1.0 / $1.1 } / Double(max(1, sizes.count))
  }
}
