// Point-wise functions between the two matrices of a feed-forward part.
//
//   GELU, tanh form   y = ½x(1 + tanh u), u = √(2/π)(x + 0.044715x³)     (`gelu_new`, GPT-2)
//   GELU, erf form    y = ½x(1 + erf(x/√2))                              (BERT)
//   SwiGLU            y = a·σ(a)·b                                       (Llama; a gate, b up)

import Kernels
import Tensors

/// Gaussian error linear unit (Hendrycks, Gimpel 2016).
public enum GELU: Sendable {
  case tanh
  case erf

  /// - Parameters:
  ///   - x: `[N, F]`, saved by the caller for the backward pass.
  ///   - y: `[N, F]`, overwritten; may be `x` if no backward pass follows.
  public func forward(_ x: Tensor, into y: Tensor) {
    y.require(x.rows, x.columns, "y", in: "GELU.forward")
    parallelRows(of: x) { rows in
      for row in rows {
        switch self {
        case .tanh: geluTanh(x.row(row), y.row(row), x.columns)
        case .erf: geluErf(x.row(row), y.row(row), x.columns)
        }
      }
    }
  }

  /// - Parameters:
  ///   - dy: `[N, F]`
  ///   - x: `[N, F]` of the forward pass.
  ///   - dx: `[N, F]`, overwritten; may be `dy`.
  public func backward(_ dy: Tensor, x: Tensor, dx: Tensor) {
    dy.require(x.rows, x.columns, "dy", in: "GELU.backward")
    dx.require(x.rows, x.columns, "dx", in: "GELU.backward")
    parallelRows(of: x) { rows in
      for row in rows {
        switch self {
        case .tanh: geluTanhBackward(dy.row(row), x.row(row), dx.row(row), x.columns)
        case .erf: geluErfBackward(dy.row(row), x.row(row), dx.row(row), x.columns)
        }
      }
    }
  }
}

/// Gated activation of Llama's feed-forward part (Shazeer 2020).
public enum SwiGLU {
  /// - Parameters:
  ///   - gate: `[N, F]`
  ///   - up: `[N, F]`
  ///   - y: `[N, F]`, overwritten.
  public static func forward(gate: Tensor, up: Tensor, into y: Tensor) {
    up.require(gate.rows, gate.columns, "up", in: "SwiGLU.forward")
    y.require(gate.rows, gate.columns, "y", in: "SwiGLU.forward")
    parallelRows(of: y) { rows in
      for row in rows { swiGLU(gate.row(row), up.row(row), y.row(row), y.columns) }
    }
  }

  /// - Parameters:
  ///   - dy: `[N, F]`
  ///   - dGate: `[N, F]`, overwritten; may be `gate`.
  ///   - dUp: `[N, F]`, overwritten; may be `up` or `dy`.
  public static func backward(
    _ dy: Tensor, gate: Tensor, up: Tensor, dGate: Tensor, dUp: Tensor
  ) {
    for (name, tensor) in [("gate", gate), ("up", up), ("dGate", dGate), ("dUp", dUp)] {
      precondition(
        tensor.shape == dy.shape, "SwiGLU.backward: \(name) is \(tensor.shape), dy \(dy.shape)")
    }
    parallelRows(of: dy) { rows in
      for row in rows {
        swiGLUBackward(
          dy.row(row), gate.row(row), up.row(row), dGate.row(row), dUp.row(row), dy.columns)
      }
    }
  }
}
