import Foundation
import Imaging
import Testing

@testable import BlurDetection

@Suite struct CalibrationTests {
  private static func calibrate(
    _ frames: [ReferenceFrame], box: PixelBox = Scene.box
  ) -> MarkerCalibration { MarkerCalibration(frames, box: box) }

  @Test func goodFramesGiveAReferenceWithoutFindings() throws {
    let calibration = Self.calibrate(Scene.lattice.references())
    #expect(calibration.findings.isEmpty, "\(calibration.findings)")
    let reference = try #require(calibration.reference)
    #expect(reference.edgeTileCount >= 20 && reference.coherence < 0.6)
    #expect(calibration.used.count == 6)
    for measures in calibration.leftOut { #expect(try #require(measures.blur).sigma < 0.7) }
  }

  @Test func edgesInOneDirectionWarn() {
    let calibration = Self.calibrate(Scene.cables.references())
    #expect(calibration.reference != nil)
    let finding = calibration.findings.first { $0.kind == .oneDirection }
    #expect(finding?.isFatal == false)
    // The cables fall by one in five: 11°.
    let direction = calibration.reference?.tiles.direction ?? 0
    #expect(abs(direction - 11.3) < 4, "\(direction)°")
    #expect(finding?.sentence.contains("\(Int(direction.rounded()))°") == true)
  }

  @Test func emptySkyIsRefusedWithReasons() {
    let frames = (0..<4).map { index in
      ReferenceFrame(
        name: "\(index)",
        image: Scene(bars: []).drawn(sky: 120, slope: 4, object: 0)
          .withNoise(0.5, name: "empty/\(index)"))
    }
    let calibration = Self.calibrate(frames)
    #expect(calibration.reference == nil)
    #expect(Set(calibration.findings.map(\.kind)) == [.lowContrast, .fewEdges])
  }

  @Test func twoFramesAreTooFew() {
    let calibration = Self.calibrate(Array(Scene.lattice.references().prefix(2)))
    #expect(calibration.reference == nil && calibration.findings.map(\.kind) == [.fewReferences])
  }

  @Test func aBlurredReferenceIsLeftOutByName() {
    var frames = Scene.lattice.references()
    frames[2] = ReferenceFrame(name: "foggy", image: frames[2].image.blurred(sigma: 2.5))
    let calibration = Self.calibrate(frames)
    #expect(calibration.reference != nil)
    #expect(!calibration.used.contains("foggy") && calibration.used.count == 5)
    #expect(
      calibration.findings.map(\.kind) == [.disagreement]
        && calibration.findings[0].sentence.contains("foggy"))
  }

  @Test func camerasComeBackFromTheirFiles() throws {
    let methods = [JudgingMethod(.laplacian), JudgingMethod(.tenengrad, region: .image)]
    let camera = try #require(
      CameraReference.calibrate(
        name: "drawn", frames: Scene.lattice.references(), boxes: [Scene.box], methods: methods
      ).camera)
    let files = camera.files
    let again = try CameraReference.read(json: files.json, basis: files.basis, shown: "camera")
    #expect(again.files.json == files.json && again.files.basis == files.basis)
    let frame = Scene.lattice.drawn(sky: 140, object: 60).blurred(sigma: 1.4)
    #expect(again.measures(frame) == camera.measures(frame))
    #expect(again.threshold(methods[1]) != nil && again.threshold(JudgingMethod(.fft)) == nil)
    // Sharp frames lie below their own threshold.
    #expect(try #require(again.threshold(JudgingMethod(.markerReference))) < log(1.5))
  }

  @Test func hostileCamerasAreRefused() throws {
    let files = BlurEstimateTests.camera.files
    let text = String(decoding: files.json, as: UTF8.self)
    let cases: [(String, String)] = [
      ("\"version\": 1", "\"version\": 2"), ("\"width\": 200", "\"width\": -1"),
      ("\"width\": 128", "\"width\": 100000"), ("\"basis\": 3", "\"basis\": 30"),
      ("\"x\": 36", "\"x\": 9007199254740991"), ("\"markers\"", "\"others\""),
      ("\"contrast\"", "\"kontrast\""), ("\"acutance\"", "\"steepness\""),
    ]
    for (old, new) in cases {
      let changed = text.replacing(old, with: new)
      #expect(changed != text, "\(old) is not there")
      #expect(throws: (any Error).self, "\(new)") {
        try CameraReference.read(json: Array(changed.utf8), basis: files.basis, shown: "c")
      }
    }
    for basis in [[], Array(files.basis.dropLast(4)), files.basis + [0]] {
      #expect(throws: (any Error).self) {
        try CameraReference.read(json: files.json, basis: basis, shown: "c")
      }
    }
    var poisoned = files.basis
    poisoned.replaceSubrange(0..<4, with: [0, 0, 0xC0, 0x7F])
    #expect(throws: (any Error).self) {
      try CameraReference.read(json: files.json, basis: poisoned, shown: "c")
    }
  }
}

@Suite struct MarkerSuggestionTests {
  @Test func theBoxLiesWhereTheObjectStands() throws {
    // The object at the left of a larger picture with clouds that move.
    var frames: [GrayImage] = []
    for index in 0..<5 {
      var wide = Scene(bars: Scene.lattice.bars)
      wide.size = (384, 192)
      var image = wide.drawn(sky: 130 + 15 * Double(index), object: 50)
      for y in 0..<192 {
        for x in 0..<384 {
          let cloud = sin(Double(x + 23 * index) / 17) * cos(Double(y + 31 * index) / 13)
          image[x, y] += Float(18 * cloud)
        }
      }
      frames.append(image.withNoise(1, name: "clouds/\(index)"))
    }
    let found = MarkerSuggestion.suggest(frames, side: 128, count: 2)
    let best = try #require(found.first)
    #expect(best.box.x >= 16 && best.box.x <= 64, "\(best)")
    #expect(best.coherence < 0.6 && best.stillness > 0.6)
    for other in found.dropFirst() { #expect(other.box.x >= best.box.x + 128) }
  }

  @Test func skyAloneHasNone() {
    let frames = (0..<4).map { index in
      GrayImage(width: 256, height: 192, filled: 90).withNoise(2, name: "sky/\(index)")
    }
    #expect(MarkerSuggestion.suggest(frames).isEmpty)
    #expect(MarkerSuggestion.suggest([]).isEmpty)
    #expect(MarkerSuggestion.suggest([GrayImage(width: 20, height: 20)]).isEmpty)
  }
}
