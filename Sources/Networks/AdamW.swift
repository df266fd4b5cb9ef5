// AdamW (Loshchilov, Hutter 2019) in one pass over memory, step for step as torch.optim.AdamW:
//
//   p ← p·(1 − η·λ)      m ← m + (g − m)(1 − β₁)      v ← β₂v + (1 − β₂)g²
//   p ← p − η/(1 − β₁ᵗ) · m / (√v/√(1 − β₂ᵗ) + ε)
//
// Gradient clipping is a factor on g in the same pass (torch.nn.utils.clip_grad_norm_).

import Kernels
import Tensors

/// A parameter tensor with everything that its update needs; all four have the same shape.
public struct TrainedParameter: Sendable {
  public var value: Tensor
  public var gradient: Tensor
  public var firstMoment: Tensor
  public var secondMoment: Tensor
  /// Whether weight decay applies (matrices: yes, norms and biases: no).
  public var decays: Bool

  public init(
    value: Tensor, gradient: Tensor, firstMoment: Tensor, secondMoment: Tensor, decays: Bool
  ) {
    for (name, other) in [
      ("gradient", gradient), ("first moment", firstMoment), ("second moment", secondMoment),
    ] {
      precondition(
        other.shape == value.shape && other.isContiguous,
        "\(name) is \(other.shape), the parameter \(value.shape)")
    }
    self.value = value
    self.gradient = gradient
    self.firstMoment = firstMoment
    self.secondMoment = secondMoment
    self.decays = decays
  }
}

/// The optimiser's settings.
public struct AdamW: Sendable {
  public var beta1: Double
  public var beta2: Double
  public var epsilon: Double
  public var weightDecay: Double

  public init(
    beta1: Double = 0.9, beta2: Double = 0.999, epsilon: Double = 1e-8, weightDecay: Double = 0.01
  ) {
    self.beta1 = beta1
    self.beta2 = beta2
    self.epsilon = epsilon
    self.weightDecay = weightDecay
  }

  /// What a step did.
  public enum Outcome: Sendable, Hashable {
    /// Norm of the gradient before clipping.
    case updated(gradientNorm: Double)
    /// The gradient holds NaN or infinity: nothing was changed.
    case refused(gradientNorm: Double)
  }

  /// One step: norm, clipping, guard, update.
  ///
  /// - Parameters:
  ///   - parameters: all that is trained, always in the same order.
  ///   - step: number of this step from 1 up; the bias corrections depend on it.
  ///   - learningRate: η of this step, from a `Schedule`.
  ///   - clipNorm: greatest norm of the whole gradient, nil for no clipping.
  public func step(
    _ parameters: [TrainedParameter], step: Int, learningRate: Double, clipNorm: Double?
  ) -> Outcome {
    fatalError("not written yet")
  }
}

/// Square root of the sum of squares of all gradients, summed in a fixed order.
public func gradientNorm(_ gradients: [Tensor]) -> Double {
  fatalError("not written yet")
}
