// What classify-blur is asked to do: which frames, by which method, where sharp ends; and the doing of
// it, frame by frame.

import ArtifactStore
import BlurDetection
import CanonicalJSON
import Diagnostics
import Foundation
import Imaging
import Reports
import Scheduling
import Synchronization
import Tensors

struct JudgingJob {
  /// Of what is kept for a frame; raised when the same frame would be measured otherwise.
  static let measureRevision = 1
  static let pictureRevision = 1
  static let thumbnailWidth = 192

  let stage: StageContext
  let frames: [ListedFrame]
  /// The frame that each one repeats byte by byte, nil for new ones.
  let repeats: [String?]
  let camera: CameraReference
  let cameraReference: ObjectReference
  let method: JudgingMethod
  let rule: BlurRule
  let gates: BlurGates

  /// **Throws**: what reading throws; `judging-rule`, `frequency-block`.
  init(_ stage: StageContext) throws(Diagnostic) {
    self.stage = stage
    let parameters = stage.parameters
    let artifact = stage.input("camera")
    camera = try CameraReference.read(artifact)
    cameraReference = artifact.reference
    frames = try FrameListing.read(stage.input("frames"))
    var seen: [Digest: String] = [:]
    repeats = frames.map { frame in
      if frame.bytes > 0, let first = seen[frame.reference.digest] { return first }
      seen[frame.reference.digest] = frame.name
      return nil
    }
    method = JudgingMethod(
      parameters.choice("mode"), region: parameters.choice("region"),
      fftSize: parameters.integer("fft_size"))
    if method.mode == .fft {
      let box = camera.markers[0].box
      let size =
        method.region == .marker ? (box.width, box.height) : (camera.width, camera.height)
      if Sharpness.wipesOut(width: size.0, height: size.1, size: method.fftSize) {
        throw .frequencyBlock(size.0, size.1, size: method.fftSize)
      }
    }
    var gates = BlurGates()
    gates.leastExpectedSignal = parameters.number("least_signal")
    self.gates = gates
    rule = try Self.rule(stage, camera, method)
  }

  private static func rule(
    _ stage: StageContext, _ camera: CameraReference, _ method: JudgingMethod
  ) throws(Diagnostic) -> BlurRule {
    if let artifact = stage.optionalInput("weights") {
      let weights = try BlurWeights.read(
        artifact.bytes("weights.json"), shown: "weights: weights.json")
      guard weights.mode == method.mode, weights.region == method.region else {
        throw .judgingRule(
          "the weights are for \(weights.mode.rawValue) on the \(weights.region.rawValue), frames "
            + "are judged by \(method.words)",
          help: "fit them on verdicts of the same mode and region")
      }
      return .weights(weights)
    }
    if stage.parameters.string("threshold") == "references" {
      guard let threshold = camera.threshold(method) else {
        throw .judgingRule(
          "the camera was not calibrated for \(method.words)",
          help: "give calibrate-camera the same fft_size")
      }
      return .references(threshold: threshold)
    }
    guard method.mode == .markerReference || method.publishedThreshold != nil else {
      throw .judgingRule(
        "\(method.mode.rawValue) has no published threshold",
        help:
          "'threshold: references' takes it from the camera's sharp frames, fit-blur from labels")
    }
    return .standard
  }

  // MARK: Measuring

  /// The measures of every frame, in the order of the list. Frames of a batch are measured at the same
  /// time; each is one inner action.
  ///
  /// **Throws**: what the store throws; `interrupted`.
  func measure() throws(Diagnostic) -> [FrameMeasures] {
    var measures: [FrameMeasures] = []
    measures.reserveCapacity(frames.count)
    let batch = 8 * max(1, stage.threads)
    let began = ContinuousClock.now
    for start in stride(from: 0, to: frames.count, by: batch) {
      let part = Array(frames[start..<min(start + batch, frames.count)])
      let results = Mutex([Result<FrameMeasures, Diagnostic>?](repeating: nil, count: part.count))
      parallelFor(part.count) { index in
        let result: Result<FrameMeasures, Diagnostic>
        do throws(Diagnostic) { result = .success(try self.measures(of: part[index])) } catch {
          result = .failure(error)
        }
        results.withLock { $0[index] = result }
      }
      for result in results.withLock({ $0 }) { measures.append(try result!.get()) }
      let seconds = began.duration(to: .now) / .seconds(1)
      stage.progress(
        step: measures.count, of: frames.count, rate: Double(measures.count) / max(seconds, 1e-3),
        unit: "frames")
      if stage.isStopping { throw .interrupted }
    }
    return measures
  }

  private func measures(of frame: ListedFrame) throws(Diagnostic) -> FrameMeasures {
    let artifact = try stage.memo(
      kind: "measure-frame", revision: Self.measureRevision,
      facts: [
        ("mode", .string(method.mode.rawValue)), ("region", .string(method.region.rawValue)),
        ("fft_size", .integer(method.mode == .fft ? method.fftSize : 0)),
      ], inputs: [frame.reference, cameraReference]
    ) { folder throws(Diagnostic) in
      let measures = FrameMeasures(
        try stage.input("frames").bytes(frame.file), camera: camera, method: method)
      try PlainFile.write(
        Array((measures.json.canonicalText + "\n").utf8), to: folder + "/measures.json")
    }
    let value = try JSONValue(
      parsing: SourceText(path: "measures.json", bytes: artifact.bytes("measures.json")))
    guard let measures = FrameMeasures(value) else {
      preconditionFailure("measures of revision \(Self.measureRevision) that cannot be read")
    }
    return measures
  }

  // MARK: Deciding

