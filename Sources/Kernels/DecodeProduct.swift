// Products with panels of 32- and 16-bit numbers. Those of 16 bits become single precision in registers
// (one row) or in the first-level cache (more rows), exactly; the products are the chains of
// SmallProduct.swift. So a row has the same bits alone, among others, and with a model that was expanded
// before. Panels of few bits are FixedPointProduct.swift's.

private typealias Vector = SIMD16<Float>
private typealias Words = SIMD16<UInt32>

@inline(__always)
private func words(_ p: UnsafeRawPointer) -> Words { p.loadUnaligned(as: Words.self) }

@inline(__always)
private func floats(_ p: UnsafeRawPointer) -> Vector { p.loadUnaligned(as: Vector.self) }

@inline(__always)
private func asFloats(_ w: Words) -> Vector { unsafeBitCast(w, to: Vector.self) }

@inline(__always)
private func splat(_ w: UInt32) -> Words { Words(repeating: w) }

/// Rows that are expanded at once: two panels of 128 inputs are 16 KiB.
private let depth = 128

/// C += A·Wᵀ for all panels; what C holds is where the chains begin.
///
/// - Parameters:
///   - a: `[m, k]`
///   - format: of numbers, not of codes.
///   - panels: `all` panels of `k` inputs, each where `format.place` says.
///   - range: of the panels, those that are wanted.
///   - c: `[m, range.count·16]`
///   - scratch: 2·128·16 numbers; unused for one row of whole groups of panels.
public func decodeProduct(
  _ a: Multiplier, _ format: PanelFormat, panels: UnsafeRawPointer, range: Range<Int>,
  of all: Int, into c: UnsafeMutablePointer<Float>, cStep: Int, m: Int, k: Int,
  scratch: UnsafeMutablePointer<Float>
) {
  let panelCount = range.count
  let together = format.together
  var panel = 0
  if m == 1, range.lowerBound % together == 0 {
    while panel + together <= panelCount {
      let first = panels + format.place(range.lowerBound + panel, of: all, inputs: k).offset
      if format == .float32 {
        let b = first.assumingMemoryBound(to: Float.self)
        if panel + 6 <= panelCount {
          sixPanels(a.start, b, c + panel * 16, k)
          panel += 3
        } else {
          threePanels(a.start, b, c + panel * 16, k)
        }
      } else {
        fourPanels(a.start, format, first, c + panel * 16, k)
      }
      panel += together
    }
  }
  while panel < panelCount {
    let count = min(2, panelCount - panel)
    var start = 0
    while start < k {
      let stretch = min(depth, k - start)
      for index in 0..<count {
        let place = format.place(range.lowerBound + panel + index, of: all, inputs: k)
        expandPanel(
          format, panels + place.offset + start / format.run * place.runStep,
          runStep: place.runStep, into: scratch + index * depth * 16, stretch)
      }
      panelProduct(
        Multiplier(a.start + start * a.columnStep, rowStep: a.rowStep, columnStep: a.columnStep),
        panels: scratch, panelStep: depth * 16, panelCount: count, into: c + panel * 16,
        cStep: cStep, m: m, k: stretch, accumulate: true)
      start += stretch
    }
    panel += 2
  }
}

/// Where many rows are multiplied: rows packed for `tileProduct`, stretch by stretch of the inputs.
public enum PackedRows {
  /// Inputs of a stretch.
  public static let depth = 128
  /// From so many rows on it pays to pack them.
  public static let least = 2

  /// Numbers that packed rows take.
  public static func count(rows: Int, inputs: Int) -> Int { (rows + 15) & ~15 * inputs }

  /// Packs one group of 16 rows.
  ///
  /// - Parameters:
  ///   - x: `[count, inputs]`, rows `step` apart, count at most 16.
  ///   - group: of `groups`.
  public static func pack(
    _ x: UnsafePointer<Float>, step: Int, count: Int, inputs: Int, group: Int, of groups: Int,
    to target: UnsafeMutablePointer<Float>
  ) {
    for start in stride(from: 0, to: inputs, by: depth) {
      let stretch = min(depth, inputs - start)
      transpose(
        x + start, fromStep: step, rows: count, columns: stretch,
        to: target + (start * groups + group * stretch) * 16, toStep: 16)
    }
  }
}

