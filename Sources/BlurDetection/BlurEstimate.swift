// The measure at the centre of this room: which blur of the reference explains the frame? It does not
// ask how sharp the frame looks, so clouds, fog, exposure and noise move it little.

import Foundation
import Imaging
import Randomness

/// Additional blur of a marker, against its reference.
public struct BlurEstimate: Sendable, Equatable {
  /// The blurs that are tried, in pixels.
  public static let grid: [Double] = [
    0.35, 0.5, 0.65, 0.8, 1, 1.25, 1.5, 1.8, 2.2, 2.7, 3.3, 4, 5, 6,
  ]

  /// Standard deviation of the Gaussian that, put on the reference, gives this frame, in pixels.
  /// At either end of the grid it stands for "as much or less" and "as much or more".
  public var sigma: Double
  /// 10 and 90 % quantiles over resampled tiles.
  public var sigmaLow: Double
  public var sigmaHigh: Double
  /// How much of what varies in the tiles, after a ramp of light, the blurred reference explains.
  public var explained: Double
  /// Root mean square of what it explains over the noise.
  public var signalToNoise: Double
  /// One for each edge tile of the marker; nil where the tile is covered, saturated or outside.
  public var tiles: [Tile?]

  public struct Tile: Sendable, Equatable {
    public var sigma: Double
    public var explained: Double
  }
}

/// Fits one tile of a frame by a constant, a ramp and three blurred basis images.
private struct TileFit {
  /// Mean square of what is left, per pixel, for each blur of the grid.
  var residual: [Double]
  /// Mean square after constant and ramp alone.
  var varying: Double
  var pixels: Int
}

extension BlurEstimate {
  /// - Parameters:
  ///   - frame: window of the frame.
  ///   - basis: windows of the reference, see ``ReferenceBasis``.
  ///   - noise: of the frame, in DN.
  /// - Returns: nil where no tile can be used.
  ///
  /// **Source**: re-blurring (Zhuo & Sim 2011 for edges) against a reference; research page, section 5.
  static func measure(
    frame: GrayImage, basis: [GrayImage], tiles edge: EdgeTiles, window: MarkerWindow,
    shift: MarkerShift, noise: Double
  ) -> BlurEstimate? {
    let fits = fit(frame, basis, edge, window, shift)
    let used = fits.indices.filter { fits[$0] != nil }
    guard !used.isEmpty else { return nil }
    let floor = noise * noise + 0.25
    let steps = grid.indices
    var weights = [Double](repeating: 0, count: fits.count)
    for index in used { weights[index] = 1 / (floor + fits[index]!.residual.min()!) }

    func objective(_ chosen: [Int]) -> [Double] {
      steps.map { step in
        chosen.reduce(0.0) { $0 + weights[$1] * fits[$1]!.residual[step] }
      }
    }
    let total = objective(used)
    let sigma = exp(minimum(total))
    let best = total.min()!

    var varying = 0.0
    var left = 0.0
    let bestStep = total.firstIndex(of: best)!
    for index in used {
      let fit = fits[index]!
      varying += weights[index] * fit.varying
      left += weights[index] * fit.residual[bestStep]
    }
    let explained = varying > 0 ? max(0, 1 - left / varying) : 0
    let meanVarying = used.reduce(0.0) {
      $0 + max(0, fits[$1]!.varying - fits[$1]!.residual[bestStep])
    }
    let signal = (meanVarying / Double(used.count)).squareRoot()

    // The same draws for every frame: the spread depends on the tiles and on nothing else.
    var stream = RandomStream(seed: 0, name: "blur/tiles")
    var draws: [Double] = []
    for _ in 0..<40 {
      let chosen = used.map { _ in used[stream.integer(below: used.count)] }
      draws.append(minimum(objective(chosen)))
    }
    draws.sort()
    let tiles = fits.map { fit -> Tile? in
      guard let fit else { return nil }
      return Tile(
        sigma: exp(minimum(fit.residual)),
        explained: fit.varying > 0 ? max(0, 1 - fit.residual.min()! / fit.varying) : 0)
    }
    return BlurEstimate(
      sigma: sigma, sigmaLow: exp(draws[4]), sigmaHigh: exp(draws[35]), explained: explained,
      signalToNoise: signal / max(noise, 0.5), tiles: tiles)
  }

  /// ln σ at the bottom of a parabola through the least value and its neighbours.
  private static func minimum(_ values: [Double]) -> Double {
    var best = 0
    for index in values.indices where values[index] < values[best] { best = index }
    let middle = log(grid[best])
    guard best > 0, best < values.count - 1 else { return middle }
    let left = log(grid[best - 1])
    let right = log(grid[best + 1])
    let a = (values[best - 1] - values[best]) / (left - middle)
    let b = (values[best + 1] - values[best]) / (right - middle)
    let curvature = (b - a) / (right - left)
    guard curvature > 0 else { return middle }
    // The parabola y = y₀ + a'(x − m) + c(x − m)² through the three points.
    let slope = a - curvature * (left - middle)
    return min(right, max(left, middle - slope / (2 * curvature)))
  }

