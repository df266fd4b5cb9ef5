// `plumb-bench frames`: how many frames of a camera are judged in a second, decoding included, by each
// method; and whether the measures that others use are those of OpenCV on pictures of packages.

import ArgumentParser
import BlurDetection
import Foundation
import Imaging

struct FramesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "frames",
    abstract: "Time the judging of sky frames on one core, or check measures against OpenCV's.",
    discussion: """
      A camera is a folder with reference/ (sharp frames) and frames/. With --golden, a folder with
      opencv_home.jpg, opencv_leuvenA.jpg (package opencv-doc), lxqt_cloud.png (lxqt-themes),
      trig_cloudy2.jpg (trigger-rally-data) and sklearn_china.jpg (scikit-learn).
      """)

  @Option(help: "Folder of a camera.") var camera: String?
  @Option(parsing: .upToNextOption, help: "x y width height of the marker.") var box: [Int] = []
  @Option(help: "Least seconds for each method.") var seconds = 5.0
  @Option(help: "Folder with the pictures of packages.") var golden: String?

  func run() throws {
    if let golden { try GoldenMeasures.check(golden) }
    guard let camera else {
      if golden == nil { throw ValidationError("give --camera or --golden") }
      return
    }
    guard box.count == 4 else { throw ValidationError("--box needs x y width height") }
    let files = try Self.files(camera + "/frames")
    let reference = try calibrated(camera)
    print(MachineLoad.processor)
    for mode in JudgingMethod.Mode.allCases {
      for region in JudgingMethod.Region.allCases {
        if mode == .markerReference && region == .image { continue }
        time(files, reference, JudgingMethod(mode, region: region))
      }
    }
  }

  private func calibrated(_ camera: String) throws -> CameraReference {
    let frames = try Self.files(camera + "/reference").map { name, bytes in
      ReferenceFrame(name: name, image: GrayImage.luma(try ImageFile.decode(bytes).bitmap))
    }
    let began = ContinuousClock.now
    let (reference, findings) = CameraReference.calibrate(
      name: "bench", frames: frames,
      boxes: [PixelBox(x: box[0], y: box[1], width: box[2], height: box[3])], methods: [])
    for finding in findings { print(finding.sentence) }
    guard let reference else { throw ValidationError("the camera cannot be calibrated") }
    let seconds = began.duration(to: .now) / .seconds(1)
    print(
      "\(frames.count) reference frames of \(reference.width)×\(reference.height), calibrated in "
        + String(format: "%.2f s", seconds))
    return reference
  }

  private func time(
    _ files: [(String, [UInt8])], _ reference: CameraReference, _ method: JudgingMethod
  ) {
    var rates: [Double] = []
    var count = 0
    let start = MachineLoad.now()
    let begin = ContinuousClock.now
    while rates.count < 3 || begin.duration(to: .now) < .seconds(seconds) {
      let watch = ContinuousClock.now
      for (_, bytes) in files {
        switch FrameMeasures(bytes, camera: reference, method: method) {
        case .corrupt: break
        default: count += 1
        }
      }
      rates.append(Double(files.count) / (watch.duration(to: .now) / .seconds(1)))
    }
    let load = MachineLoad.now().since(start)
    print(
      method.words + String(repeating: " ", count: max(1, 34 - method.words.count))
        + String(format: "%8.1f frames/s, median of %d rounds", median(rates), rates.count)
        + " over \(files.count) files; peak \(Self.peak()); \(load.json.canonicalText)")
    _ = count
  }

  /// Largest memory so far, from the kernel.
  private static func peak() -> String {
    let status = (try? String(contentsOfFile: "/proc/self/status", encoding: .utf8)) ?? ""
    let line = status.split(separator: "\n").first { $0.hasPrefix("VmHWM:") }
    return line.map { $0.dropFirst(6).trimmingCharacters(in: .whitespaces) } ?? "unknown"
  }

  private static func files(_ folder: String) throws -> [(String, [UInt8])] {
    try FileManager.default.contentsOfDirectory(atPath: folder).sorted().map { name in
      (name, [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name))))
    }
  }
}

/// OpenCV 5.0.0 and scikit-image on whole pictures.
private enum GoldenMeasures {
  static let wanted: [(String, [Double])] = [
    ("opencv_home.jpg", [2061.2222, 10802.759, 25.6786, 0.30315]),
    ("opencv_leuvenA.jpg", [1089.3447, 8504.075, 35.9893, 0.25076]),
    ("lxqt_cloud.png", [3.6601, 144.107, -3.0112, 0.76010]),
    ("trig_cloudy2.jpg", [31.4341, 742.598, 14.4191, 0.51860]),
    ("sklearn_china.jpg", [5624.2013, 23385.543, 37.4400, 0.22385]),
  ]

  static func check(_ folder: String) throws {
    var worst = 0.0
    for (name, values) in wanted {
      let bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: folder + "/" + name)))
      let image = GrayImage.luma(try ImageFile.decode(bytes).bitmap)
      let own = [
        Sharpness.laplacianVariance(image), Sharpness.tenengrad(image),
        Sharpness.highFrequencies(image, size: 40), Sharpness.blurEffect(image),
      ]
      let far = zip(own, values).map { abs($0 - $1) / abs($1) }
      worst = max(worst, far.max()!)
      print(
        name + "  "
          + zip(["laplacian", "tenengrad", "fft", "blur_effect"], zip(own, far)).map {
            String(format: "%@ %.5g (%.1e)", $0, $1.0, $1.1)
          }.joined(separator: "  "))
    }
    print(String(format: "largest relative distance %.1e, bar 1e-3", worst))
    if worst > 1e-3 { throw ExitCode.failure }
  }
}
