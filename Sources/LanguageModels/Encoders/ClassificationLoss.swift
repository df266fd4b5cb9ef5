// Softmax cross-entropy over a handful of classes, each with a weight, as PyTorch's
// CrossEntropyLoss(weight:): rows of one step share one divisor, the sum of their weights.
//
//   loss = Σₛ w[yₛ]·(log Σₖ exp zₛₖ − zₛ,yₛ) / W        dz = w[y]·(softmax(z) − onehot(y)) / W
//   W = Σₛ w[yₛ] over the whole optimizer step
//
// A text's own weight vₛ (1 on average) multiplies its loss and not W: a step of light texts is a small
// step.

import Foundation
import Tensors

/// The loss of a classifier. Sums are made in double precision, in order of rows.
public struct ClassificationLoss: Sendable, Equatable {
  /// One weight for each of K classes, not negative.
  public let weights: [Double]

  public init(weights: [Double]) {
    precondition(
      weights.allSatisfy { $0 >= 0 && $0.isFinite }, "class weights \(weights) are not all ≥ 0")
    self.weights = weights
  }

  /// n / (K·nₖ): every class counts the same in sum, as scikit-learn's `class_weight="balanced"`. A
  /// class without rows has weight 0.
  public static func balanced(labels: [Int], classCount: Int) -> [Double] {
    var counts = [Int](repeating: 0, count: classCount)
    for label in labels { counts[label] += 1 }
    return counts.map { $0 == 0 ? 0 : Double(labels.count) / Double(classCount * $0) }
  }

  /// W of some rows.
  public func totalWeight(of labels: some Sequence<Int>) -> Double {
    labels.reduce(0) { $0 + weights[$1] }
  }

  /// - Parameters:
  ///   - logits: `[S, K]`
  ///   - labels: S classes.
  /// - Returns: Σ w[y]·(−log p(y)), natural logarithm, not divided.
  public func forward(_ logits: Tensor, labels: [Int]) -> Double {
    run(logits, labels: labels, textWeights: nil, totalWeight: nil)
  }

  /// As `forward`; the logits become their gradient.
  ///
  /// - Parameters:
  ///   - logits: `[S, K]`, overwritten with dz.
  ///   - textWeights: v of each text; nil where all are 1.
  ///   - totalWeight: W of the whole step, over all its batches.
  public func forwardBackward(
    _ logits: Tensor, labels: [Int], textWeights: [Double]? = nil, totalWeight: Double
  ) -> Double {
    precondition(totalWeight > 0, "a step whose classes all weigh nothing has no gradient")
    return run(logits, labels: labels, textWeights: textWeights, totalWeight: totalWeight)
  }

  private func run(
    _ logits: Tensor, labels: [Int], textWeights: [Double]?, totalWeight: Double?
  ) -> Double {
    logits.require(labels.count, weights.count, "logits", in: "ClassificationLoss")
    precondition(
      textWeights?.count ?? labels.count == labels.count,
      "\(textWeights?.count ?? 0) weights for \(labels.count) texts")
    var sum = 0.0
    var exponentials = [Double](repeating: 0, count: weights.count)
    for (row, label) in labels.enumerated() {
      let values = UnsafeMutableBufferPointer(start: logits.row(row), count: weights.count)
      // A NaN must reach the sum: the trainer looks for it there.
      let highest = Double(values.max() ?? 0)
      var partition = 0.0
      for index in values.indices {
        exponentials[index] = exp(Double(values[index]) - highest)
        partition += exponentials[index]
      }
      let weight = weights[label] * (textWeights?[row] ?? 1)
      sum += weight * (log(partition) + highest - Double(values[label]))
      guard let totalWeight else { continue }
      for index in values.indices {
        let error = exponentials[index] / partition - (index == label ? 1 : 0)
        values[index] = Float(weight / totalWeight * error)
      }
    }
    return sum
  }
}
