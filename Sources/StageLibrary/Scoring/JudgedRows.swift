// Labelled documents and what a classifier said of each: how good it is, counting documents and
// counting sources, with intervals that draw whole sources.

import Statistics

struct JudgedRows {
  let labels: [Int]
  let classCount: Int
  /// Tempered, `[document][class]`.
  let probabilities: [[Double]]
  /// At temperature 1.
  let untempered: [[Double]]
  /// Numbers that are equal for documents of one source.
  let clusters: [Int]

  var predictions: [Int] { probabilities.map(argmax) }

  /// Everything whose interval is made by resampling.
  struct Figures {
    var accuracy = 0.0
    var macroF1 = 0.0
    /// Every source counts the same.
    var accuracyBySource = 0.0
    var macroF1BySource = 0.0
    var calibrationError = 0.0
    var untemperedCalibrationError = 0.0
    /// P(predicted | true), `[true][predicted]`; 0 where the class does not occur.
    var confusion: [[Double]] = []
    /// Mean of P(class) over the documents of a true class, `[true][class]`.
    var response: [[Double]] = []

    var values: [Double] {
      [
        accuracy, macroF1, accuracyBySource, macroF1BySource, calibrationError,
        untemperedCalibrationError,
      ] + confusion.joined() + response.joined()
    }
  }

  var figures: Figures { Sums(parts(of: clusters)).figures(or: nil) }

  /// Percentile intervals in the order of `Figures.values`.
  ///
  /// - Parameter bySource: whole sources are drawn, else documents.
  func intervals(bySource: Bool, _ bootstrap: Bootstrap) -> [Interval] {
    let parts = parts(of: bySource ? clusters : Array(labels.indices))
    let whole = figures
    return bootstrap.intervals(count: parts.count) { drawn in
      var sums = parts[drawn[0]]
      for number in drawn.dropFirst() { sums.add(parts[number]) }
      return sums.figures(or: whole).values
    }
  }

  /// Intervals of the differences between two classifiers on the same documents, both seen through the
  /// same resamples.
  static func differences(
    _ a: JudgedRows, _ b: JudgedRows, bySource: Bool, _ bootstrap: Bootstrap
  ) -> [Interval] {
    precondition(a.labels == b.labels && a.clusters == b.clusters, "two different tests")
    let owner = bySource ? a.clusters : Array(a.labels.indices)
    let parts = [a, b].map { $0.parts(of: owner) }
    let wholes = [a.figures, b.figures]
    return bootstrap.intervals(count: parts[0].count) { drawn in
      let values = zip(parts, wholes).map { parts, whole in
        var sums = parts[drawn[0]]
        for number in drawn.dropFirst() { sums.add(parts[number]) }
        return sums.figures(or: whole).values
      }
      return zip(values[0], values[1]).map { $0 - $1 }
    }
  }

  /// The sums of each cluster.
  private func parts(of owner: [Int]) -> [Sums] {
    var sizes: [Int: Double] = [:]  // look-up only
    for cluster in clusters { sizes[cluster, default: 0] += 1 }
    let count = (owner.max() ?? -1) + 1
    var parts = [Sums](repeating: Sums(classCount), count: count)
    let predictions = predictions
    for row in labels.indices {
      parts[owner[row]].add(
        label: labels[row], prediction: predictions[row], probabilities: probabilities[row],
        untempered: untempered[row], sourceSize: sizes[clusters[row]]!)
    }
    return parts
  }

  /// What figures are made of; sums of clusters can be added.
  private struct Sums {
    var documents: ConfusionTable
    var sources: ConfusionTable
    /// `[true][class]`, sums of probabilities.
    var response: [Double]
    /// Count, confidence and correct answers of ten bins, tempered and then untempered.
    var bins = [Double](repeating: 0, count: 60)
    let classCount: Int

    init(_ classCount: Int) {
      self.classCount = classCount
      documents = ConfusionTable(classCount: classCount)
      sources = ConfusionTable(classCount: classCount)
      response = [Double](repeating: 0, count: classCount * classCount)
    }

    init(_ parts: [Sums]) {
      self = parts[0]
      for part in parts.dropFirst() { add(part) }
    }

    mutating func add(_ other: Sums) {
      documents.add(other.documents)
      sources.add(other.sources)
      for index in response.indices { response[index] += other.response[index] }
      for index in bins.indices { bins[index] += other.bins[index] }
    }

    mutating func add(
      label: Int, prediction: Int, probabilities: [Double], untempered: [Double],
      sourceSize: Double
    ) {
      documents.add(1, true: label, predicted: prediction)
      sources.add(1 / sourceSize, true: label, predicted: prediction)
      for other in 0..<classCount { response[label * classCount + other] += probabilities[other] }
      for (place, row) in [probabilities, untempered].enumerated() {
        let winner = argmax(row)
        let bin = 30 * place + 3 * min(9, Int(row[winner] * 10))
        bins[bin] += 1
        bins[bin + 1] += row[winner]
        bins[bin + 2] += winner == label ? 1 : 0
      }
    }

    /// - Parameter whole: stands in where a resample has no document of a class.
    func figures(or whole: Figures?) -> Figures {
      var figures = Figures()
      figures.accuracy = documents.accuracy
      figures.macroF1 = documents.macroF1
      figures.accuracyBySource = sources.accuracy
      figures.macroF1BySource = sources.macroF1
      figures.calibrationError = calibrationError(from: 0)
      figures.untemperedCalibrationError = calibrationError(from: 30)
      for label in 0..<classCount {
        let count = documents.cells[label].reduce(0, +)
        let absent = [Double](repeating: 0, count: classCount)
        figures.confusion.append(
          count > 0
            ? documents.cells[label].map { $0 / count } : whole?.confusion[label] ?? absent)
        figures.response.append(
          count > 0
            ? (0..<classCount).map { response[label * classCount + $0] / count }
            : whole?.response[label] ?? absent)
      }
      return figures
    }

    private func calibrationError(from start: Int) -> Double {
      let total = documents.total
      guard total > 0 else { return 0 }
      return stride(from: start, to: start + 30, by: 3).reduce(0) {
        $0 + abs(bins[$1 + 2] - bins[$1 + 1]) / total
      }
    }
  }
}
