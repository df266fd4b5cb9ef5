// fine-tune-adapter and generate-corpus on a Llama as a folder and as a file in blocks: stopped after
// every step, the result is the same to the last byte.

import ArtifactStore
import CanonicalJSON
import Corpora
import Diagnostics
import Foundation
import LanguageModels
import Scheduling
import Testing

@testable import StageLibrary

private let example =
  URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent().path + "/stages/import-model/example"

/// A folder with a corpus and imported models, that goes when the test ends.
private final class AdapterPlace {
  let folder = NSTemporaryDirectory() + "/plumb-adapter-" + UUID().uuidString

  init() throws {
    try make("corpus")
    let texts = ["the news of the day", "the state of the union", "the day of the news"]
    try Corpus(
      documents: (0..<9).map {
        Document(id: "text-\($0)", text: "title: day \($0)\nbody: " + texts[$0 % 3], source: "here")
      }
    ).write(to: folder + "/corpus")
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  func make(_ name: String) throws {
    try FileManager.default.createDirectory(
      atPath: folder + "/" + name, withIntermediateDirectories: true)
  }

  private func input(_ path: String) throws -> InputArtifact {
    var isFolder: ObjCBool = false
    _ = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    let names = isFolder.boolValue ? try FileManager.default.subpathsOfDirectory(atPath: path) : []
    let files =
      isFolder.boolValue
      ? Dictionary(uniqueKeysWithValues: names.map { ($0, path + "/" + $0) }) : ["file": path]
    return InputArtifact(reference: .tree(Digest.of(Array(path.utf8))), files: files)
  }

  /// Runs a stage; its outputs go into `name/<port>`.
  ///
  /// - Returns: false if it was stopped before its end.
  func run(
    _ body: any StageBody.Type, _ parameters: [(String, JSONValue)], _ inputs: [String: String],
    to ports: [String], _ name: String, stopped: Bool = false
  ) throws -> Bool {
    var outputs: [String: OutputArtifact] = [:]
    for port in ports {
      try make(name + "/" + port)
      outputs[port] = OutputArtifact(folder: folder + "/\(name)/\(port)")
    }
    try make(name + "-resume")
    var artifacts: [String: [InputArtifact]] = [:]
    for (port, path) in inputs { artifacts[port] = [try input(path)] }
    let stop = StopFlag()
    if stopped { stop.set() }
    do throws(Diagnostic) {
      try body.run(
        StageContext(
          parameters: StagePorts.parameters(body, parameters),
          inputs: StagePorts.inputs(body, artifacts), outputs: outputs,
          resumeFolder: folder + "/\(name)-resume", stop: stop))
      return true
    } catch {
      guard error.id == Diagnostic.interrupted.id else { throw error }
      return false
    }
  }

  func path(_ name: String) -> String { folder + "/" + name }

  func bytes(_ name: String) throws -> [UInt8] {
    [UInt8](try Data(contentsOf: URL(fileURLWithPath: path(name))))
  }
}

@Suite struct AdapterStageTests {
  /// What the frozen model comes from and how it is kept.
  struct Base: Sendable, CustomTestStringConvertible {
    let file: String
    let kept: String
    let storage: String
    var testDescription: String { "\(file) as \(storage)" }
  }

  static let bases = [
    Base(file: example, kept: "float32", storage: "float32"),
    Base(file: example, kept: "float32", storage: "nf4"),
    Base(file: example + ".gguf", kept: "as-stored", storage: "as-stored"),
  ]

  private static func training(_ storage: String) -> [(String, JSONValue)] {
    [
      ("rank", 4), ("rank_stabilised", false), ("targets", ["all-linear"]),
      ("storage", .string(storage)), ("epochs", 6), ("learning_rate", .number(1e-2)),
      ("schedule", "cosine"), ("warmup", .number(0)), ("weight_decay", .number(0)),
      ("clip_norm", .number(1)), ("beta1", .number(0.9)), ("beta2", .number(0.999)),
      ("epsilon", .number(1e-8)), ("batch_documents", 4), ("micro_batch_tokens", 64),
      ("examples", "article"), ("max_length", 32), ("learn_end_of_text", true),
      ("dropout", .number(0.1)), ("seed", 7),
    ]
  }

