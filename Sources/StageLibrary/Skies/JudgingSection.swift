// What classify-blur shows: counts, a contact sheet, σ̂ over the frames, what was not plainly sharp.

import BlurDetection
import CanonicalJSON
import Diagnostics
import Reports

struct JudgingSection {
  let job: JudgingJob
  let verdicts: [FrameVerdict]
  private let sheet: [ImageGrid.Item]
  private let overlays: [ImageGrid.Item]

  /// **Throws**: what reading the pictures throws.
  init(
    job: JudgingJob, verdicts: [FrameVerdict], sheet: [JudgingJob.Picture],
    overlays: [JudgingJob.Picture]
  ) throws(Diagnostic) {
    self.job = job
    self.verdicts = verdicts
    var items: [ImageGrid.Item] = []
    for picture in sheet { items.append(try Self.item(picture)) }
    self.sheet = items
    items = []
    for picture in JudgingJob.spread(overlays, most: 24) { items.append(try Self.item(picture)) }
    self.overlays = items
  }

  var metrics: [Metric] {
    var metrics = states.map { name, count in
      Metric("frames", Double(count), unit: "frames", count: verdicts.count, at: at(name))
    }
    let readable = verdicts.filter { !$0.decision.state.isCorrupt }
    let decided = readable.count { $0.decision.state.isBlurred != nil }
    let blurred = readable.count { $0.decision.state.isBlurred == true }
    if !readable.isEmpty {
      metrics.append(
        Metric(
          "coverage", Double(decided) / Double(readable.count), unit: "share",
          count: readable.count, at: ["camera": .string(job.camera.name)]))
    }
    if decided > 0 {
      metrics.append(
        Metric(
          "blurred", Double(blurred) / Double(decided), unit: "share", count: decided,
          at: ["camera": .string(job.camera.name)]))
    }
    return metrics
  }

  private func at(_ state: String) -> KeyValuePairs<String, JSONValue> {
    ["camera": .string(job.camera.name), "state": .string(state)]
  }

  private var states: [(String, Int)] {
    let names = Set(verdicts.map(\.decision.state.name)).sorted(by: bytesPrecede)
    return names.map { name in (name, verdicts.count { $0.decision.state.name == name }) }
  }

  var section: ReportSection {
    let name = job.camera.name.isEmpty ? "the camera" : job.camera.name
    var blocks: [ReportSection.Block] = [
      .table(
        ReportTable(
          caption: "Verdicts on \(verdicts.count) frames by \(job.method.words).",
          columns: [.init("state"), .init("frames", isNumber: true)],
          rows: states.map { [FrameState(name: $0.0)?.words ?? $0.0, String($0.1)] }))
    ]
    for finding in job.camera.findings {
      blocks.append(.text("Calibration, marker \(finding.marker): \(finding.sentence)."))
    }
    if !sheet.isEmpty {
      blocks.append(
        .images(
          ImageGrid(
            title: "Contact sheet",
            caption: "\(sheet.count) of \(verdicts.count) frames, evenly spread over the list; the "
              + "box is the marker. Green: sharp, red: blurred, yellow: cannot tell.",
            width: 144, items: sheet)))
    }
    if let figure = sigmaFigure { blocks.append(.figure(figure)) }
    if !overlays.isEmpty {
      blocks.append(
        .images(
          ImageGrid(
            title: "Blurred and doubtful frames",
            caption: "\(overlays.count) of \(verdicts.count { $0.isDoubtful }). Right: "
              + "the marker, its cells green where the frame is as sharp as the reference, yellow at "
              + "1 px of extra blur, red at 3 px and more.",
            width: 320, items: overlays)))
    }
    return ReportSection(
      id: "frames-" + Self.anchor(name), title: "Frames of \(name)", order: 100,
      summary: "Judged by \(job.method.words), \(job.rule.name).", blocks: blocks)
  }

  private static func item(
    _ picture: JudgingJob.Picture
  ) throws(Diagnostic) -> ImageGrid.Item {
    let verdict = picture.verdict
    var caption = verdict.decision.state.words
    if let sigma = verdict.measures?.blur?.sigma { caption += ", \(Format.fixed(sigma, 2)) px" }
    if verdict.decision.state.isBlurred != nil, let confidence = verdict.decision.confidence {
      caption += ", confidence \(Format.fixed(confidence, 2))"
    }
    if !verdict.reason.isEmpty { caption += ": " + verdict.reason }
    let tone: ImageGrid.Tone =
      switch verdict.decision.state.isBlurred {
      case true?: .bad
      case false?: .good
      case nil: .doubtful
      }
    return try ImageGrid.Item(
      title: verdict.name, caption: caption,
      alt: "frame \(verdict.name), \(verdict.decision.state.words)", tone: tone,
      bytes: picture.bytes())
  }

  /// Extra blur over the frames, in the order of their names.
  private var sigmaFigure: Figure? {
    guard job.method.mode == .markerReference else { return nil }
    let groups: [(String, (FrameState) -> Bool)] = [
      ("sharp", { $0.isBlurred == false }), ("blurred", { $0.isBlurred == true }),
      ("cannot tell", { $0.isIndeterminate }),
    ]
    let most = 5_000
    let step = max(1, verdicts.count / most)
    let series = groups.compactMap { name, belongs -> Figure.Series? in
      var points: [Figure.Point] = []
      for index in stride(from: 0, to: verdicts.count, by: step) {
        let verdict = verdicts[index]
        guard belongs(verdict.decision.state), let blur = verdict.measures?.blur else { continue }
        points.append(
          .init(
            x: Double(index + 1), y: blur.sigma, low: min(blur.sigmaLow, blur.sigma),
            high: max(blur.sigmaHigh, blur.sigma)))
      }
      return points.isEmpty ? nil : Figure.Series(name: name, points: points)
    }
    guard !series.isEmpty else { return nil }
    return Figure(
      .scatter, id: "sigma", title: "Extra blur over the frames", xLabel: "frame (in order)",
      yLabel: "σ̂ (px)", yScale: .log, series: series,
      caption: "Standard deviation of the Gaussian that turns the reference into the frame; "
        + "whiskers: 10 to 90 % over resampled cells. At 0.35 px a frame is as sharp as the "
        + "reference. n = \(verdicts.count).", references: [.init(name: "1 px", y: 1)])
  }

  static func anchor(_ name: String) -> String {
    let letters = name.lowercased().unicodeScalars.map { scalar -> Character in
      ("a"..."z").contains(Character(scalar)) || ("0"..."9").contains(Character(scalar))
        ? Character(scalar) : "-"
    }
    return String(String(letters).prefix(40))
  }
}
