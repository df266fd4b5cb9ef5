// From linear light to bytes: exposure, shot and read noise, a tone curve of the camera's own,
// sharpening, 8 bits.

import Foundation
import Imaging
import Randomness

/// One camera's way to turn light into numbers.
struct CameraSensor: Sendable {
  private let exponent: Double
  private let contrast: Double
  private let sharpening: Float
  /// Tone curve at 0, 1/4095, … 1.
  private let curve: [Float]

  init(_ random: RandomStream) {
    var random = random
    exponent = (0.85 + 0.3 * random.uniform()) / 2.2
    contrast = 0.3 * random.uniform()
    sharpening = Float(0.8 * random.uniform())
    let (exponent, contrast) = (exponent, contrast)
    curve = (0...4095).map { step in
      let value = pow(Double(step) / 4095, exponent)
      return Float(255 * ((1 - contrast) * value + contrast * value * value * (3 - 2 * value)))
    }
  }

  /// Mean of the picture in linear light, 1 being full scale.
  private func aim(_ light: LightType) -> Double {
    switch light {
    case .day: 0.25
    case .dull: 0.21
    case .dusk: 0.11
    case .fog: 0.28
    case .night: 0.0006
    case .over: 3.5
    }
  }

  /// Standard deviation of noise in grey levels at a fifth of full scale.
  private func noise(_ light: LightType) -> Double {
    switch light {
    case .day, .over: 1.0
    case .fog: 1.2
    case .dull: 1.5
    case .dusk: 4.9
    case .night: 5.5
    }
  }

  func bitmap(_ light: Radiance, _ type: LightType, random: inout RandomStream) -> Bitmap {
    // Automatic exposure is off by up to 0.7 stops.
    let stops = type == .over ? 0.5 * random.uniform() : 1.4 * random.uniform() - 0.7
    let gain = Float(aim(type) / max(1e-6, light.level) * pow(2, stops))
    let slope = 255 * exponent * pow(0.2, exponent - 1)
    // Variance proportional to light (shot) with a floor (read).
    let spread = Float(noise(type) / slope / 0.2.squareRoot())
    var planes: [GrayImage] = []
    for plane in [light.red, light.green, light.blue] {
      var out = plane
      for index in out.values.indices {
        let exposed = max(0, gain * plane.values[index])
        let deviate = Float(random.normal())
        out.values[index] = toned(exposed + deviate * spread * (exposed + 0.0005).squareRoot())
      }
      planes.append(out)
    }
    if sharpening > 0.05 {
      planes = planes.map { plane in
        let soft = plane.blurred(sigma: 0.9)
        var out = plane
        for index in out.values.indices {
          out.values[index] += sharpening * (plane.values[index] - soft.values[index])
        }
        return out
      }
    }
    var bitmap = Bitmap(width: light.width, height: light.height, channels: 3)
    for (channel, plane) in planes.enumerated() {
      for (index, value) in plane.values.enumerated() {
        bitmap.pixels[3 * index + channel] = UInt8(max(0, min(255, value.rounded())))
      }
    }
    return bitmap
  }

  private func toned(_ value: Float) -> Float {
    let place = max(0, min(1, value)) * 4095
    let low = min(4094, Int(place))
    let share = place - Float(low)
    return curve[low] + share * (curve[low + 1] - curve[low])
  }
}
