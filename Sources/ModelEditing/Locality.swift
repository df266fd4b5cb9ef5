// How far an edit moves a model where it should not: KL(before ‖ after) of the next token.

import Foundation
import Kernels
import Tensors

/// The locality term of an editor and its gradient.
enum Locality {
  /// Σ over learnt rows of KL(p ‖ q) / their number, p and q softmax of logits.
  ///
  /// - Parameters:
  ///   - before: [N, V], logits of p.
  ///   - after: [N, V], logits of q; becomes weight·∂KL/∂logits, 0 in other rows.
  ///   - isLearnt: one mark per row.
  static func divergence(
    _ before: Tensor, _ after: Tensor, isLearnt: [Bool], weight: Double
  ) -> Double {
    precondition(before.shape == after.shape, "\(before.shape) beside \(after.shape)")
    let count = max(1, isLearnt.count { $0 })
    var sums = [Double](repeating: 0, count: after.rows)
    sums.withUnsafeMutableBufferPointer { sums in
      nonisolated(unsafe) let sums = sums
      parallelFor(after.rows) { row in
        let (p, q) = (before.row(row), after.row(row))
        guard isLearnt[row] else {
          q.update(repeating: 0, count: after.columns)
          return
        }
        let (pLog, qLog) = (logSumExp(p, after.columns), logSumExp(q, after.columns))
        var sum = 0.0
        let scale = weight / Double(count)
        for column in 0..<after.columns {
          let (first, second) = (Double(p[column]) - pLog, Double(q[column]) - qLog)
          let share = exp(first)
          sum += share * (first - second)
          q[column] = Float(scale * (exp(second) - share))
        }
        sums[row] = sum
      }
    }
    return sums.reduce(0, +) / Double(count)
  }

  private static func logSumExp(_ logits: UnsafePointer<Float>, _ count: Int) -> Double {
    let peak = Double(maximum(logits, count))
    var sum = 0.0
    for index in 0..<count { sum += exp(Double(logits[index]) - peak) }
    return peak + log(sum)
  }
}
