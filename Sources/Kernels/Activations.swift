// Exponential, logistic and error function as straight-line code on Float, which LLVM turns into
// AVX-512 loops, and the activations made of them. One file: nothing is inlined across files in
// debug builds. NaN goes through all of them. Formulas: Sources/Networks/Activations.swift.

/// eˣ with a relative error below 2 ulp; 0 below −87.33 and e^88.02 above 88.02.
///
/// Cephes' expf: x = n·ln 2 + r, |r| ≤ ½ ln 2, a polynomial for eʳ, n into the exponent. Rounding to
/// n goes through the number 1.5·2²³, whose low bits then hold n: no conversion instruction that
/// Swift would not inline.
@inline(__always)
private func fastExp(_ input: Float) -> Float {
  let upper: Float = 88.02
  let lower: Float = -87.33
  var x = input > upper ? upper : input
  x = x < lower ? lower : x
  let magic: Float = 12_582_912
  let shifted = magic.addingProduct(x, 1.442_695_04)
  let n = shifted - magic
  var r = x.addingProduct(n, -0.693_359_375)
  r = r.addingProduct(n, 2.121_944_4e-4)
  var p: Float = 1.987_569_15e-4
  p = Float(1.398_199_95e-3).addingProduct(p, r)
  p = Float(8.333_451_9e-3).addingProduct(p, r)
  p = Float(4.166_579_6e-2).addingProduct(p, r)
  p = Float(1.666_666_55e-1).addingProduct(p, r)
  p = Float(5.000_000_1e-1).addingProduct(p, r)
  let e = Float(1).addingProduct(r, Float(1).addingProduct(p, r))
  let scale = Float(bitPattern: shifted.bitPattern &<< 23 &+ 0x3F80_0000)
  return input < lower ? 0 : e * scale
}

/// 1/(1 + e⁻ˣ).
@inline(__always)
private func fastSigmoid(_ x: Float) -> Float { 1 / (1 + fastExp(-x)) }

/// The error function, absolute error below 3e-7 (Press et al., Numerical Recipes, `erfcc`).
@inline(__always)
private func fastErf(_ x: Float) -> Float {
  let z = x < 0 ? -x : x
  let t = 1 / Float(1).addingProduct(z, 0.5)
  var p: Float = 0.170_872_77
  p = Float(-0.822_152_23).addingProduct(p, t)
  p = Float(1.488_515_87).addingProduct(p, t)
  p = Float(-1.135_203_98).addingProduct(p, t)
  p = Float(0.278_868_07).addingProduct(p, t)
  p = Float(-0.186_288_06).addingProduct(p, t)
  p = Float(0.096_784_18).addingProduct(p, t)
  p = Float(0.374_091_96).addingProduct(p, t)
  p = Float(1.000_023_68).addingProduct(p, t)
  p = Float(-1.265_512_23).addingProduct(p, t)
  let erfc = t * fastExp(p.addingProduct(-z, z))
  return x < 0 ? erfc - 1 : 1 - erfc
}

/// y[i] = f(x[i]). LLVM's check for overlapping pointers sends a loop whose output is its own input to
/// scalar code, eleven times slower: the loop in place has one pointer only.
@inline(__always)
private func map(
  _ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ count: Int, _ f: (Float) -> Float
) {
  if x == UnsafePointer(y) {
    for i in 0..<count { y[i] = f(y[i]) }
  } else {
    for i in 0..<count { y[i] = f(x[i]) }
  }
}

/// dx[i] = f(dy[i], x[i]), in place as above where dx is dy or x.
@inline(__always)
private func map(
  _ dy: UnsafePointer<Float>, _ x: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>,
  _ count: Int, _ f: (Float, Float) -> Float
) {
  if dy == UnsafePointer(dx) {
    for i in 0..<count { dx[i] = f(dx[i], x[i]) }
  } else if x == UnsafePointer(dx) {
    for i in 0..<count { dx[i] = f(dy[i], dx[i]) }
  } else {
    for i in 0..<count { dx[i] = f(dy[i], x[i]) }
  }
}