  func verdict(
    _ frame: ListedFrame, _ measures: FrameMeasures, repeats first: String?
  ) -> FrameVerdict {
    func broken(_ corruption: FrameState.Corruption, _ reason: String) -> FrameVerdict {
      FrameVerdict(
        name: frame.name, decision: .corrupt(corruption), measures: nil, value: nil,
        reason: reason, marker: 0)
    }
    if let first { return broken(.frozenDuplicate, "the same bytes as \(first)") }
    switch measures {
    case .corrupt(let corruption, let reason): return broken(corruption, reason)
    case .value(let value):
      return FrameVerdict(
        name: frame.name, decision: BlurDecision(measure: value, method: method, rule: rule),
        measures: nil, value: value, reason: "", marker: 0)
    case .markers(let markers):
      let decisions = markers.map { BlurDecision($0, rule: rule, gates: gates) }
      let (decision, index) = BlurDecision.combined(decisions)
      return FrameVerdict(
        name: frame.name, decision: decision, measures: markers[index], value: nil,
        reason: decision.state.sentence(markers[index], gates), marker: index)
    }
  }

  // MARK: Pictures

  /// A drawn picture, read when it is shown: small arrays that are kept while large ones come and go
  /// would hold the memory of all.
  struct Picture {
    let verdict: FrameVerdict
    let file: String
    let drawn: InputArtifact

    func bytes() throws(Diagnostic) -> [UInt8] { try drawn.bytes("picture.jpg") }
  }

  /// Overlays of blurred and doubtful frames, and a contact sheet of frames spread over the list.
  func pictures(
    of verdicts: [FrameVerdict], measures: [FrameMeasures]
  ) throws(Diagnostic) -> (overlays: [Picture], sheet: [Picture]) {
    let places = Dictionary(
      frames.enumerated().map { ($1.name, $0) }, uniquingKeysWith: { a, _ in a })
    let wanted = verdicts.filter(\.isDoubtful)
    let most = stage.parameters.integer("overlays")
    var overlays: [Picture] = []
    for verdict in Self.spread(wanted, most: most) {
      let place = places[verdict.name]!
      let drawn = try picture("overlay", marker: verdict.marker, frames[place]) { bitmap in
        let markers =
          if case .markers(let markers) = measures[place] { markers } else {
            [MarkerMeasures]()
          }
        return BlurPicture.overlay(
          bitmap, camera: camera, measures: markers, marker: verdict.marker)
      }
      if let drawn {
        overlays.append(Picture(verdict: verdict, file: verdict.name + ".jpg", drawn: drawn))
      }
    }
    var sheet: [Picture] = []
    for verdict in Self.spread(verdicts, most: stage.parameters.integer("contact_sheet")) {
      let drawn = try picture("thumbnail", frames[places[verdict.name]!]) { bitmap in
        BlurPicture.thumbnail(
          bitmap, width: Self.thumbnailWidth, boxes: camera.markers.map(\.box))
      }
      if let drawn { sheet.append(Picture(verdict: verdict, file: verdict.name, drawn: drawn)) }
    }
    return (overlays, sheet)
  }

  static func spread<Item>(_ items: [Item], most: Int) -> [Item] {
    guard items.count > most, most > 0 else { return most > 0 ? items : [] }
    return (0..<most).map { items[$0 * items.count / most] }
  }

  /// Nil for a file that cannot be decoded, or that is no frame of this camera.
  private func picture(
    _ kind: String, marker: Int = 0, _ frame: ListedFrame, draw: (Bitmap) -> Bitmap
  ) throws(Diagnostic) -> InputArtifact? {
    let artifact = try stage.memo(
      kind: "draw-frame", revision: Self.pictureRevision,
      facts: [
        ("picture", .string(kind)), ("marker", .integer(marker)),
        ("mode", .string(method.mode.rawValue)),
        ("measures", .integer(Self.measureRevision)),
      ], inputs: [frame.reference, cameraReference]
    ) { folder throws(Diagnostic) in
      let bytes = try stage.input("frames").bytes(frame.file)
      let file = BlurPicture.redrawn(bytes, size: (camera.width, camera.height), draw: draw)
      try PlainFile.write(file ?? [], to: folder + "/picture.jpg")
    }
    return try artifact.bytes("picture.jpg").isEmpty ? nil : artifact
  }
}

extension FrameVerdict {
  /// Worth a look: blurred, undecided, or decided with little confidence.
  var isDoubtful: Bool {
    if decision.state.isCorrupt { return false }
    if decision.state != .sharp { return true }
    return (decision.confidence ?? 1) < 0.5
  }
}

extension FrameState {
  /// Why nothing is said, for a person; empty where something is.
  func sentence(_ measures: MarkerMeasures, _ gates: BlurGates) -> String {
    func number(_ value: Double) -> String { Format.fixed(value, 2) }
    guard case .indeterminate(let doubt) = self else {
      return self == .obstructed
        ? "the blurred reference explains \(number(measures.blur?.explained ?? 0)) of what is seen"
        : ""
    }
    switch doubt {
    case .dark:
      return "mean \(number(measures.mean)), the marker would be "
        + "\(number(measures.expectedSignal)) times the noise"
    case .overexposed:
      return "\(number(100 * measures.clipped)) % of the box are clipped, "
        + "\(number(100 * measures.usable)) % of its cells usable"
    case .notVisible:
      return "\(number(100 * measures.contrasted)) % of the marker's cells have contrast"
    case .changed:
      return "sharp, but the reference explains \(number(measures.blur?.explained ?? 0)) of it at "
        + "a correlation of \(number(measures.correlation))"
    case .moved:
      return "the marker is moved by \(number(measures.shiftX)), \(number(measures.shiftY)) pixels "
        + "or more"
    case .noiseLimited: return "noise \(number(measures.noise)) hides the edges"
    case .atThreshold: return "exactly at the published threshold"
    }
  }
}
