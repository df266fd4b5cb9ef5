// The stage kind `import-frames`: pictures of a camera come in as they are. Nothing is decoded here: a
// broken file stays a file, and a row of the verdicts later.

import CanonicalJSON
import Diagnostics
import ModelFiles
import Scheduling

enum ImportFramesStage: StageBody {
  static let kind = "import-frames"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let input = stage.input("files")
    let listing = try stage.listing(of: input)
    let names = try chosen(input.names, stage.parameters)
    var folder = FramesFolder(stage.output("frames"))
    for (index, name) in names.enumerated() {
      if stage.isStopping { throw .interrupted }
      try folder.add(fileAt: input.path(name), as: name, known: listing?[name], stage)
      stage.progress(step: index + 1, of: names.count, unit: "frames")
    }
    try folder.finish()
    stage.log("took \(names.count) of \(input.names.count) files")
    let table = try labels(stage.optionalInput("labels"), names, stage.log)
    try AtomicFile.write(table, to: stage.output("labels").path("labels.csv"))
    let marker = try marker(stage.optionalInput("camera"))
    try AtomicFile.write(
      marker.json.canonicalBytes + [UInt8(ascii: "\n")],
      to: stage.output("marker").path("marker.json"))
  }

  /// Sorted by bytes, as `names` are.
  private static func chosen(
    _ names: [String], _ parameters: Parameters
  ) throws(Diagnostic) -> [String] {
    let include = parameters.strings("include").map(NamePattern.init)
    let exclude = parameters.strings("exclude").map(NamePattern.init)
    let matching = names.filter { name in
      include.contains { $0.matches(name) } && !exclude.contains { $0.matches(name) }
    }
    guard !matching.isEmpty else {
      throw .framesNoneMatch(parameters.strings("include"), among: names)
    }
    let every = parameters.integer("every")
    let kept = matching.enumerated().filter { $0.offset % every == 0 }.map(\.element)
    return parameters.optionalInteger("limit").map { Array(kept.prefix($0)) } ?? kept
  }

  /// The rows whose frames were taken, with all their columns.
  private static func labels(
    _ artifact: InputArtifact?, _ frames: [String], _ log: (String) -> Void
  ) throws(Diagnostic) -> [UInt8] {
    guard let artifact else { return Array("file,label,blur,light\n".utf8) }
    let name = try artifact.singleFile()
    let table = try CSVTable(artifact.bytes(name), path: "\(artifact.port)")
    let file = try table.column("file")
    _ = try table.column("label")
    let known = Set(frames)
    let rows = table.rows.filter { known.contains($0[file]) }
    guard !rows.isEmpty || table.rows.isEmpty else {
      throw .frameLabelsForeign(example: table.rows[0][file], frame: frames[0])
    }
    if rows.count < table.rows.count {
      log("\(table.rows.count - rows.count) labels are of frames that were not taken")
    }
    let lines = ([table.header] + rows).map { $0.map(CSVTable.quoted).joined(separator: ",") }
    return Array(lines.map { $0 + "\n" }.joined().utf8)
  }

  private static func marker(_ artifact: InputArtifact?) throws(Diagnostic) -> MarkerFile {
    guard let artifact else { return MarkerFile(name: "", boxes: []) }
    let name = try artifact.singleFile()
    return try MarkerFile(yaml: artifact.bytes(name), shown: artifact.port)
  }

  static func memory(for order: StageSizes) -> Int {
    // Files are mapped one at a time; names and listing stay.
    128 << 20 + 2000 * (order.files(of: "files").first?.count ?? 0)
  }
}

extension InputArtifact {
  /// The name of the only file.
  ///
  /// **Throws**: `frames-one-file`.
  fileprivate func singleFile() throws(Diagnostic) -> String {
    guard names.count == 1 else { throw .framesOneFile(port, count: names.count) }
    return names[0]
  }
}
