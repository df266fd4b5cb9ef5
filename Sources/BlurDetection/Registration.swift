// Where the marker is in a frame: shifts of some pixels at most, found tile by tile whatever the
// polarity of each edge (a bright mast before a dark cloud, a dark one before the sun).

import Foundation
import Imaging

/// How far a frame's content lies to the right of and below the reference's.
struct MarkerShift: Sendable, Equatable {
  var x: Double
  var y: Double
  /// Mean over tiles of the multiple correlation with the reference images at the best whole shift, 0…1.
  var correlation: Double
  /// The best shift is at the end of the range: the true one may lie outside.
  var isAtEdge: Bool

  static let none = MarkerShift(x: 0, y: 0, correlation: 0, isAtEdge: false)
}

/// Band-passed tiles of one or more reference images, ready to be looked for.
struct MarkerTemplates: Sendable {
  /// Whole pixels that are tried in a frame.
  static let range = 7
  /// Between reference frames, either of which may lie at an end of the range.
  static let wideRange = 12
  /// Correlation that a shift must gain for each square pixel of its length.
  private static let reluctance = 0.0015
  private static let leastShare: Float = 0.02
  private static let area = EdgeTiles.side * EdgeTiles.side

  private let window: MarkerWindow
  private let corners: [(x: Int, y: Int)]
  /// `[tile][image][pixel]`, mean 0, orthonormal; all 0 where an image adds nothing.
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
      var chosen: [[Float]] = []
      var whole: Float = 0
      for band in bands {
        var values: [Float] = []
        for y in 0..<EdgeTiles.side {
          let start = (window.boxY + corner.y + y) * window.width + window.boxX + corner.x
          values += band.values[start..<start + EdgeTiles.side]
        }
        let mean = values.reduce(0, +) / Float(Self.area)
        for index in values.indices { values[index] -= mean }
        whole += values.reduce(0) { $0 + $1 * $1 }
        for other in chosen {
          let product = zip(values, other).reduce(Float(0)) { $0 + $1.0 * $1.1 }
          for index in values.indices { values[index] -= product * other[index] }
        }
        let square = values.reduce(0) { $0 + $1 * $1 }
        // What carries a fiftieth of the tile's contrast or less is noise of the reference.
        let isNew = square > 1e-6 && square > Self.leastShare * whole
        let scale = isNew ? 1 / square.squareRoot() : 0
        chosen.append(values.map { $0 * scale })
      }
      tiles += chosen.joined()
    }
    self.tiles = tiles
  }

  /// - Parameter frame: the window of a frame.
  func find(in frame: GrayImage, range: Int = Self.range) -> MarkerShift {
    guard !corners.isEmpty else { return .none }
    let band = Self.band(frame)
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
    // Along a cable every shift fits alike: among equals the smallest is meant.
    let reluctance = Self.reluctance * Double(corners.count)
    func rank(_ index: Int) -> Double {
      let x = Double(index % side - range)
      let y = Double(index / side - range)
      return scores[index] - reluctance * (x * x + y * y)
    }
    var best = (side * side) / 2
    for index in scores.indices where rank(index) > rank(best) { best = index }
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

  /// How much of a tile its images together explain: the root of the share of its square.
  private func correlation(_ tile: Int, _ band: GrayImage, _ x: Int, _ y: Int) -> Double {
    var sum = SIMD16<Float>.zero
    var square = SIMD16<Float>.zero
    var share: Float = 0
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
          let along = product.sum() * scale
          share += along * along
        }
      }
    }
    return Double(share.squareRoot())
  }

  /// The place of the top of the parabola through three values, within half a pixel.
  private static func vertex(_ left: Double, _ middle: Double, _ right: Double) -> Double {
    let curvature = left - 2 * middle + right
    guard curvature < 0 else { return 0 }
    return min(0.5, max(-0.5, 0.5 * (left - right) / curvature))
  }
}
