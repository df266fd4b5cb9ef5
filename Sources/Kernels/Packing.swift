// Copies that change the layout for the products of SmallProduct.swift: transposes and panels.

/// Writes the transpose: `to[c·toStep + r] = from[r·fromStep + c]`.
public func transpose(
  _ from: UnsafePointer<Float>, fromStep: Int, rows: Int, columns: Int,
  to: UnsafeMutablePointer<Float>, toStep: Int
) {
  // Blocks of 16 rows: writes fill whole cache lines, reads come from 16 streams.
  var r = 0
  while r < rows {
    let end = min(r + 16, rows)
    if end - r == 16 {
      // A fixed count of reads becomes one vector; the loop below stays scalar.
      let start = from + r * fromStep
      var c = 0
      while c + 16 <= columns {
        transposeBlock(start + c, fromStep, to + c * toStep + r, toStep)
        c += 16
      }
      while c < columns {
        for i in 0..<16 { to[c * toStep + r + i] = start[i * fromStep + c] }
        c += 1
      }
      r = end
      continue
    }
    for c in 0..<columns {
      let target = to + c * toStep
      for i in r..<end { target[i] = from[i * fromStep + c] }
    }
    r = end
  }
}

/// Copies rows into rows of another distance; `clearing` sets the numbers between to zero.
public func copyRows(
  _ from: UnsafePointer<Float>, fromStep: Int, rows: Int, columns: Int,
  to: UnsafeMutablePointer<Float>, toStep: Int, clearing: Bool
) {
  for r in 0..<rows {
    let target = to + r * toStep
    let source = from + r * fromStep
    for c in 0..<columns { target[c] = source[c] }
    if clearing { for c in columns..<toStep { target[c] = 0 } }
  }
}

/// Copies a row in pieces of 16, each to the same place of the next panel.
public func copyToPanels(
  _ from: UnsafePointer<Float>, _ count: Int, to: UnsafeMutablePointer<Float>, panelStep: Int
) {
  var c = 0
  var target = to
  while c + 16 <= count {
    let piece = UnsafeRawPointer(from + c).loadUnaligned(as: SIMD16<Float>.self)
    UnsafeMutableRawPointer(target).storeBytes(of: piece, as: SIMD16<Float>.self)
    c += 16
    target += panelStep
  }
  for i in 0..<count - c { target[i] = from[c + i] }
}

/// 16 × 16 numbers in registers: four perfect shuffles of the rows are a transpose.
@inline(__always)
private func transposeBlock(
  _ from: UnsafePointer<Float>, _ fromStep: Int, _ to: UnsafeMutablePointer<Float>, _ toStep: Int
) {
  typealias Vector = SIMD16<Float>
  @inline(__always) func load(_ i: Int) -> Vector {
    UnsafeRawPointer(from + i * fromStep).loadUnaligned(as: Vector.self)
  }
  @inline(__always) func store(_ v: Vector, _ i: Int) {
    UnsafeMutableRawPointer(to + i * toStep).storeBytes(of: v, as: Vector.self)
  }
  @inline(__always) func low(_ a: Vector, _ b: Vector) -> Vector {
    Vector(
      a[0], b[0], a[1], b[1], a[2], b[2], a[3], b[3], a[4], b[4], a[5], b[5], a[6], b[6], a[7], b[7]
    )
  }
  @inline(__always) func high(_ a: Vector, _ b: Vector) -> Vector {
    Vector(
      a[8], b[8], a[9], b[9], a[10], b[10], a[11], b[11], a[12], b[12], a[13], b[13], a[14], b[14],
      a[15], b[15])
  }
  typealias Rows = (
    Vector, Vector, Vector, Vector, Vector, Vector, Vector, Vector, Vector, Vector, Vector, Vector,
    Vector, Vector, Vector, Vector
  )
  @inline(__always) func shuffle(_ r: Rows) -> Rows {
    (
      low(r.0, r.8), high(r.0, r.8), low(r.1, r.9), high(r.1, r.9), low(r.2, r.10),
      high(r.2, r.10), low(r.3, r.11), high(r.3, r.11), low(r.4, r.12), high(r.4, r.12),
      low(r.5, r.13), high(r.5, r.13), low(r.6, r.14), high(r.6, r.14), low(r.7, r.15),
      high(r.7, r.15)
    )
  }
  let rows: Rows = (
    load(0), load(1), load(2), load(3), load(4), load(5), load(6), load(7), load(8), load(9),
    load(10), load(11), load(12), load(13), load(14), load(15)
  )
  let t = shuffle(shuffle(shuffle(shuffle(rows))))
  store(t.0, 0)
  store(t.1, 1)
  store(t.2, 2)
  store(t.3, 3)
  store(t.4, 4)
  store(t.5, 5)
  store(t.6, 6)
  store(t.7, 7)
  store(t.8, 8)
  store(t.9, 9)
  store(t.10, 10)
  store(t.11, 11)
  store(t.12, 12)
  store(t.13, 13)
  store(t.14, 14)
  store(t.15, 15)
}
