// How good a classifier is on documents it has not seen: the figures behind every later claim, as
// metrics. They are computed in JudgedRows.swift.

import CanonicalJSON
import Reports
import Statistics

struct HeldOutTest {
  let names: [String]
  /// Whole sources are on one side and drawn by the bootstrap.
  let bySource: Bool
  let rows: JudgedRows
  private let bootstrap: Bootstrap

  init(_ rows: JudgedRows, names: [String], bySource: Bool, bootstrap: Bootstrap) {
    self.rows = rows
    self.names = names
    self.bySource = bySource
    self.bootstrap = bootstrap
  }

  /// - Parameter temperatures: of each document, chosen without it.
  init(
    logits: [[Double]], labels: [Int], names: [String], clusters: [Int], bySource: Bool,
    temperatures: [Double], bootstrap: Bootstrap
  ) {
    self.init(
      JudgedRows(
        labels: labels, classCount: names.count,
        probabilities: zip(logits, temperatures).map {
          Statistics.probabilities(logits: $0, temperature: $1)
        },
        untempered: logits.map { Statistics.probabilities(logits: $0) }, clusters: clusters),
      names: names, bySource: bySource, bootstrap: bootstrap)
  }

  /// Temperatures that judge themselves honestly where no others are at hand: each half is tempered
  /// by the temperature of the other.
  static func crossedTemperatures(
    logits: [[Double]], labels: [Int], clusters: [Int]
  ) -> [Double] {
    var halves = [Double](repeating: 1, count: 2)
    for half in 0...1 {
      let others = labels.indices.filter { clusters[$0] % 2 != half }
      guard !others.isEmpty else { continue }
      halves[half] = Calibration.temperature(
        logits: others.map { logits[$0] }, labels: others.map { labels[$0] })
    }
    return clusters.map { halves[$0 % 2] }
  }

  /// - Parameter prefix: of every name, such as `folds_`.
  func metrics(prefix: String = "") -> [Metric] {
    let quality = ClassificationQuality(
      labels: rows.labels, predictions: rows.predictions, classCount: names.count)
    let n = quality.count
    let sources = (rows.clusters.max() ?? -1) + 1
    let figures = rows.figures
    let ends = rows.intervals(bySource: bySource, bootstrap)
    func metric(_ name: String, _ value: Double, _ end: Int, _ count: Int, _ unit: String = "share")
      -> Metric
    {
      Metric(
        prefix + name, value, unit: unit, low: ends[end].low, high: ends[end].high, count: count)
    }
    var metrics = [
      metric("accuracy", figures.accuracy, 0, n),
      metric("macro_f1", figures.macroF1, 1, n, ""),
      Metric(
        prefix + "majority_accuracy", quality.majorityAccuracy, unit: "share", count: n),
      metric("ece", figures.calibrationError, 4, n),
      metric("ece_untempered", figures.untemperedCalibrationError, 5, n),
    ]
    if bySource {
      metrics += [
        metric("accuracy_by_source", figures.accuracyBySource, 2, sources),
        metric("macro_f1_by_source", figures.macroF1BySource, 3, sources, ""),
      ]
    }
    metrics += classes(quality, ends, prefix)
    metrics += cells(quality, figures, ends, prefix)
    return metrics + reliability(prefix)
  }

  private func classes(
    _ quality: ClassificationQuality, _ ends: [Interval], _ prefix: String
  ) -> [Metric] {
    var metrics: [Metric] = []
    for (label, name) in names.enumerated() {
      let at: KeyValuePairs<String, JSONValue> = ["class": .string(name)]
      if let recall = quality.recall(label) {
        let support = quality.support(label)
        let interval =
          bySource
          ? ends[6 + label * names.count + label]
          : Interval.wilson(successes: quality.confusion[label][label], of: support)
        metrics.append(
          Metric(
            prefix + "recall", recall, unit: "share", low: interval.low, high: interval.high,
            count: support, at: at))
      }
      if let precision = quality.precision(label) {
        metrics.append(
          Metric(
            prefix + "precision", precision, unit: "share", count: quality.predicted(label),
            at: at))
      }
      metrics.append(Metric(prefix + "f1", quality.f1(label), count: quality.count, at: at))
    }
    return metrics
  }

  /// Counts, and what a correction for confusion needs: P(predicted | true) and the mean probability
  /// of each class given the true one.
  private func cells(
    _ quality: ClassificationQuality, _ figures: JudgedRows.Figures, _ ends: [Interval],
    _ prefix: String
  ) -> [Metric] {
    let k = names.count
    var counts: [Metric] = []
    var shares: [Metric] = []
    var responses: [Metric] = []
    for (row, name) in names.enumerated() {
      let support = quality.support(row)
      for (column, other) in names.enumerated() {
        counts.append(
          Metric(
            prefix + "confusion", Double(quality.confusion[row][column]), unit: "documents",
            count: support, at: ["true": .string(name), "predicted": .string(other)]))
        guard support > 0 else { continue }
        let share = ends[6 + row * k + column]
        shares.append(
          Metric(
            prefix + "confusion_probability", figures.confusion[row][column], unit: "share",
            low: share.low, high: share.high, count: support,
            at: ["true": .string(name), "predicted": .string(other)]))
        let response = ends[6 + k * k + row * k + column]
        responses.append(
          Metric(
            prefix + "response", figures.response[row][column], unit: "probability",
            low: response.low, high: response.high, count: support,
            at: ["true": .string(name), "class": .string(other)]))
      }
    }
    return counts + shares + responses
  }

  private func reliability(_ prefix: String) -> [Metric] {
    var metrics: [Metric] = []
    for bin in Calibration.bins(probabilities: rows.probabilities, labels: rows.labels) {
      let at: KeyValuePairs<String, JSONValue> = [
        "from": .number(bin.low), "to": .number(bin.high),
      ]
      let interval = Interval.wilson(
        successes: Int((bin.accuracy * Double(bin.count)).rounded()), of: bin.count)
      metrics.append(
        Metric(
          prefix + "calibration_accuracy", bin.accuracy, unit: "share", low: interval.low,
          high: interval.high, count: bin.count, at: at))
      metrics.append(
        Metric(
          prefix + "calibration_confidence", bin.confidence, unit: "share", count: bin.count,
          at: at))
    }
    return metrics
  }
}
