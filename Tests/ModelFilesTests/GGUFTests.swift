import Diagnostics
import Foundation
import Kernels
import Testing

@testable import ModelFiles

private func open(_ writer: GGUFWriter) throws(Diagnostic) -> GGUFFile {
  try GGUFFile(MappedFile(copying: writer.bytes, shown: "x.gguf"))
}

private func changed(_ change: (inout GGUFWriter) -> Void) -> GGUFWriter {
  var writer = GGUFWriter.tinyLlama()
  change(&writer)
  return writer
}

private func setting(_ key: String, _ value: GGUFWriter.Value?) -> GGUFWriter {
  changed { writer in
    writer.pairs.removeAll { $0.0 == key }
    if let value { writer.pairs.append((key, value)) }
  }
}

/// One tensor of four numbers as the only one.
private func only(_ tensor: GGUFWriter.Tensor) -> GGUFWriter {
  changed { $0.tensors = [tensor] }
}

private let four = [UInt8](repeating: 0, count: 16)

@Suite struct GGUFTests {
  @Test func readsALlama() throws {
    let gguf = try open(.tinyLlama())
    #expect(gguf.version == 3)
    #expect(gguf.text("general.name") == "tiny")
    let configuration = try LlamaConfiguration(gguf: gguf)
    #expect(configuration.width == 64 && configuration.inner == 96 && configuration.layers == 2)
    #expect(configuration.heads == 4 && configuration.keyValueHeads == 2)
    #expect(configuration.headSize == 16 && configuration.context == 128)
    #expect(configuration.rotaryTheta == 100_000 && configuration.normEpsilon == 1e-5)
    #expect(configuration.vocabularySize == 24 && configuration.tiesHead)
    #expect(configuration.beginOfText == 1 && configuration.endsOfText == [2])
    let checkpoint = try Checkpoint(gguf)
    let matched = try checkpoint.match(configuration.layout)
    #expect(matched.count == configuration.layout.tensors.count)
    // The same through config.json, as an imported folder has it.
    let again = try LlamaConfiguration(json: configuration.json, shown: "config.json")
    #expect(again == configuration)
  }

  /// Rows of queries and keys come back in transformers' order, whole or row by row; other
  /// tensors stay as they are.
  @Test func undoesThePermutationOfRotaryPairs() throws {
    var writer = GGUFWriter.tinyLlama()
    // Row r of the file holds r.
    func rows(_ count: Int) -> [Float] { (0..<count * 64).map { Float($0 / 64) } }
    for (name, count) in [("attn_q", 64), ("attn_k", 32), ("attn_v", 32)] {
      let place = writer.tensors.firstIndex { $0.name == "blk.1.\(name).weight" }!
      writer.tensors[place] = .init(
        writer.tensors[place].name, rows: count, columns: 64, rows(count), as: .float16)
    }
    let checkpoint = try Checkpoint(open(writer))
    // A head has 16 rows: transformers' row k·8 + i lies at 2i + k.
    func expected(_ count: Int) -> [Float] {
      (0..<count).map { (row: Int) -> Float in
        let place: Int = row / 16 * 16 + 2 * (row % 8) + (row % 16) / 8
        return Float(place)
      }
    }
    func firsts(_ name: String) -> [Float]? {
      checkpoint[name].map { tensor in
        stride(from: 0, to: tensor.count, by: 64).map { tensor.floats()[$0] }
      }
    }
    #expect(firsts("model.layers.1.self_attn.q_proj.weight") == expected(64))
    #expect(firsts("model.layers.1.self_attn.k_proj.weight") == expected(32))
    #expect(firsts("model.layers.1.self_attn.v_proj.weight") == (0..<32).map { Float($0) })
    let order = checkpoint["model.layers.1.self_attn.q_proj.weight"]?.rowOrder
    #expect(order?.sorted() == Array(0..<64))
    #expect(order?.map { Float($0) } == expected(64))
    #expect(checkpoint["model.layers.1.mlp.up_proj.weight"]?.rowOrder == nil)
  }

