// Linear light in three planes, on a scale where a bright cloud is about 1.

import Imaging

struct Colour: Sendable {
  var red: Float
  var green: Float
  var blue: Float

  init(_ red: Float, _ green: Float, _ blue: Float) {
    self.red = red
    self.green = green
    self.blue = blue
  }

  static func * (colour: Colour, factor: Float) -> Colour {
    Colour(colour.red * factor, colour.green * factor, colour.blue * factor)
  }

  static func + (a: Colour, b: Colour) -> Colour {
    Colour(a.red + b.red, a.green + b.green, a.blue + b.blue)
  }

  func mixed(_ other: Colour, _ share: Float) -> Colour { self * (1 - share) + other * share }
}

struct Radiance: Sendable {
  var red: GrayImage
  var green: GrayImage
  var blue: GrayImage

  var width: Int { red.width }
  var height: Int { red.height }

  init(width: Int, height: Int) {
    red = GrayImage(width: width, height: height)
    green = red
    blue = red
  }

  init(_ red: GrayImage, _ green: GrayImage, _ blue: GrayImage) {
    self.red = red
    self.green = green
    self.blue = blue
  }

  func map(_ body: (GrayImage) -> GrayImage) -> Radiance {
    Radiance(body(red), body(green), body(blue))
  }

  /// Each pixel mixed with a colour of the air.
  func veiled(_ air: Colour, _ share: Float) -> Radiance {
    func mix(_ plane: GrayImage, _ value: Float) -> GrayImage {
      var plane = plane
      for index in plane.values.indices {
        plane.values[index] = plane.values[index] * (1 - share) + value * share
      }
      return plane
    }
    return Radiance(mix(red, air.red), mix(green, air.green), mix(blue, air.blue))
  }

  /// Mean of the brightness, the sun's disc counted as a bright cloud.
  var level: Double {
    var sum = 0.0
    for index in red.values.indices {
      let y = 0.299 * red.values[index] + 0.587 * green.values[index] + 0.114 * blue.values[index]
      sum += Double(min(y, 1.2))
    }
    return sum / Double(red.values.count)
  }
}
