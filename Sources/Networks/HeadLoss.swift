// Output layer, softmax and cross-entropy in one, over chunks of supervised rows: logits of 512
// tokens exist at a time, never [N, V], and unsupervised rows cost nothing.
//
//   z = h·Wᵀ (+ b)   loss = Σₙ log Σᵥ exp zₙᵥ − zₙ,target
//   dz = (softmax(z) − onehot(target)) / count   dh = dz·W   dW += dzᵀ·h   db += Σₙ dz

import Foundation
import Kernels
import Tensors

/// The fused head of a language model (or, with few outputs, of a classifier).
public enum HeadLoss {
  /// A target that is not supervised.
  public static let unsupervised: Int32 = -1

  /// Sums, so that several batches can be added before anything is divided.
  public struct Total: Sendable, Hashable {
    /// Σ −log p(target), natural logarithm.
    public var negativeLogLikelihood: Double
    /// Supervised tokens.
    public var count: Int
    public init(negativeLogLikelihood: Double = 0, count: Int = 0) {
      self.negativeLogLikelihood = negativeLogLikelihood
      self.count = count
    }
    public static func + (a: Total, b: Total) -> Total {
      Total(
        negativeLogLikelihood: a.negativeLogLikelihood + b.negativeLogLikelihood,
        count: a.count + b.count)
    }
  }

  /// The loss alone.
  ///
  /// - Parameters:
  ///   - hidden: `[N, C]`, after the last norm.
  ///   - head: weight `[V, C]`, often the token embedding's table.
  ///   - targets: N tokens, `unsupervised` where there is nothing to learn.
  ///   - tokenLosses: `[1, N]`, overwritten with −log p (0 where unsupervised); nil if not wanted.
  public static func forward(
    hidden: Tensor, head: Linear, targets: [Int32], tokenLosses: Tensor? = nil
  ) -> Total {
    run(hidden, head, targets, tokenLosses: tokenLosses, supervisedCount: 1, dHidden: nil)
  }

  /// The loss and all gradients; adds into the head's gradients.
  ///
  /// - Parameters:
  ///   - hidden: `[N, C]`, after the last norm.
  ///   - head: weight `[V, C]`; with tied embeddings `weightGradient` is the embedding's gradient.
  ///   - targets: N tokens, `unsupervised` where there is nothing to learn.
  ///   - supervisedCount: supervised tokens of the whole step, over all its batches.
  ///   - dHidden: `[N, C]`, overwritten (zero rows where unsupervised); may be `hidden`.
  public static func forwardBackward(
    hidden: Tensor, head: Linear, targets: [Int32], supervisedCount: Int, dHidden: Tensor
  ) -> Total {
    precondition(supervisedCount > 0, "a step with nothing to learn has no gradient")
    dHidden.require(hidden.rows, hidden.columns, "dHidden", in: "HeadLoss")
    return run(
      hidden, head, targets, tokenLosses: nil, supervisedCount: supervisedCount, dHidden: dHidden)
  }

  /// Most supervised rows that have logits at the same time: enough to pay for packing W again, few
  /// enough for 128 MB of logits.
  static func chunk(vocabulary: Int) -> Int { max(64, min(512, (32 << 20) / vocabulary)) }

  /// Bytes of working memory for so many supervised rows: a chunk of logits and what it is made from.
  public static func bytes(rows: Int, width: Int, vocabulary: Int) -> Int {
    4 * min(rows, chunk(vocabulary: vocabulary)) * floatsOfRow(width, vocabulary)
  }

  /// Logits in whole cache lines, the hidden row, maximum and sum of each piece of logits.
  private static func floatsOfRow(_ width: Int, _ vocabulary: Int) -> Int {
    let pieces = (vocabulary + finishedColumns - 1) / finishedColumns
    return ((vocabulary + 15) & ~15) + width + 2 * pieces
  }