  private static func fit(
    _ frame: GrayImage, _ basis: [GrayImage], _ edge: EdgeTiles, _ window: MarkerWindow,
    _ shift: MarkerShift
  ) -> [TileFit?] {
    let side = EdgeTiles.side
    let wholeX = Int(shift.x.rounded())
    let wholeY = Int(shift.y.rounded())
    let saturated = SaturationMask(frame)
    let problems = edge.corners.map { corner in
      TileProblem(
        frame: frame, saturated: saturated, x: window.boxX + corner.x + wholeX,
        y: window.boxY + corner.y + wholeY, basis: basis.count)
    }
    var residuals = [[Double]](
      repeating: [Double](repeating: 0, count: grid.count), count: problems.count)
    let part = PixelBox(
      x: window.boxX, y: window.boxY, width: window.box.width, height: window.box.height)
    for (step, sigma) in grid.enumerated() {
      let horizontal = SubpixelGaussian(sigma: sigma, shift: shift.x - Double(wholeX))
      let vertical = SubpixelGaussian(sigma: sigma, shift: shift.y - Double(wholeY))
      let blurred = basis.map { $0.filtered(horizontal, vertical, part: part) }
      for (index, corner) in edge.corners.enumerated() {
        guard let problem = problems[index] else { continue }
        residuals[index][step] = problem.residual(blurred, x: corner.x, y: corner.y, side: side)
      }
    }
    return problems.indices.map { index in
      problems[index].map {
        TileFit(residual: residuals[index], varying: $0.varying, pixels: $0.pixels)
      }
    }
  }
}

/// Pixels that are, or touch, 250 and more: what is clipped follows no model.
struct SaturationMask {
  let width: Int
  let isClipped: [Bool]
  let isAny: Bool

  init(_ image: GrayImage) {
    width = image.width
    var clipped = [Bool](repeating: false, count: image.values.count)
    var any = false
    for y in 0..<image.height {
      for x in 0..<image.width where image.values[y * image.width + x] >= 250 {
        any = true
        for dy in max(0, y - 1)...min(image.height - 1, y + 1) {
          for dx in max(0, x - 1)...min(image.width - 1, x + 1) {
            clipped[dy * image.width + dx] = true
          }
        }
      }
    }
    isClipped = clipped
    isAny = any
  }
}

/// What does not depend on the blur: the tile of the frame, its mask, constant and ramp.
private struct TileProblem {
  /// Constant, ramp in x, ramp in y, frame: 256 values each, 0 where masked.
  let columns: [Double]
  let mask: [Double]
  let isMasked: Bool
  let pixels: Int
  /// Products of constant, ramps and frame with each other.
  let products: [Double]
  let varying: Double

  private static let area = EdgeTiles.side * EdgeTiles.side

  /// Nil where the tile lies outside the window or too little of it can be used.
  init?(frame: GrayImage, saturated: SaturationMask, x: Int, y: Int, basis: Int) {
    let side = EdgeTiles.side
    guard x >= 0, y >= 0, x + side <= frame.width, y + side <= frame.height else { return nil }
    var mask = [Double](repeating: 1, count: Self.area)
    var columns = [Double](repeating: 0, count: 4 * Self.area)
    var masked = 0
    for row in 0..<side {
      for column in 0..<side {
        let place = (y + row) * frame.width + x + column
        let index = row * side + column
        if saturated.isClipped[place] {
          mask[index] = 0
          masked += 1
          continue
        }
        columns[index] = 1
        columns[Self.area + index] = (Double(column) - 7.5) / 8
        columns[2 * Self.area + index] = (Double(row) - 7.5) / 8
        columns[3 * Self.area + index] = Double(frame.values[place])
      }
    }
    guard Self.area - masked >= Self.area / 2 else { return nil }
    // The frame's mean would only cost digits.
    let mean = columns[3 * Self.area..<4 * Self.area].reduce(0, +) / Double(Self.area - masked)
    for index in 0..<Self.area where mask[index] > 0 { columns[3 * Self.area + index] -= mean }
    self.columns = columns
    self.mask = mask
    isMasked = masked > 0
    pixels = Self.area - masked
    var products = [Double](repeating: 0, count: 16)
    columns.withUnsafeBufferPointer { columns in
      for i in 0..<4 {
        for j in i..<4 {
          let sum = dot(
            columns.baseAddress! + i * Self.area, columns.baseAddress! + j * Self.area, Self.area)
          products[i * 4 + j] = sum
          products[j * 4 + i] = sum
        }
      }
    }
    self.products = products
    var solver = NormalEquations(3)
    for i in 0..<3 {
      for j in 0..<3 { solver.set(i, j, products[i * 4 + j]) }
      solver.setRight(i, products[i * 4 + 3])
    }
    varying = max(0, products[15] - solver.explained()) / Double(pixels)
  }

