// Pixels against Pillow's and against the samples themselves; what is encoded here is read back.

import CImageCodecs
import Foundation
import Testing

@testable import Imaging

@Suite struct ImageFileTests {
  @Test(arguments: Picture.all)
  func pixelsAreThoseOfTheFixture(picture: Picture) throws {
    let image = try ImageFile.decode(picture.bytes)
    #expect(image.bitmap.width == picture.width && image.bitmap.height == picture.height)
    #expect(image.bitmap.channels == picture.channels)
    // Pillow's arithmetic of CMYK rounds elsewhere.
    let tolerance = picture.name == "cmyk.jpg" ? 1 : 0
    let difference = zip(image.bitmap.pixels, picture.pixels).map { abs(Int($0) - Int($1)) }.max()
    #expect(try #require(difference) <= tolerance)
    #expect(image.description.isLayered == picture.layered)
    #expect(image.description.orientation == picture.orientation ?? 1)
    #expect(image.warnings == 0 && image.firstWarning.isEmpty)
    let description = try ImageFile.describe(picture.bytes)
    #expect(description == image.description)
    #expect(description.width == picture.width && description.height == picture.height)
  }

  @Test func colourAndDepthAreAsStored() throws {
    for (name, colour, depth) in [
      ("gray1.png", .gray, 1), ("gray16.png", .gray, 16), ("gray-alpha8.png", .grayAlpha, 8),
      ("rgb16-interlaced.png", .rgb, 16), ("rgb-alpha16.png", .rgba, 16),
      ("palette2.png", .palette, 2), ("gray.jpg", .gray, 8), ("420.jpg", .rgb, 8),
      ("cmyk.jpg", .cmyk, 8),
    ] as [(String, ImageDescription.Colour, Int)] {
      let description = try ImageFile.describe(Picture.named(name).bytes)
      #expect(description.colour == colour && description.bitDepth == depth, "\(name)")
      #expect(description.format == (name.hasSuffix("png") ? .png : .jpeg))
    }
  }

  @Test(arguments: [1, 3], [false, true])
  func pngIsLossless(channels: Int, isInterlaced: Bool) throws {
    for (width, height) in [(1, 1), (1, 40), (40, 1), (67, 31)] {
      let bitmap = testScene(width: width, height: height, channels: channels)
      let encoder = PNGEncoder(isInterlaced: isInterlaced)
      let bytes = encoder.encode(bitmap)
      #expect(bytes == encoder.encode(bitmap))
      #expect(try ImageFile.decode(bytes).bitmap == bitmap)
    }
  }

  @Test(arguments: [1, 3], [false, true])
  func jpegComesClose(channels: Int, isProgressive: Bool) throws {
    var bitmap = Bitmap(width: 70, height: 50, channels: channels)
    for y in 0..<50 {
      for x in 0..<70 { for c in 0..<channels { bitmap[x, y, c] = UInt8(2 * x + y + 20 * c) } }
    }
    var sizes: [Int] = []
    for quality in [30, 75, 95] {
      let encoder = JPEGEncoder(quality: quality, isProgressive: isProgressive)
      let bytes = encoder.encode(bitmap)
      #expect(bytes == encoder.encode(bitmap))
      let image = try ImageFile.decode(bytes)
      let error = zip(image.bitmap.pixels, bitmap.pixels).map { abs(Int($0) - Int($1)) }.max()!
      #expect(error <= (quality == 95 ? 6 : 24), "quality \(quality): \(error)")
      #expect(image.description.isLayered == isProgressive)
      sizes.append(bytes.count)
    }
    #expect(sizes == sizes.sorted() && sizes[0] < sizes[2])
  }

  /// Kinds that no Python library at hand writes.
  @Test(arguments: [false, true], [false, true])
  func adobeColoursAndArithmeticCodes(isYCCK: Bool, isArithmetic: Bool) throws {
    // Inverted samples, as Adobe stores them: 255 is no ink.
    let samples: [UInt8] = (0..<32 * 24).flatMap { _ in [200, 120, 60, 230] as [UInt8] }
    let bytes = try encodeJPEG(
      samples, 32, 24, 4, isArithmetic: isArithmetic, isYCCK: isYCCK)
    let image = try ImageFile.decode(bytes)
    #expect(image.description.colour == .cmyk && image.bitmap.channels == 3)
    for (channel, ink) in [200, 120, 60].enumerated() {
      let expected = Int((Double(ink * 230) / 255).rounded())
      #expect(abs(Int(image.bitmap[16, 12, channel]) - expected) <= 3)
    }
  }

