// All that is measured at one marker of one frame. Deciding is elsewhere (BlurDecision.swift), so that
// other weights need no pixel again.

import Foundation
import Imaging

public struct MarkerMeasures: Sendable, Equatable {
  /// Of the box, in DN.
  public var mean: Double
  /// Of the window, in DN.
  public var noise: Double
  /// Share of the box at 250 and above.
  public var clipped: Double
  /// Share of edge tiles that lie inside and are not clipped.
  public var usable: Double
  /// Share of edge tiles whose contrast is above the noise.
  public var contrasted: Double
  /// What the reference's contrast would be in this light, over this noise.
  public var expectedSignal: Double
  /// Content right of and below the reference, in pixels.
  public var shiftX: Double
  public var shiftY: Double
  public var correlation: Double
  public var isShiftAtEdge: Bool
  /// Steepness of edges over the reference's; nil where no cell has contrast.
  public var acutance: Double?
  /// Nil where no tile can be used.
  public var blur: BlurEstimate?
}

/// Linear light of the sRGB curve: where contrast over brightness does not depend on exposure.
enum LinearLight {
  /// 0…1 from 0…255.
  static func of(_ value: Double) -> Double {
    let v = max(0, min(1, value / 255))
    return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4)
  }

  /// Of a small change at a value, per DN.
  static func slope(at value: Double) -> Double {
    (of(value + 0.5) - of(value - 0.5)) / (min(255, value + 0.5) - max(0, value - 0.5))
  }

  static let table: [Float] = (0...255).map { Float(of(Double($0))) }
}

extension MarkerReference {
  /// - Parameter frame: all of a frame, of the camera's size.
  func measures(of frame: GrayImage) -> MarkerMeasures {
    measures(ofWindow: window.cut(frame))
  }

  func measures(ofWindow frame: GrayImage) -> MarkerMeasures {
    let noise = frame.noiseLevel()
    let shift = templates.find(in: frame)
    let box = frame.cropped(
      to: PixelBox(
        x: window.boxX, y: window.boxY, width: window.box.width, height: window.box.height))
    let mean = box.mean
    let clipped = Double(box.values.count { $0 >= 250 }) / Double(box.values.count)
    let blur = BlurEstimate.measure(
      frame: frame, basis: basis, tiles: tiles, window: window, shift: shift, noise: noise)
    let level = Acutance.level(noise: noise)
    let cells = Acutance.cells(
      of: frame, window: window, shift: shift, noise: noise, level: level)
    // Contrast scales with light; noise is carried to linear light by the curve's slope.
    let light = LinearLight.of(mean)
    let linearNoise = LinearLight.slope(at: mean) * max(noise, 0.3)
    return MarkerMeasures(
      mean: mean, noise: noise, clipped: clipped,
      usable: Double((blur?.tiles ?? []).count { $0 != nil }) / Double(max(1, tiles.count)),
      contrasted: contrasted(frame, shift, noise),
      expectedSignal: contrast * light / linearNoise,
      shiftX: shift.x, shiftY: shift.y, correlation: shift.correlation,
      isShiftAtEdge: shift.isAtEdge, acutance: Acutance.ratio(cells, to: acutance[level]),
      blur: blur)
  }

  /// Share of edge tiles whose standard deviation is above 2 times the noise and 1 DN.
  private func contrasted(_ frame: GrayImage, _ shift: MarkerShift, _ noise: Double) -> Double {
    guard tiles.count > 0 else { return 0 }
    let side = EdgeTiles.side
    var count = 0
    for corner in tiles.corners {
      let x = window.boxX + corner.x + Int(shift.x.rounded())
      let y = window.boxY + corner.y + Int(shift.y.rounded())
      guard x >= 0, y >= 0, x + side <= frame.width, y + side <= frame.height else { continue }
      if deviation(frame, x, y, side) > max(1, 2 * noise) { count += 1 }
    }
    return Double(count) / Double(tiles.count)
  }
}

/// Standard deviation of a square of pixels.
func deviation(_ image: GrayImage, _ x: Int, _ y: Int, _ side: Int) -> Double {
  var sum = 0.0
  var square = 0.0
  for row in y..<y + side {
    for value in image.values[row * image.width + x..<row * image.width + x + side] {
      sum += Double(value)
      square += Double(value) * Double(value)
    }
  }
  let n = Double(side * side)
  return max(0, square / n - sum / n * (sum / n)).squareRoot()
}
