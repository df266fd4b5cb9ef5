// Layer normalisation (Ba, Kiros, Hinton 2016), biased variance as everywhere.
//
//   x̂ = (x − mean(x)) · r,  r = 1/√(var(x) + ε),  y = x̂·g + b
//   dg += Σₙ dy·x̂   db += Σₙ dy   dx = r·(d − mean(d) − x̂·mean(d·x̂)),  d = dy·g

import Kernels
import Tensors

/// Layer normalisation over the channels of each token.
public struct LayerNorm: Sendable {
  /// `[1, C]`
  public var gain: Tensor
  /// `[1, C]`
  public var bias: Tensor
  /// `[1, C]`; nil if frozen.
  public var gainGradient: Tensor?
  /// `[1, C]`; nil if frozen.
  public var biasGradient: Tensor?
  public var epsilon: Float

  public init(
    gain: Tensor, bias: Tensor, gainGradient: Tensor? = nil, biasGradient: Tensor? = nil,
    epsilon: Float = 1e-5
  ) {
    self.gain = gain
    self.bias = bias
    self.gainGradient = gainGradient
    self.biasGradient = biasGradient
    self.epsilon = epsilon
  }

  /// - Parameters:
  ///   - x: `[N, C]`
  ///   - y: `[N, C]`, overwritten; may be `x` if no backward pass follows.
  ///   - statistics: `[N, 2]`, overwritten with mean and r, saved for the backward pass; nil if
  ///     none follows.
  public func forward(_ x: Tensor, into y: Tensor, statistics: Tensor?) {
    fatalError("not written yet")
  }

  /// Adds into the gradients of gain and bias.
  ///
  /// - Parameters:
  ///   - dy: `[N, C]`
  ///   - x: `[N, C]` of the forward pass.
  ///   - statistics: `[N, 2]` of the forward pass.
  ///   - dx: `[N, C]`, overwritten, or added to if `accumulate`; may be `dy` if it is not.
  public func backward(
    _ dy: Tensor, x: Tensor, statistics: Tensor, dx: Tensor, accumulate: Bool = false
  ) {
    fatalError("not written yet")
  }
}
