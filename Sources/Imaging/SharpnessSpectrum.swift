// The share of fine detail by Fourier transform: low frequencies are taken out, the mean logarithm of
// what is left is the measure.

import Foundation

extension Sharpness {
  /// Mean of 20·ln|x|, where x is the picture without the 2·size × 2·size lowest frequencies.
  ///
  /// The block runs from −size to size − 1 in both directions, as in the published function, so what is
  /// left is complex. An 80×80 crop has nothing else with size 40: the measure is −∞, whatever it shows.
  /// In crops of fewer than 2·size pixels in either direction the published program's index turns
  /// negative and takes out another block; here they measure −∞ too, and callers should refuse them.
  ///
  /// **Source**: github.com/navyajain16/Blur-Detection-in-WSI-Images, `fft.py` (size 40, threshold −4).
  /// **Cost**: about 8·size·height·width multiplications: the block is projected out, so that no length
  /// is slow.
  public static func highFrequencies(_ image: GrayImage, size: Int) -> Double {
    precondition(size > 0, "a block of size \(size)")
    if wipesOut(width: image.width, height: image.height, size: size) { return -.infinity }
    let low = lowFrequencies(image, size: size)
    var sum = 0.0
    for index in image.values.indices {
      let real = Double(image.values[index]) - low.real[index]
      let imaginary = -low.imaginary[index]
      sum += 10 * log(max(real * real + imaginary * imaginary, 1e-300))
    }
    return sum / Double(image.values.count)
  }

  /// Whether the block is at least as large as a picture in one of its directions.
  public static func wipesOut(width: Int, height: Int, size: Int) -> Bool {
    width <= 2 * size || height <= 2 * size
  }

  /// The block's part of the picture: E_h·E_h*·X·Ē_w·E_wᵀ / (h·w), E the transform's columns −size…size−1.
  private static func lowFrequencies(
    _ image: GrayImage, size: Int
  ) -> (real: [Double], imaginary: [Double]) {
    let width = image.width
    let height = image.height
    let across = Waves(length: width, size: size)
    let down = Waves(length: height, size: size)
    // Columns first: `[frequency][x]` = Σ_y e^(−iωy)·X(y, x).
    var firstReal = [Double](repeating: 0, count: down.count * width)
    var firstImaginary = firstReal
    let values = image.values.map(Double.init)
    for f in 0..<down.count {
      for y in 0..<height {
        let c = down.cosine[f * height + y]
        let s = -down.sine[f * height + y]
        add(c, values, y * width, to: &firstReal, f * width, width)
        add(s, values, y * width, to: &firstImaginary, f * width, width)
      }
    }
    // Then rows, there and back at once: `[frequency][x]` = Σ_g e^(iω_g x)·Σ_x' e^(−iω_g x')·first.
    var lowReal = [Double](repeating: 0, count: down.count * width)
    var lowImaginary = lowReal
    for f in 0..<down.count {
      for g in 0..<across.count {
        var real = 0.0
        var imaginary = 0.0
        for x in 0..<width {
          let c = across.cosine[g * width + x]
          let s = -across.sine[g * width + x]
          let a = firstReal[f * width + x]
          let b = firstImaginary[f * width + x]
          real += a * c - b * s
          imaginary += a * s + b * c
        }
        // (real + i·imaginary)·(cos + i·sin)
        add(real, across.cosine, g * width, to: &lowReal, f * width, width)
        add(-imaginary, across.sine, g * width, to: &lowReal, f * width, width)
        add(real, across.sine, g * width, to: &lowImaginary, f * width, width)
        add(imaginary, across.cosine, g * width, to: &lowImaginary, f * width, width)
      }
    }
    let scale = 1 / (Double(width) * Double(height))
    var real = [Double](repeating: 0, count: width * height)
    var imaginary = real
    for y in 0..<height {
      for f in 0..<down.count {
        let c = down.cosine[f * height + y] * scale
        let s = down.sine[f * height + y] * scale
        add(c, lowReal, f * width, to: &real, y * width, width)
        add(-s, lowImaginary, f * width, to: &real, y * width, width)
        add(s, lowReal, f * width, to: &imaginary, y * width, width)
        add(c, lowImaginary, f * width, to: &imaginary, y * width, width)
      }
    }
    return (real, imaginary)
  }

  private static func add(
    _ factor: Double, _ source: [Double], _ from: Int, to target: inout [Double], _ at: Int,
    _ count: Int
  ) {
    source.withUnsafeBufferPointer { source in
      target.withUnsafeMutableBufferPointer { target in
        let read = source.baseAddress! + from
        let write = target.baseAddress! + at
        for index in 0..<count { write[index] += factor * read[index] }
      }
    }
  }

  /// cos and sin of 2π·f·x/length for the frequencies of the block, as far as the length has them.
  private struct Waves {
    let count: Int
    var cosine: [Double]
    var sine: [Double]

    init(length: Int, size: Int) {
      // After the transform's shift the centre is at length / 2, rounded down.
      let centre = length / 2
      let low = max(0, centre - size)
      let high = min(length, centre + size)
      count = high - low
      cosine = []
      sine = []
      let circle = (0..<length).map { 2 * Double.pi * Double($0) / Double(length) }
      let cosines = circle.map { cos($0) }
      let sines = circle.map { sin($0) }
      for index in low..<high {
        let frequency = ((index - centre) % length + length) % length
        for x in 0..<length {
          let place = frequency * x % length
          cosine.append(cosines[place])
          sine.append(sines[place])
        }
      }
    }
  }
}
