// The product of Matmul.swift on our own kernel (Kernels/TileProduct.swift). A slab of B is packed by
// all threads into panels that they share; then each takes strips of C, packs its rows of A and runs
// through the panels. Every number of C is one chain along K; between blocks of K it waits in C, which
// rounds nothing. So bits depend neither on the cut nor on the number of rows.

import Kernels

/// How a product is cut: a function of the three sizes and nothing else.
struct ProductPlan {
  /// Length along K of a block: a strip of A and a panel of B stay in the second-level cache.
  static let depth = 384
  /// Numbers of a packed slab of B.
  static let slab = 5 << 19
  let slabColumns: Int
  let slabDepth: Int
  let stripRows: Int
  let strips: Int

  init(m: Int, n: Int, k: Int) {
    slabColumns = min(n, 64 * TileShape.panelColumns)
    let width = (slabColumns + 47) / 48 * 48
    slabDepth = min(k, max(1, Self.slab / width / Self.depth) * Self.depth)
    // Strips are to fill a round of four threads; low ones only where there are few.
    var best = (rows: 16, share: 0.0)
    for rows in stride(from: m > 1536 ? 96 : 64, through: 32, by: -16) {
      let count = (m + rows - 1) / rows
      let share = Double(m) / Double(rows * ((count + 3) / 4 * 4))
      if share > best.share + 0.02 { best = (rows, share) }
    }
    stripRows = best.rows
    strips = (m + stripRows - 1) / stripRows
  }

  /// Panels of a task: all of a slab, or fewer where there are few strips.
  func panelsOfTask(_ panels: Int) -> Int {
    let groups = max(1, 16 / strips)
    return max(4, (panels + 4 * groups - 1) / (4 * groups) * 4)
  }
}

/// C (+)= A·B. Arguments as `matmul` has checked them.
///
/// - Parameter b: one matrix; with `.second` several whose rows follow each other.
func blockedProduct(
  _ a: Tensor, _ b: [Tensor], _ transposition: Transposition, into c: Tensor, accumulate: Bool,
  _ rowBias: Tensor?, k: Int, then: ((Range<Int>, Range<Int>) -> Void)?
) {
  let plan = ProductPlan(m: c.rows, n: c.columns, k: k)
  let product = BlockedProduct(
    a: a, b: b, transposition: transposition, c: c, accumulate: accumulate, rowBias: rowBias, k: k)
  let width = TileShape.panelColumns
  let most = (plan.slabColumns + width - 1) / width
  Scratch.with(most * width * plan.slabDepth) { memory in
    for firstColumn in stride(from: 0, to: c.columns, by: plan.slabColumns) {
      let columns = firstColumn..<min(c.columns, firstColumn + plan.slabColumns)
      let panels = (columns.count + width - 1) / width
      for firstDepth in stride(from: 0, to: k, by: plan.slabDepth) {
        let depth = firstDepth..<min(k, firstDepth + plan.slabDepth)
        product.packColumns(columns, depth, to: memory)
        let size = plan.panelsOfTask(panels)
        let groups = (panels + size - 1) / size
        parallelFor(plan.strips * groups) { task in
          let first = task / groups * plan.stripRows
          let panel = task % groups * size
          product.compute(
            first..<min(c.rows, first + plan.stripRows), columns, depth,
            panel..<min(panels, panel + size), memory, then: depth.upperBound == k ? then : nil)
        }
      }
    }
  }
}

private struct BlockedProduct {
  let a: Tensor
  let b: [Tensor]
  let transposition: Transposition
  let c: Tensor
  let accumulate: Bool
  let rowBias: Tensor?
  let k: Int

  /// Blocks of K of a slab, each with all its panels `[count, 48]`.
  private func blocks(_ depth: Range<Int>) -> [Range<Int>] {
    stride(from: depth.lowerBound, to: depth.upperBound, by: ProductPlan.depth).map {
      $0..<min(depth.upperBound, $0 + ProductPlan.depth)
    }
  }

  /// Rows of one of the matrices that B consists of.
  private func matrixRows(from first: Int, atMost count: Int) -> (Tensor, Range<Int>) {
    var first = first
    var index = 0
    while first >= b[index].rows {
      first -= b[index].rows
      index += 1
    }
    return (b[index], first..<min(b[index].rows, first + count))
  }

