// Root-mean-square normalisation (Zhang, Sennrich 2019).
//
//   x̂ = x·r,  r = 1/√(mean(x²) + ε),  y = x̂·g
//   dg += Σₙ dy·x̂   dx = r·(d − x̂·mean(d·x̂)),  d = dy·g

import Kernels
import Tensors

/// Normalisation of each token by its root mean square.
public struct RMSNorm: Sendable {
  /// `[1, C]`
  public var gain: Tensor
  /// `[1, C]`; nil if frozen.
  public var gainGradient: Tensor?
  public var epsilon: Float

  public init(gain: Tensor, gainGradient: Tensor? = nil, epsilon: Float = 1e-5) {
    self.gain = gain
    self.gainGradient = gainGradient
    self.epsilon = epsilon
  }

  /// - Parameters:
  ///   - x: `[N, C]`
  ///   - y: `[N, C]`, overwritten; may be `x` if no backward pass follows.
  ///   - statistics: `[N, 1]`, overwritten with r, saved for the backward pass; nil if none follows.
  public func forward(_ x: Tensor, into y: Tensor, statistics: Tensor?) {
    x.require(y.rows, gain.columns, "x", in: "RMSNorm.forward")
    y.require(x.rows, gain.columns, "y", in: "RMSNorm.forward")
    statistics?.require(x.rows, 1, "statistics", in: "RMSNorm.forward")
    parallelRows(of: x) { rows in
      for row in rows {
        let r = rmsNormRow(x.row(row), gain: gain.data, epsilon: epsilon, y.row(row), x.columns)
        if let statistics { statistics[row, 0] = r }
      }
    }
  }

  /// Adds into the gradient of the gain.
  ///
  /// - Parameters:
  ///   - dy: `[N, C]`
  ///   - x: `[N, C]` of the forward pass.
  ///   - statistics: `[N, 1]` of the forward pass.
  ///   - dx: `[N, C]`, overwritten, or added to if `accumulate`; may be `dy` if it is not.
  public func backward(
    _ dy: Tensor, x: Tensor, statistics: Tensor, dx: Tensor, accumulate: Bool = false
  ) {
    dy.require(x.rows, gain.columns, "dy", in: "RMSNorm.backward")
    x.require(dy.rows, gain.columns, "x", in: "RMSNorm.backward")
    dx.require(x.rows, gain.columns, "dx", in: "RMSNorm.backward")
    statistics.require(x.rows, 1, "statistics", in: "RMSNorm.backward")
    // Before dx, which may overwrite dy.
    if let gainGradient {
      parallelColumns(of: x) { columns in
        let first = columns.lowerBound
        for row in 0..<x.rows {
          rmsNormGradient(
            dy.row(row) + first, x.row(row) + first, r: statistics[row, 0],
            dGain: gainGradient.data + first, columns.count)
        }
      }
    }
    parallelRows(of: x) { rows in
      for row in rows {
        rmsNormRowBackward(
          dy.row(row), x.row(row), gain: gain.data, r: statistics[row, 0], dx.row(row),
          accumulate: accumulate, x.columns)
      }
    }
  }
}
