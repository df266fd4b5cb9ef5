// The eight ways a camera may have been held (EXIF tag 0x0112), undone.

extension Bitmap {
  /// The picture upright.
  ///
  /// - Parameter orientation: EXIF's number: 1 as it is, 2 mirrored, 3 upside down, 4 both, 5
  ///   transposed, 6 to be turned clockwise, 7 transversed, 8 to be turned counter-clockwise.
  public func oriented(_ orientation: Int) -> Bitmap {
    guard (2...8).contains(orientation) else { return self }
    let exchanges = orientation >= 5
    let outWidth = exchanges ? height : width
    let outHeight = exchanges ? width : height
    // Index of the source pixel = start + x · stepX + y · stepY.
    let (w, h) = (width, height)
    let (start, stepX, stepY) =
      switch orientation {
      case 2: (w - 1, -1, w)
      case 3: (w * h - 1, -1, -w)
      case 4: (w * (h - 1), 1, -w)
      case 5: (0, w, 1)
      case 6: (w * (h - 1), -w, 1)
      case 7: (w * h - 1, -w, -1)
      default: (w - 1, w, -1)
      }
    var out = [UInt8](repeating: 0, count: pixels.count)
    var target = 0
    for y in 0..<outHeight {
      for x in 0..<outWidth {
        let source = (start + x * stepX + y * stepY) * channels
        for channel in 0..<channels { out[target + channel] = pixels[source + channel] }
        target += channels
      }
    }
    return Bitmap(width: outWidth, height: outHeight, channels: channels, pixels: out)
  }
}
