// AdamW (Loshchilov, Hutter 2019) in one pass over memory, step for step as torch.optim.AdamW:
//
//   p ← p·(1 − η·λ)      m ← m + (g − m)(1 − β₁)      v ← β₂v + (1 − β₂)g²
//   p ← p − η/(1 − β₁ᵗ) · m / (√v/√(1 − β₂ᵗ) + ε)
//
// Gradient clipping is a factor on g in the same pass (torch.nn.utils.clip_grad_norm_).

import Foundation
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
    precondition(value.isContiguous, "a parameter has no gaps")
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
    /// Norm of the gradient before clipping. All gradients are zero now, for the sums of the next step.
    case updated(gradientNorm: Double)
    /// The gradient holds NaN or infinity: nothing was changed.
    case refused(gradientNorm: Double)
  }

  /// One step: norm, clipping, guard, update, gradients back to zero.
  ///
  /// - Parameters:
  ///   - parameters: all that is trained, always in the same order.
  ///   - step: number of this step from 1 up; the bias corrections depend on it.
  ///   - learningRate: η of this step, from a `Schedule`.
  ///   - clipNorm: greatest norm of the whole gradient, nil for no clipping.
  public func step(
    _ parameters: [TrainedParameter], step: Int, learningRate: Double, clipNorm: Double?
  ) -> Outcome {
    precondition(step >= 1, "AdamW counts steps from 1, not from \(step)")
    let norm = gradientNorm(parameters.map(\.gradient))
    guard norm.isFinite else { return .refused(gradientNorm: norm) }
    var gradientScale = 1.0
    if let clipNorm { gradientScale = min(1, clipNorm / (norm + 1e-6)) }
    func factors(decay: Double) -> AdamWFactors {
      AdamWFactors(
        gradientScale: Float(gradientScale), decay: Float(1 - learningRate * decay),
        firstRate: Float(1 - beta1), beta2: Float(beta2), secondRate: Float(1 - beta2),
        rootCorrection: Float((1 - pow(beta2, Double(step))).squareRoot()),
        epsilon: Float(epsilon), stepSize: Float(learningRate / (1 - pow(beta1, Double(step)))))
    }
    let decaying = factors(decay: weightDecay)
    let plain = factors(decay: 0)
    let pieces = piecesOfRows(parameters.map(\.value))
    parallelFor(pieces.count) { index in
      let (tensor, range) = pieces[index]
      let parameter = parameters[tensor]
      let offset = range.lowerBound
      adamW(
        parameter.value.data + offset, clearing: parameter.gradient.data + offset,
        first: parameter.firstMoment.data + offset, second: parameter.secondMoment.data + offset,
        parameter.decays ? decaying : plain, range.count)
    }
    return .updated(gradientNorm: norm)
  }
}

/// Square root of the sum of squares of all gradients, summed in a fixed order.
public func gradientNorm(_ gradients: [Tensor]) -> Double {
  let pieces = piecesOfRows(gradients)
  var sums = [Double](repeating: 0, count: pieces.count)
  sums.withUnsafeMutableBufferPointer { sums in
    parallelFor(pieces.count) { index in
      let (tensor, range) = pieces[index]
      sums[index] = sumOfSquares(gradients[tensor].data + range.lowerBound, range.count)
    }
  }
  return sums.reduce(0, +).squareRoot()
}

/// All numbers of some tensors in pieces of 16,384, in order.
private func piecesOfRows(_ tensors: [Tensor]) -> [(tensor: Int, range: Range<Int>)] {
  var pieces: [(tensor: Int, range: Range<Int>)] = []
  for (index, tensor) in tensors.enumerated() {
    precondition(tensor.isContiguous, "a gradient has no gaps")
    for start in stride(from: 0, to: tensor.count, by: 16_384) {
      pieces.append((index, start..<min(tensor.count, start + 16_384)))
    }
  }
  return pieces
}
