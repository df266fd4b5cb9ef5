// How steep the steepest edges are, for the contrast that is there: needs no registration to parts of a
// pixel and sees short blurs early. Noise is steep too, so frame and reference are smoothed alike.

import Foundation
import Imaging

/// Steepness of the edges of cells of 24×24 pixels, in 1/pixel.
enum Acutance {
  static let side = 24
  /// σ of the smoothing before gradients are taken, for noise below 1.5, 3, 6 and above.
  static let smoothing: [Double] = [0, 0.7, 1, 1.5]

  static func level(noise: Double) -> Int {
    noise < 1.5 ? 0 : noise < 3 ? 1 : noise < 6 ? 2 : 3
  }

  /// Left upper corners of the cells, in pixels of the box.
  static func corners(of box: PixelBox) -> [(x: Int, y: Int)] {
    let side = min(side, box.width, box.height)
    var corners: [(x: Int, y: Int)] = []
    for y in stride(from: 0, through: box.height - side, by: side) {
      for x in stride(from: 0, through: box.width - side, by: side) { corners.append((x, y)) }
    }
    return corners
  }

  /// q98(|∇|) / (q97 − q03) of each cell; nil where the range is below 6 times the noise or 4 DN, or
  /// where the cell lies outside.
  static func cells(
    of frame: GrayImage, window: MarkerWindow, shift: MarkerShift, noise: Double, level: Int
  ) -> [Double?] {
    let smooth = smoothing[level] == 0 ? frame : frame.blurred(smoothing[level])
    let magnitude = smooth.gradientMagnitude
    let x = window.boxX + Int(shift.x.rounded())
    let y = window.boxY + Int(shift.y.rounded())
    let side = min(side, window.box.width, window.box.height)
    return corners(of: window.box).map { corner in
      let left = x + corner.x
      let top = y + corner.y
      guard left >= 0, top >= 0, left + side <= frame.width, top + side <= frame.height else {
        return nil
      }
      var values: [Float] = []
      var slopes: [Float] = []
      for row in top..<top + side {
        let start = row * frame.width + left
        values += smooth.values[start..<start + side]
        slopes += magnitude.values[start..<start + side]
      }
      values.sort()
      let range = sorted(values, 0.97) - sorted(values, 0.03)
      guard range >= max(4, 6 * noise) else { return nil }
      slopes.sort()
      return sorted(slopes, 0.98) / range
    }
  }

  private static func sorted(_ values: [Float], _ p: Double) -> Double {
    let place = p * Double(values.count - 1)
    let low = Int(place)
    let high = min(low + 1, values.count - 1)
    return Double(values[low]) + (place - Double(low)) * Double(values[high] - values[low])
  }

  /// Median over cells of the ratio to the reference's; nil where no cell can be compared.
  static func ratio(_ cells: [Double?], to reference: [Double?]) -> Double? {
    precondition(cells.count == reference.count, "\(cells.count) cells to \(reference.count)")
    let ratios = zip(cells, reference).compactMap { own, wanted -> Double? in
      guard let own, let wanted, wanted > 0 else { return nil }
      return own / wanted
    }
    return ratios.isEmpty ? nil : median(ratios)
  }
}
