import Foundation
import Imaging
import Testing

@testable import BlurDetection

@Suite struct BlurEstimateTests {
  static let camera: CameraReference = {
    let (camera, _) = CameraReference.calibrate(
      name: "drawn", frames: Scene.lattice.references(), boxes: [Scene.box], methods: [])
    return camera!
  }()

  static func measures(_ image: GrayImage) -> MarkerMeasures { camera.measures(image)[0] }

  private static let sharp = Scene.lattice.drawn(sky: 150, slope: 15, object: 70)

  @Test(arguments: [0.8, 1, 1.3, 1.7, 2.2, 3, 4, 5])
  func blurIsMeasuredInPixels(_ sigma: Double) throws {
    let frame = Self.sharp.blurred(sigma: sigma).withNoise(1, name: "blur/\(sigma)")
    let blur = try #require(Self.measures(frame).blur)
    #expect(abs(blur.sigma / sigma - 1) < 0.1, "σ \(sigma) is measured as \(blur.sigma)")
    #expect(blur.sigmaLow <= blur.sigma * 1.02 && blur.sigma <= blur.sigmaHigh * 1.02)
  }

  @Test func sharpFramesHaveNoExtraBlur() throws {
    let measures = Self.measures(Self.sharp.withNoise(1, name: "sharp"))
    let blur = try #require(measures.blur)
    #expect(blur.sigma < 0.6 && blur.explained > 0.95 && measures.correlation > 0.9)
    #expect(abs(try #require(measures.acutance) - 1) < 0.15)
    #expect(BlurDecision(measures, rule: .standard).state == .sharp)
  }

  @Test func lightDoesNotMatter() throws {
    let blurred = Self.sharp.blurred(sigma: 1.6)
    let reference = try #require(Self.measures(blurred.withNoise(0.7, name: "light")).blur).sigma
    let changes: [(String, (Float) -> Float)] = [
      ("gain 0.3", { 0.3 * $0 }), ("gain 1.4", { 1.4 * $0 }), ("offset", { $0 + 60 }),
      ("polarity", { 255 - $0 }), ("low contrast", { 110 + 0.35 * ($0 - 110) }),
    ]
    for (name, change) in changes {
      let frame = blurred.mapped(change).withNoise(0.7, name: "light")
      let sigma = try #require(Self.measures(frame).blur).sigma
      #expect(abs(sigma / reference - 1) < 0.04, "\(name): \(sigma), not \(reference)")
    }
  }

  @Test func aGainOfTwoUpToWhiteDoesNotMatter() throws {
    let dim = Scene.lattice.drawn(sky: 100, slope: 10, object: 30).blurred(sigma: 1.6)
    let reference = try #require(Self.measures(dim).blur).sigma
    let bright = try #require(Self.measures(dim.mapped { 2 * $0 }).blur).sigma
    #expect(abs(bright / reference - 1) < 0.02, "\(bright), not \(reference)")
  }

  @Test(arguments: [(4.3, 0.0), (-4.3, 0), (0, 4.3), (0, -4.3), (2.5, -3.4), (0.5, 0.5)])
  func shiftsDoNotMatter(_ x: Double, _ y: Double) throws {
    for sigma in [0.0, 1.6] {
      let frame = Scene.lattice.drawn(sky: 150, slope: 15, object: 70, x: x, y: y)
        .blurred(sigma: sigma).withNoise(0.7, name: "shift")
      let measures = Self.measures(frame)
      let still = Self.measures(
        Self.sharp.blurred(sigma: sigma).withNoise(0.7, name: "shift"))
      let here = try #require(measures.blur).sigma
      let there = try #require(still.blur).sigma
      #expect(
        abs(measures.shiftX - still.shiftX - x) < 0.15
          && abs(measures.shiftY - still.shiftY - y) < 0.15)
      // Below half a pixel σ̂ says no more than "none".
      #expect(sigma == 0 ? here < 0.6 : abs(here / there - 1) < 0.04, "\(here), not \(there)")
      #expect(!measures.isShiftAtEdge)
    }
  }

  @Test func probabilityGrowsWithBlur() throws {
    var last = -Double.infinity
    for sigma in [0, 0.6, 0.8, 1, 1.3, 1.6, 2, 2.5, 3.2, 4, 5] {
      let frame = Self.sharp.blurred(sigma: sigma).withNoise(1, name: "monotone")
      let decision = BlurDecision(Self.measures(frame), rule: .standard)
      let score = try #require(decision.score)
      #expect(score > last, "σ \(sigma): \(score) after \(last)")
      last = score
      if sigma == 0 { #expect(decision.state == .sharp) }
      if sigma >= 2 { #expect(decision.state == .blurred) }
    }
  }

  @Test func theBandLimitedKernelKeepsItsWidthBetweenPixels() {
    for sigma in [0.35, 0.5, 0.8, 1.2, 1.7, 3] {
      for shift in [0, 0.25, 0.5, -0.4] {
        let kernel = SubpixelGaussian(sigma: sigma, shift: shift)
        let taps = kernel.taps.enumerated().map { (Double(kernel.first + $0), Double($1)) }
        let sum = taps.reduce(0) { $0 + $1.1 }
        // A correlation: what is at −shift is seen at 0.
        let mean = taps.reduce(0) { $0 + $1.0 * $1.1 }
        #expect(abs(sum - 1) < 1e-5 && abs(mean + shift) < 0.02, "\(sigma) \(shift) \(mean)")
        // Response to a wave of a quarter of the sampling rate: exp(−σ²ω²/2).
        let omega = Double.pi / 2
        let real = taps.reduce(0) { $0 + $1.1 * cos(omega * $1.0) }
        let imaginary = taps.reduce(0) { $0 + $1.1 * sin(omega * $1.0) }
        let response = hypot(real, imaginary)
        #expect(abs(response - exp(-sigma * sigma * omega * omega / 2)) < 0.03)
      }
    }
  }
}
