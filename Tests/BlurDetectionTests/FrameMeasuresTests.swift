import CanonicalJSON
import Foundation
import Imaging
import Testing

@testable import BlurDetection

@Suite struct FrameMeasuresTests {
  private static let camera = BlurEstimateTests.camera
  private static let method = JudgingMethod(.markerReference)

  private static func state(_ bytes: [UInt8]) -> FrameState {
    switch FrameMeasures(bytes, camera: camera, method: method) {
    case .corrupt(let corruption, _): .corrupt(corruption)
    case .markers(let markers): BlurDecision(markers[0], rule: .standard).state
    case .value: preconditionFailure("another method")
    }
  }

  private static func png(_ image: GrayImage) -> [UInt8] { PNGEncoder().encode(image.bitmap) }

  @Test func picturesWithoutAMarkerAreDoubtedForTheRightReason() {
    let size = (200, 190)
    func filled(_ value: Float) -> GrayImage {
      GrayImage(width: size.0, height: size.1, filled: value)
    }
    let cases: [(String, [UInt8], FrameState)] = [
      ("black", Self.png(filled(0)), .indeterminate(.dark)),
      ("dark", Self.png(filled(8)), .indeterminate(.dark)),
      ("grey", Self.png(filled(128)), .indeterminate(.notVisible)),
      ("white", Self.png(filled(255)), .indeterminate(.overexposed)),
      ("1×1", Self.png(GrayImage(width: 1, height: 1, filled: 9)), .corrupt(.wrongSize)),
      (
        "turned", Self.png(GrayImage(width: size.1, height: size.0, filled: 9)),
        .corrupt(.wrongSize)
      ),
      ("nothing", [], .corrupt(.empty)),
      ("text", Array("not a picture".utf8), .corrupt(.undecodable)),
      (
        "noise",
        Self.png(filled(120).withNoise(40, name: "noise").mapped { max(0, min(255, $0)) }),
        .indeterminate(.dark)
      ),
    ]
    for (name, bytes, wanted) in cases { #expect(Self.state(bytes) == wanted, "\(name)") }
  }

  @Test func nightIsDarkAndAnotherObjectIsNotTheMarker() {
    let night = Scene.lattice.drawn(sky: 14, object: 9).withNoise(6, name: "night")
      .mapped { max(0, $0) }
    #expect(Self.state(Self.png(night)) == .indeterminate(.dark))
    // A sharp picture of something else is no proof of sharpness.
    var other = Scene(bars: [(40, 40, 60, 160, 6), (120, 30, 125, 160, 9), (90, 50, 170, 52, 5)])
    other.size = Scene.lattice.size
    let state = Self.state(Self.png(other.drawn(sky: 150, object: 60)))
    #expect(state != .sharp, "\(state)")
  }

  @Test func cutFilesAreCorruptAtEveryLength() {
    let image = Scene.lattice.drawn(sky: 150, object: 70).withNoise(2, name: "cut")
    let files: [(String, [UInt8])] = [
      ("PNG", Self.png(image)), ("JPEG", JPEGEncoder(quality: 85).encode(image.bitmap)),
      (
        "interlaced PNG", PNGEncoder(isInterlaced: true).encode(image.bitmap)
      ),
    ]
    for (name, bytes) in files {
      #expect(!Self.state(bytes).isCorrupt)
      for percent in stride(from: 10, through: 99, by: 3) {
        let state = Self.state(Array(bytes.prefix(bytes.count * percent / 100)))
        #expect(state.isCorrupt, "\(name) at \(percent) %: \(state.name)")
      }
    }
  }

  @Test func rowsFilledUpAfterABrokenTransferAreSeen() {
    var image = Scene.lattice.drawn(sky: 150, object: 70)
    for y in 120..<190 { for x in 0..<200 { image[x, y] = 128 } }
    #expect(Self.state(Self.png(image)) == .corrupt(.truncated))
  }

  @Test func measuresComeBackFromJSON() throws {
    let image = Scene.lattice.drawn(sky: 150, object: 70).blurred(sigma: 1.3)
    let all: [FrameMeasures] = [
      .corrupt(.truncated, reason: "cut"), .value(12.5), .value(-.infinity),
      .markers(Self.camera.measures(image)),
      .markers(Self.camera.measures(image.mapped { _ in 255 })),
    ]
    for measures in all {
      let text = measures.json.canonicalText
      #expect(FrameMeasures(try JSONValue(parsing: text)) == measures, "\(text)")
    }
    for text in ["{}", "[]", "{\"markers\":[]}", "{\"corrupt\":\"melted\"}", "{\"markers\":[{}]}"] {
      #expect(FrameMeasures(try JSONValue(parsing: text)) == nil)
    }
  }
}

@Suite struct FrameStateTests {
  @Test func namesAreTheirOwnInverse() {
    var states: [FrameState] = [.sharp, .blurred, .obstructed]
    states += FrameState.Doubt.allCases.map { .indeterminate($0) }
    states += FrameState.Corruption.allCases.map { .corrupt($0) }
    for state in states { #expect(FrameState(name: state.name) == state) }
    #expect(Set(states.map(\.name)).count == states.count)
    for name in ["", "dark", "corrupt:", "indeterminate:sharp", "blurred:dark"] {
      #expect(FrameState(name: name) == nil)
    }
  }
}
