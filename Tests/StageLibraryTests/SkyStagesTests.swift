// The judging stages on drawn frames, from calibration to evaluation, as a worker runs them.

import ArtifactStore
import CanonicalJSON
import Diagnostics
import Foundation
import Reports
import Scheduling
import Testing

@testable import StageLibrary

/// A drawn camera in a temporary folder, and the stages on it.
private final class SkyLaboratory {
  let folder = NSTemporaryDirectory() + "/plumb-sky-" + UUID().uuidString
  private var runs = 0

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  func artifact(_ port: String, _ path: String, camera: String? = nil) throws -> InputArtifact {
    let names = try FileManager.default.subpathsOfDirectory(atPath: path).filter { name in
      var isFolder: ObjCBool = false
      let exists = FileManager.default.fileExists(
        atPath: path + "/" + name, isDirectory: &isFolder)
      return exists && !isFolder.boolValue
    }
    return InputArtifact(
      port: port,
      coordinates: JSONObject(camera.map { [("camera", .string($0))] } ?? []),
      reference: .tree(Digest.of(path)),
      files: Dictionary(uniqueKeysWithValues: names.map { ($0, path + "/" + $0) }))
  }

  /// Runs a stage; its outputs lie in folders named after their ports.
  func run(
    _ body: any StageBody.Type, _ inputs: [String: [InputArtifact]] = [:],
    outputs: [String], with parameters: [(String, JSONValue)] = [], store: Store? = nil,
    threads: Int = 1
  ) throws -> String {
    runs += 1
    let place = folder + "/\(runs)-\(body.kind)"
    for name in outputs + ["resume"] {
      try FileManager.default.createDirectory(
        atPath: place + "/" + name, withIntermediateDirectories: true)
    }
    try body.run(
      StageContext(
        parameters: StagePorts.parameters(body, parameters),
        inputs: StagePorts.inputs(body, inputs),
        outputs: Dictionary(
          uniqueKeysWithValues: outputs.map { ($0, OutputArtifact(folder: place + "/" + $0)) }),
        resumeFolder: place + "/resume", threads: threads, store: store))
    return place
  }

  func sky(
    frames: Int, seed: Int = 5, width: Int = 240
  ) throws -> String {
    try run(
      RenderSkyStage.self, outputs: ["frames", "reference", "labels", "marker"],
      with: [
        ("frames", .integer(frames)), ("references", 5), ("width", .integer(width)),
        ("height", 200), ("seed", .integer(seed)),
      ])
  }

  func camera(_ sky: String, with parameters: [(String, JSONValue)] = []) throws -> String {
    try run(
      CalibrateCameraStage.self,
      [
        "frames": [artifact("frames", sky + "/reference")],
        "marker": [artifact("marker", sky + "/marker")],
      ], outputs: ["camera", "metrics"], with: parameters)
  }

  func judge(
    _ sky: String, _ camera: String, with parameters: [(String, JSONValue)] = [],
    weights: String? = nil, store: Store? = nil, threads: Int = 1
  ) throws -> String {
    try run(
      ClassifyBlurStage.self,
      [
        "frames": [artifact("frames", sky + "/frames")],
        "camera": [artifact("camera", camera + "/camera")],
        "weights": weights.map { [try! artifact("weights", $0 + "/weights")] } ?? [],
      ], outputs: ["verdicts", "metrics", "section"], with: parameters, store: store,
      threads: threads)
  }

  func text(_ path: String) throws -> String { try String(contentsOfFile: path, encoding: .utf8) }

  /// state by file
  func states(_ judged: String) throws -> [String: String] {
    var states: [String: String] = [:]
    for line in try text(judged + "/verdicts/verdicts.csv").split(separator: "\n").dropFirst() {
      let fields = line.split(separator: ",", omittingEmptySubsequences: false)
      states[String(fields[0])] = String(fields[1])
    }
    return states
  }

  /// Adds a file to the listing of a `frames` artifact.
  func add(_ bytes: [UInt8], as name: String, to sky: String) throws {
    try Data(bytes).write(to: URL(fileURLWithPath: sky + "/frames/frames/" + name))
    let row: JSONValue = .object([
      "name": .string(name), "bytes": .integer(bytes.count),
      "sha256": .string(Digest.of(bytes).hex),
    ])
    let path = sky + "/frames/frames.jsonl"
    try Data((try text(path) + row.canonicalText + "\n").utf8).write(
      to: URL(fileURLWithPath: path))
  }
}

