// The plan keeps its shares, bytes depend on nothing but settings, and what is said about a frame is to
// be seen in it.

import Foundation
import Imaging
import Testing

@testable import SkyRendering

@Suite struct SkySequenceTests {
  private static func small(_ change: (inout SkySettings) -> Void = { _ in }) -> SkySettings {
    var settings = SkySettings(seed: 3)
    settings.width = 200
    settings.height = 180
    settings.frames = 40
    settings.references = 3
    change(&settings)
    return settings
  }

  /// One frame of a kind, everything else being the same.
  private static func frame(
    _ blur: BlurType = .none, sigma: Double = 0, light: LightType = .day, sky: SkyType = .clear
  ) -> FrameTruth {
    FrameTruth(
      file: "x.jpg", stream: "x", label: .sharp, blur: blur, sigma: sigma, light: light, sky: sky,
      time: 0.3, fault: nil)
  }

  /// Mean square of the Laplacian inside the marker's box.
  private static func sharpness(_ sequence: SkySequence, _ frame: FrameTruth) -> Double {
    let box = sequence.settings.markerBox!
    let response = GrayImage.luma(sequence.bitmap(frame), in: box).laplacian()
    return response.values.reduce(0.0) { $0 + Double($1 * $1) } / Double(response.values.count)
  }

  @Test func sharesAreMetExactly() {
    let settings = Self.small {
      $0.frames = 100
      $0.broken = 6
    }
    let plan = settings.plan
    #expect(plan.count == 100 && Set(plan.map(\.file)).count == 100)
    #expect(plan.map(\.file) == plan.map(\.file).sorted())
    func count(_ light: LightType) -> Int { plan.count { $0.light == light && $0.fault == nil } }
    let counts: [Int] = [count(.dull), count(.dusk), count(.fog), count(.night), count(.over)]
    #expect(counts == [24, 14, 5, 5, 5])
    #expect(plan.count { $0.label == .corrupt } == 6)
    #expect(plan.allSatisfy { ($0.label == .corrupt) == ($0.fault != nil) })
    for light in [LightType.day, .dull, .dusk] {
      let blurred = plan.count { $0.light == light && $0.label == .blurred }
      #expect(abs(blurred * 2 - count(light)) <= 2 + (light == .day ? 0 : 0), "\(light)")
    }
    let kinds = Dictionary(grouping: plan.filter { $0.label == .blurred }, by: \.blur)
    #expect(Set(kinds.keys) == Set(settings.blurs))
    #expect(kinds.values.map(\.count).max()! - kinds.values.map(\.count).min()! <= 1)
    for frame in plan where frame.label == .blurred && frame.blur != .drop {
      #expect((settings.leastBlur...settings.mostBlur).contains(frame.sigma))
    }
    #expect(plan.allSatisfy { $0.label == .blurred || $0.blur == .none })
    #expect(Set(plan.filter { $0.label == .indeterminate }.map(\.light)) == [.night, .over])
    #expect(Self.small { $0.blurredShare = 0 }.plan.allSatisfy { $0.label != .blurred })
    let all = Self.small { $0.blurredShare = 1 }.plan
    #expect(all.allSatisfy { $0.label != .sharp })
  }

