// The reference quantisers, operation by operation as in ggml-quants.c, so that bits agree. One block
// at a time; not made for speed.

/// Upper half of the bits, rounded to even; NaN stays NaN.
func roundedToBFloat16(_ value: Float) -> UInt16 {
  let bits = value.bitPattern
  if value.isNaN { return UInt16(truncatingIfNeeded: bits >> 16 | 64) }
  return UInt16(truncatingIfNeeded: (bits &+ (0x7FFF + (bits >> 16 & 1))) >> 16)
}

/// The C conversion to an integer, kept in 0...greatest; NaN gives 0.
@inline(__always)
private func truncated(_ value: Float, _ greatest: Int) -> UInt8 {
  value >= 0 ? (value < Float(greatest) ? UInt8(value) : UInt8(greatest)) : 0
}

/// To nearest, ties to even, kept in a range.
@inline(__always)
private func nearest(_ value: Float, _ least: Int, _ greatest: Int) -> Int {
  let rounded = value.rounded(.toNearestOrEven)
  return rounded >= Float(least)
    ? (rounded < Float(greatest) ? Int(rounded) : greatest) : least
}

/// The number of greatest magnitude with its sign, the first of equals.
@inline(__always)
private func extreme(_ x: UnsafePointer<Float>, _ count: Int) -> Float {
  var magnitude: Float = 0
  var value: Float = 0
  for j in 0..<count where magnitude < abs(x[j]) {
    magnitude = abs(x[j])
    value = x[j]
  }
  return value
}

@inline(__always)
private func storeHalf(_ value: Float, _ p: UnsafeMutableRawPointer) {
  p.storeBytes(of: Float16(value).bitPattern, as: UInt16.self)
}

/// 32 codes of 4 or 5 bits: fifth bits first where there are any, then the halves.
private func pack(_ codes: (Int) -> UInt8, into p: UnsafeMutableRawPointer, bits: Int) {
  var q = p
  if bits == 5 {
    var fifth: UInt32 = 0
    for j in 0..<32 { fifth |= UInt32(codes(j) >> 4) << UInt32(j) }
    p.storeBytes(of: fifth, as: UInt32.self)
    q += 4
  }
  for j in 0..<16 {
    (q + j).storeBytes(of: (codes(j) & 15) | (codes(j + 16) << 4), as: UInt8.self)
  }
}

/// Q4_0 and Q5_0: the number of greatest magnitude becomes the lowest code.
func quantiseSymmetric(
  _ x: UnsafePointer<Float>, into y: UnsafeMutableRawPointer, bits: Int
) {
  let middle = 1 << (bits - 1)
  let d = extreme(x, 32) / Float(-middle)
  let inverse = d == 0 ? 0 : 1 / d
  storeHalf(d, y)
  pack(
    { truncated(x[$0] * inverse + (Float(middle) + 0.5), 2 * middle - 1) }, into: y + 2, bits: bits)
}

/// Q4_1 and Q5_1: the least number is kept, the greatest becomes the highest code.
func quantiseWithMinimum(
  _ x: UnsafePointer<Float>, into y: UnsafeMutableRawPointer, bits: Int
) {
  var least = Float.greatestFiniteMagnitude
  var greatest = -Float.greatestFiniteMagnitude
  for j in 0..<32 {
    if x[j] < least { least = x[j] }
    if x[j] > greatest { greatest = x[j] }
  }
  let highest = (1 << bits) - 1
  let d = (greatest - least) / Float(highest)
  let inverse = d == 0 ? 0 : 1 / d
  storeHalf(d, y)
  storeHalf(least, y + 2)
  pack({ truncated((x[$0] - least) * inverse + 0.5, highest) }, into: y + 4, bits: bits)
}

