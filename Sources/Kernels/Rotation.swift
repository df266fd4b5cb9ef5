// Turns pairs of numbers: one head of a rotary embedding (Sources/Networks/Rotary.swift).

private typealias Vector = SIMD16<Float>

@inline(__always)
private func load(_ p: UnsafePointer<Float>) -> Vector {
  UnsafeRawPointer(p).loadUnaligned(as: Vector.self)
}

@inline(__always)
private func store(_ v: Vector, _ p: UnsafeMutablePointer<Float>) {
  UnsafeMutableRawPointer(p).storeBytes(of: v, as: Vector.self)
}

/// (a, b) ← (a·cos − b·sin, b·cos + a·sin) for each i < `half`, a = x[i], b = x[half + i].
///
/// - Parameter direction: 1, or −1 to turn back.
public func rotateHalves(
  _ x: UnsafeMutablePointer<Float>, cosines: UnsafePointer<Float>, sines: UnsafePointer<Float>,
  direction: Float, _ half: Int
) {
  let second = x + half
  let sign = Vector(repeating: direction)
  var i = 0
  while i + 16 <= half {
    let (a, b) = (load(x + i), load(second + i))
    let (c, s) = (load(cosines + i), load(sines + i) * sign)
    store(a * c - b * s, x + i)
    store(b * c + a * s, second + i)
    i += 16
  }
  while i < half {
    let (a, b) = (x[i], second[i])
    let (c, s) = (cosines[i], sines[i] * direction)
    x[i] = a * c - b * s
    second[i] = b * c + a * s
    i += 1
  }
}
