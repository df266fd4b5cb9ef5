// Where the marker is in a frame: shifts of some pixels at most, found tile by tile whatever the
// polarity of each edge (a bright mast before a dark cloud, a dark one before the sun).

import Foundation
import Imaging

/// How far a frame's content lies to the right of and below the reference's.
struct MarkerShift: Sendable, Equatable {
  var x: Double
  var y: Double
  /// Mean over tiles of |normalised correlation| at the best whole shift, 0…1.
  var correlation: Double
  /// The best shift is at the end of the range: the true one may lie outside.
  var isAtEdge: Bool

  static let none = MarkerShift(x: 0, y: 0, correlation: 0, isAtEdge: false)
}

/// Band-passed tiles of one or more reference images, ready to be looked for.
struct MarkerTemplates: Sendable {
  static let range = 5
  private static let area = EdgeTiles.side * EdgeTiles.side

  private let window: MarkerWindow
  private let corners: [(x: Int, y: Int)]
  /// `[tile][image][pixel]`, mean 0, norm 1; all 0 where an image has no contrast.
  private let tiles: [Float]
  private let images: Int

  static func band(_ image: GrayImage) -> GrayImage { image.bandPassed(1.5, 6) }

  /// - Parameter images: windows, not yet band-passed.
  init(_ images: [GrayImage], tiles edge: EdgeTiles, window: MarkerWindow) {
    self.window = window
    corners = edge.corners
    self.images = images.count
    let bands = images.map(Self.band)
    var tiles: [Float] = []
    tiles.reserveCapacity(corners.count * images.count * Self.area)
    for corner in corners {
      for band in bands {
        var values: [Float] = []
        for y in 0..<EdgeTiles.side {
          let start = (window.boxY + corner.y + y) * window.width + window.boxX + corner.x
          values += band.values[start..<start + EdgeTiles.side]
        }
        let mean = values.reduce(0, +) / Float(Self.area)
        for index in values.indices { values[index] -= mean }
        let norm = values.reduce(0) { $0 + $1 * $1 }.squareRoot()
        tiles += norm > 1e-3 ? values.map { $0 / norm } : [Float](repeating: 0, count: Self.area)
      }
    }
    self.tiles = tiles
  }

  /// - Parameter frame: the window of a frame.
  func find(in frame: GrayImage) -> MarkerShift {
    guard !corners.isEmpty else { return .none }
    let band = Self.band(frame)
    let range = Self.range
    let side = 2 * range + 1
    var scores = [Double](repeating: 0, count: side * side)
    for (index, corner) in corners.enumerated() {
      for dy in -range...range {
        for dx in -range...range {
          let x = window.boxX + corner.x + dx
          let y = window.boxY + corner.y + dy
          // Where the window ends at the image's border the tile is left out for this shift.
          guard x >= 0, y >= 0, x + EdgeTiles.side <= window.width,
            y + EdgeTiles.side <= window.height
          else { continue }
          scores[(dy + range) * side + dx + range] += correlation(index, band, x, y)
        }
      }
    }
    var best = (side * side) / 2
    for index in scores.indices where scores[index] > scores[best] { best = index }
    let column = best % side
    let row = best / side
    let isAtEdge = column == 0 || row == 0 || column == side - 1 || row == side - 1
    var x = Double(column - range)
    var y = Double(row - range)
    if !isAtEdge {
      x += Self.vertex(scores[best - 1], scores[best], scores[best + 1])
      y += Self.vertex(scores[best - side], scores[best], scores[best + side])
    }
    return MarkerShift(
      x: x, y: y, correlation: scores[best] / Double(corners.count), isAtEdge: isAtEdge)
  }

  /// The largest |correlation| of a tile with one of its images.
  private func correlation(_ tile: Int, _ band: GrayImage, _ x: Int, _ y: Int) -> Double {
    var sum = SIMD16<Float>.zero
    var square = SIMD16<Float>.zero
    var best: Float = 0
    band.values.withUnsafeBufferPointer { source in
      tiles.withUnsafeBufferPointer { tiles in
        let frame = source.baseAddress! + y * band.width + x
        for row in 0..<EdgeTiles.side {
          let values = UnsafeRawPointer(frame + row * band.width).loadUnaligned(
            as: SIMD16<Float>.self)
          sum += values
          square += values * values
        }
        let total = sum.sum()
        let variance = square.sum() - total * total / Float(Self.area)
        guard variance > 1e-3 else { return }
        let scale = 1 / variance.squareRoot()
        for image in 0..<images {
          let template = tiles.baseAddress! + (tile * images + image) * Self.area
          var product = SIMD16<Float>.zero
          for row in 0..<EdgeTiles.side {
            let values = UnsafeRawPointer(frame + row * band.width).loadUnaligned(
              as: SIMD16<Float>.self)
            let wanted = UnsafeRawPointer(template + row * EdgeTiles.side).loadUnaligned(
              as: SIMD16<Float>.self)
            product += values * wanted
          }
          best = max(best, abs(product.sum()) * scale)
        }
      }
    }
    return Double(best)
  }

  /// The place of the top of the parabola through three values, within half a pixel.
  private static func vertex(_ left: Double, _ middle: Double, _ right: Double) -> Double {
    let curvature = left - 2 * middle + right
    guard curvature < 0 else { return 0 }
    return min(0.5, max(-0.5, 0.5 * (left - right) / curvature))
  }
}
