// Pixels as files hold them: 8 bits a sample, gray or RGB, rows from the top.

/// An 8-bit picture.
public struct Bitmap: Sendable, Equatable {
  public let width: Int
  public let height: Int
  /// 1 (gray) or 3 (red, green, blue, in this order).
  public let channels: Int
  /// height × width × channels, rows from the top.
  public var pixels: [UInt8]

  /// - Precondition: there are as many samples as the sizes say.
  public init(width: Int, height: Int, channels: Int, pixels: [UInt8]) {
    precondition(
      width > 0 && height > 0 && (channels == 1 || channels == 3),
      "a bitmap of \(width)×\(height) with \(channels) channels")
    precondition(
      pixels.count == width * height * channels,
      "\(pixels.count) samples for \(width)×\(height)×\(channels)")
    self.width = width
    self.height = height
    self.channels = channels
    self.pixels = pixels
  }

  /// One value everywhere.
  public init(width: Int, height: Int, channels: Int, filled value: UInt8 = 0) {
    self.init(
      width: width, height: height, channels: channels,
      pixels: [UInt8](repeating: value, count: width * height * channels))
  }

  /// A sample.
  public subscript(x: Int, y: Int, channel: Int) -> UInt8 {
    get { pixels[(y * width + x) * channels + channel] }
    set { pixels[(y * width + x) * channels + channel] = newValue }
  }

  /// The part inside a box.
  ///
  /// - Precondition: the box lies inside the picture.
  public func cropped(to box: PixelBox) -> Bitmap {
    precondition(box.isInside(width: width, height: height), "\(box) outside \(width)×\(height)")
    var part: [UInt8] = []
    part.reserveCapacity(box.width * box.height * channels)
    for y in box.y..<box.y + box.height {
      let start = (y * width + box.x) * channels
      part += pixels[start..<start + box.width * channels]
    }
    return Bitmap(width: box.width, height: box.height, channels: channels, pixels: part)
  }

  /// Three channels, equal ones for a gray picture.
  public var rgb: Bitmap {
    guard channels == 1 else { return self }
    var samples = [UInt8](repeating: 0, count: 3 * pixels.count)
    for (index, value) in pixels.enumerated() {
      samples[3 * index] = value
      samples[3 * index + 1] = value
      samples[3 * index + 2] = value
    }
    return Bitmap(width: width, height: height, channels: 3, pixels: samples)
  }

  /// How many rows at the bottom are all of one value: many in a frame whose transfer broke off and
  /// whose file was filled up.
  public var constantBottomRows: Int {
    guard let last = pixels.last else { return 0 }
    if channels == 1 {
      let tail = pixels.reversed().prefix { $0 == last }.count
      return tail / width
    }
    let pixel = Array(pixels.suffix(channels))
    var count = 0
    var at = pixels.count - channels
    while at >= 0, pixels[at] == pixel[0], pixels[at + 1] == pixel[1], pixels[at + 2] == pixel[2] {
      count += 1
      at -= channels
    }
    return count / width
  }
}

/// A rectangle of whole pixels; x and y are those of its upper left one.
public struct PixelBox: Sendable, Hashable, CustomStringConvertible {
  public var x: Int
  public var y: Int
  public var width: Int
  public var height: Int

  public init(x: Int, y: Int, width: Int, height: Int) {
    self.x = x
    self.y = y
    self.width = width
    self.height = height
  }

  public func isInside(width: Int, height: Int) -> Bool {
    x >= 0 && y >= 0 && self.width > 0 && self.height > 0
      && x <= width - self.width && y <= height - self.height
  }

  /// Wider by `margin` on each side, cut at the border of a picture.
  public func padded(by margin: Int, width: Int, height: Int) -> PixelBox {
    let left = max(0, x - margin)
    let top = max(0, y - margin)
    return PixelBox(
      x: left, y: top, width: min(width, x + self.width + margin) - left,
      height: min(height, y + self.height + margin) - top)
  }

  public var description: String { "\(width)×\(height) at \(x), \(y)" }
}
