// stages/suggest-marker: boxes that could serve as marker, with a picture. The search is in
// BlurDetection (MarkerSuggestion.swift).

import BlurDetection
import CanonicalJSON
import Diagnostics
import Imaging
import ModelFiles
import Reports
import Scheduling

enum SuggestMarkerStage: StageBody {
  static let kind = "suggest-marker"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let artifact = stage.input("frames")
    let listed = try FrameListing.read(artifact)
    let chosen = JudgingJob.spread(listed, most: stage.parameters.integer("most_frames"))
    var images: [GrayImage] = []
    var picture: Bitmap?
    for (index, frame) in chosen.enumerated() {
      stage.progress(step: index, of: chosen.count, unit: "frames")
      if stage.isStopping { throw .interrupted }
      let bytes = try artifact.bytes(frame.file)
      guard let image = try? ImageFile.decode(bytes) else {
        stage.log("\(frame.name) is left out: it cannot be read")
        continue
      }
      if let first = picture,
        image.bitmap.width != first.width
          || image.bitmap.height != first.height
      {
        stage.log("\(frame.name) is left out: it has another size")
        continue
      }
      if picture == nil { picture = image.bitmap }
      images.append(GrayImage.luma(image.bitmap))
    }
    guard let picture else { throw .framesNone("frames") }
    let side = stage.parameters.integer("side")
    let found = MarkerSuggestion.suggest(
      images, side: side, count: stage.parameters.integer("suggestions"))
    guard !found.isEmpty else {
      throw .calibrationRefused(
        "unnamed", ["no box of \(side)×\(side) pixels holds still edges in several directions"])
    }
    let taken = found.prefix(stage.parameters.integer("take"))
    let marker = MarkerFile(name: stage.parameters.string("name"), boxes: taken.map(\.box))
    try AtomicFile.write(
      Array((marker.json.canonicalText + "\n").utf8),
      to: stage.output("marker").path("marker.json"))
    try AtomicFile.write(
      section(found, picture, frames: images.count).bytes,
      to: stage.output("section").path("section.json"))
  }

  private static func section(
    _ found: [MarkerSuggestion], _ picture: Bitmap, frames: Int
  ) -> ReportSection {
    let drawing = BlurPicture.thumbnail(picture, width: 720, boxes: found.map(\.box))
    let table = ReportTable(
      caption: "Boxes whose edges look the same in all of \(frames) frames. Stillness: mean "
        + "correlation of cells between frames, whatever their polarity. Coherence: 1 where all "
        + "edges run in one direction, which blur by motion along them would escape.",
      columns: [
        .init("x", isNumber: true), .init("y", isNumber: true), .init("width", isNumber: true),
        .init("height", isNumber: true), .init("stillness", isNumber: true),
        .init("cells with edges", isNumber: true), .init("coherence", isNumber: true),
        .init("score", isNumber: true),
      ],
      rows: found.map {
        [
          String($0.box.x), String($0.box.y), String($0.box.width), String($0.box.height),
          Format.figure($0.stillness), "\($0.edgeTiles) of \($0.cells)",
          Format.figure($0.coherence), Format.figure($0.score),
        ]
      })
    return ReportSection(
      id: "markers", title: "Where a marker could be", order: 90,
      summary: "Somebody should look: what stands still for some frames may move one day.",
      blocks: [
        .images(
          ImageGrid(
            title: "Boxes on the first frame", width: 480,
            items: [
              .init(
                alt: "the first frame with \(found.count) boxes",
                bytes: JPEGEncoder(quality: 85).encode(drawing))
            ])), .table(table),
      ])
  }

  static func memory(for order: StageSizes) -> Int { 256 << 20 + 60 * order.bytes(of: "frames") }
}
