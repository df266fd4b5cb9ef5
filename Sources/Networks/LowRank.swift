// The low-rank part of a linear layer (Hu et al. 2021, "LoRA"). B·A is never formed while training.
//
//   t = drop(x)·Aᵀ    y += s·t·Bᵀ
//   dt = s·dy·B       dB += s·dyᵀ·t       dA += dtᵀ·drop(x)       dx += drop(dt·A)

import Kernels
import Tensors

/// Two thin matrices beside a frozen weight. It owns nothing: all are views into arenas.
public struct LowRank: Sendable {
  /// `[r, in]`
  public var a: Tensor
  /// `[out, r]`
  public var b: Tensor
  /// s: α/r, or α/√r if rank-stabilised.
  public var scale: Float
  /// `[r, in]`; nil if nothing is learnt.
  public var aGradient: Tensor?
  /// `[out, r]`; nil if nothing is learnt.
  public var bGradient: Tensor?
  /// On the input of this part only; nil outside training.
  public var dropout: Dropout?

  public init(
    a: Tensor, b: Tensor, scale: Float, aGradient: Tensor? = nil, bGradient: Tensor? = nil,
    dropout: Dropout? = nil
  ) {
    precondition(a.rows == b.columns, "A is \(a.shape), B is \(b.shape): their ranks differ")
    aGradient?.require(a.rows, a.columns, "aGradient", in: "LowRank")
    bGradient?.require(b.rows, b.columns, "bGradient", in: "LowRank")
    self.a = a
    self.b = b
    self.scale = scale
    self.aGradient = aGradient
    self.bGradient = bGradient
    self.dropout = dropout
  }

  public var rank: Int { a.rows }
  public var inputs: Int { a.columns }
  public var outputs: Int { b.rows }

  /// weight += s·B·A.
  ///
  /// - Parameter weight: `[out, in]`
  public func addProduct(to weight: Tensor) {
    weight.require(outputs, inputs, "weight", in: "LowRank.addProduct")
    Scratch.with(b.count) { memory in
      let scaled = Tensor(memory, rows: outputs, columns: rank)
      scaled.copy(from: b)
      Kernels.scale(memory, by: scale, scaled.count)
      matmul(scaled, a, .none, into: weight, accumulate: true)
    }
  }

  /// - Parameters:
  ///   - x: `[N, in]`
  ///   - y: `[N, out]`, added to.
  ///   - then: called for finished pieces of y, see `matmul`.
  func forward(
    _ x: Tensor, addingTo y: Tensor, then: ((Range<Int>, Range<Int>) -> Void)? = nil
  ) {
    withInput(x) { x in
      Scratch.with(x.rows * rank + 16) { memory in
        let t = Tensor(memory, rows: x.rows, columns: rank)
        matmul(x, a, .second, into: t)
        Kernels.scale(t.data, by: scale, t.count)
        matmul(t, b, .second, into: y, accumulate: true, then: then)
      }
    }
  }

  /// Adds into the gradients of A and B.
  ///
  /// - Parameters:
  ///   - dy: `[N, out]`
  ///   - x: `[N, in]` of the forward pass.
  ///   - dx: `[N, in]`, added to; nil if nobody below learns.
  func backward(_ dy: Tensor, x: Tensor, dx: Tensor?) {
    guard aGradient != nil || bGradient != nil || dx != nil else { return }
    withInput(x) { x in
      Scratch.with(2 * (x.rows * rank + 16)) { memory in
        if let bGradient {
          let t = Tensor(memory, rows: x.rows, columns: rank)
          matmul(x, a, .second, into: t)
          Kernels.scale(t.data, by: scale, t.count)
          matmul(dy, t, .first, into: bGradient, accumulate: true)
        }
        let dt = Tensor(memory + (x.rows * rank + 15) / 16 * 16, rows: x.rows, columns: rank)
        matmul(dy, b, .none, into: dt)
        Kernels.scale(dt.data, by: scale, dt.count)
        if let aGradient { matmul(dt, x, .first, into: aGradient, accumulate: true) }
        if let dx { spread(dt, to: dx) }
      }
    }
  }

  /// dx += drop(dt·A)
  private func spread(_ dt: Tensor, to dx: Tensor) {
    guard let dropout, dropout.rate > 0 else {
      matmul(dt, a, .none, into: dx, accumulate: true)
      return
    }
    Scratch.with(dx.rows * dx.columns + 16) { memory in
      let part = Tensor(memory, rows: dx.rows, columns: dx.columns)
      matmul(dt, a, .none, into: part)
      dropout.apply(to: part)
      parallelRows(of: dx) { rows in
        for row in rows { add(part.row(row), into: dx.row(row), dx.columns) }
      }
    }
  }

  /// x under the mask, or x itself.
  private func withInput(_ x: Tensor, _ body: (Tensor) -> Void) {
    guard let dropout, dropout.rate > 0 else {
      body(x)
      return
    }
    Scratch.with(x.rows * x.columns + 16) { memory in
      let dropped = Tensor(memory, rows: x.rows, columns: x.columns)
      dropped.copy(from: x)
      dropout.apply(to: dropped)
      body(dropped)
    }
  }
}
