// The product of Matmul.swift on our own kernel: B is packed in panels of 16 columns, blocks of A and
// of the panels stay in the second-level cache, pairs of panels in the first. Every number of C is one
// chain along K; between blocks of K it waits in C, which rounds nothing.

import Kernels

/// Rows of A that go with a block of panels.
private let rowBlock = 256
/// Length along K of a block: a pair of panels is 32 KiB.
private let depthBlock = 256

/// C (+)= A·B, cut as `tiling` says. Arguments as `matmul` has checked them.
func blockedProduct(
  _ a: Tensor, _ b: Tensor, _ transposition: Transposition, into c: Tensor, accumulate: Bool,
  _ rowBias: Tensor?, k: Int, _ tiling: Tiling
) {
  let product = BlockedProduct(
    a: a, b: b, transposition: transposition, c: c, accumulate: accumulate, rowBias: rowBias, k: k)
  let panels = (tiling.n + 15) / 16
  if tiling.across == 1 {
    // All tiles read the same panels.
    Scratch.with(panels * k * 16) { memory in
      if transposition == .second {
        parallelFor(panels, by: 4) {
          product.pack($0, to: memory + $0.lowerBound * k * 16)
        }
      } else {
        parallelFor(k, by: 64) { product.pack(0..<panels, depth: $0, to: memory) }
      }
      parallelFor(tiling.count) { index in
        let (rows, columns) = tiling[index]
        product.compute(rows, columns, panels: memory)
      }
    }
  } else {
    parallelFor(tiling.count) { index in
      let (rows, columns) = tiling[index]
      let range = columns.lowerBound / 16..<(columns.upperBound + 15) / 16
      Scratch.with(range.count * k * 16) { memory in
        product.pack(range, to: memory)
        product.compute(rows, columns, panels: memory)
      }
    }
  }
}

private struct BlockedProduct {
  let a: Tensor
  let b: Tensor
  let transposition: Transposition
  let c: Tensor
  let accumulate: Bool
  let rowBias: Tensor?
  let k: Int

  /// Writes panels of B, `[k, 16]` each; what lies beyond the last column is unknown.
  func pack(_ panels: Range<Int>, to target: UnsafeMutablePointer<Float>) {
    guard transposition == .second else {
      pack(panels, depth: 0..<k, to: target)
      return
    }
    for panel in panels {
      transpose(
        b.row(panel * 16), fromStep: b.stride, rows: min(16, b.rows - panel * 16), columns: k,
        to: target + (panel - panels.lowerBound) * k * 16, toStep: 16)
    }
  }

  /// Rows `depth` of some panels of an untransposed B, row after row as they lie in memory.
  func pack(_ panels: Range<Int>, depth: Range<Int>, to target: UnsafeMutablePointer<Float>) {
    let first = panels.lowerBound * 16
    for row in depth {
      copyToPanels(
        b.row(row) + first, min(b.columns - first, panels.count * 16), to: target + row * 16,
        panelStep: k * 16)
    }
  }

  /// One tile. `columns` begin with a whole panel, which is the first of `panels`.
  func compute(
    _ rows: Range<Int>, _ columns: Range<Int>, panels: UnsafeMutablePointer<Float>
  ) {
    let whole = columns.count / 16
    let left = columns.count % 16
    for first in stride(from: rows.lowerBound, to: rows.upperBound, by: rowBlock) {
      let count = min(rowBlock, rows.upperBound - first)
      let target = c.row(first) + columns.lowerBound
      begin(target, step: c.stride, first, columns.lowerBound, count, whole * 16)
      chains(first, count, panels, whole, target, c.stride)
      guard left > 0 else { continue }
      Scratch.with(count * 16) { part in
        let column = whole * 16
        begin(part, step: 16, first, columns.lowerBound + column, count, left)
        if accumulate {
          copyRows(
            target + column, fromStep: c.stride, rows: count, columns: left, to: part, toStep: 16,
            clearing: false)
        }
        chains(first, count, panels + whole * k * 16, 1, part, 16)
        copyRows(
          part, fromStep: 16, rows: count, columns: left, to: target + column, toStep: c.stride,
          clearing: false)
      }
    }
  }

  /// With a bias, every chain begins with it.
  private func begin(
    _ target: UnsafeMutablePointer<Float>, step: Int, _ row: Int, _ column: Int, _ rows: Int,
    _ width: Int
  ) {
    guard let rowBias else { return }
    for row in 0..<rows { (target + row * step).update(from: rowBias.data + column, count: width) }
  }

  /// Some rows times some panels, block by block along K.
  private func chains(
    _ row: Int, _ rows: Int, _ panels: UnsafePointer<Float>, _ count: Int,
    _ target: UnsafeMutablePointer<Float>, _ step: Int
  ) {
    for start in stride(from: 0, to: k, by: depthBlock) {
      let part =
        transposition == .first
        ? Multiplier(a.row(start) + row, rowStep: 1, columnStep: a.stride)
        : Multiplier(a.row(row) + start, rowStep: a.stride, columnStep: 1)
      panelProduct(
        part, panels: panels + start * 16, panelStep: k * 16, panelCount: count, into: target,
        cStep: step, m: rows, k: min(depthBlock, k - start),
        accumulate: start > 0 || accumulate || rowBias != nil)
    }
  }
}
