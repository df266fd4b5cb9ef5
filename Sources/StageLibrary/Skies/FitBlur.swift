// stages/fit-blur: weights from labelled frames, of all cameras but one if so asked. The regression is
// in BlurDetection (BlurWeights.swift).

import BlurDetection
import CanonicalJSON
import Diagnostics
import ModelFiles
import Reports
import Scheduling

enum FitBlurStage: StageBody {
  static let kind = "fit-blur"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let except = stage.parameters.string("except")
    let lights = stage.parameters.strings("lights")
    let items = try LabelledVerdicts.read(stage)
    let used = items.filter { except.isEmpty || !bytesEqual($0.camera, except) }
    guard used.count < items.count || except.isEmpty else {
      throw .fitImpossible(
        "no camera is called '\(except)'; there are "
          + items.map(\.camera).joined(separator: ", "))
    }
    guard let first = used.first else { throw .fitImpossible("no camera is left") }
    let method = first.folder.method
    for item in used where item.folder.method != method {
      throw .fitImpossible(
        "'\(item.camera)' was judged by \(item.folder.method.words), '\(first.camera)' by "
          + method.words)
    }
    var rows: [[Double]] = []
    var blurred: [Bool] = []
    var unmeasured = 0
    for item in used {
      for row in item.rows(lights: lights) where row.frame.isTold {
        guard let features = row.features else {
          unmeasured += 1
          continue
        }
        rows.append(features)
        blurred.append(row.frame.truth == .blurred)
      }
    }
    guard
      let weights = BlurWeights.fit(
        rows, blurred: blurred, c: stage.parameters.number("c"), method: method,
        cameras: used.map(\.camera))
    else {
      throw .fitImpossible(
        "\(blurred.count { $0 }) blurred and \(blurred.count { !$0 }) sharp frames were measured")
    }
    stage.log(
      "\(rows.count) frames of \(used.map(\.camera).joined(separator: ", ")), "
        + "\(unmeasured) not measured")
    let decisions = zip(rows, blurred).map { (BlurWeights.probability(weights.logit($0)), $1) }
    let right = decisions.count { ($0.0 > 0.5) == $0.1 }
    var metrics = [
      Metric("fitted_frames", Double(rows.count), unit: "frames", count: rows.count),
      Metric("unmeasured_frames", Double(unmeasured), unit: "frames", count: rows.count),
      Metric(
        "fitted_accuracy", Double(right) / Double(rows.count), unit: "share", count: rows.count),
      Metric("intercept", weights.intercept, count: rows.count, tolerance: 1e-4),
    ]
    for (name, value) in zip(BlurWeights.features(method.mode), weights.weights) {
      metrics.append(
        Metric("weight", value, count: rows.count, at: ["feature": .string(name)], tolerance: 1e-4))
    }
    try AtomicFile.write(
      Array((weights.json.indentedText + "\n").utf8),
      to: stage.output("weights").path("weights.json"))
    try AtomicFile.write(
      Metric.file(metrics), to: stage.output("metrics").path("metrics.json"))
  }
}
