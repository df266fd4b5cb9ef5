// A writer of small GGUF files for tests: it writes whatever it is told, also what no file may hold.

import Kernels

struct GGUFWriter {
  enum Value {
    case uint32(UInt32), int32(Int32), uint64(UInt64), float32(Float), float64(Double)
    case boolean(Bool), text(String), bytes([UInt8])
    case texts([String]), integers([Int32]), floats([Float])
    /// Type number and payload, as they shall stand there.
    case raw(UInt32, [UInt8])
  }

  struct Tensor {
    var name: String
    /// Fastest first.
    var dimensions: [UInt64]
    var type: UInt32
    var bytes: [UInt8]
    /// nil: where it belongs.
    var offset: UInt64?

    init(
      _ name: String, _ dimensions: [UInt64], type: UInt32 = 0, _ bytes: [UInt8],
      offset: UInt64? = nil
    ) {
      self.name = name
      self.dimensions = dimensions
      self.type = type
      self.bytes = bytes
      self.offset = offset
    }

    /// [rows, columns] of numbers, in single precision or in blocks.
    init(_ name: String, rows: Int, columns: Int, _ values: [Float], as format: BlockFormat? = nil)
    {
      var bytes: [UInt8] = []
      if let format {
        bytes = [UInt8](repeating: 0, count: rows * format.bytes(columns: columns))
        bytes.withUnsafeMutableBytes { target in
          values.withUnsafeBufferPointer {
            quantise(format, $0.baseAddress!, into: target.baseAddress!, count: $0.count)
          }
        }
      } else {
        bytes = values.flatMap { little($0.bitPattern) }
      }
      let numbers: [BlockFormat: UInt32] = [
        .float16: 1, .q4_0: 2, .q4_1: 3, .q5_0: 6, .q5_1: 7, .q8_0: 8, .q6_K: 14, .bfloat16: 30,
      ]
      let dimensions = rows == 1 ? [columns] : [columns, rows]
      self.init(
        name, dimensions.map { UInt64($0) }, type: format.map { numbers[$0]! } ?? 0, bytes)
    }
  }

  var magic: [UInt8] = Array("GGUF".utf8)
  var version: UInt32 = 3
  var alignment = 32
  var pairs: [(String, Value)] = []
  var tensors: [Tensor] = []
  /// nil: as many as there are.
  var tensorCount: UInt64?
  var pairCount: UInt64?

  var bytes: [UInt8] {
    var out = magic + little(version)
    out += little(tensorCount ?? UInt64(tensors.count)) + little(pairCount ?? UInt64(pairs.count))
    for (key, value) in pairs { out += text(Array(key.utf8)) + encode(value) }
    var offset = 0
    for tensor in tensors {
      out += text(Array(tensor.name.utf8)) + little(UInt32(tensor.dimensions.count))
      for size in tensor.dimensions { out += little(size) }
      out += little(tensor.type) + little(tensor.offset ?? UInt64(offset))
      offset = (offset + tensor.bytes.count + alignment - 1) / alignment * alignment
    }
    for tensor in tensors {
      while out.count % alignment != 0 { out.append(0) }
      out += tensor.bytes
    }
    return out
  }

  private func text(_ bytes: [UInt8]) -> [UInt8] { little(UInt64(bytes.count)) + bytes }

  private func encode(_ value: Value) -> [UInt8] {
    func list(_ type: UInt32, _ count: Int, _ items: [UInt8]) -> [UInt8] {
      little(UInt32(9)) + little(type) + little(UInt64(count)) + items
    }
    switch value {
    case .uint32(let value): return little(UInt32(4)) + little(value)
    case .int32(let value): return little(UInt32(5)) + little(value)
    case .float32(let value): return little(UInt32(6)) + little(value.bitPattern)
    case .boolean(let value): return little(UInt32(7)) + [value ? 1 : 0]
    case .text(let value): return little(UInt32(8)) + text(Array(value.utf8))
    case .bytes(let value): return little(UInt32(8)) + text(value)
    case .uint64(let value): return little(UInt32(10)) + little(value)
    case .float64(let value): return little(UInt32(12)) + little(value.bitPattern)
    case .texts(let items): return list(8, items.count, items.flatMap { text(Array($0.utf8)) })
    case .integers(let items): return list(5, items.count, items.flatMap(little))
    case .floats(let items): return list(6, items.count, items.flatMap { little($0.bitPattern) })
    case .raw(let type, let payload): return little(type) + payload
    }
  }
}

func little<T: FixedWidthInteger>(_ value: T) -> [UInt8] {
  withUnsafeBytes(of: value.littleEndian) { Array($0) }
}

extension GGUFWriter {
  /// A Llama with 2 layers, 4 heads that share 2 of keys, 64 channels; each kind of block once.
  static func tinyLlama(
    architecture: String = "llama", table: BlockFormat? = .q8_0
  ) -> GGUFWriter {
    let (width, inner, vocabulary) = (64, 96, 24)
    var state: UInt64 = 7
    func values(_ count: Int) -> [Float] {
      (0..<count).map { _ in
        state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
        return Float(Int32(truncatingIfNeeded: state >> 32)) / 4e9
      }
    }
    var writer = GGUFWriter()
    writer.pairs = [
      ("general.architecture", .text(architecture)), ("general.name", .text("tiny")),
      ("llama.block_count", .uint32(2)), ("llama.context_length", .uint32(128)),
      ("llama.embedding_length", .uint64(64)), ("llama.feed_forward_length", .int32(96)),
      ("llama.attention.head_count", .uint32(4)), ("llama.attention.head_count_kv", .uint32(2)),
      ("llama.attention.layer_norm_rms_epsilon", .float32(1e-5)),
      ("llama.rope.dimension_count", .uint32(16)), ("llama.rope.freq_base", .float32(100_000)),
      ("tokenizer.ggml.model", .text("gpt2")), ("tokenizer.ggml.pre", .text("smollm")),
      ("tokenizer.ggml.tokens", .texts((0..<vocabulary).map { "token\($0)" })),
      ("tokenizer.ggml.token_type", .integers([Int32](repeating: 1, count: vocabulary))),
      ("tokenizer.ggml.scores", .floats([Float](repeating: 0, count: vocabulary))),
      ("tokenizer.ggml.merges", .texts(["a b", "ab c"])),
      ("tokenizer.ggml.bos_token_id", .uint32(1)), ("tokenizer.ggml.eos_token_id", .uint32(2)),
      ("tokenizer.ggml.add_bos_token", .boolean(false)),
      ("tokenizer.chat_template", .text("{% for message in messages %}{% endfor %}")),
    ]
    func add(_ name: String, _ rows: Int, _ columns: Int, _ format: BlockFormat? = nil) {
      writer.tensors.append(
        .init(name, rows: rows, columns: columns, values(rows * columns), as: format))
    }
    add("token_embd.weight", vocabulary, width, table)
    let formats: [BlockFormat] = [.q4_0, .q4_1, .q5_0, .q5_1, .q8_0, .float16, .bfloat16]
    for layer in 0..<2 {
      let block = "blk.\(layer)."
      add(block + "attn_norm.weight", 1, width)
      for (number, part) in [
        ("attn_q", width, width), ("attn_k", width / 2, width), ("attn_v", width / 2, width),
        ("attn_output", width, width), ("ffn_gate", inner, width), ("ffn_up", inner, width),
        ("ffn_down", width, inner),
      ].enumerated() {
        add(block + part.0 + ".weight", part.1, part.2, formats[(number + layer) % formats.count])
      }
      add(block + "ffn_norm.weight", 1, width)
    }
    add("output_norm.weight", 1, width)
    return writer
  }
}
