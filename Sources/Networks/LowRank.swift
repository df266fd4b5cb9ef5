// The low-rank part of a linear layer (Hu et al. 2021, "LoRA"). B·A is never formed while training.
//
//   t = drop(x)·Aᵀ    y += s·t·Bᵀ
//   dt = s·dy·B       dB += s·dyᵀ·t       dA += dtᵀ·drop(x)       dx += drop(dt·A)

import Kernels
import Tensors

/// Adds a low-rank part to rows and columns of an output or of a gradient. Only inside the call that
/// hands it on.
typealias AddPiece = (_ to: Tensor, _ rows: Range<Int>, _ columns: Range<Int>) -> Void

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

  var isTrained: Bool { aGradient != nil || bGradient != nil }
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

  /// Works out t and hands on what adds s·t·Bᵀ to a piece of y, columns beginning with a multiple of 16.
  ///
  /// - Parameter x: `[N, in]`
  func withAddition(
    _ x: Tensor, _ body: (@escaping AddPiece) -> Void
  ) {
    let padded = paddedRank(rank)
    let step = (outputs + 15) & ~15
    withInput(x) { x in
      Scratch.with(x.rows * padded + rank * step) { memory in
        let wide = memory + x.rows * padded
        project(x, into: memory)
        transpose(b.data, fromStep: b.stride, rows: outputs, columns: rank, to: wide, toStep: step)
        body { y, rows, columns in
          addPiece(
            memory, padded: padded, wide, step: step, rank: rank, to: y, rows, columns)
        }
      }
    }
  }

  /// Adds into the gradients of A and B, and hands on what adds drop(dt·A) to a piece of dx, columns
  /// beginning with a multiple of 16.
  ///
  /// - Parameters:
  ///   - dy: `[N, out]`
  ///   - x: `[N, in]` of the forward pass.
  func withGradient(
    _ dy: Tensor, x: Tensor,
    _ body: (@escaping AddPiece) -> Void
  ) {
    let padded = paddedRank(rank)
    let rows = dy.rows
    let step = (inputs + 15) & ~15
    Scratch.with(2 * rows * padded + rank * step) { memory in
      let (t, dt, wide) = (memory, memory + rows * padded, memory + 2 * rows * padded)
      projectGradient(dy, into: dt)
      if aGradient != nil || bGradient != nil {
        withInput(x) { x in
          if let bGradient {
            project(x, into: t)
            addGradient(t, dy, to: bGradient, isTransposed: true)
          }
          if let aGradient { addGradient(dt, x, to: aGradient, isTransposed: false) }
        }
      }
      copyRows(
        a.data, fromStep: a.stride, rows: rank, columns: inputs, to: wide, toStep: step,
        clearing: true)
      body { dx, rows, columns in
        guard let dropout, dropout.rate > 0 else {
          addPiece(dt, padded: padded, wide, step: step, rank: rank, to: dx, rows, columns)
          return
        }
        addDropped(dropout, dt, padded, wide, step, to: dx, rows, columns)
      }
    }
  }

  /// t = s·x·Aᵀ, `[N, r']`
  private func project(_ x: Tensor, into t: UnsafeMutablePointer<Float>) {
    let padded = paddedRank(rank)
    Scratch.with(inputs * padded) { matrix in
      if padded != rank { matrix.update(repeating: 0, count: inputs * padded) }
      transpose(a.data, fromStep: a.stride, rows: rank, columns: inputs, to: matrix, toStep: padded)
      projected(x, matrix, scale: scale, into: t, padded: padded)
    }
  }

  /// dt = s·dy·B, `[N, r']`
  private func projectGradient(_ dy: Tensor, into dt: UnsafeMutablePointer<Float>) {
    let padded = paddedRank(rank)
    Scratch.with(outputs * padded) { matrix in
      copyRows(
        b.data, fromStep: b.stride, rows: outputs, columns: rank, to: matrix, toStep: padded,
        clearing: true)
      projected(dy, matrix, scale: scale, into: dt, padded: padded)
    }
  }

  /// gradient += tᵀ·x, or its transpose.
  private func addGradient(
    _ t: UnsafePointer<Float>, _ x: Tensor, to gradient: Tensor, isTransposed: Bool
  ) {
    let step = (x.columns + 15) & ~15
    Scratch.with(2 * rank * step) { memory in
      outerProduct(
        t, padded: paddedRank(rank), rank: rank, x, into: memory, step: step)
      let sum = Tensor(memory, rows: rank, columns: x.columns, stride: step)
      guard isTransposed else {
        for row in 0..<rank { add(sum.row(row), into: gradient.row(row), x.columns) }
        return
      }
      let turned = memory + rank * step
      transpose(
        memory, fromStep: step, rows: rank, columns: x.columns, to: turned, toStep: rank)
      for row in 0..<gradient.rows { add(turned + row * rank, into: gradient.row(row), rank) }
    }
  }

  private func addDropped(
    _ dropout: Dropout, _ dt: UnsafePointer<Float>, _ padded: Int,
    _ matrix: UnsafePointer<Float>, _ step: Int, to dx: Tensor, _ rows: Range<Int>,
    _ columns: Range<Int>
  ) {
    // Masks come in runs of 128 columns: from the run that the piece begins in.
    let first = columns.lowerBound & ~127
    let width = (columns.upperBound - first + 15) & ~15
    Scratch.with(width) { memory in
      for row in rows {
        memory.update(repeating: 0, count: width)
        smallProduct(
          Multiplier(dt + row * padded, rowStep: padded, columnStep: 1), matrix + first,
          bStep: step, into: memory, cStep: width, m: 1, n: width, k: rank, accumulate: false)
        dropout.apply(
          to: memory, maskRow: dropout.firstRow + row, firstColumn: first, count: width)
        add(
          memory + columns.lowerBound - first, into: dx.row(row) + columns.lowerBound,
          columns.count)
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
      parallelRows(of: x) { rows in
        for row in rows { dropped.row(row).update(from: x.row(row), count: x.columns) }
      }
      dropout.apply(to: dropped)
      body(dropped)
    }
  }
}
