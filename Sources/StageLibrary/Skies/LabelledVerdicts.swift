// Verdicts beside labels, camera by camera: the two lists meet by a coordinate, frames by their names.

import BlurDetection
import CanonicalJSON
import Diagnostics
import Scheduling

struct LabelledVerdicts {
  let camera: String
  let folder: VerdictFolder
  let labels: FrameLabels
  /// Place of the verdicts on their axes.
  let coordinates: JSONObject

  struct Row {
    let frame: JudgedFrame
    let features: [Double]?
  }

  /// Every item of the port `verdicts` with the labels of its camera.
  ///
  /// **Throws**: `evaluation-empty`, and what reading throws.
  static func read(_ stage: StageContext) throws(Diagnostic) -> [LabelledVerdicts] {
    let axis = stage.parameters.string("camera_axis")
    let labels = stage.inputs("labels")
    var read: [String: FrameLabels] = [:]
    var items: [LabelledVerdicts] = []
    for artifact in stage.inputs("verdicts") {
      let folder = try VerdictFolder(artifact)
      let place = artifact.coordinates[axis]
      let matching = labels.filter { label in
        label.coordinates[axis] == nil || place == nil
          ? labels.count == 1
          : label.coordinates[axis] == place
      }
      let camera = place?.string ?? (folder.camera.isEmpty ? "camera" : folder.camera)
      guard matching.count == 1 else {
        throw .evaluationEmpty(
          "\(matching.count) items of 'labels' belong to the verdicts of '\(camera)'")
      }
      let key = matching[0].reference.description
      if read[key] == nil { read[key] = try FrameLabels(matching[0]) }
      items.append(
        LabelledVerdicts(
          camera: camera, folder: folder, labels: read[key]!, coordinates: artifact.coordinates))
    }
    guard !items.isEmpty else { throw .evaluationEmpty("there are no verdicts") }
    return items
  }

  /// - Parameter lights: of frames that count; empty for all.
  func rows(lights: [String]) -> [Row] {
    folder.verdicts.compactMap { verdict in
      guard let label = labels.labels[verdict.name] else { return nil }
      guard lights.isEmpty || lights.contains(where: { bytesEqual($0, label.light) }) else {
        return nil
      }
      return Row(
        frame: JudgedFrame(
          camera: camera, name: verdict.name, truth: label.truth, blur: label.blur,
          light: label.light, decision: verdict.decision), features: verdict.features)
    }
  }
}
