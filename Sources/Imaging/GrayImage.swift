// One floating-point plane, on the 8-bit scale: what filters and measures work on.

/// A gray picture; 0 is black, 255 white, values in between and beyond are allowed.
public struct GrayImage: Sendable, Equatable {
  public let width: Int
  public let height: Int
  /// height × width, rows from the top.
  public var values: [Float]

  /// - Precondition: there are as many values as the sizes say.
  public init(width: Int, height: Int, values: [Float]) {
    precondition(width > 0 && height > 0, "a picture of \(width)×\(height)")
    precondition(values.count == width * height, "\(values.count) values for \(width)×\(height)")
    self.width = width
    self.height = height
    self.values = values
  }

  public init(width: Int, height: Int, filled value: Float = 0) {
    self.init(
      width: width, height: height, values: [Float](repeating: value, count: width * height))
  }

  public subscript(x: Int, y: Int) -> Float {
    get { values[y * width + x] }
    set { values[y * width + x] = newValue }
  }

  /// Luma of a bitmap as OpenCV computes it: (4899 R + 9617 G + 1868 B + 8192) ≫ 14, whole numbers
  /// 0…255; a gray bitmap stands as it is. (ITU-R BT.601 weights in fixed point.)
  public static func luma(_ bitmap: Bitmap) -> GrayImage {
    luma(bitmap, in: PixelBox(x: 0, y: 0, width: bitmap.width, height: bitmap.height))
  }

  /// Luma of the part inside a box.
  ///
  /// - Precondition: the box lies inside the picture.
  public static func luma(_ bitmap: Bitmap, in box: PixelBox) -> GrayImage {
    precondition(
      box.isInside(width: bitmap.width, height: bitmap.height),
      "\(box) outside \(bitmap.width)×\(bitmap.height)")
    let channels = bitmap.channels
    let values = [Float](unsafeUninitializedCapacity: box.width * box.height) { out, count in
      bitmap.pixels.withUnsafeBufferPointer { pixels in
        for row in 0..<box.height {
          let source = pixels.baseAddress! + ((box.y + row) * bitmap.width + box.x) * channels
          let target = out.baseAddress! + row * box.width
          if channels == 1 {
            for x in 0..<box.width { target[x] = Float(source[x]) }
          } else {
            for x in 0..<box.width {
              let red = 4899 &* Int32(source[3 &* x])
              let green = 9617 &* Int32(source[3 &* x &+ 1])
              let blue = 1868 &* Int32(source[3 &* x &+ 2])
              target[x] = Float((red &+ green &+ blue &+ 8192) >> 14)
            }
          }
        }
      }
      count = box.width * box.height
    }
    return GrayImage(width: box.width, height: box.height, values: values)
  }

  /// The part inside a box.
  ///
  /// - Precondition: the box lies inside the picture.
  public func cropped(to box: PixelBox) -> GrayImage {
    precondition(box.isInside(width: width, height: height), "\(box) outside \(width)×\(height)")
    var part: [Float] = []
    part.reserveCapacity(box.width * box.height)
    for y in box.y..<box.y + box.height {
      part += values[y * width + box.x..<y * width + box.x + box.width]
    }
    return GrayImage(width: box.width, height: box.height, values: part)
  }

  /// Rounded to nearest and clamped to 0…255.
  public var bitmap: Bitmap {
    Bitmap(
      width: width, height: height, channels: 1,
      pixels: values.map { UInt8(max(0, min(255, $0.rounded()))) })
  }

  /// Mean over all pixels, summed in double precision.
  public var mean: Double {
    values.reduce(into: 0.0) { $0 += Double($1) } / Double(values.count)
  }
}
