import Foundation
import Testing

@testable import Imaging

/// Pictures of this suite: no file needed.
private enum Drawn {
  /// White noise of a standard deviation, by a small generator of its own (12 uniforms).
  static func noise(_ deviation: Float, side: Int, mean: Float = 128) -> GrayImage {
    var state: UInt64 = 0x9E37_79B9_7F4A_7C15
    func uniform() -> Float {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Float(state >> 40) / Float(1 << 24)
    }
    var image = GrayImage(width: side, height: side, filled: mean)
    for index in image.values.indices {
      var sum: Float = 0
      for _ in 0..<12 { sum += uniform() }
      image.values[index] += deviation * (sum - 6)
    }
    return image
  }

  static func board(_ side: Int) -> GrayImage {
    var image = GrayImage(width: side, height: side, filled: 40)
    for y in 0..<side {
      for x in 0..<side where (x / 9 + y / 7) % 2 == 0 { image[x, y] = 200 }
    }
    return image
  }
}

@Suite struct SharpnessTests {
  /// The sum of the squared weights of the Laplacian is 20.
  @Test(arguments: [1, 3, 8] as [Float]) func noiseAddsTwentyTimesItsVariance(_ s: Float) {
    let own = Sharpness.laplacianVariance(Drawn.noise(s, side: 400))
    #expect(abs(own / Double(20 * s * s) - 1) < 0.03, "\(own)")
    let board = Sharpness.laplacianVariance(Drawn.board(400))
    var noisy = Drawn.board(400)
    let noise = Drawn.noise(s, side: 400, mean: 0)
    for index in noisy.values.indices { noisy.values[index] += noise.values[index] }
    let added = Sharpness.laplacianVariance(noisy) - board
    #expect(abs(added / Double(20 * s * s) - 1) < 0.15 || board > 1e4 && s == 1, "\(added)")
  }

