// C = A·B, the inner kernels: attention blocks, decoding, and the blocks of Tensors/Matmul.swift. Each
// number of C is one chain of fused multiply-adds along K, first to last, so its bits do not depend on
// the number of rows or on the tile it fell into. BLAS promises nothing of the kind.

private typealias Vector = SIMD16<Float>

@inline(__always)
private func load(_ p: UnsafePointer<Float>) -> Vector {
  UnsafeRawPointer(p).loadUnaligned(as: Vector.self)
}

@inline(__always)
private func store(_ v: Vector, _ p: UnsafeMutablePointer<Float>) {
  UnsafeMutableRawPointer(p).storeBytes(of: v, as: Vector.self)
}

/// A as the product reads it: number (i, k) lies at `start[i·rowStep + k·columnStep]`, so Aᵀ needs
/// no copy.
public struct Multiplier {
  public var start: UnsafePointer<Float>
  public var rowStep: Int
  public var columnStep: Int

  @inline(__always)
  public init(_ start: UnsafePointer<Float>, rowStep: Int, columnStep: Int) {
    self.start = start
    self.rowStep = rowStep
    self.columnStep = columnStep
  }
}

/// C (+)= A·B.
///
/// - Parameters:
///   - a: `[m, k]`
///   - b: `[k, n]`, rows `bStep` apart; reads up to a multiple of 16 columns.
///   - c: `[m, n]`, rows `cStep` apart; writes up to a multiple of 16 columns.
public func smallProduct(
  _ a: Multiplier, _ b: UnsafePointer<Float>, bStep: Int, into c: UnsafeMutablePointer<Float>,
  cStep: Int, m: Int, n: Int, k: Int, accumulate: Bool
) {
  var j = 0
  while j + 16 < n {
    pairColumn(a, b + j, bStep, 16, c + j, cStep, 16, m, k, accumulate)
    j += 32
  }
  if j < n { singleColumn(a, b + j, bStep, c + j, cStep, m, k, accumulate) }
}

/// Output columns of a matrix packed in panels of 16: panel p holds `[k, 16]` at
/// `panels + p·panelStep`.
///
/// - Parameters:
///   - a: `[m, k]`
///   - panelStep: k·16, or more if only a stretch of longer chains is computed.
///   - c: `[m, panelCount·16]`; `accumulate` goes on with the chains that it holds.
public func panelProduct(
  _ a: Multiplier, panels: UnsafePointer<Float>, panelStep: Int, panelCount: Int,
  into c: UnsafeMutablePointer<Float>, cStep: Int, m: Int, k: Int, accumulate: Bool
) {
  var p = 0
  if m == 1, accumulate {
    while p + 4 <= panelCount {
      fourPanelsOneRow(a, panels + p * panelStep, panelStep, c + p * 16, k)
      p += 4
    }
  }
  while p + 2 <= panelCount {
    pairColumn(
      a, panels + p * panelStep, 16, panelStep, c + p * 16, cStep, 16, m, k, accumulate)
    p += 2
  }
  if p < panelCount {
    singleColumn(a, panels + p * panelStep, 16, c + p * 16, cStep, m, k, accumulate)
  }
}

