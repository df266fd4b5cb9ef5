// What may be wrong with frames, markers, labels and verdicts, and the pages behind it.

import BlurDetection
import Diagnostics

extension Diagnostic {
  static func framesMalformed(_ place: String) -> Diagnostic {
    Diagnostic(
      "frames-malformed", "\(place) is no line of a list of frames: name, bytes, sha256",
      help: "make it with import-frames or render-sky", consequence: .stageFailed)
  }

  static func framesNone(_ port: String) -> Diagnostic {
    Diagnostic(
      "frames-none", "the frames at '\(port)' are none",
      help: "look at the folder and the glob of import-frames", consequence: .stageFailed)
  }

  static func markerMalformed(_ place: String) -> Diagnostic {
    Diagnostic(
      "marker-malformed", "\(place) has a box without whole numbers x, y, width, height",
      help: "see plumb stages suggest-marker", consequence: .stageFailed)
  }

  static func markerMissing(_ kind: String) -> Diagnostic {
    Diagnostic(
      "marker-missing", "there is no box around a marker",
      help: "give camera.yaml to import-frames, or 'box: [x, y, width, height]' to \(kind); "
        + "suggest-marker proposes some", consequence: .stageFailed)
  }

  static func markerOutside(_ box: String, _ reason: String) -> Diagnostic {
    Diagnostic(
      "marker-outside", "the box \(box) \(reason)",
      help: "at least \(leastMarkerSide) by \(leastMarkerSide) pixels inside the frames; 24 more "
        + "around it help", consequence: .stageFailed)
  }

  static func calibrationRefused(_ camera: String, _ reasons: [String]) -> Diagnostic {
    Diagnostic(
      "calibration-refused",
      "the camera '\(camera)' cannot be calibrated: \(reasons.joined(separator: "; "))",
      help: "choose another box (suggest-marker) or other sharp frames", consequence: .stageFailed)
  }

  static func labelsMalformed(_ path: String, _ reason: String) -> Diagnostic {
    Diagnostic(
      "labels-malformed", "\(path): \(reason)",
      help:
        "columns file, label (sharp, blurred, indeterminate, corrupt) and, where known, blur, light",
      consequence: .stageFailed)
  }

  static func verdictsMalformed(_ path: String, _ reason: String) -> Diagnostic {
    Diagnostic(
      "verdicts-malformed", "\(path): \(reason)", help: "make it with classify-blur",
      consequence: .stageFailed)
  }

  static func judgingRule(_ reason: String, help: String) -> Diagnostic {
    Diagnostic("judging-rule", reason, help: help, consequence: .stageFailed)
  }

  static func frequencyBlock(_ width: Int, _ height: Int, size: Int) -> Diagnostic {
    Diagnostic(
      "frequency-block",
      "jain2021-fft takes out \(2 * size)×\(2 * size) frequencies, and \(width)×\(height) pixels "
        + "have no others: every frame would be called blurred",
      help: "a tenth of the shorter side is a good 'fft_size' (\(max(1, min(width, height) / 10)))",
      consequence: .stageFailed)
  }

  static func framesCorrupt(_ count: Int, first: String) -> Diagnostic {
    Diagnostic(
      "frames-corrupt",
      "\(count) \(count == 1 ? "frame is" : "frames are") broken, the first is \(first)",
      help: "'on_corrupt: label' gives each of them a row instead", consequence: .stageFailed)
  }

  static func fitImpossible(_ reason: String) -> Diagnostic {
    Diagnostic(
      "fit-impossible", "weights cannot be fitted: \(reason)",
      help: "both sharp and blurred labelled frames are needed, judged by one method",
      consequence: .stageFailed)
  }

  static func evaluationEmpty(_ reason: String) -> Diagnostic {
    Diagnostic(
      "evaluation-empty", "there is nothing to evaluate: \(reason)",
      help: "labels are matched by camera, the axis 'camera_axis', and by file name",
      consequence: .stageFailed)
  }
}

public let skyExplanations: [(id: String, text: String)] = [
  (
    "frames-malformed",
    """
    A `frames` artifact is a folder: frames.jsonl with a line {"name", "bytes", "sha256"} for each
    frame, and the files under frames/. import-frames and render-sky make it.
    """
  ),
  (
    "frames-none",
    "A stage that judges frames was given an artifact without any. The glob may match nothing."
  ),
  (
    "marker-malformed",
    """
    A `marker` artifact is {"name": …, "boxes": [{"x", "y", "width", "height"}]} in whole pixels, x to
    the right and y down from the upper left corner.
    """
  ),
  (
    "marker-missing",
    """
    Blur is measured on something that never moves and has edges in more than one direction: a mast
    with stays, a roof line, a printed target. Somebody has to say where it is, in camera.yaml or as
    the parameter 'box'.
    """
  ),
  (
    "marker-outside",
    """
    A marker's box must lie inside the frame and be large enough for some cells of 16×16 pixels with
    edges. 128×128 is a good size; 24 pixels around it let blurs and shifts be followed.
    """
  ),
  (
    "calibration-refused",
    """
    A calibration needs at least three sharp frames that show the marker in the same place, six cells
    of 16×16 pixels with edges and a contrast of 8 grey levels. The message lists what is missing;
    without it a verdict would be a guess.
    """
  ),
  (
    "camera-malformed",
    "A `camera` artifact is made by calibrate-camera: blur-reference.json and basis.f32."
  ),
  (
    "weights-malformed",
    "A `blur-weights` artifact is made by fit-blur, for one method: mode and region must be the same."
  ),
  (
    "labels-malformed",
    """
    Labels are a CSV file with a header: file, label and, where known, blur and light. label is sharp,
    blurred, indeterminate (nobody could tell: night, overexposed) or corrupt (a broken file).
    """
  ),
  (
    "verdicts-malformed",
    "A `verdicts` artifact is made by classify-blur: verdicts.csv, summary.json, frames/, overlays/."
  ),
  (
    "judging-rule",
    """
    tenengrad and blur-effect have no published threshold: take it from the camera's own sharp frames
    ('threshold: references') or fit it on labelled frames (fit-blur). Weights serve the method that
    they were fitted for and no other.
    """
  ),
  (
    "frequency-block",
    """
    The published Fourier measure removes the 80×80 lowest frequencies (size 40). A crop of 80 pixels
    or less has no others, so its measure is −∞ and every frame is 'blurred'. Make the box larger or
    'fft_size' smaller.
    """
  ),
  (
    "frames-corrupt",
    "With 'on_corrupt: fail' a broken file stops the stage; 'label' and 'skip' go on."
  ),
  (
    "fit-impossible",
    "A logistic regression needs frames of both labels; those of the camera in 'except' are left out."
  ),
  (
    "evaluation-empty",
    """
    Verdicts and labels meet by camera (the coordinate 'camera_axis' of both) and by file name. Where
    there is no such axis there must be one item of labels.
    """
  ),
]
