// The inner kernel of large products (Tensors/BlockedProduct.swift): a strip of packed rows of A times
// one packed panel of B, in tiles of 8 × 48 numbers that stay in registers (4 × 24 without AVX-512). Each
// number of C is one chain of fused multiply-adds along K, first to last, whatever the tile it falls into.

import CKernels

private typealias Vector = SIMD16<Float>

@inline(__always)
private func load(_ p: UnsafePointer<Float>) -> Vector {
  UnsafeRawPointer(p).loadUnaligned(as: Vector.self)
}

@inline(__always)
private func store(_ v: Vector, _ p: UnsafeMutablePointer<Float>) {
  UnsafeMutableRawPointer(p).storeBytes(of: v, as: Vector.self)
}

/// Whether a tile of 8 × 48 numbers fits into the registers.
public var hasWideRegisters: Bool {
  @inline(__always) get { plumb_compiled_for_avx512() == 1 }
}

/// Whether multiply-adds are instructions: without them OpenBLAS's products are faster, at the price of
/// bits that depend on the number of rows.
public var hasFusedProducts: Bool {
  @inline(__always) get { plumb_compiled_for_fma() == 1 }
}

/// The widths and heights that packed matrices are made of.
public enum TileShape {
  /// Columns of a panel of B, `[k, 48]`: three vectors.
  public static let panelColumns = 48
  /// Rows of a group of A, `[k, 16]`: two tiles.
  public static let groupRows = 16
}

/// Asks for `count` numbers in the second-level cache.
public func prefetch(_ start: UnsafePointer<Float>, _ count: Int) {
  for offset in stride(from: 0, to: count, by: 16) { plumb_prefetch(start + offset) }
}

/// What a chain starts with.
public enum ChainStart {
  case zero
  /// What C holds.
  case held
  /// The same row for all rows of C.
  case row(UnsafePointer<Float>)
}

/// Cuts rows into panels: 16·`vectors` columns of row r go to `to + panel·panelStep + r·16·vectors`.
/// What lies beyond the last column is left as it is.
///
/// - Parameter vectors: of a panel's row, 1 for groups of A that lies transposed, 3 for panels of B.
public func copyToPanels(
  _ from: UnsafePointer<Float>, fromStep: Int, rows: Int, columns: Int,
  to: UnsafeMutablePointer<Float>, vectors: Int, panelStep: Int
) {
  for row in 0..<rows {
    let source = from + row * fromStep
    var target = to + row * vectors * 16
    var column = 0
    if vectors == 3 {
      while column + 48 <= columns {
        let (x, y, z) = (
          load(source + column), load(source + column + 16), load(source + column + 32)
        )
        store(x, target)
        store(y, target + 16)
        store(z, target + 32)
        column += 48
        target += panelStep
      }
    } else if vectors == 1 {
      while column + 16 <= columns {
        store(load(source + column), target)
        column += 16
        target += panelStep
      }
    }
    var rest = target
    while column + 16 <= columns {
      store(load(source + column), rest)
      column += 16
      rest += 16
    }
    for i in 0..<columns - column { rest[i] = source[column + i] }
  }
}

/// C (+)= A·B for a strip of rows and one panel.
///
/// - Parameters:
///   - a: groups of 16 rows, `[k, 16]` each, one after the other.
///   - rows: of C; the last group may be incomplete.
///   - b: one panel, `[k, 48]`.
///   - vectors: 1…3, how many vectors of the panel are wanted.
///   - c: `[rows, 16·vectors]`
///   - next: what is asked of memory meanwhile: the panel that is multiplied afterwards, as long as
///     this one. The first tile would wait for it line by line.
public func tileProduct(
  _ a: UnsafePointer<Float>, rows: Int, _ b: UnsafePointer<Float>, vectors: Int,
  into c: UnsafeMutablePointer<Float>, cStep: Int, k: Int, start: ChainStart,
  next: UnsafePointer<Float>? = nil
) {
  guard hasWideRegisters else {
    return narrowStrip(a, rows, b, vectors: vectors, c, cStep, k, start, next)
  }
  switch vectors {
  case 3: strip(Three.self, a, rows, b, c, cStep, k, start, next)
  case 2: strip(Two.self, a, rows, b, c, cStep, k, start, next)
  default: strip(One.self, a, rows, b, c, cStep, k, start, next)
  }
}

