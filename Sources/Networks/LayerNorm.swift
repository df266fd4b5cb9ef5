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
  /// `[1, C]`; nil if frozen, together with the bias.
  public var gainGradient: Tensor?
  /// `[1, C]`; nil if frozen, together with the gain.
  public var biasGradient: Tensor?
  public var epsilon: Float

  public init(
    gain: Tensor, bias: Tensor, gainGradient: Tensor? = nil, biasGradient: Tensor? = nil,
    epsilon: Float = 1e-5
  ) {
    precondition(
      (gainGradient == nil) == (biasGradient == nil),
      "gain and bias of a LayerNorm are trained together or not at all")
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
    x.require(y.rows, gain.columns, "x", in: "LayerNorm.forward")
    y.require(x.rows, gain.columns, "y", in: "LayerNorm.forward")
    statistics?.require(x.rows, 2, "statistics", in: "LayerNorm.forward")
    parallelRows(of: x) { rows in
      for row in rows {
        let (mean, r) = layerNormRow(
          x.row(row), gain: gain.data, bias: bias.data, epsilon: epsilon, y.row(row), x.columns)
        if let statistics {
          statistics[row, 0] = mean
          statistics[row, 1] = r
        }
      }
    }
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
    dy.require(x.rows, gain.columns, "dy", in: "LayerNorm.backward")
    x.require(dy.rows, gain.columns, "x", in: "LayerNorm.backward")
    dx.require(x.rows, gain.columns, "dx", in: "LayerNorm.backward")
    statistics.require(x.rows, 2, "statistics", in: "LayerNorm.backward")
    // Before dx, which may overwrite dy.
    if let gainGradient, let biasGradient {
      parallelColumns(of: x) { columns in
        let first = columns.lowerBound
        for row in 0..<x.rows {
          layerNormGradients(
            dy.row(row) + first, x.row(row) + first, mean: statistics[row, 0],
            r: statistics[row, 1], dGain: gainGradient.data + first,
            dBias: biasGradient.data + first, columns.count)
        }
      }
    }
    parallelRows(of: x) { rows in
      for row in rows {
        layerNormRowBackward(
          dy.row(row), x.row(row), gain: gain.data, mean: statistics[row, 0],
          r: statistics[row, 1], dx.row(row), accumulate: accumulate, x.columns)
      }
    }
  }
}
