import CanonicalJSON
import Diagnostics
import Foundation
import Testing

@testable import ModelFiles

/// Two layers, small, with sizes that all differ.
private let tiny: GPT2Configuration = {
  var tiny = GPT2Configuration()
  tiny.vocabularySize = 11
  tiny.context = 7
  tiny.width = 6
  tiny.layers = 2
  tiny.heads = 3
  tiny.inner = 10
  (tiny.beginOfText, tiny.endOfText) = (nil, 10)
  return tiny
}()

/// A checkpoint of `tiny`, changed before it is written: name → (shape, values).
private func checkpoint(
  prefix: String = "transformer.",
  change: (inout [String: (shape: [Int], values: [Float])]) -> Void = { _ in }
) throws -> Checkpoint {
  var tensors: [String: (shape: [Int], values: [Float])] = [:]
  for (number, tensor) in tiny.layout.tensors.enumerated() {
    let count = tensor.shape.reduce(1, *)
    tensors[prefix + tensor.name] = (tensor.shape, (0..<count).map { Float(number * 1000 + $0) })
  }
  change(&tensors)
  let folder = try temporaryFolder()
  defer { try? FileManager.default.removeItem(atPath: folder) }
  var buffers: [UnsafeMutableBufferPointer<Float>] = []
  defer { buffers.forEach { $0.deallocate() } }
  let written = tensors.map { name, tensor in
    let buffer = UnsafeMutableBufferPointer<Float>.allocate(capacity: tensor.values.count)
    _ = buffer.initialize(fromContentsOf: tensor.values)
    buffers.append(buffer)
    return TensorToWrite(name: name, shape: tensor.shape, values: UnsafeBufferPointer(buffer))
  }
  try Safetensors.write(written, to: folder + "/model.safetensors")
  return try Checkpoint(files: ["model.safetensors": folder + "/model.safetensors"])
}

private func read(_ checkpoint: Checkpoint) throws -> [[Float]] {
  let layout = tiny.layout
  let matched = try checkpoint.match(layout)
  let buffers = layout.tensors.map {
    UnsafeMutableBufferPointer<Float>.allocate(capacity: $0.shape.reduce(1, *))
  }
  defer { buffers.forEach { $0.deallocate() } }
  try matched.read { buffers[$0] }
  return buffers.map(Array.init)
}

func refusal(of body: () throws -> Void) -> Diagnostic? {
  do {
    try body()
    return nil
  } catch { return error as? Diagnostic }
}

@Suite struct CheckpointTests {
  @Test(arguments: ["", "transformer."])
  func readsBothPrefixesAndTransposesConv1D(prefix: String) throws {
    let tensors = try read(checkpoint(prefix: prefix))
    let layout = tiny.layout.tensors
    #expect(layout.filter(\.isTransposed).count == 4 * tiny.layers)
    for (number, tensor) in layout.enumerated() {
      let plain = (0..<tensor.shape.reduce(1, *)).map { Float(number * 1000 + $0) }
      if tensor.isTransposed {
        let (rows, columns) = (tensor.shape[0], tensor.shape[1])
        for row in 0..<rows {
          for column in 0..<columns {
            #expect(tensors[number][column * rows + row] == plain[row * columns + column])
          }
        }
      } else {
        #expect(tensors[number] == plain)
      }
    }
  }

  @Test func skipsBuffersByExactNameAndChecksTheTiedMatrix() throws {
    _ = try read(
      checkpoint(prefix: "") {
        $0["h.0.attn.bias"] = ([1, 1, 2, 2], [1, 0, 1, 1])
        $0["h.1.attn.masked_bias"] = ([], [-1e4])
        $0["lm_head.weight"] = $0["wte.weight"]
      })
    let untied = refusal {
      _ = try read(
        checkpoint {
          $0["lm_head.weight"] = $0["transformer.wte.weight"]
          $0["lm_head.weight"]!.values[3] += 1
        })
    }
    #expect(untied?.id == "checkpoint-untied")
    let beyond = refusal {
      _ = try read(checkpoint(prefix: "") { $0["h.2.attn.bias"] = ([1], [0]) })
    }
    #expect(beyond?.notes.map(\.message) == ["unknown: h.2.attn.bias"])
  }

