// The page of evaluate-classifier: methods in one table, reliability, what is told in which light, and
// every wrong verdict with its picture.

import BlurDetection
import CanonicalJSON
import Diagnostics
import Imaging
import Reports
import Scheduling
import Statistics

/// Thumbnails of frames whose verdict is wrong, drawn when they are asked for.
struct FailurePictures {
  private let thumbnails: (String, String) -> [UInt8]?

  init(_ stage: StageContext, _ items: [LabelledVerdicts]) throws(Diagnostic) {
    let axis = stage.parameters.string("camera_axis")
    let frames = stage.inputs("frames")
    thumbnails = { camera, name in
      let own = frames.first {
        $0.coordinates[axis]?.string == camera || frames.count == 1
      }
      guard let own, let bytes = try? own.bytes("frames/" + name) else { return nil }
      let boxes = items.first { $0.camera == camera }?.folder.boxes ?? []
      return BlurPicture.redrawn(bytes) { BlurPicture.thumbnail($0, width: 288, boxes: boxes) }
    }
  }

  func thumbnail(camera: String, name: String) -> [UInt8]? { thumbnails(camera, name) }
}

extension SkyEvaluation {
  func section(_ pictures: FailurePictures) -> ReportSection {
    let own = pooled[main]
    var blocks: [ReportSection.Block] = [.text(headline), .table(methodTable)]
    if let published, !bright.isEmpty, !daylight[main].frames.isEmpty {
      blocks.append(.text(publishedText(published)))
    }
    blocks += [.table(cameraTable), .figure(reliabilityFigure(own)), .table(partTable)]
    if !regions.isEmpty { blocks.append(.table(regionTable)) }
    if !rivals.isEmpty { blocks.append(.table(rivalTable)) }
    blocks += failures(pictures)
    return ReportSection(
      id: "blur-evaluation", title: "What the verdicts are worth", order: 50,
      summary: "Verdicts of \(methods.count) methods beside labels of "
        + "\(own.frames.count) frames of \(methods[main].cameras.count) cameras.",
      blocks: blocks)
  }

  private var headline: String {
    let own = pooled[main]
    var text =
      "\(methods[main].words): \(percent(own.accuracy)) right of \(own.frames.count) frames "
      + "where the probability is taken at its word; \(percent(own.decidedAccuracy)) of the "
      + "\(own.coverage.successes) frames about which it says something."
    if own.confidentAccuracy.count > 0, let bound = own.confidentErrorBound {
      text +=
        " With a confidence above 0.9 it speaks about \(percent(own.confidentCoverage)) of the "
        + "frames; \(own.confidentErrors) of these \(own.confidentAccuracy.count) verdicts are "
        + "wrong, at most \(Format.fixed(100 * bound, 1)) % at 95 %."
    }
    for item in hopeless(methods[main]) {
      text +=
        " Of \(item.share.count) frames in the light '\(item.light)', of which nobody could "
        + "tell, it says so of \(item.share.successes)."
    }
    return text
  }

  private func publishedText(_ published: Double) -> String {
    let own = daylight[main].accuracy
    return "In the light '\(bright)' alone \(methods[main].words) is right on \(percent(own)) of "
      + "\(own.count) frames. The published accuracy of the marker method is "
      + "\(Format.fixed(100 * published, 0)) %. These are other data, not a reproduction: other "
      + "cameras, other blurs, other labels."
  }

