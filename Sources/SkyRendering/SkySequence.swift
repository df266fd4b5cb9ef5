// A fixed camera's frames, one at a time: sky behind structure, air, optics, sensor, file. A frame
// depends on the settings and on itself only, so frames may be drawn in any order and by any thread.

import Foundation
import Imaging
import Randomness

public struct SkySequence: Sendable {
  public let settings: SkySettings
  public let frames: [FrameTruth]
  public let references: [FrameTruth]
  private let landscape: Landscape
  private let sensor: CameraSensor
  private let clouds: FractalNoise

  /// - Precondition: pictures hold the marker's box with 24 pixels around it.
  public init(_ settings: SkySettings) {
    precondition(
      settings.width >= SkySettings.smallest.width
        && settings.height >= SkySettings.smallest.height,
      "frames of \(settings.width)×\(settings.height)")
    self.settings = settings
    frames = settings.plan
    references = settings.referencePlan
    landscape = Landscape(settings)
    clouds = FractalNoise(settings.random("clouds"))
    sensor = CameraSensor(settings.random("camera"))
  }

  /// The bytes of a frame's file, broken ones included.
  public func file(_ frame: FrameTruth) -> [UInt8] {
    switch frame.fault {
    case .empty: return []
    case .duplicate:
      guard let index = frames.firstIndex(of: frame), index > 0 else {
        preconditionFailure("\(frame.file) repeats a frame that is not in the plan")
      }
      return file(frames[index - 1])
    case .truncated:
      var random = settings.random(frame.stream + "/cut")
      let whole = encoded(frame)
      return Array(whole.prefix(Int(Double(whole.count) * (0.2 + 0.7 * random.uniform()))))
    case nil: return encoded(frame)
    }
  }

  private func encoded(_ frame: FrameTruth) -> [UInt8] {
    let bitmap = bitmap(frame)
    if settings.isLossless { return PNGEncoder().encode(bitmap) }
    var random = settings.random(frame.stream + "/quality")
    return JPEGEncoder(quality: 70 + random.integer(below: 26)).encode(bitmap)
  }

  /// A frame's picture; a broken frame's as it was before it broke.
  public func bitmap(_ frame: FrameTruth) -> Bitmap {
    var random = settings.random(frame.stream + "/scene")
    var scene = scene(frame, &random)
    scene = blurred(scene, frame)
    // The lens is never perfect; its kernel also carries the camera's movement.
    var optics = settings.random(frame.stream + "/optics")
    let sigma = 0.45 + 0.15 * optics.uniform()
    let shake = settings.shake
    let shift = (
      x: shake * (2 * optics.uniform() - 1), y: shake * (2 * optics.uniform() - 1)
    )
    scene = scene.map { $0.blurred(sigma: sigma, shift: shift) }
    var grain = settings.random(frame.stream + "/noise")
    return sensor.bitmap(scene, frame.light, random: &grain)
  }

  // MARK: Light

  private func scene(_ frame: FrameTruth, _ random: inout RandomStream) -> Radiance {
    let dome = SkyDome(
      type: frame.sky, light: frame.light, time: frame.time, noise: clouds, random: &random)
    let sky = dome.image(
      width: settings.width, height: settings.height, horizonLine: landscape.horizonLine)
    // From silhouette to lit from the front: which of sky and structure is brighter may change.
    let (least, most): (Double, Double) =
      switch frame.light {
      case .day, .over: (0.7, 2.4)
      case .dull, .fog: (0.6, 1.6)
      case .dusk, .night: (0.15, 0.7)
      }
    let gain = Float(sky.level * least * pow(most / least, random.uniform()))
    let tilt = (Float(0.7 * random.uniform() - 0.35), Float(0.7 * random.uniform() - 0.35))
    let light = frame.light == .dusk ? Colour(1.0, 0.85, 0.75) : Colour(1, 1, 0.98)
    let structure = landscape.structure
    var out = sky
    for y in 0..<settings.height {
      let down = 2 * Float(y) / Float(settings.height) - 1
      for x in 0..<settings.width {
        let index = y * settings.width + x
        let covered = structure.coverage.values[index]
        if covered == 0 { continue }
        let across = 2 * Float(x) / Float(settings.width) - 1
        let lit =
          gain * landscape.grain.values[index] * max(0.3, 1 + tilt.0 * across + tilt.1 * down)
        let rest = 1 - covered
        out.red.values[index] =
          rest * sky.red.values[index] + lit * light.red * structure.albedo.red.values[index]
        out.green.values[index] =
          rest * sky.green.values[index] + lit * light.green * structure.albedo.green.values[index]
        out.blue.values[index] =
          rest * sky.blue.values[index] + lit * light.blue * structure.albedo.blue.values[index]
      }
    }
    let haze =
      frame.light == .fog ? 0.6 + 0.25 * random.uniform() : 0.1 * random.uniform()
    let level = Float(sky.level)
    return out.veiled(Colour(0.98 * level, level, 1.03 * level), Float(haze))
  }

  private func blurred(_ scene: Radiance, _ frame: FrameTruth) -> Radiance {
    var random = settings.random(frame.stream + "/blur")
    let scale = Double(settings.markerSide) / 128
    switch frame.blur {
    case .none: return scene
    case .gauss: return scene.map { $0.blurred(sigma: frame.sigma) }
    case .disc:
      let spread = PointSpread.disc(radius: 2 * frame.sigma)
      return scene.map { spread.applied(to: $0) }
    case .motion:
      let spread = PointSpread.motion(
        length: 12.0.squareRoot() * frame.sigma, angle: .pi * random.uniform())
      return scene.map { spread.applied(to: $0) }
    case .condens:
      let level = Float(scene.level)
      return scene.condensed(sigma: frame.sigma, halo: 20 * scale)
        .veiled(Colour(level, level, level), 0.25)
    case .drop:
      let box =
        settings.markerBox
        ?? PixelBox(x: settings.width / 3, y: settings.height / 4, width: 96, height: 96)
      let side = Double(box.width)
      return scene.withDrop(
        at: (
          x: Double(box.x) + side * (0.4 + 0.2 * random.uniform()),
          y: Double(box.y) + side * (0.4 + 0.2 * random.uniform())
        ), radius: side * (0.55 + 0.15 * random.uniform()), defocus: 9 * scale)
    }
  }
}
