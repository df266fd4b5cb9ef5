// y = x·Wᵀ + b (+ a low-rank part), the only type that knows how weights are stored.
//
//   dx = dy·W        dW += dyᵀ·x        db += Σₙ dy

import Kernels
import Tensors

/// A fully connected layer. It owns nothing: weights and gradients are views into arenas.
public struct Linear: Sendable {
  /// `[out, in]`
  public var weight: WeightStore
  /// `[1, out]`
  public var bias: Tensor?
  /// `[out, in]`; nil if the weight is frozen, and then its gradient costs nothing.
  public var weightGradient: Tensor?
  /// `[1, out]`; nil if the bias is frozen or absent.
  public var biasGradient: Tensor?
  /// What an adapter adds.
  public var lowRank: LowRank?

  public init(
    weight: WeightStore, bias: Tensor? = nil, weightGradient: Tensor? = nil,
    biasGradient: Tensor? = nil, lowRank: LowRank? = nil
  ) {
    if case .blocks = weight {
      precondition(weightGradient == nil, "a quantised weight is frozen and has no gradient")
    }
    if let lowRank {
      precondition(
        lowRank.inputs == weight.inputs && lowRank.outputs == weight.outputs,
        "a low-rank part [\(lowRank.outputs), \(lowRank.inputs)] beside a weight "
          + "[\(weight.outputs), \(weight.inputs)]")
    }
    self.weight = weight
    self.bias = bias
    self.weightGradient = weightGradient
    self.biasGradient = biasGradient
    self.lowRank = lowRank
  }

  public var inputs: Int { weight.inputs }
  public var outputs: Int { weight.outputs }

  /// - Parameters:
  ///   - x: `[N, in]`
  ///   - y: `[N, out]`, overwritten.
  public func forward(_ x: Tensor, into y: Tensor) {
    x.require(y.rows, inputs, "x", in: "Linear.forward")
    y.require(x.rows, outputs, "y", in: "Linear.forward")
    weight.withFloats { matmul(x, $0, .second, into: y, rowBias: bias) }
    lowRank?.forward(x, addingTo: y)
  }

  /// Adds into the gradients of weight and bias.
  ///
  /// - Parameters:
  ///   - dy: `[N, out]`
  ///   - x: `[N, in]` of the forward pass.
  ///   - dx: `[N, in]`, overwritten, or added to if `accumulate`; nil if nobody below learns.
  public func backward(_ dy: Tensor, x: Tensor, dx: Tensor?, accumulate: Bool = false) {
    dy.require(x.rows, outputs, "dy", in: "Linear.backward")
    x.require(dy.rows, inputs, "x", in: "Linear.backward")
    if let dx {
      dx.require(dy.rows, inputs, "dx", in: "Linear.backward")
      weight.withFloats { matmul(dy, $0, .none, into: dx, accumulate: accumulate) }
    }
    lowRank?.backward(dy, x: x, dx: dx)
    if let weightGradient { matmul(dy, x, .first, into: weightGradient, accumulate: true) }
    if let biasGradient { addColumnSums(of: dy, to: biasGradient) }
  }
}

/// sums += Σₙ x, in order of n for every column.
func addColumnSums(of x: Tensor, to sums: Tensor) {
  sums.require(1, x.columns, "sums", in: "addColumnSums")
  parallelColumns(of: x) { columns in
    let target = sums.data + columns.lowerBound
    for row in 0..<x.rows { add(x.row(row) + columns.lowerBound, into: target, columns.count) }
  }
}
