// The thin products of a low-rank part on the small kernel. Their inner size or one side is the rank, so
// they live on memory traffic: nothing wide is copied, and what is added to an output is added while that
// output is still in a cache.

import Kernels
import Tensors

/// Rows of both factors at a time, so that a strip of them stays in the first-level cache.
private let depth = 128

/// The rank filled up to whole vectors.
func paddedRank(_ rank: Int) -> Int { (rank + 15) & ~15 }

/// t = s·x·M.
///
/// - Parameters:
///   - x: `[N, C]`
///   - matrix: `[C, r']`, rows without gaps, r' a multiple of 16.
///   - t: `[N, r']`, overwritten.
func projected(
  _ x: Tensor, _ matrix: UnsafePointer<Float>, scale: Float, into t: UnsafeMutablePointer<Float>,
  padded: Int
) {
  parallelFor(x.rows, by: 32) { rows in
    let target = t + rows.lowerBound * padded
    for start in stride(from: 0, to: x.columns, by: 2 * depth) {
      smallProduct(
        Multiplier(x.row(rows.lowerBound) + start, rowStep: x.stride, columnStep: 1),
        matrix + start * padded, bStep: padded, into: target, cStep: padded, m: rows.count,
        n: padded, k: min(2 * depth, x.columns - start), accumulate: start > 0)
    }
    Kernels.scale(target, by: scale, rows.count * padded)
  }
}

/// A piece of y += t·M.
///
/// - Parameters:
///   - t: `[N, r']`
///   - matrix: `[r, step]`; columns beyond those of y may be read.
///   - rank: how many columns of t count.
///   - y: `[N, C]`
///   - columns: begin with a multiple of 16.
func addPiece(
  _ t: UnsafePointer<Float>, padded: Int, _ matrix: UnsafePointer<Float>, step: Int, rank: Int,
  to y: Tensor, _ rows: Range<Int>, _ columns: Range<Int>
) {
  let a = Multiplier(t + rows.lowerBound * padded, rowStep: padded, columnStep: 1)
  let whole = columns.count & ~15
  let target = y.row(rows.lowerBound) + columns.lowerBound
  if whole > 0 {
    smallProduct(
      a, matrix + columns.lowerBound, bStep: step, into: target, cStep: y.stride, m: rows.count,
      n: whole, k: rank, accumulate: true)
  }
  let left = columns.count - whole
  guard left > 0 else { return }
  // The kernel writes whole vectors, and what follows in memory is not ours.
  Scratch.with(rows.count * 16) { part in
    copyRows(
      target + whole, fromStep: y.stride, rows: rows.count, columns: left, to: part, toStep: 16,
      clearing: true)
    smallProduct(
      a, matrix + columns.lowerBound + whole, bStep: step, into: part, cStep: 16, m: rows.count,
      n: 16, k: rank, accumulate: true)
    copyRows(
      part, fromStep: 16, rows: rows.count, columns: left, to: target + whole, toStep: y.stride,
      clearing: false)
  }
}

/// sum (+)= tᵀ·x, one chain along N for each number.
///
/// - Parameters:
///   - t: `[N, r']`, of which `rank` columns count.
///   - x: `[N, C]`
///   - sum: `[r, step]`, step a multiple of 16 not below C; columns from C on are unknown after.
func outerProduct(
  _ t: UnsafePointer<Float>, padded: Int, rank: Int, _ x: Tensor,
  into sum: UnsafeMutablePointer<Float>, step: Int
) {
  let rows = x.rows
  parallelFor(x.columns, by: 32) { columns in
    let whole = columns.count & ~15
    let left = columns.count - whole
    let target = sum + columns.lowerBound
    for start in stride(from: 0, to: rows, by: depth) {
      let count = min(depth, rows - start)
      let a = Multiplier(t + start * padded, rowStep: 1, columnStep: padded)
      let source = x.row(start) + columns.lowerBound
      if whole > 0 {
        smallProduct(
          a, source, bStep: x.stride, into: target, cStep: step, m: rank, n: whole, k: count,
          accumulate: start > 0)
      }
      guard left > 0 else { continue }
      Scratch.with(depth * 16) { part in
        copyRows(
          source + whole, fromStep: x.stride, rows: count, columns: left, to: part, toStep: 16,
          clearing: true)
        smallProduct(
          a, part, bStep: 16, into: target + whole, cStep: step, m: rank, n: 16, k: count,
          accumulate: start > 0)
      }
    }
  }
}
