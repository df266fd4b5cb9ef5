// Blocks of attention scores, queries as lanes: one row for each key, 32 queries wide. So maxima and
// sums over keys need no sum across a vector, and a block is at once a packed factor of P·V and dS·K.

private typealias Vector = SIMD16<Float>

@inline(__always)
private func load(_ p: UnsafePointer<Float>) -> Vector {
  UnsafeRawPointer(p).loadUnaligned(as: Vector.self)
}

@inline(__always)
private func store(_ v: Vector, _ p: UnsafeMutablePointer<Float>) {
  UnsafeMutableRawPointer(p).storeBytes(of: v, as: Vector.self)
}

@inline(__always)
private func greater(_ a: Vector, _ b: Vector) -> Vector {
  a.replacing(with: b, where: b .> a)
}

/// eˣ of numbers up to 88, number by number as `expVector`. Below its lower end the polynomial's
/// nonsense is replaced at last.
@inline(__always)
private func exponential(_ x: Vector) -> Vector {
  let magic = Vector(repeating: 12_582_912)
  let shifted = magic.addingProduct(x, Vector(repeating: 1.442_695_04))
  let n = shifted - magic
  var r = x.addingProduct(n, Vector(repeating: -0.693_359_375))
  r = r.addingProduct(n, Vector(repeating: 2.121_944_4e-4))
  var p = Vector(repeating: 1.987_569_15e-4)
  p = Vector(repeating: 1.398_199_95e-3).addingProduct(p, r)
  p = Vector(repeating: 8.333_451_9e-3).addingProduct(p, r)
  p = Vector(repeating: 4.166_579_6e-2).addingProduct(p, r)
  p = Vector(repeating: 1.666_666_55e-1).addingProduct(p, r)
  p = Vector(repeating: 5.000_000_1e-1).addingProduct(p, r)
  let one = Vector(repeating: 1)
  let e = one.addingProduct(r, one.addingProduct(p, r))
  let exponent =
    unsafeBitCast(shifted, to: SIMD16<UInt32>.self) &<< SIMD16<UInt32>(repeating: 23)
    &+ SIMD16<UInt32>(repeating: 0x3F80_0000)
  var result = e * unsafeBitCast(exponent, to: Vector.self)
  result.replace(with: Vector.zero, where: x .< Vector(repeating: -87.33))
  return result
}

/// Scores of 32 queries against some keys.
public enum ScoreBlock {
  /// Queries of a block: two vectors.
  public static let queries = 32

  /// Sets scores of unseen keys to −∞.
  ///
  /// - Parameters:
  ///   - scores: `[count, 32]`
  ///   - offset: number of the first key less that of the first query.
  ///   - window: keys that a query sees at most, itself included; nil for all before it.
  public static func hide(
    _ scores: UnsafeMutablePointer<Float>, count: Int, offset: Int, window: Int?
  ) {
    let numbers = Vector(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15)
    let hidden = Vector(repeating: -.infinity)
    for key in 0..<count {
      // Queries key…key + window − 1 see it, counted from the first query.
      let first = key + offset
      let last = window.map { first + $0 - 1 } ?? queries
      guard first > 0 || last < queries - 1 else { continue }
      for half in 0..<2 {
        let p = scores + key * queries + 16 * half
        var v = load(p)
        v.replace(with: hidden, where: numbers .< Vector(repeating: Float(first - 16 * half)))
        v.replace(with: hidden, where: numbers .> Vector(repeating: Float(last - 16 * half)))
        store(v, p)
      }
    }
  }

  /// One block of an online softmax: scores become e^(scale·s − greatest).
  ///
  /// - Parameters:
  ///   - scores: `[count, 32]`
  ///   - greatest: `[32]`, greatest scaled scores so far, −∞ before the first block.
  ///   - sums: `[32]`, of the exponentials so far.
  ///   - factors: `[32]`, overwritten with what results of earlier blocks have to be multiplied by.
  public static func softmax(
    _ scores: UnsafeMutablePointer<Float>, count: Int, scale: Float,
    greatest: UnsafeMutablePointer<Float>, sums: UnsafeMutablePointer<Float>,
    factors: UnsafeMutablePointer<Float>
  ) {
    for half in 0..<2 {
      let block = scores + 16 * half
      var a = Vector(repeating: -.infinity)
      var b = a
      var c = a
      var d = a
      var key = 0
      while key + 4 <= count {
        let p = block + key * queries
        a = greater(a, load(p))
        b = greater(b, load(p + queries))
        c = greater(c, load(p + 2 * queries))
        d = greater(d, load(p + 3 * queries))
        key += 4
      }
      while key < count {
        a = greater(a, load(block + key * queries))
        key += 1
      }
      let factor = Vector(repeating: scale)
      let before = load(greatest + 16 * half)
      let top = greater(before, greater(greater(a, b), greater(c, d)) * factor)
      // A query that has seen nothing yet: any shift will do.
      let shift = top.replacing(with: Vector.zero, where: top .== Vector(repeating: -.infinity))
      let correction = exponential(before - shift)
      store(top, greatest + 16 * half)
      store(correction, factors + 16 * half)
      let less = Vector.zero - shift
      // Four sums by key, taken by turns: one order whatever keys follow, since unseen ones add nothing.
      a = .zero
      b = .zero
      c = .zero
      d = .zero
      for key in 0..<count {
        let p = block + key * queries
        let e = exponential(less.addingProduct(load(p), factor))
        store(e, p)
        (a, b, c, d) = (b, c, d, a + e)
      }
      switch count % 4 {
      case 1: (a, b, c, d) = (d, a, b, c)
      case 2: (a, b, c, d) = (c, d, a, b)
      case 3: (a, b, c, d) = (b, c, d, a)
      default: break
      }
      store(
        ((a + b) + (c + d)).addingProduct(load(sums + 16 * half), correction), sums + 16 * half)
    }
  }

  /// Scores become probabilities, gradients of probabilities become gradients of scores.
  ///
  /// - Parameters:
  ///   - scores: `[count, 32]`; then p = e^(scale·s − logSumExp).
  ///   - gradients: `[count, 32]`, dP; then p·(dP − d)·scale.
  ///   - d: `[32]`, Σ dO·O.
  public static func gradients(
    _ scores: UnsafeMutablePointer<Float>, _ gradients: UnsafeMutablePointer<Float>, count: Int,
    scale: Float, logSumExp: UnsafePointer<Float>, d: UnsafePointer<Float>
  ) {
    for half in 0..<2 {
      let factor = Vector(repeating: scale)
      let less = Vector.zero - load(logSumExp + 16 * half)
      let mean = load(d + 16 * half)
      for key in 0..<count {
        let at = key * queries + 16 * half
        let p = exponential(less.addingProduct(load(scores + at), factor))
        store(p, scores + at)
        store(p * (load(gradients + at) - mean) * factor, gradients + at)
      }
    }
  }
}
