// Output layer, softmax and cross-entropy in one, over chunks of supervised rows: logits of 256
// tokens exist at a time, never [N, V], and unsupervised rows cost nothing.
//
//   z = h·Wᵀ (+ b)   loss = Σₙ log Σᵥ exp zₙᵥ − zₙ,target
//   dz = (softmax(z) − onehot(target)) / count   dh = dz·W   dW += dzᵀ·h   db += Σₙ dz

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
    fatalError("not written yet")
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
    fatalError("not written yet")
  }
}
