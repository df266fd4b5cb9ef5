// The same numbers as peft: fixtures/make_adapter_parity.py made them, and the adapter folders that are
// read here. Tolerances are those of the engine's design.

import CanonicalJSON
import Foundation
import ModelFiles
import Networks
import Tensors
import Testing

@testable import LanguageModels

func adapterFolder(_ family: TinyFamily) -> String {
  fixtureURL("adapters/" + family.rawValue).path
}

/// The batches of the script.
func adapterBatch(_ family: TinyFamily, _ number: Int) -> Batch {
  let vocabulary = UInt64(family.vocabulary)
  let first: UInt64 = family == .gpt2 ? 0 : 3
  return Batch(
    [[19, 7, 32], [5, 28]][number].enumerated().map { row, length in
      TokenSequence(
        (0..<length).map {
          let place = 777_000_000 + UInt64(number * 10_000 + row * 100 + $0)
          return Int32(first + mixed(place) % (vocabulary - first))
        })
    })
}

func adapterLogits(_ transformer: Transformer, _ batch: Batch) -> [Float] {
  var plan = ArenaPlan()
  let vocabulary = transformer.model.specification.vocabulary
  let region = plan.add("logits", rows: batch.tokenCount, columns: vocabulary)
  let arena = Arena(plan)
  transformer.logits(batch, into: arena[region])
  return arena[region].values
}

@Suite struct AdapterParityTests {
  static let families: [TinyFamily] = [.gpt2, .llama, .mistral]

  struct Fixture {
    let json: JSONValue
    init(_ family: TinyFamily) throws {
      let url = fixtureURL(family.rawValue + "-adapter-parity.json")
      let bytes = try [UInt8](Data(contentsOf: url))
      json = try bytes.withUnsafeBufferPointer { try JSONValue(parsing: $0) }
    }
    func floats(_ path: String...) throws -> [Float] {
      let value = path.reduce(Optional(json)) { $0?[$1] }
      let data = try #require(value?.string.flatMap { Data(base64Encoded: $0) })
      return data.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
    }
  }

  private func distance(_ a: [Float], _ b: [Float]) -> Double {
    let difference = zip(a, b).reduce(0.0) { $0 + pow(Double($1.0) - Double($1.1), 2) }
    return (difference / b.reduce(1e-30) { $0 + pow(Double($1), 2) }).squareRoot()
  }

  @Test(arguments: families) func logitsLossAndEveryGradient(family: TinyFamily) throws {
    let fixture = try Fixture(family)
    let model = try family.model()
    let adapter = try LowRankAdapter(folder: adapterFolder(family), for: model)
    let transformer = Transformer(model, capacity: 64, trains: true, adapter: adapter)
    let batch = adapterBatch(family, 0)
    let logits = adapterLogits(transformer, batch)
    let expected = try fixture.floats("logits")
    #expect(logits.count == expected.count)
    let worst = zip(logits, expected).map { abs($0 - $1) }.max()!
    #expect(worst <= 1e-3, "logits differ by \(worst)")

    let total = transformer.learn(batch, supervisedCount: batch.supervisedCount)
    let loss = total.negativeLogLikelihood / Double(total.count)
    #expect(try abs(loss - #require(fixture.json["loss"]?.double)) <= 1e-5)
    let gradients = try #require(transformer.stack.adapterGradients)
    #expect(transformer.stack.gradients == nil)
    #expect(adapter.parameters.count == fixture.json["gradients"]?.object?.count)
    for parameter in adapter.parameters {
      let far = distance(
        gradients[parameter.region].values, try fixture.floats("gradients", parameter.name))
      #expect(far <= 1e-4, "\(parameter.name): relative distance \(far)")
    }
  }

  @Test(arguments: families) func tenStepsOfAdamW(family: TinyFamily) throws {
    let fixture = try Fixture(family)
    let model = try family.model()
    let before = model.weights.everything.values
    let adapter = try LowRankAdapter(folder: adapterFolder(family), for: model)
    let transformer = Transformer(model, capacity: 64, trains: true, adapter: adapter)
    let gradients = try #require(transformer.stack.adapterGradients)
    let (first, second) = (Arena(adapter.plan), Arena(adapter.plan))
    let parameters = adapter.parameters.map {
      TrainedParameter(
        value: adapter.weights[$0.region], gradient: gradients[$0.region],
        firstMoment: first[$0.region], secondMoment: second[$0.region], decays: $0.decays)
    }
    let schedule = Schedule(.linear, warmupSteps: 2, totalSteps: 10)
    let optimizer = AdamW(weightDecay: 0.1)
    let steps = try #require(fixture.json["steps"]?.array)
    #expect(steps.count == 10)
    for (step, row) in steps.enumerated() {
      let batch = adapterBatch(family, step % 2)
      gradients.everything.fill(0)
      let total = transformer.learn(batch, supervisedCount: batch.supervisedCount)
      let outcome = optimizer.step(
        parameters, step: step + 1, learningRate: 1e-2 * schedule.factor(at: step), clipNorm: 1)
      let loss = total.negativeLogLikelihood / Double(total.count)
      #expect(try abs(loss - #require(row["loss"]?.double)) <= 1e-4, "step \(step + 1): \(loss)")
      guard case .updated(let norm) = outcome else {
        Issue.record("step \(step + 1) was refused")
        continue
      }
      #expect(try abs(norm - #require(row["gradient_norm"]?.double)) <= 1e-3 * norm)
    }
    for parameter in adapter.parameters {
      let far = distance(
        adapter.weights[parameter.region].values, try fixture.floats("after", parameter.name))
      #expect(far <= 1e-3, "\(parameter.name): relative distance \(far) after ten steps")
    }
    #expect(model.weights.everything.values == before, "the base is frozen")
  }

