// The scene of a camera: hills, a house, and the marker.

import Foundation
import Imaging
import Randomness

struct Landscape: Sendable {
  let structure: Structure
  /// Light and dark on surfaces, 0.75…1.25.
  let grain: GrayImage
  /// The row at which the sky ends.
  let horizonLine: Float

  init(_ settings: SkySettings) {
    let (width, height) = (Double(settings.width), Double(settings.height))
    horizonLine = Float(0.9 * height)
    let hills = FractalNoise(settings.random("hills"))
    var random = settings.random("landscape")
    var painter = StructurePainter(width: settings.width, height: settings.height)
    painter.below(.farHills) { x in
      height * (0.93 - 0.16 * Double(hills.octaves(Float(x / width * 3), 0.3, count: 5)))
    }
    painter.below(.ground) { x in
      height
        * (1.00 - 0.14 * Double(hills.octaves(Float(x / width * 2 + 9), 5.1, count: 6, gain: 0.6)))
    }
    Self.house(&painter, x: width * 0.74, ground: height * 0.93, size: height * 0.12)
    if let box = settings.markerBox {
      switch settings.marker {
      case .target: Self.target(&painter, box, ground: height, turn: 0.3 * random.uniform())
      case .mast: Self.mast(&painter, box, ground: height, &random)
      case .tree: Self.tree(&painter, box, ground: height, &random)
      case .none: break
      }
    }
    structure = painter.structure()
    var grain = GrayImage(width: settings.width, height: settings.height)
    for y in 0..<settings.height {
      for x in 0..<settings.width {
        let value = hills.octaves(Float(x) / 9, Float(y) / 9, count: 4, gain: 0.7)
        grain[x, y] = 0.75 + 0.5 * value
      }
    }
    self.grain = grain
  }

  private static func house(
    _ painter: inout StructurePainter, x: Double, ground: Double, size: Double
  ) {
    painter.rectangle(.wall, x, ground - 0.6 * size, 1.3 * size, 0.75 * size)
    painter.paint(
      .roof, x: x - 0.15 * size...x + 1.45 * size, y: ground - 1.1 * size...ground - 0.6 * size
    ) { px, py in
      abs(px - x - 0.65 * size) <= 0.8 * size * (py - ground + 1.1 * size) / (0.5 * size)
    }
    painter.rectangle(.roof, x + 0.95 * size, ground - 1.15 * size, 0.13 * size, 0.35 * size)
    for column in 0..<3 {
      painter.rectangle(
        .window, x + (0.15 + 0.4 * Double(column)) * size, ground - 0.42 * size, 0.2 * size,
        0.26 * size)
    }
  }

  /// A board on a pole: sixteen sectors inside a ring, checked corners.
  private static func target(
    _ painter: inout StructurePainter, _ box: PixelBox, ground: Double, turn: Double
  ) {
    let side = Double(box.width) * 0.84
    let (cx, cy) = (Double(box.x) + Double(box.width) / 2, Double(box.y) + Double(box.height) / 2)
    painter.line(.steel, from: (cx, cy), to: (cx, ground), thickness: 0.05 * side)
    painter.rectangle(.black, cx - side / 2, cy - side / 2, side, side)
    let inner = 0.96 * side
    painter.rectangle(.white, cx - inner / 2, cy - inner / 2, inner, inner)
    painter.paint(
      .black, x: cx - 0.36 * side...cx + 0.36 * side, y: cy - 0.36 * side...cy + 0.36 * side
    ) { x, y in
      let radius = ((x - cx) * (x - cx) + (y - cy) * (y - cy)).squareRoot()
      guard radius <= 0.36 * side, radius > 0.03 * side else { return false }
      let sector = (atan2(y - cy, x - cx) / .pi + 1 + turn) * 8
      return Int(sector) % 2 == 0
    }
    painter.ring(.black, at: (cx, cy), from: 0.40 * side, to: 0.43 * side)
    let square = 0.055 * side
    for (sx, sy) in [(-1.0, -1.0), (1, -1), (-1, 1), (1, 1)] {
      for i in 0..<2 {
        for j in 0..<2 where (i + j) % 2 == 0 {
          painter.rectangle(
            .black, cx + sx * 0.415 * side + Double(i - 1) * square,
            cy + sy * 0.415 * side + Double(j - 1) * square, square, square)
        }
      }
    }
  }

  /// Tapering legs, crossed braces, rungs, dishes.
  private static func mast(
    _ painter: inout StructurePainter, _ box: PixelBox, ground: Double,
    _ random: inout RandomStream
  ) {
    let size = Double(box.width)
    let cx = Double(box.x) + size * (0.46 + 0.08 * random.uniform())
    let top = Double(box.y) + 0.06 * size
    let step = 0.17 * size
    func half(_ y: Double) -> Double { 0.045 * size + 0.17 * (y - top) }
    var y = top
    var level = 0
    while y < ground {
      let next = y + step * (1 + 0.12 * Double(level))
      let (a, b) = (half(y), half(next))
      let material: Material = level % 2 == 0 ? .paint : .steel
      painter.line(material, from: (cx - a, y), to: (cx - b, next), thickness: 0.034 * size)
      painter.line(material, from: (cx + a, y), to: (cx + b, next), thickness: 0.034 * size)
      painter.line(.steel, from: (cx - a, y), to: (cx + b, next), thickness: 0.018 * size)
      painter.line(.steel, from: (cx + a, y), to: (cx - b, next), thickness: 0.018 * size)
      painter.line(.steel, from: (cx - a, y), to: (cx + a, y), thickness: 0.02 * size)
      y = next
      level += 1
    }
    painter.line(.steel, from: (cx, top), to: (cx, top - 0.2 * size), thickness: 0.02 * size)
    for (side, down, radius) in [(-1.0, 0.36, 0.10), (1.0, 0.22, 0.08), (1, 0.66, 0.11)] {
      let at = (
        cx + side * (half(top + down * size) + 0.8 * radius * size), top + down * size
      )
      painter.ring(.wall, at: at, from: 0, to: radius * size)
      painter.ring(.steel, at: at, from: (radius - 0.02) * size, to: radius * size)
      painter.ring(.black, at: at, from: 0, to: 0.02 * size)
    }
  }

  /// Branches of branches; thick enough for a pixel even at the tips.
  private static func tree(
    _ painter: inout StructurePainter, _ box: PixelBox, ground: Double,
    _ random: inout RandomStream
  ) {
    let size = Double(box.width)
    let root = (Double(box.x) + size * 0.5, ground)
    let fork = (Double(box.x) + size * 0.5, Double(box.y) + 0.78 * size)
    painter.line(.bark, from: root, to: fork, thickness: 0.11 * size)
    func grow(
      _ from: (Double, Double), _ angle: Double, _ length: Double, _ thickness: Double, _ depth: Int
    ) {
      let to = (from.0 + cos(angle) * length, from.1 - sin(angle) * length)
      painter.line(.bark, from: from, to: to, thickness: max(1.1, thickness))
      guard depth > 0 else { return }
      for side in depth > 2 ? [-1.0, 0.15, 1] : [-1.0, 1] {
        let turn = side * (0.35 + 0.45 * random.uniform()) + 0.2 * (random.uniform() - 0.5)
        grow(
          to, angle + turn, length * (0.62 + 0.2 * random.uniform()), thickness * 0.62, depth - 1)
      }
    }
    for angle in [0.9, 1.5, 2.2] {
      grow(fork, angle + 0.2 * (random.uniform() - 0.5), 0.26 * size, 0.06 * size, 4)
    }
  }
}
