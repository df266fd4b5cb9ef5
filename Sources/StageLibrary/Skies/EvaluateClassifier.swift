// stages/evaluate-classifier: verdicts beside labels. Figures are computed in BlurDetection
// (BlurEvaluation.swift), shown by EvaluationSection.swift.

import BlurDetection
import CanonicalJSON
import Diagnostics
import ModelFiles
import Randomness
import Reports
import Scheduling
import Statistics

enum EvaluateClassifierStage: StageBody {
  static let kind = "evaluate-classifier"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let items = try LabelledVerdicts.read(stage)
    let lights = stage.parameters.strings("lights")
    var methods: [EvaluatedMethod] = []
    for (index, item) in items.enumerated() {
      stage.progress(step: index, of: items.count, note: "reading")
      if stage.isStopping { throw .interrupted }
      let rows = item.rows(lights: []).map(\.frame)
      if let at = methods.firstIndex(where: { $0.words == item.folder.words }) {
        methods[at].all += rows
      } else {
        methods.append(
          EvaluatedMethod(
            method: item.folder.method, rule: item.folder.rule, words: item.folder.words,
            ruleWords: item.folder.ruleWords, all: rows))
      }
    }
    for index in methods.indices { methods[index].lights = lights }
    guard methods.contains(where: { !$0.counted.isEmpty }) else {
      throw .evaluationEmpty(
        "no frame of the verdicts has a label in the lights \(lights.joined(separator: ", "))")
    }
    let evaluation = SkyEvaluation(
      methods: methods, main: stage.parameters.choice("main"),
      bright: stage.parameters.string("bright"),
      published: stage.parameters.optionalNumber("published"),
      replicates: stage.parameters.integer("bootstrap"), random: stage.random)
    let pictures = try FailurePictures(stage, items)
    stage.progress(step: items.count, of: items.count, note: "writing")
    try AtomicFile.write(
      Metric.file(evaluation.metrics), to: stage.output("metrics").path("metrics.json"))
    try AtomicFile.write(
      evaluation.section(pictures).bytes, to: stage.output("section").path("section.json"))
  }

  static func memory(for order: StageSizes) -> Int {
    256 << 20 + 8 * order.bytes(of: "verdicts") / 4 + 16 * order.bytes(of: "labels")
  }
}

/// All verdicts of one method on all cameras.
struct EvaluatedMethod {
  let method: JudgingMethod
  let rule: String
  let words: String
  let ruleWords: String
  var all: [JudgedFrame]
  /// Of the frames that count; empty for all.
  var lights: [String] = []

  /// Sharp or blurred, in the lights that count.
  var counted: [JudgedFrame] {
    all.filter { $0.isTold && (lights.isEmpty || lights.contains($0.light)) }
  }

  var cameras: [String] {
    var names: [String] = []
    for frame in all where !names.contains(frame.camera) { names.append(frame.camera) }
    return names
  }

  var at: [(String, JSONValue)] {
    [
      ("mode", .string(method.mode.rawValue)), ("region", .string(method.region.rawValue)),
      ("fft_size", .integer(method.fftSize)), ("threshold", .string(rule)),
    ]
  }
}

/// Every figure of the page, once.
struct SkyEvaluation {
  let methods: [EvaluatedMethod]
  let pooled: [BlurEvaluation]
  let aurocIntervals: [Interval?]
  /// Index of the method whose details are shown.
  let main: Int
  let bright: String
  let published: Double?
  let daylight: [BlurEvaluation]
  /// The same measure on the marker and on the whole image.
  let regions: [(first: Int, second: Int, comparison: PairedComparison)]
  /// The main method against every other.
  let rivals: [(other: Int, comparison: PairedComparison)]

  init(
    methods: [EvaluatedMethod], main: JudgingMethod.Mode, bright: String, published: Double?,
    replicates: Int, random: (String) -> RandomStream
  ) {
    self.methods = methods
    self.bright = bright
    self.published = published
    pooled = methods.map { BlurEvaluation($0.counted) }
    daylight = methods.map { method in
      BlurEvaluation(method.all.filter { $0.light == bright })
    }
    aurocIntervals = methods.map { method in
      BlurEvaluation.aurocInterval(
        method.counted, replicates: replicates, stream: random("auroc/" + method.words))
    }
    // Weights that were fitted on other frames come before the standard ones.
    let own = methods.indices.filter { methods[$0].method.mode == main }
    self.main = own.first { methods[$0].rule == "weights" } ?? own.first ?? 0
    var regions: [(first: Int, second: Int, comparison: PairedComparison)] = []
    for (i, a) in methods.enumerated() where a.method.region == .marker {
      for (j, b) in methods.enumerated()
      where b.method.region == .image && b.method.mode == a.method.mode && b.rule == a.rule {
        if let comparison = PairedComparison(
          a.counted, b.counted, replicates: replicates, stream: random("region/" + a.words))
        {
          regions.append((i, j, comparison))
        }
      }
    }
    self.regions = regions
    let mainIndex = self.main
    rivals = methods.indices.compactMap { index in
      guard index != mainIndex,
        let comparison = PairedComparison(
          methods[mainIndex].counted, methods[index].counted, replicates: replicates,
          stream: random("rival/" + methods[index].words))
      else { return nil }
      return (index, comparison)
    }
  }

  /// Frames of which nobody could tell, in the order of their lights.
  func hopeless(_ method: EvaluatedMethod) -> [(light: String, share: Share)] {
    let frames = method.all.filter { $0.truth == .indeterminate }
    var lights: [String] = []
    for frame in frames where !lights.contains(frame.light) { lights.append(frame.light) }
    return lights.sorted(by: bytesPrecede).map { light in
      let own = frames.filter { $0.light == light }
      return (light, Share(own.count { $0.decision.state.isIndeterminate }, of: own.count))
    }
  }