  @Test func handsOnBlocksUnexpanded() throws {
    let gguf = try open(.tinyLlama())
    let configuration = try LlamaConfiguration(gguf: gguf)
    let checkpoint = try Checkpoint(gguf)
    let matched = try checkpoint.match(configuration.layout)
    var formats: Set<BlockFormat> = []
    for (number, tensor) in configuration.layout.tensors.enumerated() {
      guard let blocks = try matched.block(number) else {
        #expect(tensor.shape.count == 1)
        continue
      }
      formats.insert(blocks.format)
      #expect([blocks.rows, blocks.columns] == tensor.shape)
      // Row by row through the order: the same as all at once.
      var rows: [Float] = []
      let rowBytes = blocks.format.bytes(columns: blocks.columns)
      #expect(blocks.bytes.count == blocks.rows * rowBytes)
      for row in 0..<blocks.rows {
        var values = [Float](repeating: 0, count: blocks.columns)
        dequantise(
          blocks.format, blocks.bytes.baseAddress! + (blocks.rowOrder?[row] ?? row) * rowBytes,
          into: &values, count: blocks.columns)
        rows += values
      }
      #expect(rows == matched.stored(number).floats(), "\(tensor.name)")
    }
    #expect(formats == [.q4_0, .q4_1, .q5_0, .q5_1, .q8_0, .float16, .bfloat16])
  }

  @Test func readsTheVocabulary() throws {
    let vocabulary = try StoredVocabulary(open(.tinyLlama()))
    #expect(vocabulary.model == "gpt2" && vocabulary.preTokenizer == "smollm")
    #expect(vocabulary.tokens.count == 24 && vocabulary.tokens[3] == Array("token3".utf8))
    #expect(vocabulary.merges == [Array("a b".utf8), Array("ab c".utf8)])
    #expect(vocabulary.beginOfText == 1 && vocabulary.endOfText == 2)
    #expect(vocabulary.addsBeginOfText == false && vocabulary.addsEndOfText == nil)
    #expect(vocabulary.chatTemplate?.hasPrefix("{%") == true)
  }

  /// Whose other sizes would overflow if they were multiplied first.
  @Test func readsAnEmptyTensor() throws {
    let writer = changed { $0.tensors = [.init("x", [0, 1 << 40, 1 << 40], [])] }
    let checkpoint = try Checkpoint(open(writer))
    #expect(checkpoint["x"]?.count == 0)
    #expect(checkpoint["x"]?.floats() == [])
  }

  @Test func knowsAnOutputMatrixBiasesAndVersionTwo() throws {
    let writer = changed { writer in
      writer.version = 2
      writer.tensors.append(
        .init("output.weight", rows: 24, columns: 64, [Float](repeating: 1, count: 24 * 64)))
    }
    let configuration = try LlamaConfiguration(gguf: open(writer))
    #expect(!configuration.tiesHead)
    #expect(try Checkpoint(open(writer)).match(configuration.layout).count == 21)
  }

  /// Llama 3.1's table of frequency factors becomes the parameters it was made from.
  @Test func recognisesLlama3Frequencies() throws {
    let scaling = RotaryScaling.llama3(
      factor: 8, lowFrequency: 1, highFrequency: 4, originalContext: 8192)
    let plain = RotaryScaling.inverseFrequencies(theta: 50_000, headSize: 16, scaling: nil)
    let scaled = RotaryScaling.inverseFrequencies(theta: 50_000, headSize: 16, scaling: scaling)
    let factors = zip(plain, scaled).map { $0 / $1 }
    #expect(Set(factors).count > 2)
    func with(_ factors: [Float]) -> GGUFWriter {
      var writer = setting("llama.rope.freq_base", .float32(50_000))
      writer.tensors.append(.init("rope_freqs.weight", rows: 1, columns: 8, factors))
      return writer
    }
    let configuration = try LlamaConfiguration(gguf: open(with(factors)))
    #expect(configuration.rotaryScaling == scaling)
    #expect(try Checkpoint(open(with(factors))).match(configuration.layout).count == 20)
    var other = factors
    other[5] *= 1.5
    let error = refusal { _ = try LlamaConfiguration(gguf: open(with(other))) }
    #expect(error?.id == "model-feature")
  }