/// 32 columns as two vectors, the second `bSecond` behind the first in B and `cSecond` in C.
@inline(__always)
private func pairColumn(
  _ a: Multiplier, _ b: UnsafePointer<Float>, _ bStep: Int, _ bSecond: Int,
  _ c: UnsafeMutablePointer<Float>, _ cStep: Int, _ cSecond: Int, _ m: Int, _ k: Int,
  _ accumulate: Bool
) {
  // Eight rows of two vectors need 16 wide registers, four of one 8 narrow ones.
  if !hasWideRegisters, m >= 4 {
    singleColumn(a, b, bStep, c, cStep, m, k, accumulate)
    singleColumn(a, b + bSecond, bStep, c + cSecond, cStep, m, k, accumulate)
    return
  }
  var i = 0
  let rs = a.rowStep
  let cs = a.columnStep
  while i + 8 <= m {
    let c0 = c + i * cStep
    var x0 = Vector.zero
    var x1 = Vector.zero
    var x2 = Vector.zero
    var x3 = Vector.zero
    var x4 = Vector.zero
    var x5 = Vector.zero
    var x6 = Vector.zero
    var x7 = Vector.zero
    var y0 = Vector.zero
    var y1 = Vector.zero
    var y2 = Vector.zero
    var y3 = Vector.zero
    var y4 = Vector.zero
    var y5 = Vector.zero
    var y6 = Vector.zero
    var y7 = Vector.zero
    if accumulate {
      x0 = load(c0)
      x1 = load(c0 + cStep)
      x2 = load(c0 + 2 * cStep)
      x3 = load(c0 + 3 * cStep)
      x4 = load(c0 + 4 * cStep)
      x5 = load(c0 + 5 * cStep)
      x6 = load(c0 + 6 * cStep)
      x7 = load(c0 + 7 * cStep)
      y0 = load(c0 + cSecond)
      y1 = load(c0 + cSecond + cStep)
      y2 = load(c0 + cSecond + 2 * cStep)
      y3 = load(c0 + cSecond + 3 * cStep)
      y4 = load(c0 + cSecond + 4 * cStep)
      y5 = load(c0 + cSecond + 5 * cStep)
      y6 = load(c0 + cSecond + 6 * cStep)
      y7 = load(c0 + cSecond + 7 * cStep)
    }
    var pa = a.start + i * rs
    var pb = b
    for _ in 0..<k {
      let u = load(pb)
      let v = load(pb + bSecond)
      let a0 = Vector(repeating: pa[0])
      x0.addProduct(a0, u)
      y0.addProduct(a0, v)
      let a1 = Vector(repeating: pa[rs])
      x1.addProduct(a1, u)
      y1.addProduct(a1, v)
      let a2 = Vector(repeating: pa[2 * rs])
      x2.addProduct(a2, u)
      y2.addProduct(a2, v)
      let a3 = Vector(repeating: pa[3 * rs])
      x3.addProduct(a3, u)
      y3.addProduct(a3, v)
      let a4 = Vector(repeating: pa[4 * rs])
      x4.addProduct(a4, u)
      y4.addProduct(a4, v)
      let a5 = Vector(repeating: pa[5 * rs])
      x5.addProduct(a5, u)
      y5.addProduct(a5, v)
      let a6 = Vector(repeating: pa[6 * rs])
      x6.addProduct(a6, u)
      y6.addProduct(a6, v)
      let a7 = Vector(repeating: pa[7 * rs])
      x7.addProduct(a7, u)
      y7.addProduct(a7, v)
      pa += cs
      pb += bStep
    }
    store(x0, c0)
    store(x1, c0 + cStep)
    store(x2, c0 + 2 * cStep)
    store(x3, c0 + 3 * cStep)
    store(x4, c0 + 4 * cStep)
    store(x5, c0 + 5 * cStep)
    store(x6, c0 + 6 * cStep)
    store(x7, c0 + 7 * cStep)
    store(y0, c0 + cSecond)
    store(y1, c0 + cSecond + cStep)
    store(y2, c0 + cSecond + 2 * cStep)
    store(y3, c0 + cSecond + 3 * cStep)
    store(y4, c0 + cSecond + 4 * cStep)
    store(y5, c0 + cSecond + 5 * cStep)
    store(y6, c0 + cSecond + 6 * cStep)
    store(y7, c0 + cSecond + 7 * cStep)
    i += 8
  }
  while i + 2 <= m {
    let c0 = c + i * cStep
    var x0 = Vector.zero
    var x1 = Vector.zero
    var y0 = Vector.zero
    var y1 = Vector.zero
    if accumulate {
      x0 = load(c0)
      x1 = load(c0 + cStep)
      y0 = load(c0 + cSecond)
      y1 = load(c0 + cSecond + cStep)
    }
    var pa = a.start + i * rs
    var pb = b
    for _ in 0..<k {
      let u = load(pb)
      let v = load(pb + bSecond)
      let a0 = Vector(repeating: pa[0])
      x0.addProduct(a0, u)
      y0.addProduct(a0, v)
      let a1 = Vector(repeating: pa[rs])
      x1.addProduct(a1, u)
      y1.addProduct(a1, v)
      pa += cs
      pb += bStep
    }
    store(x0, c0)
    store(x1, c0 + cStep)
    store(y0, c0 + cSecond)
    store(y1, c0 + cSecond + cStep)
    i += 2
  }
  if i < m {
    let c0 = c + i * cStep
    var x0 = accumulate ? load(c0) : Vector.zero
    var y0 = accumulate ? load(c0 + cSecond) : Vector.zero
    var pa = a.start + i * rs
    var pb = b
    for _ in 0..<k {
      let a0 = Vector(repeating: pa[0])
      x0.addProduct(a0, load(pb))
      y0.addProduct(a0, load(pb + bSecond))
      pa += cs
      pb += bStep
    }
    store(x0, c0)
    store(y0, c0 + cSecond)
  }
}