/// Writes eˣ of `count` numbers.
public func expVector(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ count: Int) {
  map(x, y, count) { fastExp($0) }
}

/// Writes e^(x·scale − shift): a row of softmax numerators.
public func expShifted(
  _ x: UnsafePointer<Float>, scale: Float, shift: Float, _ y: UnsafeMutablePointer<Float>,
  _ count: Int
) {
  map(x, y, count) { fastExp((-shift).addingProduct($0, scale)) }
}

/// The greatest number and Σ e^(x − greatest) of at most a few hundred numbers, which stay in a cache:
/// a piece of a softmax. NaN shows in the sum.
public func maximumAndExpSum(_ x: UnsafePointer<Float>, _ count: Int) -> (Float, Float) {
  let greatest = maximum(x, count)
  return withUnsafeTemporaryAllocation(of: Float.self, capacity: max(1, count)) { buffer in
    let y = buffer.baseAddress!
    for i in 0..<count { y[i] = fastExp(x[i] - greatest) }
    return (greatest, sum(y, count))
  }
}

/// ½x(1 + tanh u) = x·σ(2u), 2√(2/π) = 1.59576912: one exponential, one division, and exact small values for x ≪ 0.
public func geluTanh(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ count: Int) {
  map(x, y, count) { v in
    let u = 1.595_769_12 * v * Float(1).addingProduct(0.044_715 * v, v)
    return v * fastSigmoid(u)
  }
}

/// dx = dy·(σ + x·σ(1 − σ)·2u′), u′ = √(2/π)(1 + 3·0.044715x²).
public func geluTanhBackward(
  _ dy: UnsafePointer<Float>, _ x: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>,
  _ count: Int
) {
  map(dy, x, dx, count) { d, v in
    let square = v * v
    let s = fastSigmoid(1.595_769_12 * v * Float(1).addingProduct(0.044_715, square))
    let slope = 1.595_769_12 * Float(1).addingProduct(0.134_145, square)
    return d * s.addingProduct(v * slope, s * (1 - s))
  }
}

/// ½x(1 + erf(x/√2)).
public func geluErf(_ x: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>, _ count: Int) {
  map(x, y, count) { 0.5 * $0 * (1 + fastErf($0 * 0.707_106_78)) }
}

/// dx = dy·(Φ(x) + x·φ(x)).
public func geluErfBackward(
  _ dy: UnsafePointer<Float>, _ x: UnsafePointer<Float>, _ dx: UnsafeMutablePointer<Float>,
  _ count: Int
) {
  map(dy, x, dx, count) { d, v in
    let distribution = 0.5 * (1 + fastErf(v * 0.707_106_78))
    let density = 0.398_942_28 * fastExp(-0.5 * v * v)
    return d * distribution.addingProduct(v, density)
  }
}

/// y = a·σ(a)·b.
public func swiGLU(
  _ gate: UnsafePointer<Float>, _ up: UnsafePointer<Float>, _ y: UnsafeMutablePointer<Float>,
  _ count: Int
) {
  for i in 0..<count { y[i] = gate[i] * fastSigmoid(gate[i]) * up[i] }
}

/// da = dy·b·σ(1 + a(1 − σ)), db = dy·a·σ. Both may lie in place of a and b.
public func swiGLUBackward(
  _ dy: UnsafePointer<Float>, _ gate: UnsafePointer<Float>, _ up: UnsafePointer<Float>,
  _ dGate: UnsafeMutablePointer<Float>, _ dUp: UnsafeMutablePointer<Float>, _ count: Int
) {
  @inline(__always) func slopes(_ d: Float, _ a: Float, _ b: Float) -> (Float, Float) {
    let s = fastSigmoid(a)
    return (d * b * s * Float(1).addingProduct(a, 1 - s), d * a * s)
  }
  // In place on three pointers: see `map`.
  if gate == UnsafePointer(dGate), up == UnsafePointer(dUp) {
    for i in 0..<count { (dGate[i], dUp[i]) = slopes(dy[i], dGate[i], dUp[i]) }
  } else {
    for i in 0..<count { (dGate[i], dUp[i]) = slopes(dy[i], gate[i], up[i]) }
  }
}
