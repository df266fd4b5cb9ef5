// The stage kind `render-sky`: a camera's sequence drawn by SkyRendering, with the truth in a table.

import CanonicalJSON
import Diagnostics
import ModelFiles
import Scheduling
import SkyRendering
import Synchronization
import Tensors

enum RenderSkyStage: StageBody {
  static let kind = "render-sky"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let sequence = SkySequence(try settings(stage.parameters))
    let total = sequence.frames.count + sequence.references.count
    try write(
      sequence.references, of: sequence, to: stage.output("reference"), after: 0, total, stage)
    try write(
      sequence.frames, of: sequence, to: stage.output("frames"),
      after: sequence.references.count, total, stage)
    try AtomicFile.write(
      Array(FrameTruth.table(sequence.frames).utf8),
      to: stage.output("labels").path("labels.csv"))
    let box = sequence.settings.markerBox
    let marker = MarkerFile(
      name: "rendered-\(sequence.settings.marker.rawValue)", boxes: box.map { [$0] } ?? [])
    try AtomicFile.write(
      marker.json.canonicalBytes + [UInt8(ascii: "\n")],
      to: stage.output("marker").path("marker.json"))
  }

  /// Frames are drawn a batch at a time, one thread each, and written in order.
  private static func write(
    _ frames: [FrameTruth], of sequence: SkySequence, to output: OutputArtifact, after done: Int,
    _ total: Int, _ stage: StageContext
  ) throws(Diagnostic) {
    var folder = FramesFolder(output)
    let batch = 4 * max(1, Parallelism.threads)
    for start in stride(from: 0, to: frames.count, by: batch) {
      if stage.isStopping { throw .interrupted }
      let part = frames[start..<min(frames.count, start + batch)]
      let files = Mutex([[UInt8]](repeating: [], count: part.count))
      parallelFor(part.count) { index in
        let file = sequence.file(part[start + index])
        files.withLock { $0[index] = file }
      }
      let drawn = files.withLock { $0 }
      for (frame, file) in zip(part, drawn) { try folder.add(file, as: frame.file) }
      stage.progress(step: done + start + part.count, of: total, unit: "frames")
    }
    try folder.finish()
  }

  /// **Throws**: `sky-settings`.
  static func settings(_ parameters: Parameters) throws(Diagnostic) -> SkySettings {
    var settings = SkySettings(seed: parameters.integer("seed"))
    settings.frames = parameters.integer("frames")
    settings.references = parameters.integer("references")
    settings.width = parameters.integer("width")
    settings.height = parameters.integer("height")
    settings.marker = parameters.choice("marker")
    settings.skies = try names("skies", SkyType.allCases, parameters)
    settings.blurs = try names("blurs", BlurType.allCases.filter { $0 != .none }, parameters)
    settings.blurredShare = parameters.number("blurred_share")
    settings.leastBlur = parameters.number("least_blur")
    settings.mostBlur = parameters.number("most_blur")
    settings.dullShare = parameters.number("dull_share")
    settings.duskShare = parameters.number("dusk_share")
    settings.fogShare = parameters.number("fog_share")
    settings.nightShare = parameters.number("night_share")
    settings.overShare = parameters.number("over_share")
    settings.broken = parameters.integer("broken")
    settings.shake = parameters.number("shake")
    settings.isLossless = parameters.string("format") == "png"
    guard settings.leastBlur <= settings.mostBlur else {
      throw .skySettings(
        "the weakest blur (\(settings.leastBlur) pixels) is stronger than the strongest "
          + "(\(settings.mostBlur))", help: "exchange 'least_blur' and 'most_blur'")
    }
    let shares = [
      settings.dullShare, settings.duskShare, settings.fogShare, settings.nightShare,
      settings.overShare,
    ].reduce(0, +)
    guard shares <= 1 + 1e-9 else {
      throw .skySettings(
        "the shares of dull, dusk, fog, night and over make \(shares)",
        help: "they may make 1 at most; what they leave is daylight")
    }
    guard settings.broken <= (settings.frames - 1) / 2 else {
      throw .skySettings(
        "\(settings.broken) of \(settings.frames) files cannot be broken",
        help: "every broken one needs a whole one before it")
    }
    return settings
  }

  private static func names<Choice: RawRepresentable>(
    _ name: String, _ all: [Choice], _ parameters: Parameters
  ) throws(Diagnostic) -> [Choice] where Choice.RawValue == String {
    let known = all.map(\.rawValue).joined(separator: ", ")
    let texts = parameters.strings(name)
    guard !texts.isEmpty else {
      throw .skySettings("'\(name)' names nothing to draw", help: "it takes \(known)")
    }
    var choices: [Choice] = []
    for text in texts {
      guard let choice = all.first(where: { $0.rawValue == text }) else {
        throw .skySettings("'\(name)' has no '\(text)'", help: "it takes \(known)")
      }
      choices.append(choice)
    }
    return choices
  }

  static func memory(for order: StageSizes) -> Int {
    // Each thread holds a dozen planes of three colours; files of a batch are small beside them.
    let pixels = order.parameters.integer("width") * order.parameters.integer("height")
    return 192 << 20 + 8 * 160 * pixels
  }
}