  private static func run(
    _ hidden: Tensor, _ head: Linear, _ targets: [Int32], tokenLosses: Tensor?,
    supervisedCount: Int, dHidden: Tensor?
  ) -> Total {
    hidden.require(targets.count, head.inputs, "hidden", in: "HeadLoss")
    tokenLosses?.require(1, targets.count, "tokenLosses", in: "HeadLoss")
    for target in targets {
      precondition(
        target < head.outputs && target >= unsupervised,
        "target \(target) of a head with \(head.outputs) outputs")
    }
    let supervised = targets.indices.filter { targets[$0] >= 0 }
    tokenLosses?.fill(0)
    var total = Total(count: supervised.count)
    let most = chunk(vocabulary: head.outputs)
    let chunks = max(1, (supervised.count + most - 1) / most)
    let size = max(1, (supervised.count + chunks - 1) / chunks)
    for start in stride(from: 0, to: supervised.count, by: size) {
      let rows = Array(supervised[start..<min(supervised.count, start + size)])
      let losses = chunkLosses(
        hidden, head, rows, rows.map { Int(targets[$0]) },
        gradientScale: 1 / Float(supervisedCount), dHidden: dHidden)
      for (row, loss) in zip(rows, losses) {
        total.negativeLogLikelihood += loss
        if let tokenLosses { tokenLosses[0, row] = Float(loss) }
      }
    }
    if let dHidden {
      for row in targets.indices where targets[row] < 0 {
        dHidden.row(row).update(repeating: 0, count: dHidden.columns)
      }
    }
    return total
  }

  /// Losses of some rows and, with `dHidden`, their gradients.
  ///
  /// Each finished piece of logits leaves its maximum and its sum of exponentials; one more pass makes
  /// gradients of the logits.
  private static func chunkLosses(
    _ hidden: Tensor, _ head: Linear, _ rows: [Int], _ targets: [Int], gradientScale: Float,
    dHidden: Tensor?
  ) -> [Double] {
    let (count, width, vocabulary) = (rows.count, hidden.columns, head.outputs)
    // Whole cache lines: rows of an odd vocabulary would cross them at every store.
    let step = (vocabulary + 15) & ~15
    let pieces = (vocabulary + finishedColumns - 1) / finishedColumns
    var losses = [Double](repeating: 0, count: count)
    Scratch.with(count * floatsOfRow(width, vocabulary)) { memory in
      let z = Tensor(memory, rows: count, columns: vocabulary, stride: step)
      let h = Tensor(memory + count * step, rows: count, columns: width)
      let greatest = Tensor(memory + count * (step + width), rows: count, columns: pieces)
      let sums = Tensor(greatest.data + count * pieces, rows: count, columns: pieces)
      for (index, row) in rows.enumerated() {
        h.row(index).update(from: hidden.row(row), count: width)
      }
      head.forward(h, into: z) { rows, columns in
        for row in rows {
          for first in stride(from: columns.lowerBound, to: columns.upperBound, by: finishedColumns)
          {
            let (top, total) = maximumAndExpSum(
              z.row(row) + first, min(finishedColumns, columns.upperBound - first))
            greatest[row, first / finishedColumns] = top
            sums[row, first / finishedColumns] = total
          }
        }
      }
      losses.withUnsafeMutableBufferPointer { losses in
        parallelFor(count, by: 8) { range in
          for row in range {
            let logits = z.row(row)
            let top = maximum(greatest.row(row), pieces)
            var total = 0.0
            for piece in 0..<pieces {
              total += Double(sums[row, piece]) * exp(Double(greatest[row, piece] - top))
            }
            let logSumExp = log(total) + Double(top)
            losses[row] = logSumExp - Double(logits[targets[row]])
            if dHidden != nil {
              expShifted(
                logits, scale: 1, shift: Float(logSumExp - log(Double(gradientScale))), logits,
                vocabulary)
              logits[targets[row]] -= gradientScale
            }
          }
        }
      }
      if let dHidden {
        // dz·W goes over the gathered rows of h once dW has been taken from them.
        head.backward(z, x: h, dx: nil)
        var gradient = head
        gradient.weightGradient = nil
        gradient.biasGradient = nil
        gradient.backward(z, x: h, dx: h)
        for (index, row) in rows.enumerated() {
          dHidden.row(row).update(from: h.row(index), count: width)
        }
      }
    }
    return losses
  }
}
