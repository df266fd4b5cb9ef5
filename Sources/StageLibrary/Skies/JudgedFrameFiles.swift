// The artifacts of skies as the judging stages read them: frames, markers, cameras, labels.

import ArtifactStore
import BlurDetection
import CanonicalJSON
import Corpora
import Diagnostics
import Imaging
import Scheduling

/// One line of a `frames` artifact.
struct ListedFrame: Sendable {
  let name: String
  let bytes: Int
  let reference: ObjectReference
  /// Where its bytes lie.
  let path: String
  let file: String
}

enum FrameListing {
  /// **Throws**: `frames-malformed`, `frames-none`, `input-file-missing`.
  static func read(_ artifact: InputArtifact) throws(Diagnostic) -> [ListedFrame] {
    let bytes = try artifact.bytes("frames.jsonl")
    var frames: [ListedFrame] = []
    for (number, line) in bytes.split(separator: UInt8(ascii: "\n")).enumerated() {
      let shown = "\(artifact.port): frames.jsonl:\(number + 1)"
      let value = try JSONValue(parsing: SourceText(path: shown, bytes: Array(line)))
      guard let name = value["name"]?.string, !name.isEmpty, let size = value["bytes"]?.integer,
        let digest = value["sha256"]?.string.flatMap(Digest.init(hex:))
      else { throw .framesMalformed(shown) }
      let file = "frames/" + name
      frames.append(
        ListedFrame(
          name: name, bytes: size, reference: .blob(digest), path: try artifact.path(file),
          file: file))
    }
    guard !frames.isEmpty else { throw .framesNone(artifact.port) }
    return frames
  }
}

/// A `marker` artifact: boxes around what never moves.
struct MarkerFile {
  var name: String
  var boxes: [PixelBox]

  /// **Throws**: `json-syntax`, `marker-malformed`.
  init(_ artifact: InputArtifact) throws(Diagnostic) {
    let shown = "\(artifact.port): marker.json"
    let value = try JSONValue(
      parsing: SourceText(path: shown, bytes: artifact.bytes("marker.json")))
    name = value["name"]?.string ?? ""
    boxes = []
    for item in value["boxes"]?.array ?? [] {
      guard let x = item["x"]?.integer, let y = item["y"]?.integer,
        let width = item["width"]?.integer, let height = item["height"]?.integer
      else { throw .markerMalformed(shown) }
      boxes.append(PixelBox(x: x, y: y, width: width, height: height))
    }
  }

  init(name: String, boxes: [PixelBox]) {
    self.name = name
    self.boxes = boxes
  }

  var json: JSONValue {
    .object([
      "name": .string(name),
      "boxes": .array(
        boxes.map {
          .object([
            "x": .integer($0.x), "y": .integer($0.y), "width": .integer($0.width),
            "height": .integer($0.height),
          ])
        }),
    ])
  }
}

extension CameraReference {
  /// **Throws**: `camera-malformed`, `json-syntax`, `input-file-missing`.
  static func read(_ artifact: InputArtifact) throws(Diagnostic) -> CameraReference {
    try read(
      json: artifact.bytes("blur-reference.json"), basis: artifact.bytes("basis.f32"),
      shown: "\(artifact.port): blur-reference.json")
  }
}

/// What is known about a frame, by its name.
struct FrameLabels {
  struct Label {
    let truth: JudgedFrame.Truth
    let blur: String
    let light: String
  }

  let labels: [String: Label]

  /// **Throws**: `labels-malformed`, `csv-quote`.
  init(_ artifact: InputArtifact) throws(Diagnostic) {
    let shown = "\(artifact.port): labels.csv"
    let rows = try CSVTable(artifact.bytes("labels.csv"), path: shown)
    let file = try rows.column("file")
    let label = try rows.column("label")
    var labels: [String: Label] = [:]
    for row in rows.rows {
      guard let truth = JudgedFrame.Truth(rawValue: row[label]) else {
        throw .labelsMalformed(
          shown, "'\(row[label])' is none of sharp, blurred, indeterminate, corrupt")
      }
      guard labels[row[file]] == nil else {
        throw .labelsMalformed(shown, "'\(row[file])' stands there twice")
      }
      labels[row[file]] = Label(
        truth: truth, blur: rows.text(row, "blur") ?? "", light: rows.text(row, "light") ?? "")
    }
    self.labels = labels
  }
}

/// A small CSV file with a header, whole in memory.
struct CSVTable {
  let path: String
  let header: [String]
  let rows: [[String]]

  /// **Throws**: `labels-malformed`, `csv-quote`.
  init(_ bytes: [UInt8], path: String) throws(Diagnostic) {
    self.path = path
    var reader = try CSVReader(bytes, path: path)
    guard let first = try reader.next() else {
      throw .labelsMalformed(path, "it is empty; a header is wanted")
    }
    header = first.fields.map { String(decoding: $0, as: UTF8.self) }
    var rows: [[String]] = []
    while let row = try reader.next() {
      guard row.fault == nil, row.fields.count == header.count else {
        throw .labelsMalformed(
          path, "line \(row.line) has \(row.fields.count) fields, the header \(header.count)")
      }
      rows.append(row.fields.map { String(decoding: $0, as: UTF8.self) })
    }
    self.rows = rows
  }

  func column(_ name: String) throws(Diagnostic) -> Int {
    guard let index = header.firstIndex(of: name) else {
      throw .labelsMalformed(path, "it has no column '\(name)'")
    }
    return index
  }

  /// Nil where there is no such column.
  func text(_ row: [String], _ name: String) -> String? {
    header.firstIndex(of: name).map { row[$0] }
  }

  /// A field as CSV writes it. Bytes are looked at: CR and LF together are one `Character`, equal to
  /// neither.
  static func quoted(_ text: String) -> String {
    guard text.utf8.contains(where: { [0x0A, 0x0D, 0x22, 0x2C].contains($0) }) else { return text }
    return "\"" + text.replacing("\"", with: "\"\"") + "\""
  }
}