  @Test func refusesHostileFilesWithTheReason() throws {
    let table: [(String, GGUFWriter, String)] = [
      ("other magic", changed { $0.magic = Array("GGML".utf8) }, "begin with"),
      ("version 1", changed { $0.version = 1 }, "version 1"),
      ("version 4", changed { $0.version = 4 }, "version 4"),
      ("big-endian", changed { $0.version = UInt32(3).byteSwapped }, "big-endian"),
      ("tensors without end", changed { $0.tensorCount = .max }, "tensors"),
      ("pairs without end", changed { $0.pairCount = 1 << 40 }, "pairs"),
      ("one tensor more", changed { $0.tensorCount = 21 }, ""),
      ("one pair more", changed { $0.pairCount = 22 }, ""),
      (
        "a key twice", changed { $0.pairs.append(("general.name", .text("again"))) }, "twice"
      ),
      ("an empty key", changed { $0.pairs.append(("", .text("x"))) }, "empty"),
      ("type 13", changed { $0.pairs.append(("x", .raw(13, four))) }, "type 13"),
      (
        "a list of lists", changed { $0.pairs.append(("x", .raw(9, little(UInt32(9)) + four))) },
        "lists"
      ),
      (
        "elements without end",
        changed { $0.pairs.append(("x", .raw(9, little(UInt32(0)) + little(UInt64.max)))) },
        "elements"
      ),
      (
        "elements that overflow",
        changed { $0.pairs.append(("x", .raw(9, little(UInt32(12)) + little(UInt64(1) << 61)))) },
        "elements"
      ),
      (
        "a text without end", changed { $0.pairs.append(("x", .raw(8, little(UInt64.max)))) },
        "claims"
      ),
      (
        "a text of 17 MiB",
        changed { $0.pairs.append(("x", .bytes([UInt8](repeating: 65, count: 17 << 20)))) }, "limit"
      ),
      ("a truth value of 2", changed { $0.pairs.append(("x", .raw(7, [2]))) }, "truth"),
      ("alignment 3", changed { $0.pairs.append(("general.alignment", .uint32(3))) }, "alignment"),
      ("alignment 0", changed { $0.pairs.append(("general.alignment", .uint32(0))) }, "alignment"),
      (
        "alignment 2^21", changed { $0.pairs.append(("general.alignment", .uint32(1 << 21))) },
        "alignment"
      ),
      (
        "alignment as text", changed { $0.pairs.append(("general.alignment", .text("32"))) },
        "alignment"
      ),
      ("no dimension", only(.init("x", [], four)), "dimensions"),
      ("five dimensions", only(.init("x", [1, 1, 1, 1, 4], four)), "dimensions"),
      ("dimension 2^64 − 1", only(.init("x", [.max], four)), "counted"),
      ("product overflows", only(.init("x", [1 << 32, 1 << 32], four)), "counted"),
      ("bytes overflow", only(.init("x", [1 << 62], four)), "counted"),
      ("larger than the file", only(.init("x", [1 << 40], four)), "fit"),
      ("a row of half a block", only(.init("x", [16, 2], type: 2, four)), "multiple"),
      ("Q4_K", only(.init("x", [256], type: 12, four)), "Q4_K"),
      ("Q8_1", only(.init("x", [32], type: 9, four)), "Q8_1"),
      ("F64", only(.init("x", [2], type: 28, four)), "F64"),
      ("type 77", only(.init("x", [2], type: 77, four)), "number 77"),
      ("a name of 64 bytes", only(.init(String(repeating: "x", count: 64), [4], four)), "limit"),
      ("an empty name", only(.init("", [4], four)), "empty"),
      ("offset off by 32", only(.init("x", [4], four, offset: 32)), "begins"),
      ("offset unaligned", only(.init("x", [4], four, offset: 1)), "begins"),
      ("offset 2^64 − 1", only(.init("x", [4], four, offset: .max)), "begins"),
      (
        "same name twice", changed { $0.tensors = [.init("x", [4], four), .init("x", [4], four)] },
        "twice"
      ),
      (
        "overlap",
        changed { $0.tensors = [.init("x", [4], four), .init("y", [4], four, offset: 0)] }, "begins"
      ),
      ("data cut short", only(.init("x", [4], Array(four.dropLast()))), "take"),
      (
        "data after the end", only(.init("x", [4], four + [UInt8](repeating: 1, count: 32))),
        "follow"
      ),
    ]
    for (name, writer, words) in table {
      do {
        _ = try open(writer)
        Issue.record("'\(name)' was read")
      } catch {
        #expect(error.id == "gguf-malformed" || error.id == "gguf-type", "\(name): \(error)")
        #expect(words.isEmpty || error.message.contains(words), "\(name): \(error.message)")
      }
    }
  }