  /// Writes a slab of B as panels, block of K after block; what lies beyond the last column is unknown.
  func packColumns(
    _ columns: Range<Int>, _ depth: Range<Int>, to memory: UnsafeMutablePointer<Float>
  ) {
    let width = TileShape.panelColumns
    let panels = (columns.count + width - 1) / width
    let blocks = blocks(depth)
    func place(_ block: Range<Int>, _ panel: Int) -> UnsafeMutablePointer<Float> {
      memory + (block.lowerBound - depth.lowerBound) * panels * width + panel * width * block.count
    }
    // Both ways read stretches of B that are as long as can be: memory likes to be read in order.
    if transposition == .second {
      parallelFor(panels) { panel in
        let column = columns.lowerBound + panel * width
        let count = min(width, columns.upperBound - column)
        var offset = 0
        while offset < count {
          let (matrix, rows) = matrixRows(
            from: column + offset, atMost: min(16 - offset % 16, count - offset))
          for block in blocks {
            transpose(
              matrix.row(rows.lowerBound) + block.lowerBound, fromStep: matrix.stride,
              rows: rows.count, columns: block.count, to: place(block, panel) + offset,
              toStep: width)
          }
          offset += rows.count
        }
      }
      return
    }
    let b = b[0]
    let (rows, stretch) = (96, 16)
    let (chunks, stretches) = (
      (ProductPlan.depth + rows - 1) / rows, (panels + stretch - 1) / stretch
    )
    parallelFor(blocks.count * chunks * stretches) { task in
      let block = blocks[task / (chunks * stretches)]
      let first = task / stretches % chunks * rows
      let panel = task % stretches * stretch
      guard first < block.count else { return }
      let column = columns.lowerBound + panel * width
      copyToPanels(
        b.row(block.lowerBound + first) + column, fromStep: b.stride,
        rows: min(rows, block.count - first),
        columns: min(stretch * width, columns.upperBound - column),
        to: place(block, panel) + first * width, vectors: width / 16,
        panelStep: width * block.count)
    }
  }

  /// Writes a strip of A in groups of 16 rows, `[depth, 16]` each.
  private func packRows(
    _ rows: Range<Int>, _ depth: Range<Int>, to memory: UnsafeMutablePointer<Float>
  ) {
    if transposition == .first {
      copyToPanels(
        a.row(depth.lowerBound) + rows.lowerBound, fromStep: a.stride, rows: depth.count,
        columns: rows.count, to: memory, vectors: 1, panelStep: 16 * depth.count)
      return
    }
    for first in stride(from: rows.lowerBound, to: rows.upperBound, by: 16) {
      transpose(
        a.row(first) + depth.lowerBound, fromStep: a.stride,
        rows: min(16, rows.upperBound - first), columns: depth.count,
        to: memory + (first - rows.lowerBound) * depth.count, toStep: 16)
    }
  }

  /// A strip of C: some rows, some panels of a slab of columns, a stretch of K.
  func compute(
    _ rows: Range<Int>, _ columns: Range<Int>, _ depth: Range<Int>, _ panels: Range<Int>,
    _ packed: UnsafeMutablePointer<Float>, then: ((Range<Int>, Range<Int>) -> Void)?
  ) {
    let width = TileShape.panelColumns
    let all = (columns.count + width - 1) / width
    let groups = (rows.count + 15) & ~15
    Scratch.with(groups * ProductPlan.depth + rows.count * width) { memory in
      let edge = memory + groups * ProductPlan.depth
      for block in blocks(depth) {
        packRows(rows, block, to: memory)
        let isLast = block.upperBound == depth.upperBound
        let start = packed + (block.lowerBound - depth.lowerBound) * all * width
        var finished = columns.lowerBound + panels.lowerBound * width
        for panel in panels {
          let column = columns.lowerBound + panel * width
          let count = min(width, columns.upperBound - column)
          multiply(
            memory, rows, start + panel * width * block.count, column, count, block, edge)
          let end = column + count
          if isLast, let then,
            end - finished >= finishedColumns || panel == panels.upperBound - 1
          {
            then(rows, finished..<end)
            finished = end
          }
        }
      }
    }
  }

  /// A strip times one panel; an incomplete vector at the right edge goes through `edge`.
  private func multiply(
    _ strip: UnsafePointer<Float>, _ rows: Range<Int>, _ panel: UnsafePointer<Float>,
    _ column: Int, _ count: Int, _ depth: Range<Int>, _ edge: UnsafeMutablePointer<Float>
  ) {
    let target = c.row(rows.lowerBound) + column
    let width = TileShape.panelColumns
    let continues = depth.lowerBound > 0 || accumulate
    if count % 16 == 0 {
      var start = continues ? ChainStart.held : .zero
      if let rowBias, !continues { start = .row(rowBias.data + column) }
      tileProduct(
        strip, rows: rows.count, panel, vectors: count / 16, into: target, cStep: c.stride,
        k: depth.count, start: start, next: panel + width * depth.count)
      return
    }
    for row in 0..<rows.count {
      let line = edge + row * width
      if continues {
        line.update(from: target + row * c.stride, count: count)
      } else if let rowBias {
        line.update(from: rowBias.data + column, count: count)
      } else {
        line.update(repeating: 0, count: count)
      }
    }
    tileProduct(
      strip, rows: rows.count, panel, vectors: (count + 15) / 16, into: edge, cStep: width,
      k: depth.count, start: .held)
    copyRows(
      edge, fromStep: width, rows: rows.count, columns: count, to: target, toStep: c.stride,
      clearing: false)
  }
}
