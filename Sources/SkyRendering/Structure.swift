// What never moves: shapes painted once on a grid that is four times finer, then averaged to coverage
// and surface colour. Coordinates are pixels of the picture; (0, 0) is the upper left corner.

import Foundation
import Imaging

/// Surfaces, by what they reflect.
enum Material: UInt8, CaseIterable {
  case nothing, farHills, ground, wall, roof, window, steel, paint, bark, white, black

  var albedo: Colour {
    switch self {
    case .nothing: Colour(0, 0, 0)
    case .farHills: Colour(0.20, 0.25, 0.30)
    case .ground: Colour(0.10, 0.13, 0.07)
    case .wall: Colour(0.50, 0.46, 0.40)
    case .roof: Colour(0.34, 0.17, 0.12)
    case .window: Colour(0.06, 0.07, 0.09)
    case .steel: Colour(0.30, 0.31, 0.33)
    case .paint: Colour(0.62, 0.16, 0.12)
    case .bark: Colour(0.17, 0.13, 0.10)
    case .white: Colour(0.88, 0.88, 0.86)
    case .black: Colour(0.04, 0.04, 0.04)
    }
  }
}

/// A fixed scene: how much of each pixel it covers and what it reflects there.
struct Structure: Sendable {
  /// 0…1.
  let coverage: GrayImage
  /// Times coverage.
  let albedo: Radiance
}

/// Paints shapes over each other.
struct StructurePainter {
  let width: Int
  let height: Int
  static let fineness = 4
  private var materials: [UInt8]

  init(width: Int, height: Int) {
    self.width = width
    self.height = height
    materials = [UInt8](repeating: 0, count: width * height * Self.fineness * Self.fineness)
  }

  /// Every point of a rectangle for which `isInside` says so.
  mutating func paint(
    _ material: Material, x: ClosedRange<Double>, y: ClosedRange<Double>,
    where isInside: (_ x: Double, _ y: Double) -> Bool
  ) {
    let fine = Double(Self.fineness)
    let columns = width * Self.fineness
    let rows = height * Self.fineness
    let left = max(0, Int((x.lowerBound * fine).rounded(.down)))
    let right = min(columns, Int((x.upperBound * fine).rounded(.up)))
    let top = max(0, Int((y.lowerBound * fine).rounded(.down)))
    let bottom = min(rows, Int((y.upperBound * fine).rounded(.up)))
    guard left < right, top < bottom else { return }
    for row in top..<bottom {
      for column in left..<right
      where isInside((Double(column) + 0.5) / fine, (Double(row) + 0.5) / fine) {
        materials[row * columns + column] = material.rawValue
      }
    }
  }

  mutating func rectangle(_ material: Material, _ x: Double, _ y: Double, _ w: Double, _ h: Double)
  {
    paint(material, x: x...x + w, y: y...y + h) { px, py in
      px >= x && px < x + w && py >= y && py < y + h
    }
  }

  /// A line with round ends.
  mutating func line(
    _ material: Material, from a: (Double, Double), to b: (Double, Double), thickness: Double
  ) {
    let radius = thickness / 2
    let (dx, dy) = (b.0 - a.0, b.1 - a.1)
    let square = max(1e-9, dx * dx + dy * dy)
    paint(
      material, x: min(a.0, b.0) - radius...max(a.0, b.0) + radius,
      y: min(a.1, b.1) - radius...max(a.1, b.1) + radius
    ) { x, y in
      let along = max(0, min(1, ((x - a.0) * dx + (y - a.1) * dy) / square))
      let (px, py) = (x - a.0 - along * dx, y - a.1 - along * dy)
      return px * px + py * py <= radius * radius
    }
  }

  /// A ring, or a disc if the inner radius is 0.
  mutating func ring(
    _ material: Material, at centre: (Double, Double), from inner: Double, to outer: Double
  ) {
    paint(
      material, x: centre.0 - outer...centre.0 + outer, y: centre.1 - outer...centre.1 + outer
    ) { x, y in
      let square = (x - centre.0) * (x - centre.0) + (y - centre.1) * (y - centre.1)
      return square <= outer * outer && square >= inner * inner
    }
  }

  /// Everything below a line of heights.
  mutating func below(_ material: Material, _ top: (Double) -> Double) {
    let fine = Double(Self.fineness)
    let tops = (0..<width * Self.fineness).map { top((Double($0) + 0.5) / fine) }
    paint(material, x: 0...Double(width), y: 0...Double(height)) { x, y in
      y >= tops[min(tops.count - 1, Int(x * fine))]
    }
  }

  func structure() -> Structure {
    let fine = Self.fineness
    let weight = 1 / Float(fine * fine)
    let palette = Material.allCases.map(\.albedo)
    var coverage = GrayImage(width: width, height: height)
    var albedo = Radiance(width: width, height: height)
    for y in 0..<height {
      for x in 0..<width {
        var covered: Float = 0
        var sum = Colour(0, 0, 0)
        for j in 0..<fine {
          for i in 0..<fine {
            let material = materials[(y * fine + j) * width * fine + x * fine + i]
            if material == 0 { continue }
            covered += 1
            sum = sum + palette[Int(material)]
          }
        }
        let index = y * width + x
        coverage.values[index] = covered * weight
        albedo.red.values[index] = sum.red * weight
        albedo.green.values[index] = sum.green * weight
        albedo.blue.values[index] = sum.blue * weight
      }
    }
    return Structure(coverage: coverage, albedo: albedo)
  }
}
