// Matrix products. C is cut into tiles by its shape alone, so bits do not depend on the number of
// threads. Where the processor has fused multiply-adds the tiles are computed by our own kernel
// (BlockedProduct.swift), elsewhere each is one call of OpenBLAS with one thread, and last bits depend on
// the number of rows. K is never cut between threads.

import COpenBLAS
import Kernels

/// Which of the two matrices is read transposed.
public enum Transposition: Sendable {
  /// C = A·B, A `[M, K]`, B `[K, N]`
  case none
  /// C = A·Bᵀ, A `[M, K]`, B `[N, K]`: a linear layer's forward pass.
  case second
  /// C = Aᵀ·B, A `[K, M]`, B `[K, N]`: a weight's gradient.
  case first
}

/// C = A·B (or += if `accumulate`), with the transposition asked for; `rowBias` `[1, N]` is added to
/// every row.
///
/// - Parameter then: called for each finished piece of C, rows and columns, as long as it lies in a
///   cache: what follows a product without another way through memory. Pieces are disjoint, cover C,
///   begin at multiples of `finishedColumns` and come from any thread.
///
/// **Shapes**: see `Transposition`; c is `[M, N]`. All may be columns of wider buffers.
///
/// **Cost**: 2·M·N·K operations.
public func matmul(
  _ a: Tensor, _ b: Tensor, _ transposition: Transposition, into c: Tensor,
  accumulate: Bool = false, rowBias: Tensor? = nil,
  then: ((Range<Int>, Range<Int>) -> Void)? = nil
) {
  let m = transposition == .first ? a.columns : a.rows
  let k = transposition == .first ? a.rows : a.columns
  let n = transposition == .second ? b.rows : b.columns
  let otherK = transposition == .second ? b.columns : b.rows
  precondition(
    k == otherK && c.rows == m && c.columns == n,
    "matmul (\(transposition) transposed): \(a.shape) times \(b.shape) into \(c.shape)")
  precondition(!(accumulate && rowBias != nil), "matmul: a bias is added once, not accumulated")
  rowBias?.require(1, n, "rowBias", in: "matmul")
  guard m > 0, n > 0 else { return }
  guard k > 0 else {
    if !accumulate { c.fill(0) }
    if let rowBias { for row in 0..<m { c.row(row).update(from: rowBias.data, count: n) } }
    then?(0..<m, 0..<n)
    return
  }
  if hasFusedProducts {
    blockedProduct(
      a, [b], transposition, into: c, accumulate: accumulate, rowBias, k: k, then: then)
    return
  }
  let tiling = Tiling(m: m, n: n, k: k, step: then == nil ? 16 : finishedColumns)
  _ = BLASInfo.singleThreaded
  parallelFor(tiling.count) { index in
    let (rows, columns) = tiling[index]
    let tileA = a.data + rows.lowerBound * (transposition == .first ? 1 : a.stride)
    let tileB = b.data + columns.lowerBound * (transposition == .second ? b.stride : 1)
    let tileC = c.data + rows.lowerBound * c.stride + columns.lowerBound
    if let rowBias {
      for row in 0..<rows.count {
        (tileC + row * c.stride).update(
          from: rowBias.data + columns.lowerBound, count: columns.count)
      }
    }
    cblas_sgemm(
      CblasRowMajor, transposition == .first ? CblasTrans : CblasNoTrans,
      transposition == .second ? CblasTrans : CblasNoTrans, Int32(rows.count),
      Int32(columns.count), Int32(k), 1, tileA, Int32(a.stride), tileB, Int32(b.stride),
      accumulate || rowBias != nil ? 1 : 0, tileC, Int32(c.stride))
    then?(rows, columns)
  }
}

/// C = A·[B₁ᵀ | B₂ᵀ | …] (+ biases): linear layers that read the same input, each number as if the
/// layers ran one by one, but A is read once.
///
/// **Shapes**: A `[M, K]`, each B `[N, K]` with a bias `[1, N]` or none, C `[M, ΣN]`.
public func matmul(_ a: Tensor, joined parts: [(b: Tensor, bias: Tensor?)], into c: Tensor) {
  let n = parts.reduce(0) { $0 + $1.b.rows }
  precondition(
    c.rows == a.rows && c.columns == n && parts.allSatisfy { $0.b.columns == a.columns },
    "matmul: \(a.shape) times \(parts.map(\.b.shape)), joined, into \(c.shape)")
  let isOwn = hasFusedProducts && a.rows > 0 && a.columns > 0
  // A chain begins with its bias, and 0 is not the same as none for a sum that is −0.
  guard isOwn, parts.allSatisfy({ ($0.bias == nil) == (parts[0].bias == nil) }) else {
    var start = 0
    for (b, bias) in parts {
      matmul(a, b, .second, into: c.slice(columns: start..<start + b.rows), rowBias: bias)
      start += b.rows
    }
    return
  }
  Scratch.with(n) { memory in
    var start = 0
    for (b, bias) in parts {
      if let bias {
        bias.require(1, b.rows, "bias", in: "matmul")
        (memory + start).update(from: bias.data, count: b.rows)
      }
      start += b.rows
    }
    blockedProduct(
      a, parts.map(\.b), .second, into: c, accumulate: false,
      parts[0].bias == nil ? nil : Tensor(memory, count: n), k: a.columns, then: nil)
  }
}

/// Columns of the pieces that `matmul` calls finished, or a multiple of them.
public let finishedColumns = 4 * TileShape.panelColumns

/// How C is cut for OpenBLAS: a function of the three sizes and nothing else.
struct Tiling {
  let m: Int
  let n: Int
  let tileRows: Int
  let tileColumns: Int
  let across: Int
  let count: Int

  /// Enough tiles for threads to share evenly, each large enough to pay for packing A and B again.
  ///
  /// - Parameter step: tiles begin at multiples of it.
  init(m: Int, n: Int, k: Int, step: Int = 16) {
    self.m = m
    self.n = n
    let work = 2 * m * n * k
    // About 8 million operations a tile, at most 16 tiles, at least 1.
    let wanted = max(1, min(16, work >> 23))
    if m >= n {
      tileRows = Tiling.size(m, parts: wanted)
      tileColumns = n
    } else {
      tileRows = m
      tileColumns = (Tiling.size(n, parts: wanted) + step - 1) / step * step
    }
    across = (n + tileColumns - 1) / tileColumns
    count = across * ((m + tileRows - 1) / tileRows)
  }

  /// A multiple of 16 numbers, so that kernels see full registers.
  private static func size(_ length: Int, parts: Int) -> Int {
    max(16, ((length + parts - 1) / parts + 15) & ~15)
  }

  subscript(index: Int) -> (rows: Range<Int>, columns: Range<Int>) {
    let row = index / across * tileRows
    let column = index % across * tileColumns
    return (row..<min(m, row + tileRows), column..<min(n, column + tileColumns))
  }
}
