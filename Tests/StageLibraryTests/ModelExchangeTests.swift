// Models in and out through the very bodies that workers run: the examples beside the stage kinds, and
// what must be refused.

import ArtifactStore
import CanonicalJSON
import Corpora
import Diagnostics
import Foundation
import LanguageModels
import ModelFiles
import Reports
import Scheduling
import Testing

@testable import StageLibrary

private let stages =
  URL(fileURLWithPath: #filePath).deletingLastPathComponent()
  .deletingLastPathComponent().deletingLastPathComponent().path + "/stages"

/// A folder that goes when the test ends.
private final class ExchangePlace {
  let folder = NSTemporaryDirectory() + "/plumb-exchange-" + UUID().uuidString

  init() throws {
    try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
  }

  deinit { try? FileManager.default.removeItem(atPath: folder) }

  func path(_ name: String) -> String { folder + "/" + name }

  static func input(_ path: String) throws -> InputArtifact {
    var isFolder: ObjCBool = false
    _ = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
    var files = ["file": path]
    if isFolder.boolValue {
      let names = try FileManager.default.subpathsOfDirectory(atPath: path)
      files = Dictionary(uniqueKeysWithValues: names.map { ($0, path + "/" + $0) })
    }
    return InputArtifact(reference: .tree(Digest.of(Array(path.utf8))), files: files)
  }

  func run(
    _ body: any StageBody.Type, _ parameters: [(String, JSONValue)],
    _ inputs: [String: String], to port: String, _ name: String
  ) throws {
    try FileManager.default.createDirectory(
      atPath: path(name), withIntermediateDirectories: true)
    var artifacts: [String: [InputArtifact]] = [:]
    for (input, place) in inputs { artifacts[input] = [try Self.input(place)] }
    try body.run(
      StageContext(
        parameters: StagePorts.parameters(body, parameters),
        inputs: StagePorts.inputs(body, artifacts),
        outputs: [port: OutputArtifact(folder: path(name))], resumeFolder: folder))
  }

  func importModel(_ from: String, storage: String = "float32", _ name: String) throws {
    try run(
      ImportModelStage.self, [("storage", .string(storage))], ["model": from], to: "model", name)
  }

  func export(
    _ from: String, precision: String, shard: Int = 5000, _ name: String
  ) throws {
    try run(
      ExportModelStage.self,
      [
        ("form", "merged"), ("storage", "float32"), ("precision", .string(precision)),
        ("shard_size", .integer(shard)),
        ("allow_other_base", false),
      ], ["model": path(from)], to: "folder", name)
  }

  func names(_ name: String) throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: path(name)).sorted()
  }

  func json(_ name: String) throws -> JSONValue {
    try JSONValue(
      parsing: SourceText(path: name, bytes: MappedFile(at: path(name)).copy()))
  }
}

private func refusal(of body: () throws -> Void) -> Diagnostic? {
  do {
    try body()
    return nil
  } catch { return error as? Diagnostic }
}

private func weights(_ folder: String) throws -> [[Float]] {
  let model = try LanguageModel(folder: folder).expanded()
  return model.table.parameters.map {
    Array(UnsafeBufferPointer(start: model.weights[$0.region].data, count: $0.count))
  }
}