  @Test func orientationsUndoThemselves() {
    let bitmap = testScene(width: 5, height: 3, channels: 3)
    for (orientation, inverse) in [(2, 2), (3, 3), (4, 4), (5, 5), (6, 8), (7, 7), (8, 6)] {
      let turned = bitmap.oriented(orientation)
      #expect(turned.width == (orientation >= 5 ? 3 : 5))
      #expect(turned != bitmap && turned.oriented(inverse) == bitmap, "\(orientation)")
    }
    #expect(bitmap.oriented(1) == bitmap && bitmap.oriented(0) == bitmap)
  }

  /// Gray means of the research that preceded this module, made with OpenCV; the pictures come from
  /// Debian's and Python's packages and are named by an environment variable.
  @Test(
    .enabled(
      if: ProcessInfo.processInfo.environment["PLUMB_GOLDEN_PICTURES"] != nil,
      "PLUMB_GOLDEN_PICTURES names no folder with opencv_home.jpg, …"),
    arguments: [
      ("opencv_home.jpg", 512, 384, 116.1950), ("opencv_leuvenA.jpg", 751, 563, 97.2490),
      ("lxqt_cloud.png", 2048, 1536, 118.5328), ("trig_cloudy2.jpg", 1024, 1024, 125.9995),
      ("sklearn_china.jpg", 640, 427, 144.7208),
    ])
  func goldenGrayMeans(name: String, width: Int, height: Int, mean: Double) throws {
    let folder = try #require(ProcessInfo.processInfo.environment["PLUMB_GOLDEN_PICTURES"])
    let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name)))
    let image = try ImageFile.decode(bytes)
    #expect(image.bitmap.width == width && image.bitmap.height == height)
    let gray = GrayImage.luma(image.bitmap).mean
    #expect(abs(gray - mean) < 1e-4 * mean, "\(name): \(gray)")
  }

  static let sky =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().path + "/shared/data/sky"

  @Test(
    .enabled(
      if: FileManager.default.fileExists(atPath: ImageFileTests.sky),
      "the folder ../shared/data/sky is not here"))
  func realFramesAreRead() throws {
    var count = 0
    for camera in try FileManager.default.contentsOfDirectory(atPath: Self.sky).sorted() {
      let folder = Self.sky + "/" + camera + "/frames"
      for name in try FileManager.default.contentsOfDirectory(atPath: folder).sorted().prefix(6) {
        let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name)))
        let image = try ImageFile.decode(bytes)
        #expect(image.warnings == 0 && image.bitmap.channels == 3, "\(camera)/\(name)")
        #expect((1...255).contains(GrayImage.luma(image.bitmap).mean))
        count += 1
      }
    }
    #expect(count >= 6)
  }
}

/// What the public encoder does not offer.
func encodeJPEG(
  _ samples: [UInt8], _ width: Int, _ height: Int, _ channels: Int, isArithmetic: Bool = false,
  isYCCK: Bool = false, isProgressive: Bool = false
) throws -> [UInt8] {
  var out: UnsafeMutablePointer<UInt8>?
  var count = 0
  var reason = [CChar](repeating: 0, count: 200)
  let outcome = plumb_jpeg_encode(
    samples, Int32(width), Int32(height), Int32(channels),
    plumb_jpeg_options(
      quality: 90, is_progressive: isProgressive ? 1 : 0, subsampling: 0,
      is_arithmetic: isArithmetic ? 1 : 0, is_ycck: isYCCK ? 1 : 0),
    &out, &count, &reason)
  defer { plumb_image_free(out) }
  #expect(outcome == 0)
  return [UInt8](UnsafeBufferPointer(start: try #require(out), count: count))
}