  @Test func theTableSaysWhatWasDrawn() {
    let sequence = SkySequence(Self.small { $0.broken = 3 })
    let lines = FrameTruth.table(sequence.frames).split(separator: "\n")
    #expect(lines.count == 41 && lines[0] == "file,label,blur,light,sky,sigma")
    #expect(lines.allSatisfy { $0.split(separator: ",").count == 6 })
    #expect(
      Self.frame(.disc, sigma: 2.055).row == "x.jpg,sharp,disc,day,clear,2.06"
        && Self.frame().row == "x.jpg,sharp,none,day,clear,0.00")
  }

  @Test func equalSettingsGiveEqualBytes() {
    let first = SkySequence(Self.small())
    let second = SkySequence(Self.small())
    for index in [7, 2, 30] {
      let file = first.file(first.frames[index])
      #expect(file == second.file(second.frames[index]))
      #expect(file == first.file(first.frames[index]))
    }
    let other = SkySequence(Self.small { $0.seed = 4 })
    #expect(other.file(other.frames[2]) != first.file(first.frames[2]))
    // More frames do not move those before: a frame is named, not counted.
    #expect(
      first.file(first.references[1])
        == SkySequence(Self.small { $0.frames = 9 }).file(first.references[1]))
  }

  @Test func brokenFilesAreBrokenAsTheyAreCalled() throws {
    let sequence = SkySequence(Self.small { $0.broken = 5 })
    var met: Set<FrameTruth.Fault> = []
    for (index, frame) in sequence.frames.enumerated() {
      guard let fault = frame.fault else { continue }
      met.insert(fault)
      let file = sequence.file(frame)
      switch fault {
      case .empty: #expect(file.isEmpty)
      case .truncated:
        #expect { try ImageFile.decode(file) } throws: { ($0 as? ImageDefect)?.name == "truncated" }
      case .duplicate: #expect(file == sequence.file(sequence.frames[index - 1]) && !file.isEmpty)
      }
    }
    #expect(met == Set(FrameTruth.Fault.allCases))
  }

  @Test(arguments: [MarkerType.target, .mast, .tree])
  func blurTakesDetailFromTheMarker(marker: MarkerType) {
    let sequence = SkySequence(Self.small { $0.marker = marker })
    let sharp = Self.sharpness(sequence, Self.frame())
    for blur in [BlurType.gauss, .disc, .motion, .condens] {
      let weak = Self.sharpness(sequence, Self.frame(blur, sigma: 1.2))
      let strong = Self.sharpness(sequence, Self.frame(blur, sigma: 4))
      #expect(strong < weak && weak < 0.8 * sharp, "\(blur): \(sharp) \(weak) \(strong)")
    }
    #expect(Self.sharpness(sequence, Self.frame(.drop)) < 0.5 * sharp)
  }

  /// The marker has edges in every direction: both gradients carry a share of the energy.
  @Test(arguments: [MarkerType.target, .mast, .tree])
  func markersHaveEdgesInManyDirections(marker: MarkerType) throws {
    let sequence = SkySequence(Self.small { $0.marker = marker })
    let box = try #require(sequence.settings.markerBox)
    #expect(box.padded(by: 24, width: 200, height: 180).width == box.width + 48)
    #expect(box.padded(by: 24, width: 200, height: 180).height == box.height + 48)
    let (x, y) = GrayImage.luma(sequence.bitmap(Self.frame(sky: .stratus)), in: box).gradients()
    var (xx, yy, xy) = (0.0, 0.0, 0.0)
    for (a, b) in zip(x.values, y.values) {
      xx += Double(a * a)
      yy += Double(b * b)
      xy += Double(a * b)
    }
    let coherence = ((xx - yy) * (xx - yy) + 4 * xy * xy).squareRoot() / (xx + yy)
    #expect(coherence < 0.6, "\(marker): \(coherence)")
  }

  @Test func lightIsAsItIsCalled() {
    let sequence = SkySequence(Self.small())
    func level(_ light: LightType, _ sky: SkyType = .clear) -> Double {
      GrayImage.luma(sequence.bitmap(Self.frame(light: light, sky: sky))).mean
    }
    for sky in SkyType.allCases {
      #expect(level(.night, sky) < 14 && level(.over, sky) > 225, "\(sky)")
      #expect((70...190).contains(level(.day, sky)), "\(sky): \(level(.day, sky))")
    }
    #expect(level(.dusk) < level(.day))
    let noise = [LightType.day, .dull, .dusk].map {
      GrayImage.luma(sequence.bitmap(Self.frame(light: $0, sky: .soft))).noiseLevel()
    }
    #expect(noise == noise.sorted() && noise[2] > 2 * noise[0], "\(noise)")
    func contrast(_ light: LightType) -> Float {
      let soft = GrayImage.luma(sequence.bitmap(Self.frame(light: light))).blurred(sigma: 1.5)
      let box = soft.cropped(to: sequence.settings.markerBox!)
      return box.values.max()! - box.values.min()!
    }
    #expect(contrast(.fog) < 0.5 * contrast(.day), "\(contrast(.fog)) \(contrast(.day))")
  }

  @Test func softSkiesAreSmootherThanHeaps() {
    // A tree nobody sees: the upper right corner is sky alone.
    let sequence = SkySequence(Self.small { $0.shake = 0 })
    func texture(_ sky: SkyType) -> Double {
      let corner = PixelBox(x: 120, y: 4, width: 76, height: 70)
      let (x, y) = GrayImage.luma(sequence.bitmap(Self.frame(sky: sky)), in: corner)
        .blurred(sigma: 1).gradients()
      return zip(x.values, y.values).map { Double(max(abs($0), abs($1))) }.max()!
    }
    #expect(texture(.soft) < texture(.cumulus))
    #expect(SkySettings(seed: 1).markerBox != nil)
    var none = SkySettings(seed: 1)
    none.marker = .none
    #expect(none.markerBox == nil && SkySequence(none).bitmap(Self.frame()).width == 400)
  }

  @Test func filesAreWhatTheSettingsSay() throws {
    let frame = Self.frame()
    let jpeg = try ImageFile.decode(SkySequence(Self.small()).file(frame))
    #expect(jpeg.description.format == .jpeg && jpeg.bitmap.width == 200)
    let sequence = SkySequence(Self.small { $0.isLossless = true })
    let png = try ImageFile.decode(sequence.file(frame))
    #expect(png.description.format == .png && png.bitmap == sequence.bitmap(frame))
    #expect(sequence.frames[0].file == "000.png")
  }

  @Test(
    .enabled(
      if: ProcessInfo.processInfo.environment["PLUMB_SHOW_SKIES"] != nil,
      "PLUMB_SHOW_SKIES names no folder to write frames to"))
  func framesToLookAt() throws {
    let folder = try #require(ProcessInfo.processInfo.environment["PLUMB_SHOW_SKIES"])
    for marker in MarkerType.allCases {
      var settings = SkySettings(seed: 7)
      settings.marker = marker
      settings.frames = 24
      let sequence = SkySequence(settings)
      for frame in sequence.frames where frame.fault == nil {
        let words = "\(frame.light)-\(frame.sky)-\(frame.blur)"
        try Data(sequence.file(frame)).write(
          to: URL(fileURLWithPath: "\(folder)/\(marker)-\(words)-\(frame.file)"))
      }
    }
  }
}
