// Pictures for people: a frame made small with its markers, and the map of σ̂ over a marker.

import Foundation
import Imaging

public enum BlurPicture {
  public struct Colour: Sendable, Equatable {
    public let red: UInt8
    public let green: UInt8
    public let blue: UInt8

    public init(_ red: UInt8, _ green: UInt8, _ blue: UInt8) {
      self.red = red
      self.green = green
      self.blue = blue
    }

    public static let marker = Colour(255, 200, 0)
  }

  /// The frame at most `width` pixels wide, boxes drawn in.
  public static func thumbnail(
    _ bitmap: Bitmap, width: Int, boxes: [PixelBox], colour: Colour = .marker
  ) -> Bitmap {
    var small = reduced(bitmap.rgb, width: width)
    let scale = Double(small.width) / Double(bitmap.width)
    for box in boxes {
      let left = Int(Double(box.x) * scale)
      let top = Int(Double(box.y) * scale)
      let right = Int(Double(box.x + box.width) * scale) - 1
      let bottom = Int(Double(box.y + box.height) * scale) - 1
      outline(&small, left, top, right, bottom, colour)
    }
    return small
  }

  /// A file's picture drawn anew as JPEG; nil for a file that is none, or of another size.
  public static func redrawn(
    _ bytes: [UInt8], size: (width: Int, height: Int)? = nil, quality: Int = 82,
    draw: (Bitmap) -> Bitmap
  ) -> [UInt8]? {
    do {
      let bitmap = try ImageFile.decode(bytes).bitmap
      if let size, bitmap.width != size.width || bitmap.height != size.height { return nil }
      return JPEGEncoder(quality: quality).encode(draw(bitmap))
    } catch {
      return nil
    }
  }

  /// The frame with its marker boxes beside the marker with the extra blur of its cells: green none,
  /// yellow 1 px, red 3 px and more; cells that cannot be used are grey.
  public static func overlay(
    _ bitmap: Bitmap, camera: CameraReference, measures: [MarkerMeasures], marker: Int,
    height: Int = 256
  ) -> Bitmap {
    let width = max(1, bitmap.width * height / max(1, bitmap.height))
    let left = thumbnail(bitmap, width: min(width, bitmap.width), boxes: camera.markers.map(\.box))
    let reference = camera.markers[marker]
    var map = bitmap.rgb.cropped(to: reference.box)
    if measures.indices.contains(marker) {
      let tiles = measures[marker].blur?.tiles ?? []
      for (index, corner) in reference.tiles.corners.enumerated() {
        let tile = tiles.indices.contains(index) ? tiles[index] : nil
        let colour = tile.map { self.colour(sigma: $0.sigma) } ?? Colour(128, 128, 128)
        tint(&map, corner.x, corner.y, EdgeTiles.side, colour)
      }
    }
    let scale = max(1, left.height / max(1, map.height))
    return beside(left, enlarged(map, by: scale))
  }

  /// Green to yellow to red over ln σ from 0.35 to 3.
  static func colour(sigma: Double) -> Colour {
    let place = max(0, min(1, log(sigma / 0.35) / log(3 / 0.35)))
    let red = place < 0.5 ? 2 * place : 1
    let green = place < 0.5 ? 1 : 2 - 2 * place
    return Colour(UInt8(40 + 215 * red), UInt8(40 + 170 * green), 40)
  }

  /// Means over the pixels that fall on one.
  static func reduced(_ bitmap: Bitmap, width: Int) -> Bitmap {
    guard bitmap.width > width, width > 0 else { return bitmap }
    let height = max(1, (bitmap.height * width + bitmap.width / 2) / bitmap.width)
    var pixels = [UInt8](repeating: 0, count: width * height * 3)
    bitmap.pixels.withUnsafeBufferPointer { source in
      for y in 0..<height {
        let top = y * bitmap.height / height
        let bottom = max(top + 1, (y + 1) * bitmap.height / height)
        for x in 0..<width {
          let left = x * bitmap.width / width
          let right = max(left + 1, (x + 1) * bitmap.width / width)
          var sums = (0, 0, 0)
          for row in top..<bottom {
            for column in left..<right {
              let place = (row * bitmap.width + column) * 3
              sums.0 += Int(source[place])
              sums.1 += Int(source[place + 1])
              sums.2 += Int(source[place + 2])
            }
          }
          let count = (bottom - top) * (right - left)
          let place = (y * width + x) * 3
          pixels[place] = UInt8(sums.0 / count)
          pixels[place + 1] = UInt8(sums.1 / count)
          pixels[place + 2] = UInt8(sums.2 / count)
        }
      }
    }
    return Bitmap(width: width, height: height, channels: 3, pixels: pixels)
  }

  private static func outline(
    _ bitmap: inout Bitmap, _ left: Int, _ top: Int, _ right: Int, _ bottom: Int, _ colour: Colour
  ) {
    func dot(_ x: Int, _ y: Int) {
      guard x >= 0, y >= 0, x < bitmap.width, y < bitmap.height else { return }
      bitmap[x, y, 0] = colour.red
      bitmap[x, y, 1] = colour.green
      bitmap[x, y, 2] = colour.blue
    }
    for x in stride(from: left, through: right, by: 1) {
      dot(x, top)
      dot(x, bottom)
    }
    for y in stride(from: top, through: bottom, by: 1) {
      dot(left, y)
      dot(right, y)
    }
  }

  private static func tint(
    _ bitmap: inout Bitmap, _ x: Int, _ y: Int, _ side: Int, _ colour: Colour
  ) {
    for row in y..<min(y + side, bitmap.height) {
      for column in x..<min(x + side, bitmap.width) {
        for (channel, value) in [colour.red, colour.green, colour.blue].enumerated() {
          let old = Int(bitmap[column, row, channel])
          bitmap[column, row, channel] = UInt8((old * 55 + Int(value) * 45) / 100)
        }
      }
    }
  }

  private static func enlarged(_ bitmap: Bitmap, by scale: Int) -> Bitmap {
    guard scale > 1 else { return bitmap }
    var result = Bitmap(width: bitmap.width * scale, height: bitmap.height * scale, channels: 3)
    for y in 0..<result.height {
      for x in 0..<result.width {
        for channel in 0..<3 { result[x, y, channel] = bitmap[x / scale, y / scale, channel] }
      }
    }
    return result
  }

  private static func beside(_ left: Bitmap, _ right: Bitmap) -> Bitmap {
    let gap = 6
    var result = Bitmap(
      width: left.width + gap + right.width, height: max(left.height, right.height), channels: 3,
      filled: 255)
    for (bitmap, at) in [(left, 0), (right, left.width + gap)] {
      for y in 0..<bitmap.height {
        for x in 0..<bitmap.width {
          for channel in 0..<3 { result[at + x, y, channel] = bitmap[x, y, channel] }
        }
      }
    }
    return result
  }
}