  @Test func measuresFallWithBlur() {
    let sharp = Drawn.board(128)
    let soft = sharp.blurred(sigma: 2)
    #expect(Sharpness.laplacianVariance(soft) < 0.1 * Sharpness.laplacianVariance(sharp))
    #expect(Sharpness.tenengrad(soft) < 0.6 * Sharpness.tenengrad(sharp))
    #expect(
      Sharpness.highFrequencies(soft, size: 12) < Sharpness.highFrequencies(sharp, size: 12) - 5)
    #expect(Sharpness.blurEffect(soft) > Sharpness.blurEffect(sharp) + 0.1)
  }

  /// What numpy gives for `abs(ifft2(ifftshift(F with the block at 0)))` on 6×5 values, size 1.
  @Test func frequenciesAreThoseOfTheTransform() {
    var image = GrayImage(width: 6, height: 5)
    for index in image.values.indices { image.values[index] = Float((index * 37) % 29) }
    // Against the transform written out.
    let (h, w, size) = (5, 6, 1)
    var sum = 0.0
    for y in 0..<h {
      for x in 0..<w {
        var low = (0.0, 0.0)
        for fy in -size..<size {
          for fx in -size..<size {
            var f = (0.0, 0.0)
            for v in 0..<h {
              for u in 0..<w {
                let angle =
                  -2 * Double.pi
                  * (Double(fy * v) / Double(h) + Double(fx * u) / Double(w))
                f.0 += Double(image[u, v]) * cos(angle)
                f.1 += Double(image[u, v]) * sin(angle)
              }
            }
            let angle =
              2 * Double.pi * (Double(fy * y) / Double(h) + Double(fx * x) / Double(w))
            low.0 += (f.0 * cos(angle) - f.1 * sin(angle)) / Double(h * w)
            low.1 += (f.0 * sin(angle) + f.1 * cos(angle)) / Double(h * w)
          }
        }
        let real = Double(image[x, y]) - low.0
        sum += 20 * log((real * real + low.1 * low.1).squareRoot())
      }
    }
    let own = Sharpness.highFrequencies(image, size: size)
    #expect(abs(own - sum / Double(h * w)) < 1e-6, "\(own)")
  }

  @Test func cropsOfTheBlocksSizeHaveNothingLeft() {
    for side in [40, 80] {
      #expect(Sharpness.highFrequencies(Drawn.board(side), size: 40) == -.infinity)
      #expect(Sharpness.wipesOut(width: side, height: 200, size: 40))
    }
    #expect(Sharpness.highFrequencies(Drawn.board(81), size: 40).isFinite)
  }

  @Test func uniformPicturesHaveNoSharpness() {
    for (width, height) in [(1, 1), (3, 3), (64, 64)] {
      let image = GrayImage(width: width, height: height, filled: 77)
      #expect(Sharpness.laplacianVariance(image) == 0)
      #expect(Sharpness.tenengrad(image) == 0)
      #expect(Sharpness.blurEffect(image) == 1)
    }
  }

  private struct Golden {
    let file: String
    let laplacian: Double
    let tenengrad: Double
    let fft: Double
    let blurEffect: Double
    let noise: Double
    var crop: PixelBox? = nil
  }

  /// OpenCV 5.0.0 and scikit-image; the crop's FFT with size 40, then 12.
  private static let golden: [Golden] = [
    .init(
      file: "opencv_home.jpg", laplacian: 2061.2222, tenengrad: 10802.759, fft: 25.6786,
      blurEffect: 0.30315, noise: 0.494),
    .init(
      file: "opencv_leuvenA.jpg", laplacian: 1089.3447, tenengrad: 8504.075, fft: 35.9893,
      blurEffect: 0.25076, noise: 1.977),
    .init(
      file: "lxqt_cloud.png", laplacian: 3.6601, tenengrad: 144.107, fft: -3.0112,
      blurEffect: 0.76010, noise: 0.247),
    .init(
      file: "trig_cloudy2.jpg", laplacian: 31.4341, tenengrad: 742.598, fft: 14.4191,
      blurEffect: 0.51860, noise: 0.494),
    .init(
      file: "sklearn_china.jpg", laplacian: 5624.2013, tenengrad: 23385.543, fft: 37.4400,
      blurEffect: 0.22385, noise: 2.224),
    .init(
      file: "opencv_home.jpg", laplacian: 4833.7932, tenengrad: 28374.999, fft: 31.0316,
      blurEffect: 0.33338, noise: .nan, crop: PixelBox(x: 348, y: 6, width: 128, height: 128)),
  ]

  @Test(
    .enabled(
      if: ProcessInfo.processInfo.environment["PLUMB_GOLDEN_PICTURES"] != nil,
      "PLUMB_GOLDEN_PICTURES names no folder with opencv_home.jpg, …"),
    arguments: golden.indices)
  func packagesPicturesMeasureAsInOpenCV(_ index: Int) throws {
    let golden = Self.golden[index]
    let folder = try #require(ProcessInfo.processInfo.environment["PLUMB_GOLDEN_PICTURES"])
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder + "/" + golden.file)))
    var image = GrayImage.luma(try ImageFile.decode(bytes).bitmap)
    if let crop = golden.crop { image = image.cropped(to: crop) }
    func close(_ own: Double, _ wanted: Double, _ name: String) {
      #expect(abs(own - wanted) <= 1e-3 * abs(wanted), "\(name) of \(golden.file): \(own)")
    }
    close(Sharpness.laplacianVariance(image), golden.laplacian, "Laplacian")
    close(Sharpness.tenengrad(image), golden.tenengrad, "Tenengrad")
    close(Sharpness.highFrequencies(image, size: 40), golden.fft, "FFT")
    close(Sharpness.blurEffect(image), golden.blurEffect, "blur_effect")
    if golden.noise.isFinite { close(image.noiseLevel(), golden.noise, "noise") }
    if golden.crop != nil {
      close(Sharpness.highFrequencies(image, size: 12), 48.3314, "FFT of size 12")
    }
  }
}
