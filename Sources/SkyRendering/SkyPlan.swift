// Which frame gets which sky, light and blur: shares are met exactly, the order is drawn.

import Randomness

extension SkySettings {
  /// The frames to judge.
  public var plan: [FrameTruth] {
    var random = self.random("plan")
    let whole = max(0, frames - broken)
    var lights = shares(
      [
        (.dull, dullShare), (.dusk, duskShare), (.fog, fogShare), (.night, nightShare),
        (.over, overShare),
      ], of: whole)
    random.shuffle(&lights)
    // Under each light the same share is blurred.
    var isBlurred = [Bool](repeating: false, count: whole)
    var rest = 0.5
    for light in LightType.allCases where light != .night && light != .over {
      for index in lights.indices where lights[index] == light {
        rest += blurredShare
        if rest >= 1 {
          isBlurred[index] = true
          rest -= 1
        }
      }
    }
    var kinds: [BlurType] = []
    var plan: [FrameTruth] = []
    let breaks = Set(breakingPlaces(&random))
    var next = 0
    var faults = 0
    for index in 0..<frames {
      let sky = skies[random.integer(below: skies.count)]
      let time = Double(index) / Double(max(1, frames - 1))
      if breaks.contains(index) {
        let fault = FrameTruth.Fault.allCases[faults % FrameTruth.Fault.allCases.count]
        faults += 1
        plan.append(
          truth(
            index, label: .corrupt, blur: .none, sigma: 0, light: .day, sky: sky, time: time,
            fault: fault))
        continue
      }
      let light = lights[next]
      var blur = BlurType.none
      if isBlurred[next], !blurs.isEmpty {
        if kinds.isEmpty {
          kinds = blurs
          random.shuffle(&kinds)
        }
        blur = kinds.removeLast()
      }
      next += 1
      let drawn = leastBlur + (mostBlur - leastBlur) * random.uniform()
      let label: FrameTruth.Label =
        light == .night || light == .over ? .indeterminate : blur == .none ? .sharp : .blurred
      plan.append(
        truth(
          index, label: label, blur: blur, sigma: blur == .none || blur == .drop ? 0 : drawn,
          light: light, sky: sky, time: time, fault: nil))
    }
    return plan
  }

  /// Sharp frames for calibration: every sky takes its turn.
  public var referencePlan: [FrameTruth] {
    (0..<references).map { index in
      FrameTruth(
        file: name(index, of: references), stream: "reference-\(index)", label: .sharp, blur: .none,
        sigma: 0, light: index % 4 == 3 ? .dull : .day, sky: skies[index % skies.count],
        time: Double(index) / Double(max(1, references)), fault: nil)
    }
  }

  private func truth(
    _ index: Int, label: FrameTruth.Label, blur: BlurType, sigma: Double, light: LightType,
    sky: SkyType, time: Double, fault: FrameTruth.Fault?
  ) -> FrameTruth {
    FrameTruth(
      file: name(index, of: frames), stream: "frame-\(index)", label: label, blur: blur,
      sigma: sigma, light: light, sky: sky, time: time, fault: fault)
  }

  private func name(_ index: Int, of count: Int) -> String {
    let digits = max(3, String(count - 1).count)
    let number = String(index)
    return String(repeating: "0", count: digits - number.count) + number
      + (isLossless ? ".png" : ".jpg")
  }

  /// Day is what the shares leave over.
  private func shares(_ wanted: [(LightType, Double)], of count: Int) -> [LightType] {
    var lights: [LightType] = []
    for (light, share) in wanted {
      let number = min(Int((share * Double(count)).rounded()), count - lights.count)
      lights += [LightType](repeating: light, count: number)
    }
    return lights + [LightType](repeating: .day, count: count - lights.count)
  }

  /// Not the first frame, which a duplicate would have nothing to repeat before; not neighbours.
  private func breakingPlaces(_ random: inout RandomStream) -> [Int] {
    let candidates = stride(from: 2, to: frames, by: 2).map { $0 }
    let count = min(broken, candidates.count)
    return random.sample(count, of: candidates.count).map { candidates[$0] }
  }
}