  private static func writing(_ storage: String) -> [(String, JSONValue)] {
    [
      ("form", "continuation"), ("decoding", "top-p"), ("block", 8), ("title_prompt", "heading"),
      ("temperature", .number(1)), ("top_p", .number(0.9)), ("top_k", 50), ("beams", 1),
      ("length_penalty", .number(1)), ("early_stopping", "when-unlikely"),
      ("repetition_penalty", .number(1)), ("stop_texts", []), ("storage", .string(storage)),
      ("batch", 4), ("seed", 3),
    ]
  }

  @Test(arguments: bases) func goesOnAfterEveryStopWithTheSameBytes(base: Base) throws {
    let place = try AdapterPlace()
    _ = try place.run(
      ImportModelStage.self, [("storage", .string(base.kept))], ["model": base.file],
      to: ["model"], "base")
    let inputs = ["model": place.path("base/model"), "corpus": place.path("corpus")]
    let settings = Self.training(base.storage)
    let outputs = ["adapter", "history"]
    #expect(
      try place.run(FineTuneAdapterStage.self, settings, inputs, to: outputs, "whole"))
    var stops = 0
    while try !place.run(
      FineTuneAdapterStage.self, settings, inputs, to: outputs, "stopped", stopped: true),
      stops < 100
    {
      stops += 1
    }
    #expect(stops >= 4, "\(stops) stops are too few to show anything")
    for file in [
      "adapter/adapter_model.safetensors", "adapter/adapter_config.json", "history/history.jsonl",
    ] {
      #expect(try place.bytes("whole/" + file) == place.bytes("stopped/" + file), "\(file)")
    }
    let weights = place.path("whole/adapter")
    let description = try AdapterDescription(files: [
      "adapter_config.json": weights + "/adapter_config.json",
      "adapter_model.safetensors": weights + "/adapter_model.safetensors",
    ])
    // Two layers of width 32 with 16 channels of keys and values and 64 inside.
    #expect(description.layers.count == 7 && description.layers.allSatisfy { $0.count == 2 })
    #expect(description.weights == 2 * 4 * (2 * 64 + 2 * 48 + 3 * 96))
    #expect(description.baseChecksum != nil)
    let history = try place.bytes("whole/history/history.jsonl").split(separator: 0x0A)
      .map { try JSONValue(parsing: String(decoding: $0, as: UTF8.self)) }
    let losses = history.compactMap { $0["loss"]?.double }
    #expect(losses.count == history.count && losses.last! < losses.first!, "\(losses)")
  }

  /// The adapter changes what is written; stopped and gone on with, the same is written.
  @Test(arguments: [bases[0], bases[2]]) func writesWithAnAdapter(base: Base) throws {
    let place = try AdapterPlace()
    _ = try place.run(
      ImportModelStage.self, [("storage", .string(base.kept))], ["model": base.file],
      to: ["model"], "base")
    let model = place.path("base/model")
    _ = try place.run(
      FineTuneAdapterStage.self, Self.training(base.storage),
      ["model": model, "corpus": place.path("corpus")], to: ["adapter", "history"], "learnt")
    let settings = Self.writing(base.storage)
    let plain = ["model": model, "prompts": place.path("corpus")]
    let adapted = plain.merging(["adapter": place.path("learnt/adapter")]) { first, _ in first }
    #expect(try place.run(GenerateCorpusStage.self, settings, plain, to: ["corpus"], "plain"))
    #expect(try place.run(GenerateCorpusStage.self, settings, adapted, to: ["corpus"], "whole"))
    var stops = 0
    while try !place.run(
      GenerateCorpusStage.self, settings, adapted, to: ["corpus"], "stopped", stopped: true),
      stops < 100
    {
      stops += 1
    }
    #expect(stops >= 2, "\(stops) stops are too few to show anything")
    let documents = "/corpus/documents.jsonl"
    #expect(try place.bytes("whole" + documents) == place.bytes("stopped" + documents))
    #expect(try place.bytes("whole" + documents) != place.bytes("plain" + documents))
  }
}
