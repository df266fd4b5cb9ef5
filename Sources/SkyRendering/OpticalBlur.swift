// Blur on linear light, where it happens: discs, straight motion, condensation, a drop on the dome.

import Foundation
import Imaging

/// A two-dimensional kernel as a list of weighted offsets.
struct PointSpread: Sendable {
  struct Point: Sendable {
    let x: Int
    let y: Int
    let weight: Float
  }

  /// In reading order; weights sum to 1.
  let points: [Point]

  private init(reach: Int, weight: (_ x: Int, _ y: Int) -> Double) {
    var points: [(Int, Int, Double)] = []
    for y in -reach...reach {
      for x in -reach...reach {
        let value = weight(x, y)
        if value > 0 { points.append((x, y, value)) }
      }
    }
    let sum = points.reduce(0) { $0 + $1.2 }
    self.points = points.map { Point(x: $0.0, y: $0.1, weight: Float($0.2 / sum)) }
  }

  /// Out of focus: an evenly bright disc; its standard deviation along an axis is half its radius.
  static func disc(radius: Double) -> PointSpread {
    PointSpread(reach: Int(radius.rounded(.up)) + 1) { x, y in
      var inside = 0
      for j in 0..<8 {
        for i in 0..<8 {
          let px = Double(x) + (Double(i) + 0.5) / 8 - 0.5
          let py = Double(y) + (Double(j) + 0.5) / 8 - 0.5
          if px * px + py * py <= radius * radius { inside += 1 }
        }
      }
      return Double(inside)
    }
  }

  /// A straight stroke; its standard deviation along itself is length / √12.
  static func motion(length: Double, angle: Double) -> PointSpread {
    let reach = Int((length / 2).rounded(.up)) + 1
    let side = 2 * reach + 1
    var grid = [Double](repeating: 0, count: side * side)
    let steps = max(2, Int((8 * length).rounded()))
    for step in 0..<steps {
      let along = ((Double(step) + 0.5) / Double(steps) - 0.5) * length
      let (x, y) = (Double(reach) + along * cos(angle), Double(reach) + along * sin(angle))
      let (left, top) = (x.rounded(.down), y.rounded(.down))
      for (dx, dy) in [(0.0, 0.0), (1, 0), (0, 1), (1, 1)] {
        let weight = (1 - abs(x - left - dx)) * (1 - abs(y - top - dy))
        if weight > 0 { grid[Int(top + dy) * side + Int(left + dx)] += weight }
      }
    }
    return PointSpread(reach: reach) { x, y in grid[(y + reach) * side + x + reach] }
  }

  func applied(to image: GrayImage) -> GrayImage {
    let reach = points.map { max(abs($0.x), abs($0.y)) }.max() ?? 0
    let (width, height) = (image.width, image.height)
    let stride = width + 2 * reach
    var padded = [Float](repeating: 0, count: stride * (height + 2 * reach))
    for y in 0..<height + 2 * reach {
      let source = reflected(y - reach, height) * width
      for x in 0..<stride {
        padded[y * stride + x] = image.values[source + reflected(x - reach, width)]
      }
    }
    var out = [Float](repeating: 0, count: width * height)
    padded.withUnsafeBufferPointer { padded in
      out.withUnsafeMutableBufferPointer { out in
        for y in 0..<height {
          let target = out.baseAddress! + y * width
          for point in points {
            // A correlation: kernels here are symmetric about their centre.
            let source = padded.baseAddress! + (y + reach + point.y) * stride + reach + point.x
            for x in 0..<width { target[x] += point.weight * source[x] }
          }
        }
      }
    }
    return GrayImage(width: width, height: height, values: out)
  }
}

extension Radiance {
  /// Water on the dome: light goes a little astray and very much astray.
  func condensed(sigma: Double, halo: Double) -> Radiance {
    map { plane in
      let near = plane.blurred(sigma: sigma)
      let far = plane.blurred(sigma: halo)
      var out = near
      for index in out.values.indices {
        out.values[index] = 0.6 * near.values[index] + 0.4 * far.values[index]
      }
      return out
    }
  }

  /// A drop: what is behind it stands upside down, small and out of focus.
  ///
  /// - Parameter defocus: radius of the disc.
  func withDrop(at centre: (x: Double, y: Double), radius: Double, defocus: Double) -> Radiance {
    let rim = max(2, 0.16 * radius)
    let spread = PointSpread.disc(radius: defocus)
    return map { plane in
      var view = plane
      for y in 0..<height {
        for x in 0..<width {
          let (dx, dy) = (Double(x) - centre.x, Double(y) - centre.y)
          // 1.7 times as much is seen as without it.
          let sourceX = Int((centre.x - 1.7 * dx).rounded())
          let sourceY = Int((centre.y - 1.7 * dy).rounded())
          view[x, y] = plane[reflected(sourceX, width), reflected(sourceY, height)]
        }
      }
      view = spread.applied(to: view)
      var out = plane
      for y in 0..<height {
        for x in 0..<width {
          let (dx, dy) = (Double(x) - centre.x, Double(y) - centre.y)
          let distance = (dx * dx + dy * dy).squareRoot()
          let share = 1 - smoothStep(Float(radius - rim), Float(radius + rim), Float(distance))
          // Its edge throws light away.
          let edge = Float(distance - radius) / Float(rim)
          let shade = 1 - 0.2 * max(0, 1 - edge * edge)
          out[x, y] = (plane[x, y] * (1 - share) + view[x, y] * share) * shade
        }
      }
      return out
    }
  }
}
