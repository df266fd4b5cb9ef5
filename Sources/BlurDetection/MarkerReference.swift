// What one marker looks like when the camera is dry and in focus, ready to compare frames with.

import Foundation
import Imaging

public struct MarkerReference: Sendable {
  public let box: PixelBox
  let window: MarkerWindow
  /// See ``ReferenceBasis``.
  let basis: [GrayImage]
  let tiles: EdgeTiles
  /// `[level][cell]`, see ``Acutance``: medians over the reference frames.
  let acutance: [[Double?]]
  /// Root mean square contrast of the edge tiles over the box's mean, in linear light.
  let contrast: Double
  let templates: MarkerTemplates

  public var edgeTileCount: Int { tiles.count }
  /// 1 where all edges run in one direction.
  public var coherence: Double { tiles.coherence }

  init(
    window: MarkerWindow, basis: [GrayImage], tiles: EdgeTiles, acutance: [[Double?]],
    contrast: Double
  ) {
    box = window.box
    self.window = window
    self.basis = basis
    self.tiles = tiles
    self.acutance = acutance
    self.contrast = contrast
    templates = MarkerTemplates(basis, tiles: tiles, window: window)
  }

  /// Places of the edge tiles in the window.
  static func places(_ tiles: EdgeTiles, _ window: MarkerWindow) -> [Int] {
    tiles.corners.flatMap { corner in
      (0..<EdgeTiles.side).flatMap { row -> [Int] in
        let start = (window.boxY + corner.y + row) * window.width + window.boxX + corner.x
        return Array(start..<start + EdgeTiles.side)
      }
    }
  }

  /// Frames of one mean brightness, moved to where the marker is.
  static func aligned(_ frames: [GrayImage], _ shifts: [MarkerShift]) -> [GrayImage] {
    let means = frames.map(\.mean)
    let level = means.reduce(0, +) / Double(means.count)
    return frames.indices.map { index in
      let gain = Float(level / max(means[index], 1))
      var moved = frames[index].moved(x: -shifts[index].x, y: -shifts[index].y)
      for place in moved.values.indices { moved.values[place] *= gain }
      return moved
    }
  }

  /// - Parameters:
  ///   - frames: windows of sharp frames.
  ///   - shifts: of each against the base.
  static func build(
    _ frames: [GrayImage], shifts: [MarkerShift], tiles: EdgeTiles, window: MarkerWindow
  ) -> MarkerReference {
    let basis = ReferenceBasis.of(aligned(frames, shifts), at: places(tiles, window))
    let noise = frames.map { $0.noiseLevel() }
    let acutance = Acutance.smoothing.indices.map { level -> [Double?] in
      let cells = frames.indices.map { index in
        Acutance.cells(
          of: frames[index], window: window, shift: shifts[index], noise: noise[index],
          level: level)
      }
      return cells[0].indices.map { cell in
        let values = cells.compactMap { $0[cell] }
        return 2 * values.count < cells.count ? nil : median(values)
      }
    }
    return MarkerReference(
      window: window, basis: basis, tiles: tiles, acutance: acutance,
      contrast: linearContrast(frames, shifts, tiles, window))
  }

  /// Median over frames.
  private static func linearContrast(
    _ frames: [GrayImage], _ shifts: [MarkerShift], _ tiles: EdgeTiles, _ window: MarkerWindow
  ) -> Double {
    guard tiles.count > 0 else { return 0 }
    let side = EdgeTiles.side
    let values = zip(frames, shifts).map { frame, shift -> Double in
      var light = frame
      for index in light.values.indices {
        light.values[index] = Float(LinearLight.of(Double(frame.values[index])))
      }
      let box = light.cropped(
        to: PixelBox(
          x: window.boxX, y: window.boxY, width: window.box.width, height: window.box.height))
      var sum = 0.0
      for corner in tiles.corners {
        let x = window.boxX + corner.x + Int(shift.x.rounded())
        let y = window.boxY + corner.y + Int(shift.y.rounded())
        guard x >= 0, y >= 0, x + side <= frame.width, y + side <= frame.height else { continue }
        let spread = deviation(light, x, y, side)
        sum += spread * spread
      }
      return (sum / Double(tiles.count)).squareRoot() / max(box.mean, 1e-6)
    }
    return median(values)
  }
}
