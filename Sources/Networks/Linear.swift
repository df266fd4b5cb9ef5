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
  ///   - then: called for finished pieces of y, see `matmul`.
  public func forward(_ x: Tensor, into y: Tensor, then: ((Range<Int>, Range<Int>) -> Void)? = nil)
  {
    x.require(y.rows, inputs, "x", in: "Linear.forward")
    y.require(x.rows, outputs, "y", in: "Linear.forward")
    guard let lowRank else {
      product(x, into: y, then: then)
      return
    }
    lowRank.withAddition(x) { add in
      product(x, into: y) { rows, columns in
        add(y, rows, columns)
        then?(rows, columns)
      }
    }
  }

  /// y = x·Wᵀ + b
  private func product(
    _ x: Tensor, into y: Tensor, then: ((Range<Int>, Range<Int>) -> Void)?
  ) {
    weight.withTiles { tile, outputs in
      matmul(
        x, tile, .second, into: y.slice(columns: outputs),
        rowBias: bias?.slice(columns: outputs),
        then: then.map { then in
          { then($0, outputs.lowerBound + $1.lowerBound..<outputs.lowerBound + $1.upperBound) }
        })
    }
  }

  /// dx (+)= dy·W, tile by tile along the outputs: one chain goes on from tile to tile.
  private func product(
    _ dy: Tensor, dx: Tensor, accumulate: Bool, then: ((Range<Int>, Range<Int>) -> Void)?
  ) {
    weight.withTiles { tile, outputs in
      matmul(
        dy.slice(columns: outputs), tile, .none, into: dx,
        accumulate: accumulate || outputs.lowerBound > 0,
        then: outputs.upperBound == self.outputs ? then : nil)
    }
  }

  /// Adds into the gradients of weight and bias.
  ///
  /// - Parameters:
  ///   - dy: `[N, out]`
  ///   - x: `[N, in]` of the forward pass.
  ///   - dx: `[N, in]`, overwritten, or added to if `accumulate`; nil if nobody below learns.
  ///   - then: called for finished pieces of dx before the weight's gradient is worked out.
  public func backward(
    _ dy: Tensor, x: Tensor, dx: Tensor?, accumulate: Bool = false,
    then: ((Range<Int>, Range<Int>) -> Void)? = nil
  ) {
    dy.require(x.rows, outputs, "dy", in: "Linear.backward")
    x.require(dy.rows, inputs, "x", in: "Linear.backward")
    dx?.require(dy.rows, inputs, "dx", in: "Linear.backward")
    if let lowRank, lowRank.isTrained || dx != nil {
      lowRank.withGradient(dy, x: x) { add in
        guard let dx else { return }
        product(dy, dx: dx, accumulate: accumulate) { rows, columns in
          add(dx, rows, columns)
          then?(rows, columns)
        }
      }
    } else if let dx {
      product(dy, dx: dx, accumulate: accumulate, then: then)
    }
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