  /// What peft wrote, read and written by us: the same tensors, and a configuration that says the same.
  @Test(arguments: families) func folderComesBackAsPeftWroteIt(family: TinyFamily) throws {
    let model = try family.model()
    let adapter = try LowRankAdapter(folder: adapterFolder(family), for: model)
    let folder = try temporaryFolder()
    defer { removeFolder(folder) }
    try adapter.write(to: folder, baseName: "tiny/base", base: model)
    let theirs = try Safetensors(at: adapterFolder(family) + "/adapter_model.safetensors")
    let ours = try Safetensors(at: folder + "/adapter_model.safetensors")
    #expect(ours.entries.map(\.name) == theirs.entries.map(\.name))
    for (a, b) in zip(ours.entries, theirs.entries) {
      #expect(a.shape == b.shape && a.type == b.type && ours.floats(a) == theirs.floats(b))
    }
    func json(_ folder: String) throws -> JSONValue {
      let bytes = try [UInt8](
        Data(contentsOf: URL(fileURLWithPath: folder + "/adapter_config.json")))
      return try bytes.withUnsafeBufferPointer { try JSONValue(parsing: $0, depth: 16) }
    }
    let (a, b) = (try json(folder), try json(adapterFolder(family)))
    for name in [
      "peft_type", "r", "lora_alpha", "use_rslora", "bias", "fan_in_fan_out", "task_type",
      "rank_pattern", "alpha_pattern", "lora_dropout", "inference_mode", "use_dora",
      "modules_to_save",
    ] {
      #expect(
        a[name]?.double == b[name]?.double && (a[name]?.double != nil || a[name] == b[name]),
        "\(name)")
    }
    #expect(
      Set(a["target_modules"]?.array?.compactMap(\.string) ?? [])
        == Set(b["target_modules"]?.array?.compactMap(\.string) ?? []))
    let again = try LowRankAdapter(folder: folder, for: model)
    #expect(again.weights.everything.values == adapter.weights.everything.values)
    #expect(again.configuration == adapter.configuration)
  }

  /// The other direction, with the peft of the Python that PLUMB_PEFT_PYTHON names.
  @Test(
    .enabled(
      if: ProcessInfo.processInfo.environment["PLUMB_PEFT_PYTHON"] != nil,
      "set PLUMB_PEFT_PYTHON to a Python with transformers and peft"), arguments: families)
  func peftReadsOurFolder(family: TinyFamily) throws {
    let model = try family.model()
    let adapter = try LowRankAdapter(folder: adapterFolder(family), for: model)
    let folder = try temporaryFolder()
    defer { removeFolder(folder) }
    let files = FileManager.default
    for name in ["base", "adapter", "merged"] {
      try files.createDirectory(
        atPath: folder + "/" + name, withIntermediateDirectories: true)
    }
    try model.write(to: folder + "/base", tokenizerJSON: nil)
    try adapter.write(to: folder + "/adapter", baseName: folder + "/base", base: model)
    try adapter.merged(into: model).write(to: folder + "/merged", tokenizerJSON: nil)
    let transformer = Transformer(model, capacity: 32, trains: false, adapter: adapter)
    let ids = adapterBatch(family, 0).tokens.prefix(19)
    let logits = adapterLogits(transformer, Batch([TokenSequence(Array(ids))]))
    let json = JSONValue.object([
      "tokens": .array(ids.map { .integer(Int($0)) }),
      "logits": .array(logits.map { .number(Double($0)) }),
    ])
    try Data(json.canonicalText.utf8).write(
      to: URL(fileURLWithPath: folder + "/expected.json"))
    let python = Process()
    python.executableURL = URL(
      fileURLWithPath: try #require(ProcessInfo.processInfo.environment["PLUMB_PEFT_PYTHON"]))
    python.arguments = [fixtureURL("check_adapter.py").path, folder]
    try python.run()
    python.waitUntilExit()
    #expect(python.terminationStatus == 0)
  }
}
