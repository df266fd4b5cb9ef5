// Llama in GGUF: its sizes in the metadata, its tensors under other names, and the rows of queries and
// keys in another order (pairs of rotary channels as neighbours).

import CanonicalJSON
import Diagnostics
import Kernels

extension LlamaConfiguration {
  /// What the metadata of a GGUF file with the architecture `llama` says; Mistral is one too.
  ///
  /// **Throws**: `model-family` for another architecture, `model-config` naming the key,
  /// `model-feature`.
  public init(gguf: GGUFFile) throws(Diagnostic) {
    self.init()
    let shown = gguf.file.shown
    let architecture = gguf.text("general.architecture") ?? ""
    guard architecture == "llama" else {
      throw .modelFamily(shown, architecture.isEmpty ? "(none named)" : architecture)
    }
    let members = GGUFMembers(gguf: gguf)
    layers = try members.integer("llama.block_count", in: 1...1024)
    context = try members.integer("llama.context_length", in: 1...(1 << 24))
    width = try members.integer("llama.embedding_length", in: 1...(1 << 16))
    inner = try members.integer("llama.feed_forward_length", in: 1...(1 << 20))
    heads = try members.integer("llama.attention.head_count", in: 1...4096)
    keyValueHeads = try members.integer("llama.attention.head_count_kv", heads, in: 1...4096)
    guard heads % keyValueHeads == 0 else {
      throw .modelConfiguration(
        shown, "\(heads) heads cannot be shared by \(keyValueHeads) heads of keys")
    }
    if gguf["llama.attention.key_length"] == nil, width % heads != 0 {
      throw .modelConfiguration(shown, "a width of \(width) is no multiple of \(heads) heads")
    }
    headSize = try members.integer("llama.attention.key_length", width / heads, in: 2...4096)
    for key in ["llama.attention.value_length", "llama.rope.dimension_count"] {
      let size = try members.integer(key, headSize, in: 1...4096)
      guard size == headSize else {
        throw .modelFeature(shown, key, .integer(size))
      }
    }
    guard headSize % 2 == 0 else {
      throw .modelConfiguration(shown, "heads of \(headSize) channels cannot be rotated")
    }
    normEpsilon = try members.number("llama.attention.layer_norm_rms_epsilon", in: 1e-12...1)
    rotaryTheta = try members.number("llama.rope.freq_base", 10_000, in: 1...1e12)
    try takeScaling(members)
    // Each changes the arithmetic; 0 or absent is without it.
    for key in [
      "llama.expert_count", "llama.attention.sliding_window", "llama.logit_scale",
      "llama.residual_scale", "llama.embedding_scale", "llama.attention.scale",
    ] {
      if let value = gguf.number(key), value != 0 {
        throw .modelFeature(shown, key, .number(value))
      }
    }

    let names = Set(gguf.tensors.map(\.name))
    guard let table = gguf.tensors.first(where: { $0.name == "token_embd.weight" }),
      table.shape.count == 2, (1...(1 << 24)).contains(table.shape[0])
    else { throw .modelConfiguration(shown, "it has no table of embeddings (token_embd.weight)") }
    vocabularySize = table.shape[0]
    tiesHead = !names.contains("output.weight")
    hasAttentionBias = names.contains("blk.0.attn_q.bias")
    hasFeedForwardBias = names.contains("blk.0.ffn_up.bias")
    beginOfText = try members.token("tokenizer.ggml.bos_token_id", vocabulary: vocabularySize)
    endsOfText = []
    for key in ["tokenizer.ggml.eos_token_id", "tokenizer.ggml.eot_token_id"] {
      if let token = try members.token(key, vocabulary: vocabularySize),
        !endsOfText.contains(token)
      {
        endsOfText.append(token)
      }
    }
  }

  private mutating func takeScaling(_ members: GGUFMembers) throws(Diagnostic) {
    let gguf = members.gguf
    switch gguf.text("llama.rope.scaling.type") ?? "none" {
    case "none": break
    case "linear":
      rotaryScaling = .linear(
        factor: try members.number("llama.rope.scaling.factor", in: 1e-6...1e9))
    case let kind:
      throw .modelFeature(gguf.file.shown, "llama.rope.scaling.type", .string(kind))
    }
    guard let factors = gguf.tensors.first(where: { $0.name == "rope_freqs.weight" }) else {
      return
    }
    rotaryScaling = try Self.llama3(factors, in: gguf, theta: rotaryTheta, headSize: headSize)
  }

  /// Converters write Llama 3.1's scaling as a table of what each frequency is divided by. The table
  /// is compared with what the published parameters give, because config.json holds those.
  private static func llama3(
    _ factors: GGUFFile.Tensor, in gguf: GGUFFile, theta: Double, headSize: Int
  ) throws(Diagnostic) -> RotaryScaling {
    let refusal = Diagnostic.modelFeature(
      gguf.file.shown, "rope_freqs.weight", .array(factors.dimensions.map { .integer($0) }))
    guard factors.type == .float32, factors.dimensions == [headSize / 2] else { throw refusal }
    let values = StoredTensor(factors, named: factors.name, in: gguf.file).floats()
    guard let greatest = values.max(), greatest.isFinite, greatest >= 1 else { throw refusal }
    let scaling = RotaryScaling.llama3(
      factor: Double(greatest), lowFrequency: 1, highFrequency: 4, originalContext: 8192)
    let plain = RotaryScaling.inverseFrequencies(theta: theta, headSize: headSize, scaling: nil)
    let scaled = RotaryScaling.inverseFrequencies(
      theta: theta, headSize: headSize, scaling: scaling)
    for (pair, value) in values.enumerated() {
      guard abs(plain[pair] / scaled[pair] - value) <= 1e-4 * value else { throw refusal }
    }
    return scaling
  }
}

