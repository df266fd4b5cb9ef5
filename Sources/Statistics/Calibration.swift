// Are the probabilities honest? One temperature fitted on held-out rows, and the expected
// calibration error that shows what is left.

import Foundation

/// Temperature scaling.
public enum Calibration {
  /// Temperatures outside are not believed: such a classifier knows nothing, or everything.
  public static let range = 0.05...20.0

  /// The temperature T that minimises the mean negative log-likelihood of softmax(logits / T), by
  /// bisection on the derivative with respect to 1/T, in which the loss is convex.
  ///
  /// **Source**: Guo et al. 2017, "On calibration of modern neural networks", §4.2.
  public static func temperature(
    logits: [[Double]], labels: [Int], weights: [Double]? = nil
  ) -> Double {
    precondition(
      logits.count == labels.count, "\(logits.count) rows of logits for \(labels.count) labels")
    precondition(
      weights == nil || weights!.count == labels.count, "a weight for each of \(labels.count) rows")
    func slope(_ inverse: Double) -> Double {
      var sum = 0.0
      for (row, label) in labels.enumerated() {
        let p = probabilities(logits: logits[row], temperature: 1 / inverse)
        var expected = 0.0
        for index in p.indices { expected += p[index] * logits[row][index] }
        sum += (weights?[row] ?? 1) * (expected - logits[row][label])
      }
      return sum
    }
    var low = 1 / range.upperBound
    var high = 1 / range.lowerBound
    if slope(low) >= 0 { return range.upperBound }
    if slope(high) <= 0 { return range.lowerBound }
    for _ in 0..<60 {
      let middle = (low * high).squareRoot()
      if slope(middle) < 0 { low = middle } else { high = middle }
    }
    return 1 / (low * high).squareRoot()
  }

  /// One bin of a reliability diagram.
  public struct Bin: Sendable, Equatable {
    public let low: Double
    public let high: Double
    public let count: Int
    /// Mean probability of the predicted class.
    public let confidence: Double
    /// Share of correct predictions.
    public let accuracy: Double
  }

  /// Bins of equal width over the probability of the predicted class; empty bins are left out.
  public static func bins(
    probabilities: [[Double]], labels: [Int], count: Int = 10
  ) -> [Bin] {
    precondition(
      probabilities.count == labels.count,
      "\(probabilities.count) predictions for \(labels.count) labels")
    var sizes = [Int](repeating: 0, count: count)
    var confidence = [Double](repeating: 0, count: count)
    var correct = [Double](repeating: 0, count: count)
    for (row, label) in labels.enumerated() {
      let winner = argmax(probabilities[row])
      let bin = min(count - 1, Int(probabilities[row][winner] * Double(count)))
      sizes[bin] += 1
      confidence[bin] += probabilities[row][winner]
      correct[bin] += winner == label ? 1 : 0
    }
    return (0..<count).filter { sizes[$0] > 0 }.map {
      Bin(
        low: Double($0) / Double(count), high: Double($0 + 1) / Double(count), count: sizes[$0],
        confidence: confidence[$0] / Double(sizes[$0]), accuracy: correct[$0] / Double(sizes[$0]))
    }
  }

  /// Expected calibration error: Σ n_b/n·|accuracy_b − confidence_b|.
  ///
  /// **Source**: Naeini, Cooper & Hauskrecht 2015; Guo et al. 2017, equation 3.
  public static func error(_ bins: [Bin]) -> Double {
    let total = bins.reduce(0) { $0 + $1.count }
    guard total > 0 else { return 0 }
    return bins.reduce(0) {
      $0 + Double($1.count) / Double(total) * abs($1.accuracy - $1.confidence)
    }
  }
}

/// The place of the largest value; the first of equals.
public func argmax(_ values: [Double]) -> Int {
  precondition(!values.isEmpty, "argmax of nothing")
  var best = 0
  for index in values.indices where values[index] > values[best] { best = index }
  return best
}
