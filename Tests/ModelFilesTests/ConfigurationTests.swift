import CanonicalJSON
import Diagnostics
import Foundation
import Testing

@testable import ModelFiles

/// What transformers saved for tiny models: configuration, names and shapes (fixtures/make_layouts.py).
let layouts: JSONObject = {
  let path =
    URL(fileURLWithPath: #filePath).deletingLastPathComponent().path + "/fixtures/layouts.json"
  guard let bytes = FileManager.default.contents(atPath: path),
    let text = String(validating: bytes, as: UTF8.self),
    let object = (try? JSONValue(parsing: text))?.object
  else { return JSONObject([]) }
  return object
}()

private func changed(_ name: String, _ key: String, _ value: JSONValue?) -> JSONValue {
  let members = layouts[name]!["config"]!.object!.members.filter { $0.key != key }
  return .object(
    JSONObject(members.map { ($0.key, $0.value) } + (value.map { [(key, $0)] } ?? [])))
}

private func read(_ json: JSONValue) throws(Diagnostic) -> ModelConfiguration {
  try ModelConfiguration(json: json, shown: "config.json")
}

@Suite struct ConfigurationTests {
  /// Our layout is what transformers saves, tensor by tensor, and what we write is read as the same.
  @Test(arguments: layouts.keys) func agreesWithTransformers(name: String) throws {
    let fixture = layouts[name]!
    var configuration = try read(fixture["config"]!)
    let saved = fixture["tensors"]!.object!
    if case .encoder(var encoder) = configuration {
      encoder.takeHead(from: saved.keys)
      configuration = .encoder(encoder)
    }
    let layout = configuration.layout
    // BertModel saves no prefix.
    let hasPrefix = saved.keys.contains { $0.hasPrefix(layout.prefix) }
    var ours: [String: [Int]] = [:]
    for tensor in layout.tensors {
      ours[hasPrefix ? layout.fileName(of: tensor) : tensor.name] = tensor.shape
    }
    for (key, shape) in saved.members {
      if layout.leftOut.contains(where: { key.hasPrefix($0) }) { continue }
      #expect(ours.removeValue(forKey: key) == shape.array?.compactMap(\.integer), "\(key)")
    }
    #expect(ours.isEmpty, "\(ours.keys)")
    let again = try read(configuration.json)
    #expect(again.json == configuration.json)
    if case .encoder(let encoder) = configuration, encoder.head == .none { return }
    #expect(again == configuration)
  }

  @Test func computesTransformersFrequencies() throws {
    var compared = 0
    for (name, fixture) in layouts.members {
      guard let list = fixture["inverse_frequencies"]?.array else { continue }
      guard case .llama(let llama) = try read(fixture["config"]!) else {
        Issue.record("\(name) is no Llama")
        continue
      }
      let expected = list.compactMap(\.double)
      let ours = llama.inverseFrequencies
      #expect(ours.count == expected.count && ours.count == llama.headSize / 2)
      for (a, b) in zip(ours, expected) { #expect(abs(Double(a) - b) <= 2e-7 * b, "\(name)") }
      compared += 1
    }
    #expect(compared == 7)
  }

  @Test func readsBothSpellingsOfRotaryPositions() throws {
    let old: JSONValue = .object([
      "type": "linear", "factor": 2.5,
    ])
    var members = changed("llama", "rope_parameters", nil).object!.members.map {
      ($0.key, $0.value)
    }
    members += [("rope_scaling", old), ("rope_theta", 500_000)]
    guard case .llama(let llama) = try read(.object(JSONObject(members))) else {
      Issue.record("no Llama")
      return
    }
    #expect(llama.rotaryTheta == 500_000)
    #expect(llama.rotaryScaling == .linear(factor: 2.5))
  }

  @Test func takesTransformersDefaults() throws {
    guard case .llama(let llama) = try read(.object(["model_type": "llama"])),
      case .llama(let mistral) = try read(.object(["model_type": "mistral"])),
      case .encoder(let bert) = try read(.object(["model_type": "bert"])),
      case .encoder(let roberta) = try read(.object(["model_type": "roberta"]))
    else {
      Issue.record("another family")
      return
    }
    #expect(llama == LlamaConfiguration())
    #expect(mistral.keyValueHeads == 8 && mistral.slidingWindow == 4096)
    #expect(mistral.inner == 14336 && mistral.context == 131_072)
    #expect(bert.layerNormEpsilon == 1e-12 && bert.positionOffset == 0 && bert.context == 512)
    #expect(roberta.vocabularySize == 50265 && roberta.positionOffset == 2)
    #expect(roberta.context == 510 && roberta.beginOfText == 0 && roberta.endOfText == 2)
  }

  @Test func keepsMembersThatChangeNothing() throws {
    let json = changed("llama", "use_cache", true)
    let written = try read(json).json
    #expect(written["use_cache"] == true)
    #expect(written["transformers_version"] == nil)
    guard case .encoder(var encoder) = try read(layouts["bert-classes"]!["config"]!) else { return }
    #expect(encoder.head == .classifier(labels: ["left", "centre", "right"], pooling: .first))
    encoder.head = .classifier(labels: ["a", "b"], pooling: .mean)
    let mean = try read(ModelConfiguration.encoder(encoder).json)
    guard case .encoder(let again) = mean else { return }
    #expect(again.head == encoder.head)
    #expect(mean.json["architectures"] == ["BertModel"])
    #expect(mean.layout.tensors.last?.name == "classifier.bias")
    #expect(!mean.layout.tensors.contains { $0.name.hasPrefix("pooler") })
  }

  /// Old names of norms, a missing pooler, buffers, heads for other tasks.
  @Test func readsOldAndForeignEncoders() throws {
    guard case .encoder(var encoder) = try read(layouts["bert"]!["config"]!) else { return }
    func checkpoint(_ names: [(String, [Int])]) throws -> Checkpoint {
      let folder = try temporaryFolder()
      defer { try? FileManager.default.removeItem(atPath: folder) }
      let zeros = [Float](repeating: 0, count: 2000)
      return try zeros.withUnsafeBufferPointer { zeros in
        try Safetensors.write(
          names.map { name, shape in
            TensorToWrite(
              name: name, shape: shape,
              values: UnsafeBufferPointer(rebasing: zeros[..<shape.reduce(1, *)]))
          }, to: folder + "/x")
        return try Checkpoint([try Safetensors(at: folder + "/x")], shown: "x")
      }
    }
    encoder.head = .none
    let layout = encoder.layout
    var names = layout.tensors.map { ("bert." + ($0.oldName ?? $0.name), $0.shape) }
    names += [
      ("bert.embeddings.position_ids", [1, 4]), ("cls.predictions.bias", [4]),
      ("cls.seq_relationship.weight", [2, 4]),
    ]
    let matched = try checkpoint(names).match(layout)
    #expect(matched.count == layout.tensors.count)
    #expect(matched.leftOut == ["cls.predictions.bias", "cls.seq_relationship.weight"])
    encoder.takeHead(from: names.map(\.0))
    #expect(encoder.head == .none)
    // A pooler in the file is one in the configuration.
    encoder.takeHead(from: names.map(\.0) + ["bert.pooler.dense.weight"])
    #expect(encoder.head == .pooler)
    names.append(("bert.something.else", [1]))
    #expect(refusal { _ = try checkpoint(names).match(layout) }?.id == "checkpoint-tensors")
  }

  @Test(
    arguments: [
      ("llama", "hidden_act", "gelu", "model-feature"),
      ("llama", "hidden_size", 0, "model-config"),
      ("llama", "hidden_size", "24", "model-config"),
      ("llama", "num_key_value_heads", 4, "model-config"),
      ("llama", "head_dim", 5, "model-config"),
      ("llama", "num_hidden_layers", 1_000_000, "model-config"),
      ("llama", "rms_norm_eps", 0, "model-config"),
      ("llama", "eos_token_id", 48, "model-config"),
      ("llama", "eos_token_id", [2, 48], "model-config"),
      ("llama", "attention_bias", 1, "model-config"),
      ("llama", "rope_scaling", .object(["rope_type": "yarn", "factor": 2.0]), "model-feature"),
      ("llama", "rope_scaling", .object(["type": "dynamic", "factor": 2.0]), "model-feature"),
      ("llama", "rope_scaling", .object(["type": "linear"]), "model-config"),
      ("llama", "rope_scaling", .object(["type": "linear", "factor": 0]), "model-config"),
      ("llama", "rope_scaling", .object(["rope_type": "llama3", "factor": 2.0]), "model-config"),
      ("llama", "rope_scaling", "linear", "model-config"),
      ("llama", "partial_rotary_factor", 0.5, "model-feature"),
      ("llama", "quantization_config", .object(["quant_method": "gptq"]), "model-feature"),
      ("mistral", "sliding_window", 0, "model-config"),
      ("mistral", "layer_types", ["full_attention"], "model-feature"),
      ("mistral", "model_type", "mixtral", "model-family"),
      ("bert", "hidden_act", "relu", "model-feature"),
      ("bert", "position_embedding_type", "relative_key", "model-feature"),
      ("bert", "is_decoder", true, "model-feature"),
      ("bert", "add_cross_attention", true, "model-feature"),
      ("bert", "type_vocab_size", 0, "model-config"),
      ("bert", "classifier_pooling", "max", "model-feature"),
      ("bert", "model_type", "distilbert", "model-family"),
      ("bert", "id2label", .object(["0": "a", "2": "b"]), "model-config"),
      ("bert", "id2label", .object(["0": "a", "1": "a"]), "model-config"),
      ("bert", "id2label", .object(["0": "a", "00": "b"]), "model-config"),
      ("bert", "id2label", [], "model-config"),
      ("roberta", "max_position_embeddings", 2, "model-config"),
      ("roberta", "pad_token_id", -1, "model-config"),
    ] as [(String, String, JSONValue, String)])
  func refuses(name: String, key: String, value: JSONValue, id: String) {
    let error = refusal { _ = try read(changed(name, key, value)) }
    #expect(error?.id == id, "\(error?.message ?? "read")")
  }
}
