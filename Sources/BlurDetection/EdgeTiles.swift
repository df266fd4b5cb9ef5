// Which cells of the marker hold edges, and in how many directions they run.

import Foundation
import Imaging

/// Cells of 16×16 pixels of the box that hold enough edge to measure a blur by.
struct EdgeTiles: Sendable, Equatable {
  static let side = 16
  /// A cell with fewer edge pixels is left out.
  static let leastPixels = 18

  /// Left upper corners in pixels of the box, row by row.
  var corners: [(x: Int, y: Int)]
  /// 0 for edges in all directions alike, 1 for edges in one direction only.
  var coherence: Double
  /// The direction that edges run along, in degrees from the x axis, 0..<180; blur along it cannot be
  /// seen where the coherence is high.
  var direction: Double
  /// Gradient above which a pixel counts as edge, in DN per pixel.
  var threshold: Double

  init(corners: [(x: Int, y: Int)], coherence: Double, direction: Double, threshold: Double) {
    self.corners = corners
    self.coherence = coherence
    self.direction = direction
    self.threshold = threshold
  }

  /// - Parameter base: the window of a sharp frame.
  init(base: GrayImage, window: MarkerWindow) {
    let box = window.box
    let magnitude = base.gradientMagnitude
    var values: [Float] = []
    values.reserveCapacity(box.width * box.height)
    for y in 0..<box.height {
      for x in 0..<box.width {
        values.append(magnitude.values[(window.boxY + y) * window.width + window.boxX + x])
      }
    }
    let threshold = max(quantile(0.8, of: values), 2)
    var corners: [(x: Int, y: Int)] = []
    var xx = 0.0
    var yy = 0.0
    var xy = 0.0
    for y in stride(from: 0, through: box.height - Self.side, by: Self.side) {
      for x in stride(from: 0, through: box.width - Self.side, by: Self.side) {
        var count = 0
        var sums = (xx: 0.0, yy: 0.0, xy: 0.0)
        for dy in 0..<Self.side {
          for dx in 0..<Self.side where Double(values[(y + dy) * box.width + x + dx]) > threshold {
            count += 1
            let px = window.boxX + x + dx
            let py = window.boxY + y + dy
            func value(_ x: Int, _ y: Int) -> Double {
              Double(
                base.values[reflected(y, base.height) * base.width + reflected(x, base.width)])
            }
            let gx = value(px + 1, py) - value(px - 1, py)
            let gy = value(px, py + 1) - value(px, py - 1)
            sums = (sums.xx + gx * gx, sums.yy + gy * gy, sums.xy + gx * gy)
          }
        }
        guard count > Self.leastPixels else { continue }
        corners.append((x, y))
        // Each cell counts the same: one bright window frame must not decide for all.
        let trace = sums.xx + sums.yy
        if trace > 0 {
          xx += sums.xx / trace
          yy += sums.yy / trace
          xy += sums.xy / trace
        }
      }
    }
    let trace = xx + yy
    let difference = ((xx - yy) * (xx - yy) + 4 * xy * xy).squareRoot()
    // The gradient's main direction; edges run across it.
    let gradient = 0.5 * atan2(2 * xy, xx - yy)
    var along = (gradient * 180 / .pi + 90).truncatingRemainder(dividingBy: 180)
    if along < 0 { along += 180 }
    self.init(
      corners: corners, coherence: trace > 0 ? difference / trace : 1,
      direction: along, threshold: threshold)
  }

  var count: Int { corners.count }

  static func == (left: Self, right: Self) -> Bool {
    left.coherence == right.coherence && left.direction == right.direction
      && left.threshold == right.threshold
      && left.corners.elementsEqual(right.corners) { $0.x == $1.x && $0.y == $1.y }
  }
}
