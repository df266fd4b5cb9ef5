// Bitmaps to PNG and JPEG bytes. Equal pixels and settings give equal bytes under one version of
// libpng, zlib and libjpeg-turbo; no time, name or comment is written.

import CImageCodecs

/// Lossless files.
public struct PNGEncoder: Sendable {
  /// zlib's level, 0…9.
  public var level: Int
  public var isInterlaced: Bool

  public init(level: Int = 6, isInterlaced: Bool = false) {
    precondition((0...9).contains(level), "a compression level of \(level)")
    self.level = level
    self.isInterlaced = isInterlaced
  }

  public func encode(_ bitmap: Bitmap) -> [UInt8] {
    encoded { out, count, reason in
      plumb_png_encode(
        bitmap.pixels, Int32(bitmap.width), Int32(bitmap.height), Int32(bitmap.channels),
        Int32(level), isInterlaced ? 1 : 0, &out, &count, reason)
    }
  }
}

/// Lossy files, as cameras write them.
public struct JPEGEncoder: Sendable {
  /// How coarsely colour is sampled, in pixels across × down.
  public enum Subsampling: Int32, Sendable {
    case none = 0
    case half = 1
    case quarter = 2
  }

  /// 1…100, libjpeg's scale.
  public var quality: Int
  public var isProgressive: Bool
  public var subsampling: Subsampling

  public init(
    quality: Int = 90, isProgressive: Bool = false, subsampling: Subsampling = .quarter
  ) {
    precondition((1...100).contains(quality), "a JPEG quality of \(quality)")
    self.quality = quality
    self.isProgressive = isProgressive
    self.subsampling = subsampling
  }

  /// - Precondition: no side is longer than 65,500 pixels, the format's end.
  public func encode(_ bitmap: Bitmap) -> [UInt8] {
    encoded { out, count, reason in
      plumb_jpeg_encode(
        bitmap.pixels, Int32(bitmap.width), Int32(bitmap.height), Int32(bitmap.channels),
        plumb_jpeg_options(
          quality: Int32(quality), is_progressive: isProgressive ? 1 : 0,
          subsampling: subsampling.rawValue, is_arithmetic: 0, is_ycck: 0),
        &out, &count, reason)
    }
  }
}

private func encoded(
  _ body: (inout UnsafeMutablePointer<UInt8>?, inout Int, UnsafeMutablePointer<CChar>) -> Int32
) -> [UInt8] {
  var out: UnsafeMutablePointer<UInt8>?
  var count = 0
  var reason = [CChar](repeating: 0, count: 200)
  let outcome = reason.withUnsafeMutableBufferPointer { body(&out, &count, $0.baseAddress!) }
  defer { plumb_image_free(out) }
  guard outcome == Int32(PLUMB_IMAGE_OK.rawValue), let out else {
    let words = String(
      decoding: reason.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    preconditionFailure("a bitmap could not be encoded: \(words)")
  }
  return [UInt8](UnsafeBufferPointer(start: out, count: count))
}