/// Lines of a panel that each tile of a strip asks for, one with every step along K.
@inline(__always)
private func linesAhead(_ rows: Int, _ k: Int, tileRows: Int = 8) -> Int {
  let tiles = rows / tileRows
  // Few rows wait for memory whatever is asked for.
  return tiles < 2 ? 0 : (3 * k + tiles - 1) / tiles
}

@inline(__always)
private func strip<L: Lanes>(
  _ lanes: L.Type, _ a: UnsafePointer<Float>, _ rows: Int, _ b: UnsafePointer<Float>,
  _ c: UnsafeMutablePointer<Float>, _ cStep: Int, _ k: Int, _ start: ChainStart,
  _ next: UnsafePointer<Float>?
) {
  var row = 0
  let lines = next == nil ? 0 : linesAhead(rows, k)
  var ahead = next ?? b
  while row + 8 <= rows {
    tile(
      Eight<L>.self, a + (row & ~15) * k + row & 15, b, c + row * cStep, cStep, k, start,
      ahead: ahead, lines)
    ahead += lines * 16
    row += 8
  }
  if row + 4 <= rows {
    tile(Four<L>.self, a + (row & ~15) * k + row & 15, b, c + row * cStep, cStep, k, start)
    row += 4
  }
  while row < rows {
    tile(RowOf<L>.self, a + (row & ~15) * k + row & 15, b, c + row * cStep, cStep, k, start)
    row += 1
  }
}

/// Steps along K whose part of a panel stays in the first-level cache while all rows pass: a low tile
/// asks for twice as much of the panel per product as a high one.
private let narrowDepth = 128

/// The same for 16 registers of 8 numbers: parts of the panel 24 or 16 columns wide, four rows high.
private func narrowStrip(
  _ a: UnsafePointer<Float>, _ rows: Int, _ b: UnsafePointer<Float>, vectors: Int,
  _ c: UnsafeMutablePointer<Float>, _ cStep: Int, _ k: Int, _ start: ChainStart,
  _ next: UnsafePointer<Float>?
) {
  for first in stride(from: 0, to: k, by: narrowDepth) {
    let steps = first..<min(k, first + narrowDepth)
    var column = 0
    while column < 16 * vectors {
      var start = first == 0 ? start : .held
      if case .row(let row) = start { start = .row(row + column) }
      // The first part asks for the next panel.
      let next = column == 0 ? next.map { $0 + first * 48 } : nil
      if vectors == 3 {
        narrowPart(ThreeHalves.self, a, rows, b + column, c + column, cStep, k, steps, start, next)
        column += 24
      } else {
        narrowPart(TwoHalves.self, a, rows, b + column, c + column, cStep, k, steps, start, next)
        column += 16
      }
    }
  }
}

@inline(__always)
private func narrowPart<L: Lanes>(
  _ lanes: L.Type, _ a: UnsafePointer<Float>, _ rows: Int, _ b: UnsafePointer<Float>,
  _ c: UnsafeMutablePointer<Float>, _ cStep: Int, _ k: Int, _ steps: Range<Int>,
  _ start: ChainStart, _ next: UnsafePointer<Float>?
) {
  var row = 0
  let a = a + steps.lowerBound * 16
  let b = b + steps.lowerBound * 48
  let lines = next == nil ? 0 : linesAhead(rows, steps.count, tileRows: 4)
  var ahead = next ?? b
  while row + 4 <= rows {
    tile(
      Four<L>.self, a + (row & ~15) * k + row & 15, b, c + row * cStep, cStep, steps.count, start,
      ahead: ahead, lines)
    ahead += lines * 16
    row += 4
  }
  while row < rows {
    tile(
      RowOf<L>.self, a + (row & ~15) * k + row & 15, b, c + row * cStep, cStep, steps.count, start)
    row += 1
  }
}

