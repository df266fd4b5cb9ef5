// Filters against plain loops, and what they must keep.

import Testing

@testable import Imaging

@Suite struct FilteringTests {
  private static func grain(_ width: Int, _ height: Int, seed: UInt64 = 1) -> GrayImage {
    var dice = Dice(state: seed)
    return GrayImage(
      width: width, height: height,
      values: (0..<width * height).map { _ in Float.random(in: 0...255, using: &dice) })
  }

  /// Σ over the window, position by position, in double precision.
  private static func plain(
    _ image: GrayImage, _ weights: [[Double]], _ originX: Int, _ originY: Int
  ) -> [Double] {
    var out: [Double] = []
    for y in 0..<image.height {
      for x in 0..<image.width {
        var sum = 0.0
        for (j, row) in weights.enumerated() {
          for (i, weight) in row.enumerated() {
            let sx = reflected(x + i - originX, image.width)
            let sy = reflected(y + j - originY, image.height)
            sum += weight * Double(image[sx, sy])
          }
        }
        out.append(sum)
      }
    }
    return out
  }

  private func expectEqual(_ image: GrayImage, _ expected: [Double], _ tolerance: Double) {
    let worst = zip(image.values, expected).map { abs(Double($0) - $1) }.max()!
    #expect(worst <= tolerance, "\(worst)")
  }

  @Test func bordersAreMirroredWithoutTheOutermostPixel() {
    #expect((-4..<8).map { reflected($0, 4) } == [2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1])
    #expect((-3...3).map { reflected($0, 1) } == [0, 0, 0, 0, 0, 0, 0])
    #expect((-3...3).map { reflected($0, 2) } == [1, 0, 1, 0, 1, 0, 1])
  }

  @Test(arguments: [(1, 1), (1, 9), (9, 1), (2, 2), (13, 7), (40, 33)])
  func filtersAreTheirFormulas(width: Int, height: Int) {
    let image = Self.grain(width, height)
    expectEqual(
      image.laplacian(), Self.plain(image, [[0, 1, 0], [1, -4, 1], [0, 1, 0]], 1, 1), 1e-3)
    let (x, y) = image.sobel()
    expectEqual(x, Self.plain(image, [[-1, 0, 1], [-2, 0, 2], [-1, 0, 1]], 1, 1), 1e-3)
    expectEqual(y, Self.plain(image, [[-1, -2, -1], [0, 0, 0], [1, 2, 1]], 1, 1), 1e-3)
    let (dx, dy) = image.gradients()
    expectEqual(dx, Self.plain(image, [[-0.5, 0, 0.5]], 1, 0), 1e-4)
    expectEqual(dy, Self.plain(image, [[-0.5], [0], [0.5]], 0, 1), 1e-4)
    for (sigma, shiftX, shiftY) in [(0.5, 0, 0), (1.7, 0.3, -1.6), (4, -4.3, 4.3)] {
      let row = FilterKernel.gaussian(sigma: sigma, shift: shiftX)
      let column = FilterKernel.gaussian(sigma: sigma, shift: shiftY)
      let weights = column.taps.map { a in row.taps.map { Double(a) * Double($0) } }
      expectEqual(
        image.blurred(sigma: sigma, shift: (shiftX, shiftY)),
        Self.plain(image, weights, row.origin, column.origin), 2e-3)
    }
  }

  @Test func gaussiansMoveAndWidenByWhatTheySay() {
    for sigma in [0.8, 1.5, 3.0] {
      for shift in [-4.3, -0.5, 0, 0.25, 2, 4.3] {
        var point = GrayImage(width: 61, height: 1)
        point[30, 0] = 1
        let line = point.filtered(
          rows: .gaussian(sigma: sigma, shift: shift), columns: .identity
        ).values.map(Double.init)
        let sum = line.reduce(0, +)
        let mean = line.enumerated().reduce(0) { $0 + Double($1.offset) * $1.element }
        let square = line.enumerated().reduce(0) {
          $0 + (Double($1.offset) - mean) * (Double($1.offset) - mean) * $1.element
        }
        #expect(abs(sum - 1) < 1e-5 && abs(mean - 30 - shift) < 2e-3, "\(sigma) \(shift): \(mean)")
        #expect(abs(square.squareRoot() - sigma) < 0.01 * sigma, "\(sigma) \(shift): \(square)")
      }
    }
    let image = Self.grain(9, 9)
    #expect(image.blurred(sigma: 0) == image)
  }

  @Test func noiseIsMeasuredThroughStructure() {
    var dice = Dice(state: 5)
    for level in [1.0, 4.0, 9.0] {
      var image = GrayImage(width: 300, height: 200)
      for y in 0..<200 {
        for x in 0..<300 {
          // Twelve uniforms: variance 1.
          let normal = (0..<12).reduce(-6.0) { sum, _ in
            sum + Double.random(in: 0..<1, using: &dice)
          }
          image[x, y] = Float(60 + 0.2 * Double(x) + (x / 50 % 2 == 0 ? 60 : 0) + level * normal)
        }
      }
      #expect(abs(image.noiseLevel() / level - 1) < 0.04, "\(level): \(image.noiseLevel())")
    }
    #expect(GrayImage(width: 1, height: 1, filled: 200).noiseLevel() == 0)
  }

  @Test func medianIsThatOfSorting() {
    for count in [1, 2, 3, 10, 999, 1000] {
      var dice = Dice(state: UInt64(count))
      var values = (0..<count).map { _ in Float.random(in: -300...300, using: &dice) }
      if count > 9 { values[3] = values[4] }
      let sorted = values.map(abs).sorted()
      let expected =
        count % 2 == 1 ? sorted[count / 2] : (sorted[count / 2 - 1] + sorted[count / 2]) / 2
      #expect(medianOfMagnitudes(values) == expected)
      for rank in [0, count / 3, count - 1] {
        #expect(magnitude(ofRank: rank, in: values) == sorted[rank])
      }
    }
    #expect(medianOfMagnitudes([0, -0.0, 0]) == 0)
  }
}