  @Test(arguments: [
    ("general.architecture", nil, "model-family"),
    ("general.architecture", GGUFWriter.Value.text("qwen2"), "model-family"),
    ("llama.block_count", nil, "model-config"),
    ("llama.block_count", .uint32(0), "model-config"),
    ("llama.block_count", .uint64(1 << 40), "model-config"),
    ("llama.block_count", .float32(2), "model-config"),
    ("llama.attention.head_count", .uint32(0), "model-config"),
    ("llama.attention.head_count", .uint32(7), "model-config"),
    ("llama.attention.head_count", .integers([4, 4]), "model-config"),
    ("llama.attention.head_count_kv", .uint32(3), "model-config"),
    ("llama.rope.dimension_count", .uint32(8), "model-feature"),
    ("llama.attention.key_length", .uint32(15), "model-feature"),
    ("llama.attention.layer_norm_rms_epsilon", nil, "model-config"),
    ("llama.attention.layer_norm_rms_epsilon", .float32(.nan), "model-config"),
    ("llama.rope.freq_base", .float32(0), "model-config"),
    ("llama.rope.scaling.type", .text("yarn"), "model-feature"),
    ("llama.rope.scaling.type", .text("linear"), "model-config"),
    ("llama.expert_count", .uint32(8), "model-feature"),
    ("llama.logit_scale", .float32(0.5), "model-feature"),
    ("tokenizer.ggml.eos_token_id", .uint32(24), "model-config"),
  ])
  func refusesModels(key: String, value: GGUFWriter.Value?, id: String) {
    let error = refusal { _ = try LlamaConfiguration(gguf: open(setting(key, value))) }
    #expect(error?.id == id, "\(error?.message ?? "read")")
  }

  @Test(arguments: [
    ("tokenizer.ggml.model", nil), ("tokenizer.ggml.tokens", nil),
    ("tokenizer.ggml.tokens", GGUFWriter.Value.integers([1])),
    ("tokenizer.ggml.token_type", .integers([1, 2])),
    ("tokenizer.ggml.merges", .text("a b")), ("tokenizer.ggml.bos_token_id", .uint32(24)),
  ])
  func refusesVocabularies(key: String, value: GGUFWriter.Value?) {
    let error = refusal { _ = try StoredVocabulary(open(setting(key, value))) }
    #expect(error?.id == "gguf-vocabulary")
  }

  @Test func refusesWeightsThatAreNotFinite() throws {
    var writer = GGUFWriter.tinyLlama()
    let place = writer.tensors.firstIndex { $0.name == "blk.0.attn_output.weight" }!
    // The scale of a block in the middle: not a number.
    writer.tensors[place].bytes.replaceSubrange(24 * 40..<24 * 40 + 2, with: [0x00, 0x7E])
    let gguf = try open(writer)
    let matched = try Checkpoint(gguf).match(LlamaConfiguration(gguf: gguf).layout)
    let number = try #require(
      (0..<matched.count).first {
        matched.stored($0).name == "model.layers.0.self_attn.o_proj.weight"
      })
    #expect(refusal { _ = try matched.block(number) }?.id == "checkpoint-not-finite")
  }

  /// A real file, where the machine has one.
  @Test func readsSmolLM2() throws {
    guard let folder = ProcessInfo.processInfo.environment["PLUMB_MODELS"] else {
      print("skipped: PLUMB_MODELS names no folder with SmolLM2-135M-Instruct.Q4_1.gguf")
      return
    }
    let enumerator = FileManager.default.enumerator(atPath: folder)
    let path = try #require(
      enumerator?.compactMap { $0 as? String }.first {
        $0.hasSuffix("SmolLM2-135M-Instruct.Q4_1.gguf")
      })
    let gguf = try GGUFFile(at: folder + "/" + path)
    let configuration = try LlamaConfiguration(gguf: gguf)
    #expect(configuration.layers == 30 && configuration.width == 576)
    #expect(configuration.heads == 9 && configuration.keyValueHeads == 3)
    #expect(configuration.rotaryTheta == 100_000 && configuration.tiesHead)
    let matched = try Checkpoint(gguf).match(configuration.layout)
    #expect(matched.stored(0).typeName == "Q8_0")
    #expect((0..<matched.count).contains { matched.stored($0).typeName == "Q4_1" })
    for number in 0..<matched.count { _ = try matched.block(number) }
    let vocabulary = try StoredVocabulary(gguf)
    #expect(vocabulary.tokens.count == 49152 && vocabulary.preTokenizer == "smollm")
  }
}