/// The last 16 columns.
@inline(__always)
private func singleColumn(
  _ a: Multiplier, _ b: UnsafePointer<Float>, _ bStep: Int, _ c: UnsafeMutablePointer<Float>,
  _ cStep: Int, _ m: Int, _ k: Int, _ accumulate: Bool
) {
  var i = 0
  let rs = a.rowStep
  while i + 4 <= m {
    let c0 = c + i * cStep
    var x0 = Vector.zero
    var x1 = Vector.zero
    var x2 = Vector.zero
    var x3 = Vector.zero
    if accumulate {
      x0 = load(c0)
      x1 = load(c0 + cStep)
      x2 = load(c0 + 2 * cStep)
      x3 = load(c0 + 3 * cStep)
    }
    var pa = a.start + i * rs
    var pb = b
    for _ in 0..<k {
      let u = load(pb)
      x0.addProduct(Vector(repeating: pa[0]), u)
      x1.addProduct(Vector(repeating: pa[rs]), u)
      x2.addProduct(Vector(repeating: pa[2 * rs]), u)
      x3.addProduct(Vector(repeating: pa[3 * rs]), u)
      pa += a.columnStep
      pb += bStep
    }
    store(x0, c0)
    store(x1, c0 + cStep)
    store(x2, c0 + 2 * cStep)
    store(x3, c0 + 3 * cStep)
    i += 4
  }
  while i < m {
    let c0 = c + i * cStep
    var x0 = accumulate ? load(c0) : Vector.zero
    var pa = a.start + i * rs
    var pb = b
    for _ in 0..<k {
      x0.addProduct(Vector(repeating: pa[0]), load(pb))
      pa += a.columnStep
      pb += bStep
    }
    store(x0, c0)
    i += 1
  }
}

/// One row against 64 outputs: four chains hide the latency of the multiply-add.
@inline(__always)
private func fourPanelsOneRow(
  _ a: Multiplier, _ b: UnsafePointer<Float>, _ size: Int, _ c: UnsafeMutablePointer<Float>,
  _ k: Int
) {
  var x0 = load(c)
  var x1 = load(c + 16)
  var x2 = load(c + 32)
  var x3 = load(c + 48)
  var pa = a.start
  var pb = b
  for _ in 0..<k {
    let a0 = Vector(repeating: pa[0])
    x0.addProduct(a0, load(pb))
    x1.addProduct(a0, load(pb + size))
    x2.addProduct(a0, load(pb + 2 * size))
    x3.addProduct(a0, load(pb + 3 * size))
    pa += a.columnStep
    pb += 16
  }
  store(x0, c)
  store(x1, c + 16)
  store(x2, c + 32)
  store(x3, c + 48)
}
