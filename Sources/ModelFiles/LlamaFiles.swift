// Llama and Mistral in the Hugging Face layout: config.json and the names of their tensors.

import CanonicalJSON
import Diagnostics

/// What `config.json` says about a Llama or a Mistral.
///
/// **Source**: transformers' `LlamaConfig` and `MistralConfig`; defaults are theirs.
public struct LlamaConfiguration: Sendable, Equatable {
  public enum Family: String, Sendable { case llama, mistral }

  public var family = Family.llama
  public var vocabularySize = 32000
  /// Longest sequence, tokens.
  public var context = 2048
  public var width = 4096
  public var layers = 32
  /// Heads of the queries.
  public var heads = 32
  /// Heads of keys and values; divides `heads`.
  public var keyValueHeads = 32
  /// Channels of a head, even; `heads · headSize` need not be `width`.
  public var headSize = 128
  /// Width inside the gated feed-forward part.
  public var inner = 11008
  /// ε of the root-mean-square norms.
  public var normEpsilon = 1e-6
  public var rotaryTheta = 10_000.0
  public var rotaryScaling: RotaryScaling?
  /// q, k, v and o have biases (Llama only).
  public var hasAttentionBias = false
  /// gate, up and down have biases (Llama only).
  public var hasFeedForwardBias = false
  /// A token sees itself and the `slidingWindow` − 1 tokens before it; nil: all before it.
  public var slidingWindow: Int?
  /// The output matrix is the token embedding.
  public var tiesHead = false
  public var attentionDropout = 0.0
  public var initialiserRange = 0.02
  public var beginOfText: Int? = 1
  /// Tokens that end a text; the first is the one to write.
  public var endsOfText: [Int] = [2]
  public var endOfText: Int? { endsOfText.first }
  /// Members of config.json that change nothing here and are written again.
  public var others = JSONObject([])

  public init() {}

  /// Inverse frequencies of the rotary positions, [headSize / 2].
  public var inverseFrequencies: [Float] {
    RotaryScaling.inverseFrequencies(
      theta: rotaryTheta, headSize: headSize, scaling: rotaryScaling)
  }

  /// Reads `config.json`, or the metadata of `model.gguf` where there is none.
  ///
  /// **Throws**: `json-syntax`, `model-config` naming the member, `model-feature`.
  public init(files: [String: String]) throws(Diagnostic) {
    if files["config.json"] == nil, let path = files["model.gguf"] {
      try self.init(gguf: try GGUFFile(at: path))
      return
    }
    let (json, path) = try ConfigurationMembers.json(files: files)
    try self.init(json: json, shown: path)
  }

  public init(json: JSONValue, shown: String) throws(Diagnostic) {
    let members = try ConfigurationMembers(json, shown: shown)
    family = Family(rawValue: try members.family(among: ["llama", "mistral"]))!
    let isLlama = family == .llama

    vocabularySize = try members.integer("vocab_size", 32000, in: 1...(1 << 24))
    context = try members.integer(
      "max_position_embeddings", isLlama ? 2048 : 131_072, in: 1...(1 << 24))
    width = try members.integer("hidden_size", 4096, in: 1...(1 << 16))
    inner = try members.integer("intermediate_size", isLlama ? 11008 : 14336, in: 1...(1 << 20))
    layers = try members.integer("num_hidden_layers", 32, in: 1...1024)
    heads = try members.integer("num_attention_heads", 32, in: 1...4096)
    // Absent and null differ in Mistral: its default is 8, and null means as many as heads.
    let hasGroups = members.object["num_key_value_heads"] != nil
    keyValueHeads = try members.integer(
      "num_key_value_heads", isLlama || hasGroups ? heads : 8, in: 1...4096)
    guard heads % keyValueHeads == 0 else {
      throw .modelConfiguration(
        shown,
        "num_attention_heads \(heads) is no multiple of num_key_value_heads \(keyValueHeads)")
    }
    if let size = try members.optionalInteger("head_dim", in: 1...4096) {
      headSize = size
    } else {
      guard width % heads == 0 else {
        throw .modelConfiguration(
          shown, "hidden_size \(width) is no multiple of num_attention_heads \(heads)")
      }
      headSize = width / heads
    }
    guard headSize % 2 == 0 else {
      throw .modelConfiguration(
        shown, "heads of \(headSize) channels cannot be rotated: the number must be even")
    }
    normEpsilon = try members.number("rms_norm_eps", 1e-6, in: 1e-12...1)
    (rotaryTheta, rotaryScaling) = try RotaryScaling.read(members, context: context)
    guard try members.number("partial_rotary_factor", 1, in: 0...1) == 1 else {
      throw .modelFeature(
        shown, "partial_rotary_factor", members.object["partial_rotary_factor"]!)
    }
    if isLlama {
      hasAttentionBias = try members.boolean("attention_bias", false)
      hasFeedForwardBias = try members.boolean("mlp_bias", false)
    } else if members.object["sliding_window"] == nil {
      slidingWindow = 4096
    } else {
      slidingWindow = try members.optionalInteger("sliding_window", in: 1...(1 << 24))
    }
    tiesHead = try members.boolean("tie_word_embeddings", false)
    attentionDropout = try members.number("attention_dropout", 0, in: 0...0.99)
    initialiserRange = try members.number("initializer_range", 0.02, in: 0...10)
    beginOfText = try members.token("bos_token_id", 1, vocabulary: vocabularySize)
    endsOfText = try members.tokens("eos_token_id", 2, vocabulary: vocabularySize)

    let activation = members.value("hidden_act") ?? "silu"
    guard activation == "silu" || activation == "swish" else {
      throw .modelFeature(shown, "hidden_act", activation)
    }
    if let value = members.value("layer_types") {
      throw .modelFeature(shown, "layer_types", value)
    }
    try members.requireReadableQuantisation()
    others = members.others(than: Self.known)
  }

