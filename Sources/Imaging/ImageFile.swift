// PNG and JPEG files to bitmaps. The work is done in CImageCodecs; here are limits, orientation and
// the words for what is wrong.

import CImageCodecs

/// What a header says.
public struct ImageDescription: Sendable, Hashable {
  public enum Format: String, Sendable { case png, jpeg }
  public enum Colour: Int, Sendable { case gray, grayAlpha, rgb, rgba, palette, cmyk }

  public let format: Format
  /// As shown, after the orientation is applied.
  public let width: Int
  public let height: Int
  /// After decoding: 1 or 3.
  public let channels: Int
  /// As stored.
  public let colour: Colour
  /// Bits of a sample as stored.
  public let bitDepth: Int
  /// EXIF, 1…8; 5…8 exchange width and height.
  public let orientation: Int
  /// A progressive JPEG or an interlaced PNG.
  public let isLayered: Bool
}

/// A file's pixels.
public struct DecodedImage: Sendable, Equatable {
  /// With the EXIF orientation applied: the upper row is up.
  public let bitmap: Bitmap
  public let description: ImageDescription
  /// How many harmless oddities the library met (unknown profiles, stray bytes between segments).
  public let warnings: Int
  /// The first of them, empty without any.
  public let firstWarning: String
}

/// Reads PNG (all colour types, 1–16 bit, interlaced) and JPEG (baseline, progressive, arithmetic;
/// gray, colour, CMYK and YCCK by Adobe's convention).
///
/// 16-bit samples are scaled to 8 with rounding; transparency is composited over black, which is what
/// a mask around a sky means; colour profiles and gamma are left alone. JPEG goes through the
/// accurate integer DCT and smooth chroma upsampling.
public enum ImageFile {
  /// Reads the header only.
  ///
  /// **Throws**: `ImageDefect`.
  public static func describe(
    _ bytes: [UInt8], limits: ImageLimits = ImageLimits()
  ) throws(ImageDefect) -> ImageDescription {
    guard !bytes.isEmpty else { throw .empty }
    var info = plumb_image_info()
    let outcome = bytes.withUnsafeBufferPointer {
      plumb_image_describe($0.baseAddress, $0.count, limits.native, &info)
    }
    try check(outcome, info)
    return ImageDescription(info)
  }

  /// Reads everything. A picture with part of its rows missing is a defect, not a picture.
  ///
  /// **Throws**: `ImageDefect`.
  public static func decode(
    _ bytes: [UInt8], limits: ImageLimits = ImageLimits()
  ) throws(ImageDefect) -> DecodedImage {
    let description = try describe(bytes, limits: limits)
    let isTurned = description.orientation >= 5
    let width = isTurned ? description.height : description.width
    let height = isTurned ? description.width : description.height
    let capacity = width * height * description.channels
    var info = plumb_image_info()
    var outcome: Int32 = 0
    let pixels = [UInt8](unsafeUninitializedCapacity: capacity) { out, count in
      // Rows that are never reached must not show what was in memory before.
      out.initialize(repeating: 0)
      outcome = bytes.withUnsafeBufferPointer {
        plumb_image_decode(
          $0.baseAddress, $0.count, limits.native, out.baseAddress, capacity, &info)
      }
      count = capacity
    }
    try check(outcome, info)
    let stored = Bitmap(
      width: width, height: height, channels: description.channels, pixels: pixels)
    return DecodedImage(
      bitmap: stored.oriented(description.orientation), description: description,
      warnings: Int(info.warnings), firstWarning: info.reasonText)
  }

  private static func check(_ outcome: Int32, _ info: plumb_image_info) throws(ImageDefect) {
    switch UInt32(bitPattern: outcome) {
    case PLUMB_IMAGE_OK.rawValue: return
    case PLUMB_IMAGE_TRUNCATED.rawValue: throw .truncated(reason: info.reasonText)
    case PLUMB_IMAGE_TOO_LARGE.rawValue:
      throw .tooLarge(width: Int(info.width), height: Int(info.height))
    case PLUMB_IMAGE_UNSUPPORTED.rawValue: throw .unsupported(reason: info.reasonText)
    case PLUMB_IMAGE_MEMORY.rawValue: preconditionFailure("no memory for a picture")
    default: throw .undecodable(reason: info.reasonText)
    }
  }
}

extension ImageLimits {
  fileprivate var native: plumb_image_limits {
    plumb_image_limits(pixels: Int64(pixels), side: Int32(clamping: side))
  }
}

extension ImageDescription {
  fileprivate init(_ info: plumb_image_info) {
    let isTurned = info.orientation >= 5
    format = info.format == Int32(PLUMB_FORMAT_PNG.rawValue) ? .png : .jpeg
    width = Int(isTurned ? info.height : info.width)
    height = Int(isTurned ? info.width : info.height)
    channels = Int(info.channels)
    colour = Colour(rawValue: Int(info.colour)) ?? .rgb
    bitDepth = Int(info.bit_depth)
    orientation = Int(info.orientation)
    isLayered = info.is_layered != 0
  }
}

extension plumb_image_info {
  fileprivate var reasonText: String {
    withUnsafeBytes(of: reason) { raw in
      String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
    }
  }
}
