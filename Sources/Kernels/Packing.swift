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
    var c = 0
    while c + 16 <= columns {
      let piece = UnsafeRawPointer(source + c).loadUnaligned(as: SIMD16<Float>.self)
      UnsafeMutableRawPointer(target + c).storeBytes(of: piece, as: SIMD16<Float>.self)
      c += 16
    }
    while c < columns {
      target[c] = source[c]
      c += 1
    }
    if clearing {
      while c < toStep {
        target[c] = 0
        c += 1
      }
    }
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

/// 16 × 16 numbers, four columns at a time: quarters of four rows each make one register, and 4 × 4
/// transposes inside its quarters need only shuffles that cross no quarter.
@inline(__always)
private func transposeBlock(
  _ from: UnsafePointer<Float>, _ fromStep: Int, _ to: UnsafeMutablePointer<Float>, _ toStep: Int
) {
  typealias Vector = SIMD16<Float>
  @inline(__always) func quarter(_ row: Int, _ column: Int) -> SIMD4<Float> {
    UnsafeRawPointer(from + row * fromStep + column).loadUnaligned(as: SIMD4<Float>.self)
  }
  @inline(__always) func gather(_ row: Int, _ column: Int) -> Vector {
    Vector(
      lowHalf: SIMD8(lowHalf: quarter(row, column), highHalf: quarter(row + 4, column)),
      highHalf: SIMD8(lowHalf: quarter(row + 8, column), highHalf: quarter(row + 12, column)))
  }
  @inline(__always) func low(_ a: Vector, _ b: Vector) -> Vector {
    Vector(
      a[0], b[0], a[1], b[1], a[4], b[4], a[5], b[5], a[8], b[8], a[9], b[9], a[12], b[12], a[13],
      b[13])
  }
  @inline(__always) func high(_ a: Vector, _ b: Vector) -> Vector {
    Vector(
      a[2], b[2], a[3], b[3], a[6], b[6], a[7], b[7], a[10], b[10], a[11], b[11], a[14], b[14],
      a[15], b[15])
  }
  @inline(__always) func lowPairs(_ a: Vector, _ b: Vector) -> Vector {
    Vector(
      a[0], a[1], b[0], b[1], a[4], a[5], b[4], b[5], a[8], a[9], b[8], b[9], a[12], a[13], b[12],
      b[13])
  }
  @inline(__always) func highPairs(_ a: Vector, _ b: Vector) -> Vector {
    Vector(
      a[2], a[3], b[2], b[3], a[6], a[7], b[6], b[7], a[10], a[11], b[10], b[11], a[14], a[15],
      b[14], b[15])
  }
  @inline(__always) func store(_ v: Vector, _ column: Int) {
    UnsafeMutableRawPointer(to + column * toStep).storeBytes(of: v, as: Vector.self)
  }
  var column = 0
  while column < 16 {
    let (a, b, c, d) = (
      gather(0, column), gather(1, column), gather(2, column), gather(3, column)
    )
    let (lowOfA, highOfA) = (low(a, b), high(a, b))
    let (lowOfC, highOfC) = (low(c, d), high(c, d))
    store(lowPairs(lowOfA, lowOfC), column)
    store(highPairs(lowOfA, lowOfC), column + 1)
    store(lowPairs(highOfA, highOfC), column + 2)
    store(highPairs(highOfA, highOfC), column + 3)
    column += 4
  }
}
