// Where the marker is, and the part of a frame that is looked at for it.

import Imaging

/// Smaller markers hold too few edges to measure blurs of some pixels.
public let leastMarkerSide = 48

/// The box and what lies around it, as far as the image goes: kernels and shifts reach there.
struct MarkerWindow: Sendable, Equatable {
  static let padding = 24

  let box: PixelBox
  /// Place in the image.
  let x: Int
  let y: Int
  let width: Int
  let height: Int

  /// - Precondition: the box fits in the image.
  init(_ box: PixelBox, imageWidth: Int, imageHeight: Int) {
    precondition(
      box.isInside(width: imageWidth, height: imageHeight),
      "the box \(box) does not lie in an image of \(imageWidth)×\(imageHeight)")
    self.box = box
    let part = box.padded(by: Self.padding, width: imageWidth, height: imageHeight)
    x = part.x
    y = part.y
    width = part.width
    height = part.height
  }

  /// The box within the window.
  var boxX: Int { box.x - x }
  var boxY: Int { box.y - y }

  var part: PixelBox { PixelBox(x: x, y: y, width: width, height: height) }

  func cut(_ image: GrayImage) -> GrayImage {
    image.cropped(to: part)
  }
}