  /// Mean square of what constant, ramps and the blurred images leave.
  func residual(_ blurred: [GrayImage], x: Int, y: Int, side: Int) -> Double {
    let count = blurred.count
    return withUnsafeTemporaryAllocation(of: Double.self, capacity: count * Self.area) { images in
      let base = images.baseAddress!
      for (index, image) in blurred.enumerated() {
        image.values.withUnsafeBufferPointer { values in
          for row in 0..<side {
            let from = values.baseAddress! + (y + row) * image.width + x
            let to = base + index * Self.area + row * side
            for column in 0..<side { to[column] = Double(from[column]) }
          }
        }
      }
      if isMasked {
        for index in 0..<count {
          for place in 0..<Self.area { base[index * Self.area + place] *= mask[place] }
        }
      }
      var solver = NormalEquations(3 + count)
      for i in 0..<3 {
        for j in 0..<3 { solver.set(i, j, products[i * 4 + j]) }
        solver.setRight(i, products[i * 4 + 3])
      }
      columns.withUnsafeBufferPointer { columns in
        for index in 0..<count {
          let image = base + index * Self.area
          for i in 0..<3 {
            solver.set(3 + index, i, dot(image, columns.baseAddress! + i * Self.area, Self.area))
          }
          solver.setRight(
            3 + index, dot(image, columns.baseAddress! + 3 * Self.area, Self.area))
          for other in 0...index {
            solver.set(3 + index, 3 + other, dot(image, base + other * Self.area, Self.area))
          }
        }
      }
      return max(0, products[15] - solver.explained()) / Double(pixels)
    }
  }
}

/// Σ a·b in eight running sums: the order is fixed, so are the bits.
@inline(__always) private func dot(
  _ a: UnsafePointer<Double>, _ b: UnsafePointer<Double>, _ count: Int
) -> Double {
  var sum = SIMD8<Double>.zero
  for index in stride(from: 0, to: count, by: 8) {
    let left = UnsafeRawPointer(a + index).loadUnaligned(as: SIMD8<Double>.self)
    let right = UnsafeRawPointer(b + index).loadUnaligned(as: SIMD8<Double>.self)
    sum += left * right
  }
  return sum.sum()
}

/// At most six unknowns, solved by Cholesky; columns that say nothing new are left out.
private struct NormalEquations {
  private let size: Int
  private var matrix:
    (
      SIMD8<Double>, SIMD8<Double>, SIMD8<Double>, SIMD8<Double>, SIMD8<Double>, SIMD8<Double>
    ) = (.zero, .zero, .zero, .zero, .zero, .zero)
  private var right = SIMD8<Double>.zero

  init(_ size: Int) {
    precondition(size <= 6, "\(size) unknowns")
    self.size = size
  }

  mutating func set(_ row: Int, _ column: Int, _ value: Double) {
    withUnsafeMutableBytes(of: &matrix) {
      $0.assumingMemoryBound(to: Double.self)[row * 8 + column] = value
    }
  }

  mutating func setRight(_ row: Int, _ value: Double) { right[row] = value }

  /// How much of the sum of squares of the right side the columns explain: |L⁻¹Aᵀf|².
  mutating func explained() -> Double {
    let size = size
    let right = right
    return withUnsafeMutableBytes(of: &matrix) { raw in
      let l = raw.assumingMemoryBound(to: Double.self)
      var z = SIMD8<Double>.zero
      var sum = 0.0
      for i in 0..<size {
        for j in 0..<i {
          var value = l[i * 8 + j]
          for k in 0..<j { value -= l[i * 8 + k] * l[j * 8 + k] }
          let pivot = l[j * 8 + j]
          l[i * 8 + j] = pivot > 0 ? value / pivot : 0
        }
        let own = l[i * 8 + i]
        var value = own
        for k in 0..<i { value -= l[i * 8 + k] * l[i * 8 + k] }
        if value <= 1e-8 * own || value <= 1e-12 {
          l[i * 8 + i] = 0
          continue
        }
        let pivot = value.squareRoot()
        l[i * 8 + i] = pivot
        var rest = right[i]
        for k in 0..<i { rest -= l[i * 8 + k] * z[k] }
        z[i] = rest / pivot
        sum += z[i] * z[i]
      }
      return sum
    }
  }
}