@inline(__always)
private func tile<T: Tile>(
  _ type: T.Type, _ a: UnsafePointer<Float>, _ b: UnsafePointer<Float>,
  _ c: UnsafeMutablePointer<Float>, _ cStep: Int, _ k: Int, _ start: ChainStart,
  ahead: UnsafePointer<Float>? = nil, _ lines: Int = 0
) {
  var sums = T()
  switch start {
  case .zero: break
  case .held: sums.load(UnsafePointer(c), cStep)
  case .row(let row): sums.load(row, 0)
  }
  var (a, b) = (a, b)
  var left = k
  if var ahead, lines > 0 {
    // Two lines a step where two tiles share a panel of three a step.
    let each = lines > k ? 2 : 1
    let steps = min(k, lines / each)
    for _ in 0..<steps {
      plumb_prefetch(ahead)
      if each == 2 { plumb_prefetch(ahead + 16) }
      sums.add(a, T.L(b))
      a += 16
      b += 48
      ahead += 16 * each
    }
    left -= steps
  }
  for _ in 0..<left {
    sums.add(a, T.L(b))
    a += 16
    b += 48
  }
  sums.store(c, cStep)
}

/// One row's vectors. Structs within structs, all inlined: they end up as registers.
private protocol Lanes {
  associatedtype Part: SIMD<Float>
  init()
  init(_ p: UnsafePointer<Float>)
  static func spread(_ x: Float) -> Part
  mutating func add(_ factor: Part, _ b: Self)
  func store(_ p: UnsafeMutablePointer<Float>)
}

private struct One: Lanes {
  var x = Vector.zero
  @inline(__always) init() {}
  @inline(__always) init(_ p: UnsafePointer<Float>) { x = Kernels.load(p) }
  @inline(__always) static func spread(_ x: Float) -> Vector { Vector(repeating: x) }
  @inline(__always) mutating func add(_ factor: Vector, _ b: One) { x.addProduct(factor, b.x) }
  @inline(__always) func store(_ p: UnsafeMutablePointer<Float>) { Kernels.store(x, p) }
}

private struct Two: Lanes {
  var x = Vector.zero
  var y = Vector.zero
  @inline(__always) init() {}
  @inline(__always) init(_ p: UnsafePointer<Float>) {
    x = Kernels.load(p)
    y = Kernels.load(p + 16)
  }
  @inline(__always) static func spread(_ x: Float) -> Vector { Vector(repeating: x) }
  @inline(__always) mutating func add(_ factor: Vector, _ b: Two) {
    x.addProduct(factor, b.x)
    y.addProduct(factor, b.y)
  }
  @inline(__always) func store(_ p: UnsafeMutablePointer<Float>) {
    Kernels.store(x, p)
    Kernels.store(y, p + 16)
  }
}

private struct Three: Lanes {
  var x = Vector.zero
  var y = Vector.zero
  var z = Vector.zero
  @inline(__always) init() {}
  @inline(__always) init(_ p: UnsafePointer<Float>) {
    x = Kernels.load(p)
    y = Kernels.load(p + 16)
    z = Kernels.load(p + 32)
  }
  @inline(__always) static func spread(_ x: Float) -> Vector { Vector(repeating: x) }
  @inline(__always) mutating func add(_ factor: Vector, _ b: Three) {
    x.addProduct(factor, b.x)
    y.addProduct(factor, b.y)
    z.addProduct(factor, b.z)
  }
  @inline(__always) func store(_ p: UnsafeMutablePointer<Float>) {
    Kernels.store(x, p)
    Kernels.store(y, p + 16)
    Kernels.store(z, p + 32)
  }
}

