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

  /// The weight as single-precision numbers: in place at once, or expanded into working memory some
  /// rows at a time, in their order.
  func withTiles(_ body: (_ tile: Tensor, _ rows: Range<Int>) -> Void) {
    switch self {
    case .f32(let tensor): body(tensor, 0..<tensor.rows)
    case .blocks(let matrix):
      let size = Self.tileRows(columns: matrix.columns)
      Scratch.with(min(size, matrix.rows) * matrix.columns + 16) { memory in
        for start in stride(from: 0, to: matrix.rows, by: size) {
          let rows = start..<min(matrix.rows, start + size)
          let tile = Tensor(memory, rows: rows.count, columns: matrix.columns)
          parallelRows(of: tile) { part in
            matrix.dequantise(
              rows: rows.lowerBound + part.lowerBound..<rows.lowerBound + part.upperBound,
              into: tile.slice(rows: part))
          }
          body(tile, rows)
        }
      }
    }
  }

  /// About a million numbers, which stay in the last-level cache until they are multiplied, and a
  /// multiple of every block that products cut C and K into.
  static func tileRows(columns: Int) -> Int {
    max(1, (1 << 20) / max(1, columns) / 768) * 768
  }
}