/// C += A·Wᵀ for many rows, the same chains as `decodeProduct`.
///
/// - Parameters:
///   - a: rows as `PackedRows.pack` leaves them, `groups` groups of 16.
///   - rows: of A and C; the first is a multiple of 16.
///   - c: `[rows, range.count·16]`
///   - scratch: 128·48 numbers.
public func decodeProduct(
  packed a: UnsafePointer<Float>, groups: Int, rows: Range<Int>, _ format: PanelFormat,
  panels: UnsafeRawPointer, range: Range<Int>, of all: Int,
  into c: UnsafeMutablePointer<Float>, cStep: Int, k: Int, scratch: UnsafeMutablePointer<Float>
) {
  for panel in stride(from: 0, to: range.count, by: 3) {
    let vectors = min(3, range.count - panel)
    let first = format.place(range.lowerBound + panel, of: all, inputs: k)
    // Three panels in single precision are what a tile reads, where they lie.
    let isTile = format == .float32 && vectors == 3 && first.runStep == 192
    for start in stride(from: 0, to: k, by: PackedRows.depth) {
      let stretch = min(PackedRows.depth, k - start)
      if isTile {
        let b = (panels + first.offset).assumingMemoryBound(to: Float.self)
        // Stretches and panels follow each other.
        let place = b + start * 48
        tileProduct(
          a + start * groups * 16 + rows.lowerBound * stretch, rows: rows.count, place,
          vectors: 3, into: c + panel * 16, cStep: cStep, k: stretch, start: .held,
          next: place + stretch * 48)
        continue
      }
      for index in 0..<vectors {
        let place = format.place(range.lowerBound + panel + index, of: all, inputs: k)
        expandPanel(
          format, panels + place.offset + start / format.run * place.runStep,
          runStep: place.runStep, into: scratch + index * 16, step: 48, stretch)
      }
      tileProduct(
        a + start * groups * 16 + rows.lowerBound * stretch, rows: rows.count, scratch,
        vectors: vectors, into: c + panel * 16, cStep: cStep, k: stretch, start: .held)
    }
  }
}

/// Expands whole runs into `[count, 16]`, rows `step` apart.
public func expandPanel(
  _ format: PanelFormat, _ source: UnsafeRawPointer, runStep: Int,
  into target: UnsafeMutablePointer<Float>,
  step: Int = 16, _ count: Int
) {
  @inline(__always) func put(_ v: Vector, _ k: Int) {
    UnsafeMutableRawPointer(target + k * step).storeBytes(of: v, as: Vector.self)
  }
  switch format {
  case .float32:
    for k in 0..<count { put(floats(source + k * runStep), k) }
  case .float16:
    for i in 0..<count / 2 {
      let w = words(source + i * runStep)
      put(halfLow(w), 2 * i)
      put(halfHigh(w), 2 * i + 1)
    }
  case .bfloat16:
    for i in 0..<count / 2 {
      let w = words(source + i * runStep)
      put(asFloats(w &<< splat(16)), 2 * i)
      put(asFloats(w & splat(0xFFFF_0000)), 2 * i + 1)
    }
  case .nibbles, .bytes, .shortBytes:
    preconditionFailure("codes are multiplied as they are, in fixedPointProduct")
  }
}

// MARK: Numbers from bits

// Half precision: the exponent moves to its place in single precision, 2^112 mends its bias. Exact, the
// smallest numbers included.
@inline(__always)
private func halfHigh(_ w: Words) -> Vector {
  let bits = (w & splat(0x7FFF_0000)) &>> splat(3) | w & splat(0x8000_0000)
  return asFloats(bits) * Vector(repeating: 0x1p112)
}
@inline(__always)
private func halfLow(_ w: Words) -> Vector { halfHigh(w &<< splat(16)) }

// MARK: One row

