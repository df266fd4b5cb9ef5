// A Gaussian blur and a shift by parts of a pixel in one kernel, and separable filters with it.

import Foundation
import Imaging

/// Taps of a Gaussian that is also moved: the band-limited one, whose width does not depend on where
/// between two pixels it lies. A *sampled* Gaussian of σ < 0.8 does: moved by half a pixel it is the mean
/// of two neighbours, whatever σ says, which is a blur of 0.5 px by itself.
///
/// h(j) = 1/π ∫₀^π exp(−σ²ω²/2)·cos(ω(j + shift)) dω, under Tukey's window, sum 1; from σ = 0.9 on
/// the sampled Gaussian is the same to a thousandth.
struct SubpixelGaussian: Sendable {
  /// Of the pixels x + first, x + first + 1 …
  let taps: [Float]
  let first: Int

  /// - Parameters:
  ///   - sigma: in pixels, ≥ 0; 0 only moves.
  ///   - shift: in pixels; the content moves to larger coordinates by as much.
  init(sigma: Double, shift: Double = 0) {
    precondition(sigma >= 0, "a Gaussian of σ \(sigma)")
    if sigma == 0 && shift == 0 {
      taps = [1]
      first = 0
      return
    }
    let isSampled = sigma >= 0.9
    let reach = isSampled ? 4.2 * sigma : 7
    let low = Int((-shift - reach).rounded(.up))
    let high = Int((-shift + reach).rounded(.down))
    var values: [Double] = []
    for j in low...high {
      let t = Double(j) + shift
      values.append(
        isSampled
          ? exp(-t * t / (2 * sigma * sigma)) : Self.bandLimited(t, sigma) * Self.taper(t, reach))
    }
    let sum = values.reduce(0, +)
    taps = values.map { Float($0 / sum) }
    first = low
  }

  /// 1 in the inner half, then down to 0 by half a cosine (Tukey's window).
  private static func taper(_ t: Double, _ reach: Double) -> Double {
    let outer = max(0, abs(t) / reach - 0.5) * 2
    return 0.5 + 0.5 * cos(.pi * min(1, outer))
  }

  /// Simpson's rule on 64 intervals: exact to 1e-7 for |t| below 20.
  private static func bandLimited(_ t: Double, _ sigma: Double) -> Double {
    let intervals = 64
    let step = Double.pi / Double(intervals)
    var sum = 0.0
    for index in 0...intervals {
      let omega = Double(index) * step
      let weight = index == 0 || index == intervals ? 1.0 : index % 2 == 1 ? 4.0 : 2.0
      sum += weight * exp(-sigma * sigma * omega * omega / 2) * cos(omega * t)
    }
    return sum * step / 3 / .pi
  }
}

extension GrayImage {
  /// Rows with one kernel, columns with another; only the given part of the result is computed.
  ///
  /// - Parameter part: in pixels of this image; nil for all of it.
  func filtered(
    _ horizontal: SubpixelGaussian, _ vertical: SubpixelGaussian, part: PixelBox? = nil
  ) -> GrayImage {
    let part = part ?? PixelBox(x: 0, y: 0, width: width, height: height)
    let rowsBefore = part.y + vertical.first
    let rowCount = part.height + vertical.taps.count - 1
    var rows = [Float](repeating: 0, count: rowCount * part.width)
    var line = [Float](repeating: 0, count: part.width + horizontal.taps.count - 1)
    var result = [Float](repeating: 0, count: part.width * part.height)
    values.withUnsafeBufferPointer { source in
      rows.withUnsafeMutableBufferPointer { rows in
        line.withUnsafeMutableBufferPointer { line in
          for row in 0..<rowCount {
            let from = source.baseAddress! + reflected(rowsBefore + row, height) * width
            for x in 0..<line.count {
              line[x] = from[reflected(part.x + horizontal.first + x, width)]
            }
            let to = rows.baseAddress! + row * part.width
            for (index, tap) in horizontal.taps.enumerated() {
              let values = line.baseAddress! + index
              for x in 0..<part.width { to[x] += tap * values[x] }
            }
          }
        }
        result.withUnsafeMutableBufferPointer { result in
          for y in 0..<part.height {
            let to = result.baseAddress! + y * part.width
            for (index, tap) in vertical.taps.enumerated() {
              let values = rows.baseAddress! + (y + index) * part.width
              for x in 0..<part.width { to[x] += tap * values[x] }
            }
          }
        }
      }
    }
    return GrayImage(width: part.width, height: part.height, values: result)
  }

  func blurred(_ sigma: Double) -> GrayImage {
    let kernel = SubpixelGaussian(sigma: sigma)
    return filtered(kernel, kernel)
  }

  func moved(x: Double, y: Double) -> GrayImage {
    filtered(SubpixelGaussian(sigma: 0, shift: x), SubpixelGaussian(sigma: 0, shift: y))
  }

  func minus(_ other: GrayImage) -> GrayImage {
    precondition(
      width == other.width && height == other.height,
      "\(width)×\(height) minus \(other.width)×\(other.height)")
    return GrayImage(
      width: width, height: height, values: zip(values, other.values).map { $0 - $1 })
  }

  /// G(narrow) − G(wide): edges without noise and without slow light.
  func bandPassed(_ narrow: Double, _ wide: Double) -> GrayImage {
    blurred(narrow).minus(blurred(wide))
  }

  /// |∇| by central differences, in DN per pixel.
  var gradientMagnitude: GrayImage {
    let (x, y) = gradients()
    return GrayImage(
      width: width, height: height,
      values: zip(x.values, y.values).map { ($0 * $0 + $1 * $1).squareRoot() })
  }
}

/// The value at the share p of sorted values, between neighbours linearly.
func quantile(_ p: Double, of values: [Float]) -> Double {
  precondition(!values.isEmpty, "a quantile of nothing")
  let sorted = values.sorted()
  let place = p * Double(sorted.count - 1)
  let low = Int(place)
  let high = min(low + 1, sorted.count - 1)
  return Double(sorted[low]) + (place - Double(low)) * Double(sorted[high] - sorted[low])
}

func median(_ values: [Double]) -> Double {
  precondition(!values.isEmpty, "a median of nothing")
  let sorted = values.sorted()
  let middle = sorted.count / 2
  return sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
}
