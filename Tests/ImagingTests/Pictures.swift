// The fixture pictures.json: files of every kind with their pixels (fixtures/make_pictures.py).

import Foundation
import Imaging
import Testing

struct Picture: Decodable, CustomTestStringConvertible {
  let name: String
  let file: Data
  let width: Int
  let height: Int
  let channels: Int
  let pixels: Data
  let layered: Bool
  let orientation: Int?

  var bytes: [UInt8] { [UInt8](file) }
  var bitmap: Bitmap {
    Bitmap(width: width, height: height, channels: channels, pixels: [UInt8](pixels))
  }
  var testDescription: String { name }

  static let all: [Picture] = {
    let path =
      URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/fixtures/pictures.json"
    let data = try! Data(contentsOf: URL(fileURLWithPath: path))
    return try! JSONDecoder().decode([Picture].self, from: data)
  }()

  static func named(_ name: String) -> Picture { all.first { $0.name == name }! }
}

/// The same numbers in every run (splitmix64).
struct Dice: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var word = state
    word = (word ^ word >> 30) &* 0xbf58_476d_1ce4_e5b9
    word = (word ^ word >> 27) &* 0x94d0_49bb_1331_11eb
    return word ^ word >> 31
  }
}

/// A picture with ramps, edges and grain.
func testScene(width: Int, height: Int, channels: Int) -> Bitmap {
  var dice = Dice(state: 7)
  var bitmap = Bitmap(width: width, height: height, channels: channels)
  for y in 0..<height {
    for x in 0..<width {
      for channel in 0..<channels {
        let base = 40 + 120 * x / max(1, width) + (x + y * (channel + 1)) / 9 % 2 * 50
        bitmap[x, y, channel] = UInt8(base + Int.random(in: 0..<8, using: &dice))
      }
    }
  }
  return bitmap
}