@Suite struct ModelExchangeTests {
  /// The folder and the GGUF file are one model: the second in blocks of 8 bits, its rows of queries
  /// and keys in another order.
  @Test func importsAFolderAndAGGUFFileOfTheSameModel() throws {
    let work = try ExchangePlace()
    try work.importModel(stages + "/import-model/example", "folder")
    try work.importModel(stages + "/import-model/example.gguf", "expanded")
    try work.importModel(stages + "/import-model/example.gguf", storage: "as-stored", "blocks")
    #expect(
      try work.names("blocks") == [
        "config.json", "generation_config.json", "model.gguf", "tokenizer.json",
      ])
    #expect(
      try work.names("expanded") == [
        "config.json", "generation_config.json", "model.safetensors", "tokenizer.json",
      ])
    let (plain, expanded, blocks) = (
      try weights(work.path("folder")), try weights(work.path("expanded")),
      try weights(work.path("blocks"))
    )
    #expect(expanded == blocks)
    for (exact, rounded) in zip(plain, expanded) {
      let greatest = exact.map { abs($0) }.max() ?? 0
      let difference = zip(exact, rounded).map { abs($0 - $1) }.max() ?? 0
      // Half a step of 127, and the scale rounded to 11 bits.
      #expect(difference <= greatest / 220, "\(difference) of \(greatest)")
    }
    let blockModel = try LanguageModel(folder: work.path("blocks"), storage: .asStored)
    #expect(!blockModel.isExpanded)
    // The tokenizer made from the GGUF file gives the same ids.
    let text = Array("the state of the union, and naïve 12 news\n".utf8)
    let ids = try ["folder", "blocks"].map { name in
      try ModelTokenizer.read(MappedFile(at: work.path(name + "/tokenizer.json")).copy())
        .encode(text)
    }
    #expect(ids[0] == ids[1] && ids[0].count > 10)
  }

  @Test func exportsWhatWasImported() throws {
    let work = try ExchangePlace()
    try work.importModel(stages + "/import-model/example", "model")
    try work.export("model", precision: "float32", "same")
    #expect(try weights(work.path("same")) == weights(work.path("model")))
    try work.export("model", precision: "bfloat16", "half")
    #expect(try work.json("half/config.json")["torch_dtype"] == "bfloat16")
    let file = try Safetensors(at: work.path("half/model.safetensors"))
    #expect(file.entries.allSatisfy { $0.type == .bfloat16 })
    #expect(
      try weights(work.path("half"))
        == weights(work.path("model")).map { $0.map(ElementType.bfloat16.rounded) })
    #expect(try work.names("half").contains("tokenizer.json"))
  }

  @Test func exportsFromBlocks() throws {
    let work = try ExchangePlace()
    try work.importModel(stages + "/import-model/example.gguf", storage: "as-stored", "blocks")
    try work.export("blocks", precision: "float32", "folder")
    #expect(try weights(work.path("folder")) == weights(work.path("blocks")))
  }

  @Test func refusesWhatHalfPrecisionCannotHold() throws {
    let work = try ExchangePlace()
    try work.importModel(stages + "/import-model/example", "model")
    let model = try LanguageModel(folder: work.path("model"))
    model.tensor(.finalNormGain).data[3] = 70_000
    try model.write(to: work.path("model"), tokenizerJSON: nil)
    let error = refusal { try work.export("model", precision: "float16", "half") }
    #expect(error?.id == "export-range")
    #expect(error?.message.contains("70000") == true)
  }

  @Test func importsAnEncoder() throws {
    let work = try ExchangePlace()
    try work.run(
      ImportEncoderStage.self, [], ["model": stages + "/import-encoder/example"], to: "encoder",
      "encoder")
    #expect(
      try work.names("encoder") == ["config.json", "model.safetensors", "tokenizer.json"])
    #expect(
      try weights(work.path("encoder")) == weights(stages + "/import-encoder/example"))
  }

  @Test func evaluatesAsScoreQualityDoes() throws {
    let work = try ExchangePlace()
    try work.importModel(stages + "/import-model/example", "model")
    try FileManager.default.createDirectory(
      atPath: work.path("corpus"), withIntermediateDirectories: true)
    let texts = ["the state of the union", "and the news of the day, again and again and again"]
    try Corpus(
      documents: texts.enumerated().map { Document(id: "\($0.offset)", text: $0.element) }
    ).write(to: work.path("corpus"))
    try work.run(
      EvaluateModelStage.self, [("window", 16), ("stride", 8), ("storage", "float32")],
      ["model": work.path("model"), "corpus": work.path("corpus")], to: "metrics", "metrics")
    let metrics = try Metric.read(
      MappedFile(at: work.path("metrics/metrics.json")).copy(), shown: "metrics.json")
    #expect(
      metrics.map(\.name).sorted() == [
        "documents", "negative_log_likelihood", "perplexity", "tokens",
      ])
    let byName = Dictionary(uniqueKeysWithValues: metrics.map { ($0.name, $0) })
    let tokenizer = try ModelTokenizer.read(
      MappedFile(at: work.path("model/tokenizer.json")).copy())
    let count = texts.reduce(0) { $0 + tokenizer.encode(Array($1.utf8)).count }
    #expect(byName["tokens"]?.value == Double(count))
    let total = try #require(byName["negative_log_likelihood"]?.value)
    let perplexity = try #require(byName["perplexity"])
    #expect(abs(perplexity.value - exp(total / Double(count))) < 1e-6)
    // Small random weights: nearly every token is as likely as any other.
    #expect(abs(perplexity.value - 272) < 15)
    #expect(perplexity.at["protocol"]?.string?.hasPrefix("rolling window of 16") == true)
  }

  @Test func refusesWhatIsNoModel() throws {
    let work = try ExchangePlace()
    func attempt(_ names: [String: String]) throws -> Diagnostic? {
      let folder = work.path(UUID().uuidString)
      try FileManager.default.createDirectory(atPath: folder, withIntermediateDirectories: true)
      for (name, text) in names {
        try text.write(toFile: folder + "/" + name, atomically: true, encoding: .utf8)
      }
      return refusal { try work.importModel(folder, UUID().uuidString) }
    }
    let pickled = try attempt(["config.json": "{}", "pytorch_model.bin": "x"])
    #expect(pickled?.id == "import-model" && pickled?.message.contains("pickled") == true)
    #expect(try attempt(["readme.txt": "x"])?.message.contains("readme.txt") == true)
    #expect(try attempt(["a.gguf": "x", "b.gguf": "x"])?.message.contains("a.gguf") == true)
    #expect(try attempt(["a.gguf": "GGUF"])?.id == "gguf-malformed")
    let single = refusal {
      try work.importModel(stages + "/import-model/example/config.json", "x")
    }
    #expect(single?.id == "import-model" && single?.message.contains("GGUF") == true)
    let encoder = refusal { try work.importModel(stages + "/import-encoder/example", "y") }
    #expect(encoder?.help?.contains("import-encoder") == true)
    let decoder = refusal {
      try work.run(
        ImportEncoderStage.self, [], ["model": stages + "/import-model/example"],
        to: "encoder", "z")
    }
    #expect(decoder?.help?.contains("import-model") == true)
  }

  /// Another tokenizer than the model's: ids beyond the table of embeddings.
  @Test func refusesATokenizerThatIsTooLarge() throws {
    let work = try ExchangePlace()
    let copy = work.path("small")
    try FileManager.default.copyItem(atPath: stages + "/import-model/example", toPath: copy)
    let text = try String(contentsOfFile: copy + "/tokenizer.json", encoding: .utf8)
    let json = try JSONValue(parsing: text)
    let extra: JSONValue = .object([
      "id": 272, "content": "<extra>", "single_word": false, "lstrip": false, "rstrip": false,
      "normalized": false, "special": true,
    ])
    let added = (json["added_tokens"]?.array ?? []) + [extra]
    try json.setting("added_tokens", .array(added)).canonicalText
      .write(toFile: copy + "/tokenizer.json", atomically: true, encoding: .utf8)
    let error = refusal { try work.importModel(copy, "x") }
    #expect(error?.id == "import-model")
    #expect(error?.message.contains("273 tokens") == true, "\(error?.message ?? "read")")
  }

  @Test func describesAModel() throws {
    let files = ["file": stages + "/import-model/example.gguf"]
    let inspection = try ModelInspection(files: files)
    let description = inspection.description
    #expect(description.familyName == "Llama")
    let expected = try LanguageModel(folder: stages + "/import-model/example")
    #expect(description.weights == expected.table.weightCount)
    #expect(description.storage.map(\.type) == ["Q8_0", "F32"])
    #expect(description.storage.reduce(0) { $0 + $1.weights } == description.weights)
    #expect(description.memory.allSatisfy { $0.bytes > 0 })
    #expect(inspection.tokenizer.contains("272 tokens"))
    #expect(inspection.chatTemplate == "none")
    let encoder = try ModelInspection(files: [
      "config.json": stages + "/import-encoder/example/config.json",
      "model.safetensors": stages + "/import-encoder/example/model.safetensors",
    ])
    #expect(encoder.description.familyName == "BERT")
    #expect(encoder.tokenizer.contains("no tokenizer.json"))
  }
}
