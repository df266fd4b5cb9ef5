// stages/calibrate-camera: what a camera's marker looks like when it is sharp. The work is in
// BlurDetection (Calibration.swift).

import BlurDetection
import Diagnostics
import Imaging
import ModelFiles
import Reports
import Scheduling

enum CalibrateCameraStage: StageBody {
  static let kind = "calibrate-camera"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    var marker = MarkerFile(name: "", boxes: [])
    if let artifact = stage.optionalInput("marker") { marker = try MarkerFile(artifact) }
    let numbers = stage.parameters.integers("box")
    if !numbers.isEmpty {
      guard numbers.count % 4 == 0 else {
        throw .markerOutside(
          "\(numbers)", "is not made of x, y, width and height")
      }
      marker.boxes = stride(from: 0, to: numbers.count, by: 4).map {
        PixelBox(
          x: numbers[$0], y: numbers[$0 + 1], width: numbers[$0 + 2], height: numbers[$0 + 3])
      }
    }
    guard !marker.boxes.isEmpty else { throw .markerMissing(kind) }
    if !stage.parameters.string("name").isEmpty { marker.name = stage.parameters.string("name") }

    let frames = try read(stage, most: stage.parameters.integer("most_frames"))
    let size = (width: frames[0].image.width, height: frames[0].image.height)
    for box in marker.boxes {
      guard box.isInside(width: size.width, height: size.height) else {
        throw .markerOutside("\(box)", "does not lie in frames of \(size.width)×\(size.height)")
      }
      guard min(box.width, box.height) >= leastMarkerSide else {
        throw .markerOutside("\(box)", "is too small")
      }
    }
    let methods = JudgingMethod.calibrated(
      fftSize: stage.parameters.integer("fft_size"), box: marker.boxes[0], width: size.width,
      height: size.height)
    stage.progress(step: frames.count, of: frames.count, note: "comparing")
    if stage.isStopping { throw .interrupted }
    let (camera, findings) = CameraReference.calibrate(
      name: marker.name, frames: frames, boxes: marker.boxes, methods: methods)
    for finding in findings {
      stage.log("marker \(finding.marker): \(finding.kind.rawValue): \(finding.sentence)")
    }
    guard let camera else {
      throw .calibrationRefused(
        marker.name.isEmpty ? "unnamed" : marker.name,
        findings.filter(\.isFatal).map(\.sentence))
    }
    let files = camera.files
    let output = stage.output("camera")
    try AtomicFile.write(files.json, to: output.path("blur-reference.json"))
    try AtomicFile.write(files.basis, to: output.path("basis.f32"))
    try AtomicFile.write(
      Metric.file(metrics(camera, frames: frames.count)),
      to: stage.output("metrics").path("metrics.json"))
  }

  /// Reference frames that can be read, of the size most of them have first.
  private static func read(
    _ stage: StageContext, most: Int
  ) throws(Diagnostic) -> [ReferenceFrame] {
    let artifact = stage.input("frames")
    let listed = try FrameListing.read(artifact)
    // Spread over the whole list: more of one evening would add nothing.
    let step = max(1, Double(listed.count) / Double(most))
    let chosen = (0..<min(most, listed.count)).map { listed[Int(Double($0) * step)] }
    var frames: [ReferenceFrame] = []
    for (index, frame) in chosen.enumerated() {
      stage.progress(step: index, of: chosen.count, unit: "frames", note: "reading")
      if stage.isStopping { throw .interrupted }
      do {
        let image = GrayImage.luma(try ImageFile.decode(artifact.bytes(frame.file)).bitmap)
        guard
          frames.isEmpty
            || (image.width == frames[0].image.width && image.height == frames[0].image.height)
        else {
          stage.log("\(frame.name) is left out: it has \(image.width)×\(image.height) pixels")
          continue
        }
        frames.append(ReferenceFrame(name: frame.name, image: image))
      } catch let defect as ImageDefect {
        stage.log("\(frame.name) is left out: \(defect.name), \(defect.reason)")
      } catch let diagnostic as Diagnostic {
        throw diagnostic
      } catch {
        preconditionFailure("\(error)")
      }
    }
    guard !frames.isEmpty else {
      throw .calibrationRefused("unnamed", ["none of its frames can be read"])
    }
    return frames
  }

  private static func metrics(_ camera: CameraReference, frames: Int) -> [Metric] {
    var metrics = [
      Metric("reference_frames", Double(frames), unit: "frames", count: frames),
      Metric("reference_frames_used", Double(camera.used.count), unit: "frames", count: frames),
    ]
    for (index, marker) in camera.markers.enumerated() {
      metrics.append(
        Metric(
          "edge_tiles", Double(marker.edgeTileCount), unit: "cells", count: camera.used.count,
          at: ["marker": .integer(index)]))
      metrics.append(
        Metric(
          "edge_coherence", marker.coherence, count: camera.used.count,
          at: ["marker": .integer(index)]))
    }
    for finding in CalibrationFinding.Kind.allCases {
      metrics.append(
        Metric(
          "findings", Double(camera.findings.count { $0.kind == finding }),
          count: camera.used.count, at: ["kind": .string(finding.rawValue)]))
    }
    for item in camera.sharp {
      metrics.append(
        Metric(
          "sharp_threshold", item.mean + 3 * item.deviation, count: camera.used.count,
          at: [
            "mode": .string(item.method.mode.rawValue),
            "region": .string(item.method.region.rawValue),
          ], tolerance: 1e-3))
    }
    return metrics
  }

  static func memory(for order: StageSizes) -> Int {
    // A frame in memory is larger than its file by the compression: some twenty times.
    256 << 20 + 60 * order.bytes(of: "frames")
  }
}

extension JudgingMethod {
  /// All methods that make sense for a box and a size.
  static func calibrated(
    fftSize: Int, box: PixelBox, width: Int, height: Int
  ) -> [JudgingMethod] {
    var methods: [JudgingMethod] = []
    for mode in Mode.allCases where mode != .markerReference {
      for region in Region.allCases {
        let method = JudgingMethod(mode, region: region, fftSize: fftSize)
        if mode == .fft {
          let size = region == .marker ? (box.width, box.height) : (width, height)
          if Sharpness.wipesOut(width: size.0, height: size.1, size: fftSize) { continue }
        }
        methods.append(method)
      }
    }
    return methods
  }
}
