// The sky of one frame: a gradient, the sun with its glow, and clouds on a plane above the camera.

import Foundation
import Imaging
import Randomness

struct SkyDome {
  let type: SkyType
  let light: LightType
  private let noise: FractalNoise
  private let sun: (x: Float, y: Float, z: Float)
  private let drift: (Float, Float)
  private let cover: Float
  private let darkness: Float
  private let zenith: Colour
  private let horizon: Colour

  /// - Parameter time: 0…1 over the sequence.
  init(
    type: SkyType, light: LightType, time: Double, noise: FractalNoise, random: inout RandomStream
  ) {
    self.type = type
    self.light = light
    self.noise = noise
    // Another part of the plane for each frame, farther than clouds drift in between.
    drift = (Float(40 * time + 180 * random.uniform()), Float(8 * time + 180 * random.uniform()))
    cover = Float(random.uniform())
    darkness = Float(random.uniform())
    let low = light == .dusk || light == .night
    let azimuth = Float(-0.9 + 1.8 * random.uniform())
    let height = Float(low ? 0.04 + 0.06 * random.uniform() : 0.4 + 0.7 * random.uniform())
    sun = (sin(azimuth) * cos(height), sin(height), cos(azimuth) * cos(height))
    switch light {
    case .dusk, .night:
      zenith = Colour(0.10, 0.13, 0.27)
      horizon = Colour(0.95, 0.56, 0.32)
    case .dull, .fog:
      zenith = Colour(0.34, 0.39, 0.46)
      horizon = Colour(0.60, 0.63, 0.66)
    case .day, .over:
      zenith = Colour(0.09, 0.23, 0.58)
      horizon = Colour(0.62, 0.76, 0.90)
    }
  }

  /// Seen by a camera without distortion that looks up just so far that the horizon has its row.
  ///
  /// - Parameter horizonLine: the row at which elevation is 0, below the middle.
  func image(width: Int, height: Int, horizonLine: Float) -> Radiance {
    var out = Radiance(width: width, height: height)
    let focal = 0.75 * Float(height)
    let below = horizonLine - Float(height) / 2
    let length = (focal * focal + below * below).squareRoot()
    let (up, ahead) = (below / length, focal / length)
    for y in 0..<height {
      let down = Float(y) + 0.5 - Float(height) / 2
      for x in 0..<width {
        let across = Float(x) + 0.5 - Float(width) / 2
        let distance = (across * across + down * down + focal * focal).squareRoot()
        let rise = (focal * up - down * ahead) / distance
        let ray = (
          x: across / distance, y: max(0.02, rise), z: (focal * ahead + down * up) / distance
        )
        let colour = colour(ray, spread: 1 / distance)
        let index = y * width + x
        out.red.values[index] = colour.red
        out.green.values[index] = colour.green
        out.blue.values[index] = colour.blue
      }
    }
    return out
  }

  private func colour(_ ray: (x: Float, y: Float, z: Float), spread: Float) -> Colour {
    let toSun = ray.x * sun.x + ray.y * sun.y + ray.z * sun.z
    // Thicker air towards the horizon.
    let air = 1 - ray.y
    var base = zenith.mixed(horizon, air * air * air)
    if light == .dusk || light == .night {
      // Warm only around where the sun went down.
      let side = max(0, toSun)
      base = zenith.mixed(Colour(0.45, 0.42, 0.50), air * air * 0.8)
        .mixed(horizon, air * air * air * air * side)
    }
    let near = max(0, toSun)
    let glow = pow(near, 24) * 0.25 + pow(near, 350) * 1.4
    let warm = light == .dusk ? Colour(1, 0.62, 0.32) : Colour(1, 0.97, 0.90)
    let disc = smoothStep(0.99935, 0.99965, toSun) * 30
    let isHidden = light == .dull || light == .fog
    let strength: Float = isHidden ? 0.2 : light == .night ? 0 : 1
    var sky = base + warm * (glow * strength)
    let (density, lit) = clouds(ray, spread)
    if density < 0.98, !isHidden { sky = sky + warm * (disc * strength * (1 - density)) }
    if density > 0 {
      let bright: Colour
      let shade: Colour
      switch light {
      case .dusk, .night:
        bright = Colour(0.55, 0.40, 0.38) + warm * (0.55 * near * near)
        shade = Colour(0.17, 0.17, 0.24)
      case .dull, .fog:
        bright = Colour(0.72, 0.73, 0.75)
        shade = Colour(0.36, 0.38, 0.42)
      case .day, .over:
        bright = Colour(1.02, 1.0, 0.97) + warm * (0.35 * pow(near, 12))
        shade = Colour(0.40, 0.44, 0.52)
      }
      // Distance turns clouds into air.
      let cloud = shade.mixed(bright, lit).mixed(base, air * air * air * 0.6)
      sky = sky.mixed(cloud, density)
    }
    return sky
  }

  /// How much of the sky a cloud hides, and how much of its light comes through to us.
  private func clouds(
    _ ray: (x: Float, y: Float, z: Float), _ spread: Float
  ) -> (density: Float, lit: Float) {
    let distance = 1 / (ray.y + 0.12)
    let u = ray.x * distance
    let v = ray.z * distance
    let footprint = spread * distance * distance
    func field(_ u: Float, _ v: Float, _ count: Int) -> Float {
      switch type {
      case .clear:
        // A few streaks of ice, drawn out by the wind.
        return noise.octaves(
          u * 0.5 + v * 0.3 + drift.0, (v - u * 0.4) * 2.4 + drift.1, count: count, gain: 0.55,
          footprint: 2 * footprint)
      case .cumulus:
        let warp = noise.value(u * 0.9 + drift.1, v * 0.9 + drift.0) * 0.5
        return noise.octaves(
          u * 1.3 + warp + drift.0, v * 1.3 - warp + drift.1, count: count, gain: 0.52,
          footprint: 1.3 * footprint)
      case .stratus:
        return noise.octaves(
          u * 0.6 + drift.0, v * 1.1 + drift.1, count: count, gain: 0.45, footprint: footprint)
      case .soft:
        return noise.octaves(
          u * 0.8 + drift.0, v * 0.8 + drift.1, count: min(count, 2), gain: 0.35,
          footprint: footprint)
      }
    }
    let value = field(u, v, 6)
    switch type {
    case .clear:
      let start = 0.62 + 0.2 * cover
      return (0.35 * smoothStep(start, start + 0.3, value), 1)
    case .cumulus:
      let start = 0.42 + 0.14 * cover
      let density = smoothStep(start, start + 0.07, value)
      guard density > 0 else { return (0, 1) }
      // Thick clouds are dark below; their side towards the sun is bright.
      let towards = field(u + 0.10 * sun.x, v + 0.10 * (sun.z - 0.4), 4)
      let thick = smoothStep(start, start + 0.34, value)
      let lit = 1 - (0.35 + 0.4 * darkness) * thick + 1.6 * (value - towards)
      return (density, max(0.05, min(1, lit)))
    case .stratus:
      return (0.97, max(0, min(1, 0.2 + 0.3 * darkness + 1.2 * (value - 0.3))))
    case .soft:
      let density = smoothStep(0.30 + 0.1 * cover, 0.72, value)
      return (0.9 * density, 1 - 0.45 * density * (0.4 + 0.6 * darkness))
    }
  }
}