private typealias Half = SIMD8<Float>

@inline(__always)
private func loadHalf(_ p: UnsafePointer<Float>) -> Half {
  UnsafeRawPointer(p).loadUnaligned(as: Half.self)
}

@inline(__always)
private func storeHalf(_ v: Half, _ p: UnsafeMutablePointer<Float>) {
  UnsafeMutableRawPointer(p).storeBytes(of: v, as: Half.self)
}

private struct TwoHalves: Lanes {
  var x = Half.zero
  var y = Half.zero
  @inline(__always) init() {}
  @inline(__always) init(_ p: UnsafePointer<Float>) {
    x = loadHalf(p)
    y = loadHalf(p + 8)
  }
  @inline(__always) static func spread(_ x: Float) -> Half { Half(repeating: x) }
  @inline(__always) mutating func add(_ factor: Half, _ b: TwoHalves) {
    x.addProduct(factor, b.x)
    y.addProduct(factor, b.y)
  }
  @inline(__always) func store(_ p: UnsafeMutablePointer<Float>) {
    storeHalf(x, p)
    storeHalf(y, p + 8)
  }
}

private struct ThreeHalves: Lanes {
  var x = Half.zero
  var y = Half.zero
  var z = Half.zero
  @inline(__always) init() {}
  @inline(__always) init(_ p: UnsafePointer<Float>) {
    x = loadHalf(p)
    y = loadHalf(p + 8)
    z = loadHalf(p + 16)
  }
  @inline(__always) static func spread(_ x: Float) -> Half { Half(repeating: x) }
  @inline(__always) mutating func add(_ factor: Half, _ b: ThreeHalves) {
    x.addProduct(factor, b.x)
    y.addProduct(factor, b.y)
    z.addProduct(factor, b.z)
  }
  @inline(__always) func store(_ p: UnsafeMutablePointer<Float>) {
    storeHalf(x, p)
    storeHalf(y, p + 8)
    storeHalf(z, p + 16)
  }
}

/// Some rows of the same width.
private protocol Tile {
  associatedtype L: Lanes
  static var rows: Int { get }
  init()
  mutating func load(_ c: UnsafePointer<Float>, _ step: Int)
  mutating func add(_ a: UnsafePointer<Float>, _ b: L)
  func store(_ c: UnsafeMutablePointer<Float>, _ step: Int)
}

private struct RowOf<L: Lanes>: Tile {
  var lanes = L()
  @inline(__always) static var rows: Int { 1 }
  @inline(__always) init() {}
  @inline(__always) mutating func load(_ c: UnsafePointer<Float>, _ step: Int) { lanes = L(c) }
  @inline(__always) mutating func add(_ a: UnsafePointer<Float>, _ b: L) {
    lanes.add(L.spread(a[0]), b)
  }
  @inline(__always) func store(_ c: UnsafeMutablePointer<Float>, _ step: Int) { lanes.store(c) }
}

private struct Twice<Part: Tile>: Tile {
  typealias L = Part.L
  var upper = Part()
  var lower = Part()
  @inline(__always) static var rows: Int { 2 * Part.rows }
  @inline(__always) init() {}
  @inline(__always) mutating func load(_ c: UnsafePointer<Float>, _ step: Int) {
    upper.load(c, step)
    lower.load(c + Part.rows * step, step)
  }
  @inline(__always) mutating func add(_ a: UnsafePointer<Float>, _ b: L) {
    upper.add(a, b)
    lower.add(a + Part.rows, b)
  }
  @inline(__always) func store(_ c: UnsafeMutablePointer<Float>, _ step: Int) {
    upper.store(c, step)
    lower.store(c + Part.rows * step, step)
  }
}

private typealias Four<L: Lanes> = Twice<Twice<RowOf<L>>>
private typealias Eight<L: Lanes> = Twice<Four<L>>
