// Clouds, hills and surfaces: gradient noise summed over octaves.

import Randomness

/// Perlin's gradient noise in two dimensions with a shuffled table.
///
/// **Source**: K. Perlin 2002, "Improving Noise" (quintic fade); octaves as fractional Brownian motion.
struct FractalNoise: Sendable {
  private let table: [Int]
  private static let directions: [(Float, Float)] = (0..<16).map { step in
    // Sixteen directions around the circle, written out so that no library function decides bits.
    let quarter: [(Float, Float)] = [
      (1, 0), (0.92387953, 0.38268343), (0.70710678, 0.70710678), (0.38268343, 0.92387953),
    ]
    let (x, y) = quarter[step % 4]
    switch step / 4 {
    case 0: return (x, y)
    case 1: return (-y, x)
    case 2: return (-x, -y)
    default: return (y, -x)
    }
  }

  init(_ random: RandomStream) {
    var random = random
    var order = Array(0..<256)
    random.shuffle(&order)
    table = order + order
  }

  /// About −0.7…0.7.
  func value(_ x: Float, _ y: Float) -> Float {
    let left = x.rounded(.down)
    let top = y.rounded(.down)
    let fx = x - left
    let fy = y - top
    let ix = Int(left) & 255
    let iy = Int(top) & 255
    func corner(_ dx: Int, _ dy: Int) -> Float {
      let (gx, gy) = Self.directions[table[table[(ix + dx) & 255] + ((iy + dy) & 255)] & 15]
      return gx * (fx - Float(dx)) + gy * (fy - Float(dy))
    }
    func fade(_ t: Float) -> Float { t * t * t * (t * (t * 6 - 15) + 10) }
    let u = fade(fx)
    let upper = corner(0, 0) + u * (corner(1, 0) - corner(0, 0))
    let lower = corner(0, 1) + u * (corner(1, 1) - corner(0, 1))
    return upper + fade(fy) * (lower - upper)
  }

  /// Octaves of half the size and `gain` times the height each; about 0…1, mean 0.5.
  ///
  /// - Parameter footprint: how far apart neighbouring pixels lie: octaves finer than that fade.
  func octaves(
    _ x: Float, _ y: Float, count: Int, gain: Float = 0.5, footprint: Float = 0
  ) -> Float {
    var sum: Float = 0
    var total: Float = 0
    var height: Float = 1
    var frequency: Float = 1
    for octave in 0..<count {
      let shift = Float(octave) * 17.3
      let seen = max(0, min(1, 1.5 - 2 * footprint * frequency))
      if seen > 0 {
        sum += height * seen * value(x * frequency + shift, y * frequency - shift)
      }
      total += height
      height *= gain
      frequency *= 2.03
    }
    return max(0, min(1, 0.5 + 0.9 * sum / total))
  }
}

/// Smooth from 0 at `low` to 1 at `high`.
func smoothStep(_ low: Float, _ high: Float, _ value: Float) -> Float {
  let t = max(0, min(1, (value - low) / (high - low)))
  return t * t * (3 - 2 * t)
}
