// Kernels have the widths that labels name.

import Imaging
import Testing

@testable import SkyRendering

@Suite struct OpticalBlurTests {
  private func moments(_ spread: PointSpread) -> (sum: Double, xx: Double, yy: Double, xy: Double) {
    var result = (sum: 0.0, xx: 0.0, yy: 0.0, xy: 0.0)
    for point in spread.points {
      let (x, y, weight) = (Double(point.x), Double(point.y), Double(point.weight))
      result.sum += weight
      result.xx += weight * x * x
      result.yy += weight * y * y
      result.xy += weight * x * y
    }
    return result
  }

  @Test(arguments: [2.0, 2.4, 5, 8])
  func discsHaveTwiceTheSpreadAsRadius(radius: Double) {
    let disc = moments(.disc(radius: radius))
    #expect(abs(disc.sum - 1) < 1e-5 && abs(disc.xy) < 1e-6)
    // Pixels are one wide: a twelfth of variance more.
    #expect(abs((disc.xx - 1.0 / 12).squareRoot() / (radius / 2) - 1) < 0.08, "\(disc.xx)")
    #expect(abs(disc.xx - disc.yy) < 1e-6)
  }

  @Test(arguments: [0.0, 0.4, 1.2, 2.9])
  func motionIsAStroke(angle: Double) {
    for length in [4.0, 9, 14] {
      let stroke = moments(.motion(length: length, angle: angle))
      #expect(abs(stroke.sum - 1) < 1e-5)
      let trace = stroke.xx + stroke.yy
      // Bilinear splatting adds up to a quarter pixel of variance across and along.
      #expect(abs(trace - length * length / 12) < 0.6, "\(length): \(trace)")
      let difference = (stroke.xx - stroke.yy) * (stroke.xx - stroke.yy)
      let coherence = (difference + 4 * stroke.xy * stroke.xy).squareRoot() / trace
      #expect(coherence > 0.7)
    }
  }

  @Test func kernelsKeepAnEvenPicture() {
    let even = GrayImage(width: 30, height: 20, filled: 0.7)
    for spread in [PointSpread.disc(radius: 6.5), .motion(length: 13, angle: 0.8)] {
      #expect(spread.applied(to: even).values.allSatisfy { abs($0 - 0.7) < 1e-5 })
    }
    let light = Radiance(even, even, even)
    let wet = light.condensed(sigma: 2, halo: 20)
    #expect(wet.red.values.allSatisfy { abs($0 - 0.7) < 1e-5 })
    let drop = light.withDrop(at: (15, 10), radius: 6, defocus: 3)
    #expect(abs(drop.green[15, 10] - 0.7) < 1e-4 && abs(drop.green[0, 0] - 0.7) < 1e-4)
    #expect(drop.green.values.min()! < 0.6, "its rim is dark")
  }

  @Test func noiseOfCloudsIsSmoothAndBounded() {
    let noise = FractalNoise(SkySettings(seed: 1).random("test"))
    var values: [Float] = []
    for step in 0..<4000 {
      let x = Float(step) * 0.037
      values.append(noise.octaves(x, 3.3 - x, count: 5))
      #expect(abs(noise.value(x, 1.5) - noise.value(x + 0.001, 1.5)) < 0.01)
    }
    #expect(values.allSatisfy { (0...1).contains($0) })
    let mean = values.reduce(0, +) / Float(values.count)
    #expect(abs(mean - 0.5) < 0.06 && values.max()! > 0.65 && values.min()! < 0.35)
    // Octaves finer than the pixels fade away.
    #expect(abs(noise.octaves(7.7, 2.2, count: 6, footprint: 5) - 0.5) < 1e-6)
  }
}