/// One row against four panels: four chains hide the latency of the multiply-add.
private func fourPanels(
  _ x: UnsafePointer<Float>, _ format: PanelFormat, _ panels: UnsafeRawPointer,
  _ c: UnsafeMutablePointer<Float>, _ k: Int
) {
  // Runs of the four lie side by side.
  let step = format.bytesPerRun
  let runStep = 4 * step
  var c0 = floats(c)
  var c1 = floats(c + 16)
  var c2 = floats(c + 32)
  var c3 = floats(c + 48)
  switch format {
  case .float32: break
  case .float16:
    for i in 0..<k / 2 {
      let p = panels + i * runStep
      let (w0, w1) = (words(p), words(p + step))
      let (w2, w3) = (words(p + 2 * step), words(p + 3 * step))
      let low = Vector(repeating: x[2 * i])
      let high = Vector(repeating: x[2 * i + 1])
      c0.addProduct(low, halfLow(w0))
      c1.addProduct(low, halfLow(w1))
      c2.addProduct(low, halfLow(w2))
      c3.addProduct(low, halfLow(w3))
      c0.addProduct(high, halfHigh(w0))
      c1.addProduct(high, halfHigh(w1))
      c2.addProduct(high, halfHigh(w2))
      c3.addProduct(high, halfHigh(w3))
    }
  case .bfloat16:
    let mask = splat(0xFFFF_0000)
    let shift = splat(16)
    for i in 0..<k / 2 {
      let p = panels + i * runStep
      let (w0, w1) = (words(p), words(p + step))
      let (w2, w3) = (words(p + 2 * step), words(p + 3 * step))
      let low = Vector(repeating: x[2 * i])
      let high = Vector(repeating: x[2 * i + 1])
      c0.addProduct(low, asFloats(w0 &<< shift))
      c1.addProduct(low, asFloats(w1 &<< shift))
      c2.addProduct(low, asFloats(w2 &<< shift))
      c3.addProduct(low, asFloats(w3 &<< shift))
      c0.addProduct(high, asFloats(w0 & mask))
      c1.addProduct(high, asFloats(w1 & mask))
      c2.addProduct(high, asFloats(w2 & mask))
      c3.addProduct(high, asFloats(w3 & mask))
    }
  case .nibbles, .bytes, .shortBytes:
    preconditionFailure("codes are multiplied as they are, in fixedPointProduct")
  }
  put(c0, c)
  put(c1, c + 16)
  put(c2, c + 32)
  put(c3, c + 48)
}

/// One row against three panels side by side in single precision.
private func threePanels(
  _ x: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>, _ k: Int
) {
  var c0 = floats(c)
  var c1 = floats(c + 16)
  var c2 = floats(c + 32)
  for i in 0..<k {
    let factor = Vector(repeating: x[i])
    let p = b + 48 * i
    c0.addProduct(factor, floats(p))
    c1.addProduct(factor, floats(p + 16))
    c2.addProduct(factor, floats(p + 32))
  }
  put(c0, c)
  put(c1, c + 16)
  put(c2, c + 32)
}

/// The same against the next three as well: more chains hide the latency.
private func sixPanels(
  _ x: UnsafePointer<Float>, _ b: UnsafePointer<Float>, _ c: UnsafeMutablePointer<Float>, _ k: Int
) {
  var c0 = floats(c)
  var c1 = floats(c + 16)
  var c2 = floats(c + 32)
  var c3 = floats(c + 48)
  var c4 = floats(c + 64)
  var c5 = floats(c + 80)
  for i in 0..<k {
    let factor = Vector(repeating: x[i])
    let p = b + 48 * i
    let q = p + 48 * k
    c0.addProduct(factor, floats(p))
    c1.addProduct(factor, floats(p + 16))
    c2.addProduct(factor, floats(p + 32))
    c3.addProduct(factor, floats(q))
    c4.addProduct(factor, floats(q + 16))
    c5.addProduct(factor, floats(q + 32))
  }
  put(c0, c)
  put(c1, c + 16)
  put(c2, c + 32)
  put(c3, c + 48)
  put(c4, c + 64)
  put(c5, c + 80)
}

@inline(__always)
private func put(_ v: Vector, _ p: UnsafeMutablePointer<Float>) {
  UnsafeMutableRawPointer(p).storeBytes(of: v, as: Vector.self)
}
