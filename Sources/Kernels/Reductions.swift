// Sums, dot products and maxima with one fixed order: four vectors of 16 partial sums, folded in a
// fixed tree, then the tail one by one. LLVM may not reorder float sums, hence SIMD16 by hand.

// Private here and in the neighbouring files: nothing is inlined across files in debug builds.
private typealias Vector = SIMD16<Float>

@inline(__always)
private func load(_ p: UnsafePointer<Float>) -> Vector {
  UnsafeRawPointer(p).loadUnaligned(as: Vector.self)
}

/// Folds 16 lanes in halves: 8, 4, 2, 1.
@inline(__always)
private func fold(_ v: Vector) -> Float {
  let a = v.lowHalf + v.highHalf
  let b = a.lowHalf + a.highHalf
  let c = b.lowHalf + b.highHalf
  return c[0] + c[1]
}

/// Σ x.
public func sum(_ x: UnsafePointer<Float>, _ count: Int) -> Float {
  var a = Vector.zero
  var b = Vector.zero
  var c = Vector.zero
  var d = Vector.zero
  var i = 0
  while i + 64 <= count {
    a += load(x + i)
    b += load(x + i + 16)
    c += load(x + i + 32)
    d += load(x + i + 48)
    i += 64
  }
  while i + 16 <= count {
    a += load(x + i)
    i += 16
  }
  var total = fold((a + b) + (c + d))
  while i < count {
    total += x[i]
    i += 1
  }
  return total
}

/// Σ x·y.
public func dot(_ x: UnsafePointer<Float>, _ y: UnsafePointer<Float>, _ count: Int) -> Float {
  var a = Vector.zero
  var b = Vector.zero
  var c = Vector.zero
  var d = Vector.zero
  var i = 0
  while i + 64 <= count {
    a.addProduct(load(x + i), load(y + i))
    b.addProduct(load(x + i + 16), load(y + i + 16))
    c.addProduct(load(x + i + 32), load(y + i + 32))
    d.addProduct(load(x + i + 48), load(y + i + 48))
    i += 64
  }
  while i + 16 <= count {
    a.addProduct(load(x + i), load(y + i))
    i += 16
  }
  var total = fold((a + b) + (c + d))
  while i < count {
    total.addProduct(x[i], y[i])
    i += 1
  }
  return total
}

/// Σ (x − centre)².
public func sumOfSquares(_ x: UnsafePointer<Float>, centre: Float, _ count: Int) -> Float {
  var a = Vector.zero
  var b = Vector.zero
  let middle = Vector(repeating: centre)
  var i = 0
  while i + 32 <= count {
    let p = load(x + i) - middle
    let q = load(x + i + 16) - middle
    a.addProduct(p, p)
    b.addProduct(q, q)
    i += 32
  }
  while i + 16 <= count {
    let p = load(x + i) - middle
    a.addProduct(p, p)
    i += 16
  }
  var total = fold(a + b)
  while i < count {
    total.addProduct(x[i] - centre, x[i] - centre)
    i += 1
  }
  return total
}

/// Σ x², in double precision: gradients of many parameters overflow and cancel in single.
public func sumOfSquares(_ x: UnsafePointer<Float>, _ count: Int) -> Double {
  var a = SIMD8<Double>.zero
  var b = SIMD8<Double>.zero
  var i = 0
  while i + 16 <= count {
    for lane in 0..<8 {
      let p = Double(x[i + lane])
      let q = Double(x[i + 8 + lane])
      a[lane] += p * p
      b[lane] += q * q
    }
    i += 16
  }
  var total = 0.0
  for lane in 0..<8 { total += a[lane] + b[lane] }
  while i < count {
    total += Double(x[i]) * Double(x[i])
    i += 1
  }
  return total
}

/// The greatest number, −∞ of none. NaN is passed over: sums that follow catch it.
public func maximum(_ x: UnsafePointer<Float>, _ count: Int) -> Float {
  var best = -Float.infinity
  var i = 0
  if count >= 16 {
    var lanes = load(x)
    i = 16
    while i + 16 <= count {
      let next = load(x + i)
      lanes.replace(with: next, where: next .> lanes)
      i += 16
    }
    for lane in 0..<16 where lanes[lane] > best { best = lanes[lane] }
  }
  while i < count {
    if x[i] > best { best = x[i] }
    i += 1
  }
  return best
}