@Suite struct SkyStagesTests {
  @Test func framesAreJudgedAndEvaluated() throws {
    let laboratory = SkyLaboratory()
    let sky = try laboratory.sky(frames: 16)
    let camera = try laboratory.camera(sky)
    let judged = try laboratory.judge(sky, camera)
    #expect(try laboratory.states(judged).count == 16)
    let verdicts = judged + "/verdicts"
    let names = try FileManager.default.contentsOfDirectory(atPath: verdicts + "/frames")
    #expect(names.count == 16)
    let one = try JSONValue(parsing: laboratory.text(verdicts + "/frames/" + names.sorted()[0]))
    #expect(one["measures"]?["tiles"]?.array?.isEmpty == false)
    _ = try ReportSection.read(
      Array(try laboratory.text(judged + "/section/section.json").utf8), shown: "section")

    func verdictPort(_ path: String) throws -> [InputArtifact] {
      [try laboratory.artifact("verdicts", path + "/verdicts", camera: "drawn")]
    }
    let labels = [try laboratory.artifact("labels", sky + "/labels", camera: "drawn")]
    let fitted = try laboratory.run(
      FitBlurStage.self, ["verdicts": verdictPort(judged), "labels": labels],
      outputs: ["weights", "metrics"])
    let again = try laboratory.judge(sky, camera, weights: fitted)
    let simple = try laboratory.judge(
      sky, camera, with: [("mode", "jain2021-laplacian"), ("region", "image")])
    let evaluated = try laboratory.run(
      EvaluateClassifierStage.self,
      [
        "verdicts": verdictPort(judged) + verdictPort(again) + verdictPort(simple),
        "labels": labels,
        "frames": [laboratory.artifact("frames", sky + "/frames", camera: "drawn")],
      ], outputs: ["metrics", "section"],
      with: [("bootstrap", 200), ("seed", 1), ("published", .number(0.94))])
    let metrics = try Metric.read(
      Array(try laboratory.text(evaluated + "/metrics/metrics.json").utf8), shown: "metrics")
    let accuracies = metrics.filter { $0.name == "accuracy" }
    #expect(accuracies.count == 3)
    #expect(accuracies[0].value > 0.8, "\(accuracies)")
    #expect(
      Set(accuracies.compactMap { $0.at["threshold"]?.string }) == ["standard", "weights"])
    let section = try laboratory.text(evaluated + "/section/section.json")
    #expect(section.contains("other data, not a reproduction"))
    _ = try ReportSection.read(Array(section.utf8), shown: "section")