  /// Right verdicts by type of blur and by light, over all frames that are sharp or blurred.
  func parts(_ method: EvaluatedMethod) -> [(blur: String, light: String, share: Share, told: Int)]
  {
    var keys: [(String, String)] = []
    let frames = method.all.filter(\.isTold)
    for frame in frames where !keys.contains(where: { $0 == (frame.blur, frame.light) }) {
      keys.append((frame.blur, frame.light))
    }
    keys.sort { ($0.0, $0.1) < ($1.0, $1.1) }
    return keys.map { blur, light in
      let own = frames.filter { $0.blur == blur && $0.light == light }
      let told = own.filter { $0.decision.state.isBlurred != nil }
      let right = told.count { $0.decision.state.isBlurred == ($0.truth == .blurred) }
      return (blur, light, Share(right, of: own.count), told.count)
    }
  }

  // MARK: Metrics

  var metrics: [Metric] {
    var metrics: [Metric] = []
    for (index, method) in methods.enumerated() {
      let all = pooled[index]
      metrics += figures(all, at: method.at)
      if let value = all.auroc {
        metrics.append(
          metric(
            "auroc", value, aurocIntervals[index], count: all.frames.count, at: method.at))
      }
      metrics.append(
        metric(
          "auroc_unmeasured", Double(all.frames.count { $0.decision.score == nil }), nil,
          count: all.frames.count, at: method.at))
      for camera in method.cameras {
        let own = BlurEvaluation(method.counted.filter { $0.camera == camera })
        let at = method.at + [("camera", JSONValue.string(camera))]
        metrics.append(share("camera_accuracy", own.accuracy, at: at))
        metrics.append(share("camera_coverage", own.coverage, at: at))
        if let value = own.auroc {
          metrics.append(metric("camera_auroc", value, nil, count: own.frames.count, at: at))
        }
      }
      if !bright.isEmpty, !daylight[index].frames.isEmpty {
        metrics.append(
          share(
            "bright_accuracy", daylight[index].accuracy,
            at: method.at + [("light", .string(bright))]))
      }
      var lights = hopeless(method)
      if !lights.isEmpty {
        lights.append(
          (
            "all",
            Share(
              lights.reduce(0) { $0 + $1.share.successes },
              of: lights.reduce(0) { $0 + $1.share.count })
          ))
      }
      for item in lights {
        metrics.append(
          share("cannot_tell", item.share, at: method.at + [("light", .string(item.light))]))
      }
      let broken = method.all.filter { $0.truth == .corrupt }
      if !broken.isEmpty {
        metrics.append(
          share(
            "corrupt_found",
            Share(broken.count { $0.decision.state.isCorrupt }, of: broken.count), at: method.at))
      }
      for part in parts(method) {
        metrics.append(
          share(
            "right", part.share,
            at: method.at + [("blur", .string(part.blur)), ("light", .string(part.light))]))
      }
      for bin in all.reliability {
        metrics.append(
          share(
            "reliability", bin.blurred,
            at: method.at + [
              ("probability_from", .number(bin.low)), ("probability_to", .number(bin.high)),
              ("mean_probability", .number(bin.meanProbability)),
            ]))
      }
    }
    for item in regions {
      metrics.append(
        metric(
          "marker_minus_image", item.comparison.difference, item.comparison.interval,
          count: item.comparison.count, at: methods[item.first].at))
      for camera in item.comparison.cameras {
        metrics.append(
          metric(
            "camera_marker_minus_image", camera.difference, nil, count: item.comparison.count,
            at: methods[item.first].at + [("camera", .string(camera.name))]))
      }
    }
    for item in rivals {
      metrics.append(
        metric(
          "main_minus_other", item.comparison.difference, item.comparison.interval,
          count: item.comparison.count, at: methods[item.other].at))
    }
    return metrics
  }

  private func figures(_ all: BlurEvaluation, at: [(String, JSONValue)]) -> [Metric] {
    var metrics = [
      share("accuracy", all.accuracy, at: at),
      share("decided_accuracy", all.decidedAccuracy, at: at),
      share("strict_accuracy", all.strictAccuracy, at: at), share("coverage", all.coverage, at: at),
    ]
    if let brier = all.brier {
      metrics.append(metric("brier", brier, nil, count: all.frames.count, at: at))
    }
    if all.confidentAccuracy.count > 0 {
      metrics.append(share("confident_accuracy", all.confidentAccuracy, at: at))
      metrics.append(share("confident_coverage", all.confidentCoverage, at: at))
      metrics.append(
        metric(
          "confident_errors", Double(all.confidentErrors), nil,
          count: all.confidentAccuracy.count, at: at))
      if let bound = all.confidentErrorBound {
        metrics.append(
          metric("confident_error_bound", bound, nil, count: all.confidentAccuracy.count, at: at))
      }
    }
    return metrics
  }

  private func share(_ name: String, _ share: Share, at: [(String, JSONValue)]) -> Metric {
    var metric = metric(name, share.value, share.interval, count: share.count, at: at)
    metric.unit = "share"
    return metric
  }

  private func metric(
    _ name: String, _ value: Double, _ interval: Interval?, count: Int,
    at: [(String, JSONValue)]
  ) -> Metric {
    var metric = Metric(name, value, low: interval?.low, high: interval?.high, count: count)
    metric.at = JSONObject(at)
    return metric
  }
}
