// What may be wrong with calibrations, weights and frames.

import Diagnostics

extension Diagnostic {
  static func weightsMalformed(_ path: String, _ reason: String) -> Diagnostic {
    Diagnostic(
      "weights-malformed", "\(path) holds no weights of a blur detector: \(reason)",
      help: "make them with the stage kind fit-blur", consequence: .stageFailed)
  }

  static func cameraMalformed(_ path: String, _ reason: String) -> Diagnostic {
    Diagnostic(
      "camera-malformed", "\(path) is no calibration of a camera: \(reason)",
      help: "make it with the stage kind calibrate-camera", consequence: .stageFailed)
  }
}
