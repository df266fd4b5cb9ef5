// Output layer, softmax and cross-entropy in one, over chunks of supervised rows: logits of 256
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

  /// Supervised rows that have logits at the same time.
  static let chunk = 256

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
    for start in stride(from: 0, to: supervised.count, by: chunk) {
      let rows = Array(supervised[start..<min(supervised.count, start + chunk)])
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
  private static func chunkLosses(
    _ hidden: Tensor, _ head: Linear, _ rows: [Int], _ targets: [Int], gradientScale: Float,
    dHidden: Tensor?
  ) -> [Double] {
    let (count, width, vocabulary) = (rows.count, hidden.columns, head.outputs)
    var losses = [Double](repeating: 0, count: count)
    Scratch.with(count * (width + vocabulary) + 16) { memory in
      let z = Tensor(memory, rows: count, columns: vocabulary)
      let h = Tensor(
        memory + ((count * vocabulary + 15) & ~15), rows: count, columns: width)
      for (index, row) in rows.enumerated() {
        h.row(index).update(from: hidden.row(row), count: width)
      }
      head.forward(h, into: z)
      losses.withUnsafeMutableBufferPointer { losses in
        parallelFor(count, by: 8) { range in
          for row in range {
            let logits = z.row(row)
            let target = logits[targets[row]]
            let greatest = maximum(logits, vocabulary)
            expShifted(logits, scale: 1, shift: greatest, logits, vocabulary)
            let total = sum(logits, vocabulary)
            losses[row] = log(Double(total)) + Double(greatest) - Double(target)
            if dHidden != nil {
              scale(logits, by: gradientScale / total, vocabulary)
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
