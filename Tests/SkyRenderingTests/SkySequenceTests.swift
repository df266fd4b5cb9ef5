import Foundation
import Imaging
import Testing

@testable import SkyRendering

@Suite struct SkySequenceTests {
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
      settings.references = 4
      settings.duskShare = 0.25
      settings.nightShare = 0.05
      settings.broken = 3
      let sequence = SkySequence(settings)
      for frame in sequence.frames where frame.fault == nil {
        let words = "\(frame.light)-\(frame.sky)-\(frame.blur)"
        try Data(sequence.file(frame)).write(
          to: URL(fileURLWithPath: "\(folder)/\(marker)-\(words)-\(frame.file)"))
      }
      print(FrameTruth.table(sequence.frames))
    }
  }
}