  @Test func listsEverythingThatDiffers() throws {
    let problem = refusal {
      _ = try read(
        checkpoint {
          $0["transformer.ln_f.bias"] = nil
          $0["transformer.h.1.ln_2.weight"] = nil
          $0["transformer.wpe.weight"] = ([6, 7], $0["transformer.wpe.weight"]!.values)
          $0["score.weight"] = ([2], [1, 2])
        })
    }
    #expect(problem?.id == "checkpoint-tensors")
    #expect(
      problem?.notes.map(\.message) == [
        "missing: h.1.ln_2.weight, ln_f.bias",
        "wrong shape: wpe.weight is [6, 7], config.json asks for [7, 6]",
        "unknown: score.weight",
      ])
  }

  @Test(arguments: [Float.nan, .infinity, -.infinity])
  func refusesNumbersThatAreNone(value: Float) throws {
    let problem = refusal {
      _ = try read(checkpoint { $0["transformer.h.1.mlp.c_fc.weight"]!.values[59] = value })
    }
    #expect(problem?.id == "checkpoint-not-finite")
    #expect(problem?.message.contains("h.1.mlp.c_fc.weight") == true)
  }

  @Test func readsPartsAndStaysInsideTheFolder() throws {
    let folder = try temporaryFolder()
    defer { try? FileManager.default.removeItem(atPath: folder) }
    var files: [String: String] = [:]
    for (number, tensor) in tiny.layout.tensors.enumerated() {
      let name = "part-\(number).safetensors"
      let values = [Float](repeating: Float(number), count: tensor.shape.reduce(1, *))
      try values.withUnsafeBufferPointer {
        try Safetensors.write(
          [TensorToWrite(name: tensor.name, shape: tensor.shape, values: $0)],
          to: folder + "/" + name)
      }
      files[name] = folder + "/" + name
    }
    func index(_ name: (Int) -> String) throws -> Checkpoint {
      let map = tiny.layout.tensors.enumerated().map { ($1.name, JSONValue.string(name($0))) }
      try AtomicFile.write(
        JSONValue.object(["weight_map": .object(JSONObject(map))]).canonicalBytes,
        to: folder + "/index.json")
      files["model.safetensors.index.json"] = folder + "/index.json"
      return try Checkpoint(files: files)
    }
    let tensors = try read(index { "part-\($0).safetensors" })
    #expect(tensors.enumerated().allSatisfy { $1.allSatisfy { [n = Float($0)] in $0 == n } })
    #expect(refusal { _ = try index { _ in "../part-0.safetensors" } }?.id == "checkpoint-index")
    #expect(refusal { _ = try index { _ in "/etc/passwd" } }?.id == "checkpoint-index")
    #expect(refusal { _ = try index { _ in "part-99.safetensors" } }?.id == "model-file-missing")
    #expect(refusal { _ = try Checkpoint(files: [:]) }?.id == "model-file-missing")
  }

  @Test func configurationComesBackAsItWent() throws {
    #expect(try GPT2Configuration(json: tiny.json, shown: "c") == tiny)
    let plain = try GPT2Configuration(json: .object(["model_type": "gpt2"]), shown: "c")
    #expect(plain == GPT2Configuration())
    #expect(plain.layout.tensors.count == 2 + 12 * 12 + 2)
  }

  @Test(arguments: [
    (#"[]"#, "model-config"), (#"{}"#, "model-config"),
    (#"{"model_type":"llama"}"#, "model-family"),
    (#"{"model_type":"gpt2","n_embd":0}"#, "model-config"),
    (#"{"model_type":"gpt2","n_embd":-8}"#, "model-config"),
    (#"{"model_type":"gpt2","n_embd":"768"}"#, "model-config"),
    (#"{"model_type":"gpt2","n_embd":768.5}"#, "model-config"),
    (#"{"model_type":"gpt2","n_embd":9223372036854775807}"#, "model-config"),
    (#"{"model_type":"gpt2","n_layer":100000000}"#, "model-config"),
    (#"{"model_type":"gpt2","n_head":7}"#, "model-config"),
    (#"{"model_type":"gpt2","vocab_size":0}"#, "model-config"),
    (#"{"model_type":"gpt2","vocab_size":100,"eos_token_id":100}"#, "model-config"),
    (#"{"model_type":"gpt2","resid_pdrop":1}"#, "model-config"),
    (#"{"model_type":"gpt2","layer_norm_epsilon":0}"#, "model-config"),
    (#"{"model_type":"gpt2","activation_function":"relu"}"#, "model-feature"),
    (#"{"model_type":"gpt2","scale_attn_weights":false}"#, "model-feature"),
    (#"{"model_type":"gpt2","scale_attn_by_inverse_layer_idx":true}"#, "model-feature"),
    (#"{"model_type":"gpt2","add_cross_attention":true}"#, "model-feature"),
    (#"{"model_type":"gpt2","tie_word_embeddings":false}"#, "model-feature"),
  ])
  func refusesConfigurations(text: String, id: String) throws {
    let json = try JSONValue(parsing: text)
    #expect(refusal { _ = try GPT2Configuration(json: json, shown: "config.json") }?.id == id)
  }

  @Test func everyDiagnosticHasItsPage() {
    #expect(modelFilesExplanations.allSatisfy { $0.text.utf8.count > 80 })
    for id in [
      "file-unreadable", "file-unwritable", "safetensors-malformed", "safetensors-type",
      "model-file-missing", "checkpoint-index", "checkpoint-tensors", "checkpoint-untied",
      "checkpoint-not-finite", "model-config", "model-family", "model-feature",
    ] { #expect(modelFilesExplanations.contains { $0.id == id }, "\(id)") }
  }
}