  private static let known: Set<String> = [
    "vocab_size", "max_position_embeddings", "hidden_size", "intermediate_size",
    "num_hidden_layers", "num_attention_heads", "num_key_value_heads", "head_dim", "rms_norm_eps",
    "rope_theta", "rope_scaling", "rope_parameters", "partial_rotary_factor", "attention_bias",
    "mlp_bias", "sliding_window", "tie_word_embeddings", "attention_dropout", "initializer_range",
    "bos_token_id", "eos_token_id", "hidden_act", "layer_types",
  ]

  /// What we write: names that transformers 4 and 5 both read, no version, no host.
  public var json: JSONValue {
    var own: [(String, JSONValue)] = [
      (
        "architectures",
        [.string(family == .llama ? "LlamaForCausalLM" : "MistralForCausalLM")]
      ),
      ("attention_dropout", .number(attentionDropout)),
      ("bos_token_id", beginOfText.map { .integer($0) } ?? .null),
      ("eos_token_id", endJSON),
      ("head_dim", .integer(headSize)),
      ("hidden_act", "silu"),
      ("hidden_size", .integer(width)),
      ("initializer_range", .number(initialiserRange)),
      ("intermediate_size", .integer(inner)),
      ("max_position_embeddings", .integer(context)),
      ("model_type", .string(family.rawValue)),
      ("num_attention_heads", .integer(heads)),
      ("num_hidden_layers", .integer(layers)),
      ("num_key_value_heads", .integer(keyValueHeads)),
      ("rms_norm_eps", .number(normEpsilon)),
      ("rope_scaling", rotaryScaling?.json ?? .null),
      ("rope_theta", .number(rotaryTheta)),
      ("tie_word_embeddings", .boolean(tiesHead)),
      ("torch_dtype", "float32"),
      ("vocab_size", .integer(vocabularySize)),
    ]
    if family == .llama {
      own.append(("attention_bias", .boolean(hasAttentionBias)))
      own.append(("mlp_bias", .boolean(hasFeedForwardBias)))
    } else {
      own.append(("sliding_window", slidingWindow.map { .integer($0) } ?? .null))
    }
    return .merged(own, others: others)
  }

  private var endJSON: JSONValue {
    switch endsOfText.count {
    case 0: .null
    case 1: .integer(endsOfText[0])
    default: .array(endsOfText.map { .integer($0) })
    }
  }

  /// `generation_config.json`: the tokens, and nothing that would change how others sample.
  public var generationJSON: JSONValue {
    .object([
      "bos_token_id": beginOfText.map { .integer($0) } ?? .null, "eos_token_id": endJSON,
    ])
  }

  /// Names and file shapes of all weights; numbering is that of `tensors`.
  public var layout: CheckpointLayout {
    var tensors: [CheckpointLayout.Tensor] = []
    func add(_ name: String, _ shape: [Int], hasBias: Bool = false) {
      tensors.append(.init(name: name + ".weight", shape: shape))
      if hasBias { tensors.append(.init(name: name + ".bias", shape: [shape[0]])) }
    }
    add("embed_tokens", [vocabularySize, width])
    var ignored: Set<String> = []
    for layer in 0..<layers {
      let block = "layers.\(layer)."
      add(block + "input_layernorm", [width])
      let attention = block + "self_attn."
      add(attention + "q_proj", [heads * headSize, width], hasBias: hasAttentionBias)
      add(attention + "k_proj", [keyValueHeads * headSize, width], hasBias: hasAttentionBias)
      add(attention + "v_proj", [keyValueHeads * headSize, width], hasBias: hasAttentionBias)
      add(attention + "o_proj", [width, heads * headSize], hasBias: hasAttentionBias)
      add(block + "post_attention_layernorm", [width])
      add(block + "mlp.gate_proj", [inner, width], hasBias: hasFeedForwardBias)
      add(block + "mlp.up_proj", [inner, width], hasBias: hasFeedForwardBias)
      add(block + "mlp.down_proj", [width, inner], hasBias: hasFeedForwardBias)
      ignored.insert(attention + "rotary_emb.inv_freq")
    }
    add("norm", [width])
    if !tiesHead {
      tensors.append(
        .init(name: "lm_head.weight", shape: [vocabularySize, width], isPrefixed: false))
    }
    return CheckpointLayout(
      tensors: tensors, prefix: "model.", ignored: ignored,
      tied: tiesHead ? (name: "lm_head.weight", to: "embed_tokens.weight") : nil)
  }
}
