// Rotary position embedding (Su et al. 2021): queries and keys are turned by angles that grow with
// the position, so that their products depend on distances alone. Pairs are (i, i + D/2), as in
// Hugging Face's files; GGUF's adjacent pairs are put in this order when a file is read.
//
//   θ = position·f[i]   (x[i], x[i + D/2]) ← (x[i]·cos θ − x[i + D/2]·sin θ, x[i + D/2]·cos θ + x[i]·sin θ)
//   The backward pass turns the gradient by −θ.

import Foundation
import Kernels
import Tensors

/// The angles of all positions of a model.
public final class Rotary: @unchecked Sendable {
  // Unchecked: written only in `init`; after that many threads read.

  /// Head size D.
  public let headSize: Int
  /// Positions from 0 that have angles.
  public let positions: Int
  private let arena: Arena
  /// [positions, D/2]
  private let cosines: Tensor
  /// [positions, D/2]
  private let sines: Tensor

  /// - Parameters:
  ///   - inverseFrequencies: f, D/2 numbers in radians a token.
  ///   - positions: of the longest sequence.
  ///
  /// **Differs**: angles are products in single precision, because transformers' are, and so is what
  /// checkpoints were trained with; their cosines and sines are computed in double precision.
  public init(inverseFrequencies: [Float], positions: Int) {
    let half = inverseFrequencies.count
    headSize = 2 * half
    self.positions = positions
    var plan = ArenaPlan()
    let regions = ["cosines", "sines"].map { plan.add($0, rows: positions, columns: half) }
    let arena = Arena(plan)
    self.arena = arena
    (cosines, sines) = (arena[regions[0]], arena[regions[1]])
    let (cosines, sines) = (cosines, sines)
    parallelFor(positions, by: 256) { range in
      for position in range {
        for (index, frequency) in inverseFrequencies.enumerated() {
          let angle = Double(Float(position) * frequency)
          cosines[position, index] = Float(cos(angle))
          sines[position, index] = Float(sin(angle))
        }
      }
    }
  }

  /// Bytes of the angles.
  public static func bytes(headSize: Int, positions: Int) -> Int {
    2 * 4 * ((positions * (headSize / 2) + 15) & ~15)
  }

  /// Turns heads in place.
  ///
  /// - Parameters:
  ///   - x: `[N, H·D]`, queries or keys; may be columns of a wider buffer.
  ///   - positions: N positions.
  public func forward(_ x: Tensor, positions: [Int32]) { turn(x, positions, direction: 1) }

  /// Turns gradients of heads back in place.
  ///
  /// - Parameter dx: `[N, H·D]`, of queries or keys.
  public func backward(_ dx: Tensor, positions: [Int32]) { turn(dx, positions, direction: -1) }

  private func turn(_ x: Tensor, _ positions: [Int32], direction: Float) {
    precondition(
      x.columns % headSize == 0 && x.rows == positions.count,
      "Rotary: \(x.shape) is not \(positions.count) rows of heads of \(headSize)")
    for position in positions {
      precondition(
        position >= 0 && position < self.positions,
        "position \(position) has no angle, there are \(self.positions)")
    }
    let half = headSize / 2
    positions.withUnsafeBufferPointer { positions in
      parallelRows(of: x) { rows in
        for row in rows {
          let place = Int(positions[row])
          for head in 0..<x.columns / headSize {
            rotateHalves(
              x.row(row) + head * headSize, cosines: cosines.row(place), sines: sines.row(place),
              direction: direction, half)
          }
        }
      }
    }
  }
}