extension GGUFFile {
  /// The tensors under transformers' names, where the architecture is one that has them.
  ///
  /// **Throws**: `model-config` for heads that do not fit their rows.
  func storedTensors() throws(Diagnostic) -> [StoredTensor] {
    guard text("general.architecture") == "llama" else {
      return tensors.map { StoredTensor($0, named: $0.name, in: file) }
    }
    let heads = integer("llama.attention.head_count") ?? 0
    let keyHeads = integer("llama.attention.head_count_kv") ?? heads
    var stored: [StoredTensor] = []
    for tensor in tensors {
      guard let name = Self.llamaName(tensor.name) else {
        // The scaling of rotary positions is in the configuration.
        if tensor.name != "rope_freqs.weight" {
          stored.append(StoredTensor(tensor, named: tensor.name, in: file))
        }
        continue
      }
      var interleaved: Int?
      if name.contains(".q_proj.") { interleaved = heads }
      if name.contains(".k_proj.") { interleaved = keyHeads }
      if let interleaved {
        guard interleaved > 0, tensor.shape[0] > 0, tensor.shape[0] % interleaved == 0,
          tensor.shape[0] / interleaved % 2 == 0
        else {
          throw .modelConfiguration(
            file.shown,
            "\(tensor.shape[0]) rows of '\(tensor.name)' are not those of \(interleaved) heads")
        }
      }
      stored.append(
        StoredTensor(tensor, named: name, in: file, interleavedHeads: interleaved))
    }
    return stored
  }

  /// transformers' name of a tensor of a Llama; nil for one that it does not have.
  static func llamaName(_ name: String) -> String? {
    switch name {
    case "token_embd.weight": return "model.embed_tokens.weight"
    case "output_norm.weight": return "model.norm.weight"
    case "output.weight": return "lm_head.weight"
    default: break
    }
    let parts = name.split(separator: ".", omittingEmptySubsequences: false)
    guard parts.count == 4, parts[0] == "blk", let layer = Int(parts[1]), "\(layer)" == parts[1],
      parts[3] == "weight" || parts[3] == "bias"
    else { return nil }
    let modules: [Substring: String] = [
      "attn_norm": "input_layernorm", "attn_q": "self_attn.q_proj", "attn_k": "self_attn.k_proj",
      "attn_v": "self_attn.v_proj", "attn_output": "self_attn.o_proj",
      "ffn_norm": "post_attention_layernorm", "ffn_gate": "mlp.gate_proj", "ffn_up": "mlp.up_proj",
      "ffn_down": "mlp.down_proj",
    ]
    return modules[parts[2]].map { "model.layers.\(layer).\($0).\(parts[3])" }
  }
}

extension StoredTensor {
  init(
    _ tensor: GGUFFile.Tensor, named name: String, in file: MappedFile,
    interleavedHeads: Int? = nil
  ) {
    let form: Form =
      switch tensor.type {
      case .float32: .elements(.float32)
      case .blocks(.float16): .elements(.float16)
      case .blocks(.bfloat16): .elements(.bfloat16)
      case .blocks(let format): .blocks(format)
      }
    self.init(
      name: name, shape: tensor.shape, form: form, file: file, range: tensor.range,
      interleavedHeads: interleavedHeads)
  }
}

/// Metadata with its ranges; integers of any width count.
private struct GGUFMembers {
  let gguf: GGUFFile

  func integer(
    _ key: String, _ preset: Int? = nil, in range: ClosedRange<Int>
  ) throws(Diagnostic) -> Int {
    if gguf[key] == nil, let preset { return preset }
    guard let number = gguf.integer(key), range.contains(number) else {
      throw .modelConfiguration(
        gguf.file.shown,
        "\(key) must be an integer from \(range.lowerBound) to \(range.upperBound)"
          + (gguf[key] == nil ? ", and is missing" : ""))
    }
    return number
  }

  func number(
    _ key: String, _ preset: Double? = nil, in range: ClosedRange<Double>
  ) throws(Diagnostic) -> Double {
    if gguf[key] == nil, let preset { return preset }
    guard let number = gguf.number(key), range.contains(number) else {
      throw .modelConfiguration(
        gguf.file.shown,
        "\(key) must be a number from \(range.lowerBound) to \(range.upperBound)"
          + (gguf[key] == nil ? ", and is missing" : ""))
    }
    return number
  }

  func token(_ key: String, vocabulary: Int) throws(Diagnostic) -> Int? {
    gguf[key] == nil ? nil : try integer(key, in: 0...(vocabulary - 1))
  }
}