  private var methodTable: ReportTable {
    let order = methods.indices.sorted {
      pooled[$0].accuracy.value != pooled[$1].accuracy.value
        ? pooled[$0].accuracy.value > pooled[$1].accuracy.value : $0 < $1
    }
    return ReportTable(
      caption:
        "All methods on the same frames (\(lightWords)). Accuracy: by the probability or the "
        + "threshold, whether or not the gates would speak. Said: with gates, accuracy of what is "
        + "said and how often something is. 95 % intervals: Wilson's for shares, bootstrap within "
        + "cameras and labels for the area under the curve.",
      columns: [
        .init("method"), .init("accuracy", unit: "%", isNumber: true),
        .init("95 %", isNumber: true), .init("area under ROC", isNumber: true),
        .init("95 %", isNumber: true), .init("said right", unit: "%", isNumber: true),
        .init("coverage", unit: "%", isNumber: true), .init("Brier", isNumber: true),
        .init(bright.isEmpty ? "bright" : bright, unit: "%", isNumber: true),
      ],
      rows: order.map { index in
        let own = pooled[index]
        return [
          methods[index].words, number(own.accuracy), interval(own.accuracy.interval, 100, 1),
          own.auroc.map { Format.fixed($0, 3) } ?? "–", interval(aurocIntervals[index], 1, 3),
          number(own.decidedAccuracy), number(own.coverage),
          own.brier.map { Format.fixed($0, 3) } ?? "–",
          daylight[index].frames.isEmpty ? "–" : number(daylight[index].accuracy),
        ]
      })
  }

  private var cameraTable: ReportTable {
    ReportTable(
      caption: "\(methods[main].words), by camera (\(lightWords)).",
      columns: [
        .init("camera"), .init("frames", isNumber: true),
        .init("accuracy", unit: "%", isNumber: true), .init("95 %", isNumber: true),
        .init("area under ROC", isNumber: true), .init("coverage", unit: "%", isNumber: true),
      ],
      rows: methods[main].cameras.map { camera in
        let own = BlurEvaluation(methods[main].counted.filter { $0.camera == camera })
        return [
          camera, String(own.frames.count), number(own.accuracy),
          interval(own.accuracy.interval, 100, 1), own.auroc.map { Format.fixed($0, 3) } ?? "–",
          number(own.coverage),
        ]
      })
  }

  private var partTable: ReportTable {
    let hopeless = hopeless(methods[main])
    return ReportTable(
      caption: "\(methods[main].words): right verdicts by type of blur and light. 'Cannot tell' is "
        + "right where nobody could tell, and not right elsewhere.",
      columns: [
        .init("blur"), .init("light"), .init("frames", isNumber: true),
        .init("something said", isNumber: true), .init("right", isNumber: true),
        .init("right", unit: "%", isNumber: true), .init("95 %", isNumber: true),
      ],
      rows: parts(methods[main]).map { part in
        [
          part.blur, part.light, String(part.share.count), String(part.told),
          String(part.share.successes), number(part.share),
          interval(part.share.interval, 100, 0),
        ]
      }
        + hopeless.map { item in
          [
            "nobody could tell", item.light, String(item.share.count),
            String(item.share.count - item.share.successes), String(item.share.successes),
            number(item.share), interval(item.share.interval, 100, 0),
          ]
        })
  }

  private var regionTable: ReportTable {
    ReportTable(
      caption: "The same measure on the marker and on the whole image, frame by frame within each "
        + "camera. Intervals: bootstrap over frames within cameras.",
      columns: [
        .init("method"), .init("marker − image", unit: "points", isNumber: true),
        .init("95 %", isNumber: true), .init("only marker right", isNumber: true),
        .init("only image right", isNumber: true), .init("by camera", unit: "points"),
      ],
      rows: regions.map { item in
        let comparison = item.comparison
        return [
          regionWords(item.first, item.second),
          Format.signed(100 * comparison.difference, 1), interval(comparison.interval, 100, 1),
          String(comparison.onlyFirst), String(comparison.onlySecond),
          comparison.cameras.map { "\($0.name) \(Format.signed(100 * $0.difference, 0))" }
            .joined(separator: ", "),
        ]
      })
  }

  /// "jain2021-fft (size 12 against 40), fitted on other frames"
  private func regionWords(_ first: Int, _ second: Int) -> String {
    let (a, b) = (methods[first].method, methods[second].method)
    let sizes = a.fftSize == b.fftSize ? "" : " (size \(a.fftSize) against \(b.fftSize))"
    return a.mode.rawValue + sizes + ", " + methods[first].ruleWords
  }

