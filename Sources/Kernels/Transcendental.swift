// Exponential and its relatives as straight-line code on Float, which LLVM turns into AVX-512 loops.

/// eˣ, relative error below 2 ulp; x is clamped to the range of normal results.
///
/// Cephes' expf: x = n·ln 2 + r, |r| ≤ ½ ln 2, a polynomial for eʳ, n into the exponent. Rounding to
/// n goes through the number 1.5·2²³, whose low bits then hold n: no conversion instruction that
/// Swift would not inline.
@inline(__always)
public func fastExp(_ x: Float) -> Float {
  let upper: Float = 88.02
  let lower: Float = -87.33
  var x = x < upper ? x : upper
  x = x > lower ? x : lower
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
  return e * scale
}
