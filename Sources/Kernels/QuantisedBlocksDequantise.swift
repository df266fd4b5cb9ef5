// Blocks of few bits to single precision. A block is read into a vector before anything is written, so
// the compiler needs no proof that source and target are apart.

private typealias Vector = SIMD16<Float>

@inline(__always)
private func half(_ p: UnsafeRawPointer) -> Float {
  Float(Float16(bitPattern: p.loadUnaligned(as: UInt16.self)))
}

@inline(__always)
private func store(_ v: Vector, _ p: UnsafeMutablePointer<Float>) {
  UnsafeMutableRawPointer(p).storeBytes(of: v, as: Vector.self)
}

/// 16 unsigned bytes as numbers. Written out: the generic conversion is a call.
@inline(__always)
private func floats(_ b: SIMD16<UInt8>) -> Vector {
  Vector(
    Float(b[0]), Float(b[1]), Float(b[2]), Float(b[3]), Float(b[4]), Float(b[5]), Float(b[6]),
    Float(b[7]), Float(b[8]), Float(b[9]), Float(b[10]), Float(b[11]), Float(b[12]), Float(b[13]),
    Float(b[14]), Float(b[15]))
}

@inline(__always)
private func floats(_ b: SIMD16<Int8>) -> Vector {
  Vector(
    Float(b[0]), Float(b[1]), Float(b[2]), Float(b[3]), Float(b[4]), Float(b[5]), Float(b[6]),
    Float(b[7]), Float(b[8]), Float(b[9]), Float(b[10]), Float(b[11]), Float(b[12]), Float(b[13]),
    Float(b[14]), Float(b[15]))
}

func expandFloat16(
  _ source: UnsafeRawPointer, into target: UnsafeMutablePointer<Float>, _ count: Int
) {
  for i in 0..<count { target[i] = half(source + 2 * i) }
}

func expandBFloat16(
  _ source: UnsafeRawPointer, into target: UnsafeMutablePointer<Float>, _ count: Int
) {
  for i in 0..<count {
    target[i] = Float(
      bitPattern: UInt32((source + 2 * i).loadUnaligned(as: UInt16.self)) << 16)
  }
}

@inline(__always)
func expandQ4(
  _ source: UnsafeRawPointer, into target: UnsafeMutablePointer<Float>, blocks: Int,
  hasMinimum: Bool
) {
  let size = hasMinimum ? 20 : 18
  for block in 0..<blocks {
    let p = source + block * size
    let y = target + block * 32
    let d = half(p)
    let q = (p + size - 16).loadUnaligned(as: SIMD16<UInt8>.self)
    let low = floats(q & SIMD16(repeating: 15))
    let high = floats(q &>> SIMD16(repeating: 4))
    if hasMinimum {
      let m = half(p + 2)
      store(low * d + m, y)
      store(high * d + m, y + 16)
    } else {
      store((low - 8) * d, y)
      store((high - 8) * d, y + 16)
    }
  }
}

@inline(__always)
func expandQ5(
  _ source: UnsafeRawPointer, into target: UnsafeMutablePointer<Float>, blocks: Int,
  hasMinimum: Bool
) {
  let size = hasMinimum ? 24 : 22
  for block in 0..<blocks {
    let p = source + block * size
    let y = target + block * 32
    let d = half(p)
    let m = hasMinimum ? half(p + 2) : 0
    let fifth = (p + size - 20).loadUnaligned(as: UInt32.self)
    for j in 0..<16 {
      let byte = UInt32((p + size - 16 + j).load(as: UInt8.self))
      let low = byte & 15 | (fifth &>> UInt32(j) & 1) << 4
      let high = byte >> 4 | (fifth &>> UInt32(j + 16) & 1) << 4
      if hasMinimum {
        y[j] = Float(low) * d + m
        y[j + 16] = Float(high) * d + m
      } else {
        y[j] = Float(Int32(low) - 16) * d
        y[j + 16] = Float(Int32(high) - 16) * d
      }
    }
  }
}

func expandQ8(
  _ source: UnsafeRawPointer, into target: UnsafeMutablePointer<Float>, blocks: Int
) {
  for block in 0..<blocks {
    let p = source + block * 34
    let y = target + block * 32
    let d = half(p)
    let low = floats((p + 2).loadUnaligned(as: SIMD16<Int8>.self))
    let high = floats((p + 18).loadUnaligned(as: SIMD16<Int8>.self))
    store(low * d, y)
    store(high * d, y + 16)
  }
}

/// Two halves of 128 elements; in each, four runs of 32 share their bytes.
func expandQ6K(
  _ source: UnsafeRawPointer, into target: UnsafeMutablePointer<Float>, blocks: Int
) {
  let four = SIMD16<UInt8>(repeating: 15)
  let two = SIMD16<UInt8>(repeating: 3)
  for block in 0..<blocks {
    let p = source + block * 210
    let d = half(p + 208)
    for part in 0..<4 {
      // Half of the block, and which 16 of its runs of 32.
      let (side, run) = (part / 2, part % 2)
      let low = p + side * 64 + run * 16
      let a = low.loadUnaligned(as: SIMD16<UInt8>.self)
      let b = (low + 32).loadUnaligned(as: SIMD16<UInt8>.self)
      let h = (p + 128 + side * 32 + run * 16).loadUnaligned(as: SIMD16<UInt8>.self)
      let scales = p + 192 + side * 8 + run
      let y = target + block * 256 + side * 128 + run * 16
      @inline(__always) func put(_ q: SIMD16<UInt8>, _ index: Int) {
        let scale = d * Float((scales + 2 * index).load(as: Int8.self))
        store((floats(q) - 32) * scale, y + 32 * index)
      }
      let shift2 = SIMD16<UInt8>(repeating: 2)
      let shift4 = SIMD16<UInt8>(repeating: 4)
      let shift6 = SIMD16<UInt8>(repeating: 6)
      put(a & four | (h & two) &<< shift4, 0)
      put(b & four | (h &>> shift2 & two) &<< shift4, 1)
      put(a &>> shift4 | (h &>> shift4 & two) &<< shift4, 2)
      put(b &>> shift4 | (h &>> shift6) &<< shift4, 3)
    }
  }
}
