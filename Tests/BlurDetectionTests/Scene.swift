// A marker that is drawn exactly: bars and a disc before a sky, with edges of any width at any place, so
// that no test measures an interpolation.

import Foundation
import Imaging
import Randomness

@testable import BlurDetection

struct Scene {
  /// Ends of bars and their half width, in pixels of the image.
  var bars: [(x0: Double, y0: Double, x1: Double, y1: Double, half: Double)]
  var size = (width: 200, height: 190)
  static let box = PixelBox(x: 36, y: 30, width: 128, height: 128)

  /// Edges in many directions.
  static let lattice = Scene(bars: [
    (50, 40, 150, 140, 3), (150, 45, 60, 150, 2.5), (100, 20, 100, 170, 4), (45, 95, 160, 90, 2),
    (60, 60, 140, 60, 2.2), (70, 130, 150, 125, 3), (130, 35, 145, 150, 2), (48, 70, 80, 150, 2),
  ])

  /// Cables, all along one line.
  static let cables = Scene(
    bars: (0..<7).map { index in
      let y = 36 + 17 * Double(index)
      return (20, y, 190, y + 34, 1.8)
    })

  /// - Parameters:
  ///   - sky: grey level behind the object, and its slope across the picture.
  ///   - object: grey level of the object.
  ///   - edge: σ of the edges, in pixels.
  func drawn(
    sky: Double, slope: Double = 0, object: Double, edge: Double = 0.5, x dx: Double = 0,
    y dy: Double = 0
  ) -> GrayImage {
    var image = GrayImage(width: size.width, height: size.height)
    // Steps of an eighth of a pixel, averaged: the pixel itself is a box.
    for y in 0..<size.height {
      for x in 0..<size.width {
        let behind = sky + slope * (Double(x) / Double(size.width) - 0.5)
        let covered = coverage(Double(x) - dx, Double(y) - dy, edge)
        image[x, y] = Float(behind + (object - behind) * covered)
      }
    }
    return image
  }

  private func coverage(_ x: Double, _ y: Double, _ edge: Double) -> Double {
    var open = 1.0
    for bar in bars {
      let length = hypot(bar.x1 - bar.x0, bar.y1 - bar.y0)
      let (ux, uy) = ((bar.x1 - bar.x0) / length, (bar.y1 - bar.y0) / length)
      let along = (x - bar.x0) * ux + (y - bar.y0) * uy
      let across = -(x - bar.x0) * uy + (y - bar.y0) * ux
      let scale = edge * 2.0.squareRoot()
      func step(_ t: Double) -> Double { 0.5 * erfc(-t / scale) }
      let inside =
        (step(across + bar.half) - step(across - bar.half)) * (step(along) - step(along - length))
      open *= 1 - inside
    }
    return 1 - open
  }

  /// Sharp frames in different lights, the object now darker, now brighter than the sky.
  func references(noise: Double = 1, count: Int = 6) -> [ReferenceFrame] {
    (0..<count).map { index in
      let sky = [150.0, 90, 200, 120, 60, 170][index % 6]
      let object = [60.0, 40, 90, 190, 130, 70][index % 6]
      let image = drawn(
        sky: sky, slope: Double(index % 3) * 20, object: object,
        x: Double(index % 4) * 0.7 - 1, y: Double(index % 3) * 0.9 - 0.9)
      return ReferenceFrame(
        name: "reference \(index)", image: image.withNoise(noise, name: "reference/\(index)"))
    }
  }
}

extension GrayImage {
  func withNoise(_ deviation: Double, name: String) -> GrayImage {
    var stream = RandomStream(seed: 7, name: name)
    var image = self
    for index in image.values.indices {
      image.values[index] += Float(deviation * stream.normal())
    }
    return image
  }

  func mapped(_ body: (Float) -> Float) -> GrayImage {
    GrayImage(width: width, height: height, values: values.map(body))
  }
}