    // Weights of the reference are none of the Laplacian's.
    let error = #expect(throws: Diagnostic.self) {
      try laboratory.judge(
        sky, camera, with: [("mode", "jain2021-laplacian")], weights: fitted)
    }
    #expect(error?.id == "judging-rule")
    let except = #expect(throws: Diagnostic.self) {
      try laboratory.run(
        FitBlurStage.self, ["verdicts": verdictPort(judged), "labels": labels],
        outputs: ["weights", "metrics"], with: [("except", "drawn")])
    }
    #expect(except?.id == "fit-impossible")
  }

  @Test func brokenFilesAreRowsOrMistakesAsAsked() throws {
    let laboratory = SkyLaboratory()
    let sky = try laboratory.sky(frames: 3)
    let camera = try laboratory.camera(sky)
    let first = try FileManager.default.contentsOfDirectory(atPath: sky + "/frames/frames")
      .sorted()[0]
    let bytes = [UInt8](
      try Data(contentsOf: URL(fileURLWithPath: sky + "/frames/frames/" + first)))
    let other = try laboratory.sky(frames: 1, width: 200)
    let small = try FileManager.default.contentsOfDirectory(atPath: other + "/frames/frames")[0]
    let cases: [(String, [UInt8], String)] = [
      ("x-cut.jpg", Array(bytes.prefix(bytes.count / 2)), "corrupt:truncated"),
      ("x-empty.jpg", [], "corrupt:empty"), ("x-empty-too.jpg", [], "corrupt:empty"),
      ("x-text.png", Array("hello".utf8), "corrupt:undecodable"),
      ("x-twice.jpg", bytes, "corrupt:frozen-duplicate"),
      (
        "x-small.jpg",
        [UInt8](try Data(contentsOf: URL(fileURLWithPath: other + "/frames/frames/" + small))),
        "corrupt:wrong-size"
      ),
    ]
    for (name, content, _) in cases { try laboratory.add(content, as: name, to: sky) }
    let states = try laboratory.states(laboratory.judge(sky, camera))
    for (name, _, state) in cases { #expect(states[name] == state, "\(name)") }
    #expect(states.count == 3 + cases.count)
    let kept = try laboratory.states(
      laboratory.judge(sky, camera, with: [("on_corrupt", "skip")]))
    #expect(kept.count == 3)
    let error = #expect(throws: Diagnostic.self) {
      try laboratory.judge(sky, camera, with: [("on_corrupt", "fail")])
    }
    #expect(error?.id == "frames-corrupt" && error?.message.contains("6 frames") == true)
  }

  @Test func oneMoreFrameCostsOneFrame() throws {
    let laboratory = SkyLaboratory()
    let sky = try laboratory.sky(frames: 4)
    let camera = try laboratory.camera(sky)
    let store = try Store(at: laboratory.folder + "/store")
    let quiet: [(String, JSONValue)] = [("overlays", 0), ("contact_sheet", 0)]
    func results() throws -> Int {
      try FileManager.default.subpathsOfDirectory(atPath: laboratory.folder + "/store/actions")
        .count { $0.split(separator: "/").last!.count == 64 }
    }
    _ = try laboratory.judge(sky, camera, with: quiet, store: store)
    #expect(try results() == 4)
    // Nothing changed, another line between sharp and blurred: no pixel is read.
    _ = try laboratory.judge(
      sky, camera, with: quiet + [("threshold", "references")], store: store)
    #expect(try results() == 4)
    let more = try laboratory.sky(frames: 1, seed: 99)
    let name = try FileManager.default.contentsOfDirectory(atPath: more + "/frames/frames")[0]
    try laboratory.add(
      [UInt8](try Data(contentsOf: URL(fileURLWithPath: more + "/frames/frames/" + name))),
      as: "z.jpg", to: sky)
    let judged = try laboratory.judge(sky, camera, with: quiet, store: store)
    #expect(try results() == 5)
    #expect(try laboratory.states(judged).count == 5)
  }

  @Test func bitsDoNotDependOnThreads() throws {
    let laboratory = SkyLaboratory()
    let sky = try laboratory.sky(frames: 9)
    let camera = try laboratory.camera(sky)
    let one = try laboratory.judge(sky, camera, threads: 1)
    let two = try laboratory.judge(sky, camera, threads: 2)
    let names = try FileManager.default.subpathsOfDirectory(atPath: one).filter {
      !$0.hasPrefix("resume") && $0.contains(".")
    }
    #expect(names.count > 12)
    for name in names {
      let a = try Data(contentsOf: URL(fileURLWithPath: one + "/" + name))
      let b = try Data(contentsOf: URL(fileURLWithPath: two + "/" + name))
      #expect(a == b, "\(name)")
    }
  }

  @Test func boxesThatCannotServeAreTheUsersMistake() throws {
    let laboratory = SkyLaboratory()
    let sky = try laboratory.sky(frames: 1)
    let cases: [([JSONValue], String)] = [
      ([1, 2, 3], "marker-outside"), ([200, 100, 96, 96], "marker-outside"),
      ([0, 0, 16, 16], "marker-outside"), ([-1, 0, 64, 64], "marker-outside"),
      ([9_223_372_036_854_775_807, 0, 64, 64], "marker-outside"),
    ]
    for (box, id) in cases {
      let error = #expect(throws: Diagnostic.self, "\(box)") {
        try laboratory.camera(sky, with: [("box", .array(box))])
      }
      #expect(error?.id == id, "\(box)")
    }
    let none = #expect(throws: Diagnostic.self) {
      try laboratory.run(
        CalibrateCameraStage.self,
        ["frames": [laboratory.artifact("frames", sky + "/reference")]],
        outputs: ["camera", "metrics"])
    }
    #expect(none?.id == "marker-missing")
    // A crop that has no frequencies left is refused, not judged.
    let camera = try laboratory.camera(sky)
    let block = #expect(throws: Diagnostic.self) {
      try laboratory.judge(
        sky, camera, with: [("mode", "jain2021-fft"), ("fft_size", 64)])
    }
    #expect(block?.id == "frequency-block")
  }

  @Test func aMarkerIsSuggestedAndCanBeCalibrated() throws {
    let laboratory = SkyLaboratory()
    let sky = try laboratory.sky(frames: 1)
    let place = try laboratory.run(
      SuggestMarkerStage.self,
      ["frames": [laboratory.artifact("frames", sky + "/reference")]],
      outputs: ["marker", "section"], with: [("side", 96)])
    let camera = try laboratory.run(
      CalibrateCameraStage.self,
      [
        "frames": [laboratory.artifact("frames", sky + "/reference")],
        "marker": [laboratory.artifact("marker", place + "/marker")],
      ], outputs: ["camera", "metrics"])
    #expect(FileManager.default.fileExists(atPath: camera + "/camera/basis.f32"))
  }

  @Test(
    "A field that a reader could split is quoted",
    arguments: ["a,b", "a\r\nb", "a\nb", "a\rb", "say \"x\""])
  func fieldsComeBack(text: String) throws {
    let line = "name,other\n" + CSVTable.quoted(text) + ",1\n"
    #expect(try CSVTable(Array(line.utf8), path: "t.csv").rows == [[text, "1"]])
  }
}
