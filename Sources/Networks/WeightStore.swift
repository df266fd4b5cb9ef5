// How the numbers of a weight matrix are stored. Linear.swift is the only place that asks.

import Tensors

/// A weight matrix `[out, in]` in one of the storage forms.
public enum WeightStore: Sendable {
  case f32(Tensor)
  /// Frozen, in blocks of few bits or in 16-bit numbers.
  case blocks(QuantisedMatrix)

  public var outputs: Int {
    switch self {
    case .f32(let tensor): tensor.rows
    case .blocks(let matrix): matrix.rows
    }
  }
  public var inputs: Int {
    switch self {
    case .f32(let tensor): tensor.columns
    case .blocks(let matrix): matrix.columns
    }
  }

  /// Writes some rows of the weight as single-precision numbers, in the calling thread.
  ///
  /// - Parameter target: `[rows.count, in]`, overwritten.
  public func read(rows: Range<Int>, into target: Tensor) {
    switch self {
    case .f32(let tensor): target.copy(from: tensor.slice(rows: rows))
    case .blocks(let matrix): matrix.dequantise(rows: rows, into: target)
    }
  }

  /// The whole weight as single-precision numbers, in place or expanded into working memory.
  func withFloats(_ body: (Tensor) -> Void) {
    switch self {
    case .f32(let tensor): body(tensor)
    case .blocks(let matrix):
      Scratch.with(matrix.rows * matrix.columns) { memory in
        let expanded = Tensor(memory, rows: matrix.rows, columns: matrix.columns)
        matrix.dequantise(into: expanded)
        body(expanded)
      }
    }
  }
}