  private var rivalTable: ReportTable {
    ReportTable(
      caption: "\(methods[main].words) against every other method on the same frames.",
      columns: [
        .init("other"), .init("difference", unit: "points", isNumber: true),
        .init("95 %", isNumber: true), .init("only it right", isNumber: true),
        .init("only the other right", isNumber: true),
      ],
      rows: rivals.map { item in
        [
          methods[item.other].words, Format.signed(100 * item.comparison.difference, 1),
          interval(item.comparison.interval, 100, 1), String(item.comparison.onlyFirst),
          String(item.comparison.onlySecond),
        ]
      })
  }

  private func reliabilityFigure(_ own: BlurEvaluation) -> Figure {
    let points = own.reliability.map { bin in
      Figure.Point(
        x: bin.meanProbability, y: bin.blurred.value, low: bin.blurred.interval?.low,
        high: bin.blurred.interval?.high, count: bin.count)
    }
    return Figure(
      .lines, id: "reliability", title: "Does the probability mean what it says?",
      xLabel: "mean P(blurred)", yLabel: "share that is blurred",
      series: [.init(name: methods[main].method.mode.rawValue, points: points)],
      caption: "\(own.frames.count) frames in five bins of the probability, "
        + "\(methods[main].words); bands: Wilson's 95 %. Brier score "
        + "\(own.brier.map { Format.fixed($0, 4) } ?? "–").", isUnitSquare: true)
  }

  /// Wrong verdicts, of sharp and blurred frames in any light and of hopeless ones.
  private func failures(_ pictures: FailurePictures) -> [ReportSection.Block] {
    let wrong = methods[main].all.filter { frame in
      guard let said = frame.decision.state.isBlurred else { return false }
      return !frame.isTold || said != (frame.truth == .blurred)
    }
    guard !wrong.isEmpty else {
      return [.text("No verdict of \(methods[main].words) is wrong.")]
    }
    let sorted = wrong.sorted {
      let (a, b) = ($0.decision.confidence ?? 0, $1.decision.confidence ?? 0)
      if a != b { return a > b }
      return ($0.camera, $0.name) < ($1.camera, $1.name)
    }
    let items = sorted.prefix(36).compactMap { frame -> ImageGrid.Item? in
      guard let bytes = pictures.thumbnail(camera: frame.camera, name: frame.name) else {
        return nil
      }
      return ImageGrid.Item(
        title: "\(frame.camera) \(frame.name)", caption: Self.words(frame),
        alt: "frame \(frame.name) of \(frame.camera)", tone: .bad, bytes: bytes)
    }
    if !items.isEmpty {
      return [
        .images(
          ImageGrid(
            title: "Wrong verdicts",
            caption: "\(items.count) of \(wrong.count) wrong verdicts of "
              + "\(methods[main].words) in any light, most confident first. The box is the marker.",
            width: 240, items: items))
      ]
    }
    return [
      .table(
        ReportTable(
          caption: "Wrong verdicts of \(methods[main].words), most confident first.",
          columns: [.init("camera"), .init("frame"), .init("what")],
          rows: sorted.prefix(100).map { [$0.camera, $0.name, Self.words($0)] }))
    ]
  }

  private static func words(_ frame: JudgedFrame) -> String {
    let truth =
      switch frame.truth {
      case .sharp: "sharp"
      case .blurred: "blurred (\(frame.blur))"
      case .indeterminate: "nobody could tell"
      case .corrupt: "broken"
      }
    let confidence = frame.decision.confidence.map { ", confidence \(Format.fixed($0, 2))" } ?? ""
    return "\(frame.light), \(truth); called \(frame.decision.state.words)\(confidence)"
  }

  private var lightWords: String {
    let lights = methods[main].lights
    return lights.isEmpty ? "all lights" : lights.joined(separator: ", ")
  }

  private func percent(_ share: Share) -> String {
    share.count == 0 ? "–" : Format.fixed(100 * share.value, 1) + " %"
  }

  private func number(_ share: Share) -> String {
    share.count == 0 ? "–" : Format.fixed(100 * share.value, 1)
  }

  private func interval(_ interval: Interval?, _ scale: Double, _ digits: Int) -> String {
    interval.map {
      "\(Format.fixed(scale * $0.low, digits)) – \(Format.fixed(scale * $0.high, digits))"
    } ?? "–"
  }
}
