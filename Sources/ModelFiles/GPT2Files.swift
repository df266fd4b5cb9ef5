// GPT-2 in the Hugging Face layout: config.json and the names of its tensors.

import CanonicalJSON
import Diagnostics

/// What `config.json` says about a GPT-2.
///
/// **Source**: transformers' `GPT2Config`; defaults are its defaults.
public struct GPT2Configuration: Sendable, Equatable {
  public var vocabularySize = 50257
  /// Longest sequence, tokens.
  public var context = 1024
  public var width = 768
  public var layers = 12
  public var heads = 12
  /// Width inside the feed-forward part.
  public var inner = 3072
  public var layerNormEpsilon = 1e-5
  public var residualDropout = 0.1
  public var embeddingDropout = 0.1
  public var attentionDropout = 0.1
  public var initialiserRange = 0.02
  public var beginOfText: Int? = 50256
  public var endOfText: Int? = 50256

  public init() {}

  /// **Throws**: `json-syntax`, `model-config` naming the member.
  public init(files: [String: String]) throws(Diagnostic) {
    let (json, path) = try ConfigurationMembers.json(files: files)
    try self.init(json: json, shown: path)
  }

  public init(json: JSONValue, shown: String) throws(Diagnostic) {
    let members = try ConfigurationMembers(json, shown: shown)
    _ = try members.family(among: ["gpt2"])

    vocabularySize = try members.integer("vocab_size", 50257, in: 1...(1 << 24))
    context = try members.integer(
      "n_positions", try members.integer("n_ctx", 1024, in: 1...(1 << 24)), in: 1...(1 << 24))
    width = try members.integer("n_embd", 768, in: 1...(1 << 16))
    layers = try members.integer("n_layer", 12, in: 1...1024)
    heads = try members.integer("n_head", 12, in: 1...(1 << 16))
    inner = try members.integer("n_inner", 4 * width, in: 1...(1 << 20))
    guard width % heads == 0 else {
      throw .modelConfiguration(shown, "n_embd \(width) is no multiple of n_head \(heads)")
    }
    layerNormEpsilon = try members.number("layer_norm_epsilon", 1e-5, in: 1e-12...1)
    residualDropout = try members.number("resid_pdrop", 0.1, in: 0...0.99)
    embeddingDropout = try members.number("embd_pdrop", 0.1, in: 0...0.99)
    attentionDropout = try members.number("attn_pdrop", 0.1, in: 0...0.99)
    initialiserRange = try members.number("initializer_range", 0.02, in: 0...10)
    beginOfText = try members.token("bos_token_id", 50256, vocabulary: vocabularySize)
    endOfText = try members.token("eos_token_id", 50256, vocabulary: vocabularySize)

    let activation = members.value("activation_function") ?? "gelu_new"
    guard activation == "gelu_new" || activation == "gelu_pytorch_tanh" else {
      throw .modelFeature(shown, "activation_function", activation)
    }
    try members.require("scale_attn_weights", true)
    try members.require("scale_attn_by_inverse_layer_idx", false)
    try members.require("add_cross_attention", false)
    try members.require("tie_word_embeddings", true)
    try members.requireReadableQuantisation()
  }

  /// What we write: enough for transformers, and no more (no version, no host).
  public var json: JSONValue {
    .object([
      "activation_function": "gelu_new",
      "architectures": ["GPT2LMHeadModel"],
      "attn_pdrop": .number(attentionDropout),
      "bos_token_id": beginOfText.map { .integer($0) } ?? .null,
      "embd_pdrop": .number(embeddingDropout),
      "eos_token_id": endOfText.map { .integer($0) } ?? .null,
      "initializer_range": .number(initialiserRange),
      "layer_norm_epsilon": .number(layerNormEpsilon),
      "model_type": "gpt2",
      "n_embd": .integer(width),
      "n_head": .integer(heads),
      "n_inner": inner == 4 * width ? .null : .integer(inner),
      "n_layer": .integer(layers),
      "n_positions": .integer(context),
      "reorder_and_upcast_attn": false,
      "resid_pdrop": .number(residualDropout),
      "scale_attn_by_inverse_layer_idx": false,
      "scale_attn_weights": true,
      "tie_word_embeddings": true,
      "torch_dtype": "float32",
      "vocab_size": .integer(vocabularySize),
    ])
  }

  /// `generation_config.json`: the tokens, and nothing that would change how others sample.
  public var generationJSON: JSONValue {
    .object([
      "bos_token_id": beginOfText.map { .integer($0) } ?? .null,
      "eos_token_id": endOfText.map { .integer($0) } ?? .null,
    ])
  }

  /// Names and file shapes of all weights; numbering is that of `tensors`.
  public var layout: CheckpointLayout {
    var tensors: [CheckpointLayout.Tensor] = []
    func add(_ name: String, _ shape: [Int], transposed: Bool = false) {
      tensors.append(.init(name: name, shape: shape, isTransposed: transposed))
    }
    add("wte.weight", [vocabularySize, width])
    add("wpe.weight", [context, width])
    var ignored: Set<String> = []
    for layer in 0..<layers {
      let block = "h.\(layer)."
      add(block + "ln_1.weight", [width])
      add(block + "ln_1.bias", [width])
      add(block + "attn.c_attn.weight", [width, 3 * width], transposed: true)
      add(block + "attn.c_attn.bias", [3 * width])
      add(block + "attn.c_proj.weight", [width, width], transposed: true)
      add(block + "attn.c_proj.bias", [width])
      add(block + "ln_2.weight", [width])
      add(block + "ln_2.bias", [width])
      add(block + "mlp.c_fc.weight", [width, inner], transposed: true)
      add(block + "mlp.c_fc.bias", [inner])
      add(block + "mlp.c_proj.weight", [inner, width], transposed: true)
      add(block + "mlp.c_proj.bias", [width])
      ignored.insert(block + "attn.bias")
      ignored.insert(block + "attn.masked_bias")
    }
    add("ln_f.weight", [width])
    add("ln_f.bias", [width])
    return CheckpointLayout(
      tensors: tensors, prefix: "transformer.", ignored: ignored,
      tied: (name: "lm_head.weight", to: "wte.weight"))
  }
}