func quantiseQ8(_ x: UnsafePointer<Float>, into y: UnsafeMutableRawPointer) {
  let d = abs(extreme(x, 32)) / 127
  let inverse = d == 0 ? 0 : 1 / d
  storeHalf(d, y)
  for j in 0..<32 {
    let rounded = (x[j] * inverse).rounded(.toNearestOrAwayFromZero)
    let code = rounded >= -127 ? (rounded < 127 ? Int8(rounded) : 127) : -127
    (y + 2 + j).storeBytes(of: code, as: Int8.self)
  }
}

/// Below it a group counts as zero.
private let groupEpsilon: Float = 1e-15

/// The scale of 16 numbers with codes −32…31 that leaves the least squared error, weighted by x²: tried
/// are 19 scales around the one that maps the extreme to the end of the range.
///
/// - Parameter codes: `[16]`, overwritten: those of the best scale plus 32, or 0 for zeros.
private func bestScale(_ x: UnsafePointer<Float>, codes: UnsafeMutablePointer<UInt8>) -> Float {
  let greatest = extreme(x, 16)
  guard abs(greatest) >= groupEpsilon else {
    codes.update(repeating: 0, count: 16)
    return 0
  }
  func sums(_ inverse: Float) -> (xl: Float, ll: Float) {
    var xl: Float = 0
    var ll: Float = 0
    for i in 0..<16 {
      let l = Float(nearest(inverse * x[i], -32, 31))
      let w = x[i] * x[i]
      xl += w * x[i] * l
      ll += w * l * l
    }
    return (xl, ll)
  }
  func store(_ inverse: Float) {
    for i in 0..<16 { codes[i] = UInt8(nearest(inverse * x[i], -32, 31) + 32) }
  }
  let first = sums(-32 / greatest)
  store(-32 / greatest)
  var scale = first.ll == 0 ? 0 : first.xl / first.ll
  var best = scale * first.xl
  for step in -9...9 where step != 0 {
    let inverse = -(32 + 0.1 * Float(step)) / greatest
    let (xl, ll) = sums(inverse)
    if ll > 0, xl * xl > best * ll {
      store(inverse)
      scale = xl / ll
      best = scale * xl
    }
  }
  return scale
}

func quantiseQ6K(_ x: UnsafePointer<Float>, into y: UnsafeMutableRawPointer) {
  withUnsafeTemporaryAllocation(of: Float.self, capacity: 16) { scales in
    withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 256) { codes in
      let codes = codes.baseAddress!
      for group in 0..<16 { scales[group] = bestScale(x + 16 * group, codes: codes + 16 * group) }
      let greatest = extreme(UnsafePointer(scales.baseAddress!), 16)
      guard abs(greatest) >= groupEpsilon else {
        y.initializeMemory(as: UInt8.self, repeating: 0, count: 210)
        return
      }
      let inverse = -128 / greatest
      let d = Float16(1 / inverse)
      (y + 208).storeBytes(of: d.bitPattern, as: UInt16.self)
      for group in 0..<16 {
        let code = nearest(inverse * scales[group], -128, 127)
        (y + 192 + group).storeBytes(of: Int8(code), as: Int8.self)
        let step = Float(d) * Float(code)
        // With a step of zero all codes mean zero; the reference keeps those of the search.
        guard step != 0 else { continue }
        for i in 16 * group..<16 * group + 16 {
          codes[i] = UInt8(nearest(x[i] / step, -32, 31) + 32)
        }
      }
      for side in 0..<2 {
        for l in 0..<32 {
          let c = codes + side * 128 + l
          let low = y + side * 64 + l
          low.storeBytes(of: (c[0] & 15) | (c[64] << 4), as: UInt8.self)
          (low + 32).storeBytes(of: (c[32] & 15) | (c[96] << 4), as: UInt8.self)
          let lowPairs: UInt8 = (c[0] >> 4) | ((c[32] >> 4) << 2)
          let highPairs: UInt8 = ((c[64] >> 4) << 4) | ((c[96] >> 4) << 6)
          (y + 128 + side * 32 + l).storeBytes(of: lowPairs | highPairs, as: UInt8.self)
        }
      }
    }
  }
}
