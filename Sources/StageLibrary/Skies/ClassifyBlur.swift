// stages/classify-blur: a verdict on every frame of a camera. Frames are measured one by one in inner
// actions, so that a night's new frames cost themselves; verdicts are made from measures at the end.

import BlurDetection
import CLinux
import CanonicalJSON
import Diagnostics
import Foundation
import Imaging
import ModelFiles
import Reports
import Scheduling

enum ClassifyBlurStage: StageBody {
  static let kind = "classify-blur"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    // On the heap a small object behind each picture would keep its place from the next one: memory would
    // grow with the number of frames.
    _ = plumb_map_blocks_from(128 << 10)
    let job = try JudgingJob(stage)
    let measures = try job.measure()
    let verdicts = zip(job.frames, measures).enumerated().map { index, pair in
      job.verdict(pair.0, pair.1, repeats: job.repeats[index])
    }
    let corrupt = verdicts.filter(\.decision.state.isCorrupt)
    let policy = stage.parameters.string("on_corrupt")
    if policy == "fail", let first = corrupt.first {
      throw .framesCorrupt(
        corrupt.count, first: "\(first.name): \(first.decision.state.name), \(first.reason)")
    }
    let kept = policy == "skip" ? verdicts.filter { !$0.decision.state.isCorrupt } : verdicts
    let output = stage.output("verdicts")
    try write(kept, job, skipped: verdicts.count - kept.count, to: output)
    let pictures = try job.pictures(of: kept, measures: measures)
    for picture in pictures.overlays {
      try PlainFile.write(picture.bytes(), to: output.path("overlays/" + picture.file))
    }
    let section = try JudgingSection(
      job: job, verdicts: kept, sheet: pictures.sheet, overlays: pictures.overlays)
    try AtomicFile.write(
      Metric.file(section.metrics), to: stage.output("metrics").path("metrics.json"))
    try AtomicFile.write(
      section.section.bytes, to: stage.output("section").path("section.json"))
  }

  private static func write(
    _ verdicts: [FrameVerdict], _ job: JudgingJob, skipped: Int, to output: OutputArtifact
  ) throws(Diagnostic) {
    var lines = FrameVerdict.header.joined(separator: ",") + "\n"
    for verdict in verdicts { lines += verdict.row + "\n" }
    try AtomicFile.write(Array(lines.utf8), to: output.path("verdicts.csv"))
    for folder in ["frames", "overlays"] {
      try PlainFile.createFolder(output.path(folder))
    }
    for verdict in verdicts {
      let bytes = Array((verdict.json.canonicalText + "\n").utf8)
      try PlainFile.write(bytes, to: output.path("frames/" + verdict.name + ".json"))
    }
    var states: [(String, JSONValue)] = []
    for name in Set(verdicts.map(\.decision.state.name)).sorted(by: bytesPrecede) {
      states.append((name, .integer(verdicts.count { $0.decision.state.name == name })))
    }
    let summary: JSONValue = .object([
      "version": 1, "camera": .string(job.camera.name), "mode": .string(job.method.mode.rawValue),
      "region": .string(job.method.region.rawValue), "fft_size": .integer(job.method.fftSize),
      "rule": .string(job.rule.name), "frames": .integer(verdicts.count),
      "skipped": .integer(skipped), "states": .object(JSONObject(states)),
      "boxes": .array(
        job.camera.markers.map {
          .array([
            .integer($0.box.x), .integer($0.box.y), .integer($0.box.width),
            .integer($0.box.height),
          ])
        }),
    ])
    try AtomicFile.write(
      Array((summary.indentedText + "\n").utf8), to: output.path("summary.json"))
  }

  static func memory(for order: StageSizes) -> Int {
    // One frame a thread, some kilobytes a row, pictures of some frames.
    384 << 20 + 24 * order.bytes(of: "camera") + order.bytes(of: "frames") / 8
  }

  static func forecast(for order: ForecastOrder) -> StageForecast {
    StageForecast(seconds: 1)
  }
}

/// Writes of files whose folder is made durable as a whole by the store.
enum PlainFile {
  static func write(_ bytes: [UInt8], to path: String) throws(Diagnostic) {
    let slash = path.lastIndex(of: "/")!
    if !FileManager.default.fileExists(atPath: String(path[..<slash])) {
      try PlainFile.createFolder(String(path[..<slash]))
    }
    guard FileManager.default.createFile(atPath: path, contents: Data(bytes)) else {
      throw Diagnostic(
        "file-unwritable", "\(path) cannot be written", consequence: .stageFailed)
    }
  }

  static func createFolder(_ path: String) throws(Diagnostic) {
    do {
      try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
    } catch {
      throw Diagnostic(
        "file-unwritable", "\(path) cannot be made: \(error.localizedDescription)",
        consequence: .stageFailed)
    }
  }
}
