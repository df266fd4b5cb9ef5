// The `verdicts` artifact: verdicts.csv, summary.json, one JSON file a frame, pictures of what is not
// plainly sharp. Written by classify-blur, read by fit-blur and evaluate-classifier.

import BlurDetection
import CanonicalJSON
import Diagnostics
import Foundation
import Imaging
import Scheduling

/// A verdict on one frame with what it rests on.
struct FrameVerdict {
  let name: String
  let decision: BlurDecision
  /// Of the marker that decided; nil for other methods and broken files.
  let measures: MarkerMeasures?
  /// Of the other methods, in their own unit.
  let value: Double?
  /// A sentence for broken files and doubts; empty otherwise.
  let reason: String
  /// Index of the marker that decided.
  let marker: Int

  static let header = [
    "file", "state", "leaning", "probability", "confidence", "score", "sigma", "sigma_low",
    "sigma_high", "acutance", "explained", "signal_to_noise", "correlation", "shift_x", "shift_y",
    "mean", "noise", "value", "reason",
  ]

  var row: String {
    func number(_ value: Double?) -> String {
      guard let value, value.isFinite else { return "" }
      return JSONValue.number(value).canonicalText
    }
    let blur = measures?.blur
    return [
      CSVTable.quoted(name), decision.state.name,
      decision.leaning.map { $0 ? "blurred" : "sharp" } ?? "", number(decision.probability),
      number(decision.confidence), number(decision.score), number(blur?.sigma),
      number(blur?.sigmaLow), number(blur?.sigmaHigh), number(measures?.acutance),
      number(blur?.explained), number(blur?.signalToNoise), number(measures?.correlation),
      number(measures?.shiftX), number(measures?.shiftY), number(measures?.mean),
      number(measures?.noise), number(value), CSVTable.quoted(reason),
    ].joined(separator: ",")
  }

  var json: JSONValue {
    var members: [(String, JSONValue)] = [
      ("file", .string(name)), ("state", .string(decision.state.name)),
      ("marker", .integer(marker)),
    ]
    if let probability = decision.probability {
      members.append(("probability", .number(probability)))
      members.append(("confidence", .number(abs(2 * probability - 1))))
    }
    if let score = decision.score { members.append(("score", .number(score))) }
    if let value { members.append(("value", value.isFinite ? .number(value) : .null)) }
    if !reason.isEmpty { members.append(("reason", .string(reason))) }
    if let measures { members.append(("measures", measures.json)) }
    return .object(JSONObject(members))
  }
}

/// What fit-blur and evaluate-classifier read of a verdict.
struct ReadVerdict {
  let name: String
  let decision: BlurDecision
  /// ln acutance, ln σ̂, r² or the blurriness; nil where something is missing.
  let features: [Double]?
}

/// A `verdicts` artifact, read back.
struct VerdictFolder {
  let camera: String
  let method: JudgingMethod
  /// standard, references or weights.
  let rule: String
  let boxes: [PixelBox]
  let verdicts: [ReadVerdict]

  /// **Throws**: `verdicts-malformed`, `json-syntax`, `labels-malformed`.
  init(_ artifact: InputArtifact) throws(Diagnostic) {
    let shown = "\(artifact.port): summary.json"
    let summary = try JSONValue(
      parsing: SourceText(path: shown, bytes: artifact.bytes("summary.json")))
    guard let mode = summary["mode"]?.string.flatMap(JudgingMethod.Mode.init(rawValue:)),
      let region = summary["region"]?.string.flatMap(JudgingMethod.Region.init(rawValue:)),
      let size = summary["fft_size"]?.integer, size > 0, let rule = summary["rule"]?.string,
      let camera = summary["camera"]?.string
    else { throw .verdictsMalformed(shown, "it does not say how frames were judged") }
    self.camera = camera
    self.rule = rule
    method = JudgingMethod(mode, region: region, fftSize: size)
    boxes = (summary["boxes"]?.array ?? []).compactMap { item in
      guard let n = item.array?.compactMap(\.integer), n.count == 4 else { return nil }
      return PixelBox(x: n[0], y: n[1], width: n[2], height: n[3])
    }
    let path = "\(artifact.port): verdicts.csv"
    let table = try CSVTable(artifact.bytes("verdicts.csv"), path: path)
    guard table.header == FrameVerdict.header else {
      throw .verdictsMalformed(path, "its columns are not those of classify-blur")
    }
    var verdicts: [ReadVerdict] = []
    for row in table.rows {
      guard let state = FrameState(name: row[1]) else {
        throw .verdictsMalformed(path, "'\(row[1])' is no state of a frame")
      }
      let numbers = row.map(Double.init)
      let decision = BlurDecision(
        state: state, probability: numbers[3], score: numbers[5],
        leaning: row[2].isEmpty ? nil : row[2] == "blurred")
      verdicts.append(
        ReadVerdict(
          name: row[0], decision: decision, features: Self.features(numbers, method)))
    }
    self.verdicts = verdicts
  }

  private static func features(_ numbers: [Double?], _ method: JudgingMethod) -> [Double]? {
    if method.mode != .markerReference { return numbers[5].map { [$0] } }
    guard let sigma = numbers[6], let acutance = numbers[9], let explained = numbers[10],
      sigma > 0, acutance > 0
    else { return nil }
    return [log(acutance), log(sigma), explained]
  }

  /// "marker-reference", "jain2021-laplacian on the image, standard"
  var words: String { method.words + ", " + ruleWords }

  var ruleWords: String {
    switch rule {
    case "weights": "fitted on other frames"
    case "references": "threshold from sharp frames"
    default: method.mode == .markerReference ? "standard weights" : "published threshold"
    }
  }
}
