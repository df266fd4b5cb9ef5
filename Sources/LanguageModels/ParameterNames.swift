// Which parameter a tensor of a Hugging Face file is. One table for all families: no name of one
// means something else in another.

extension ParameterRole {
  /// - Parameter name: in files, without the family's prefix.
  init?(tensor name: String) {
    for prefix in ["h.", "layers.", "encoder.layer."] where name.hasPrefix(prefix) {
      let rest = name.dropFirst(prefix.count)
      guard let dot = rest.firstIndex(of: "."), let layer = Int(rest[..<dot]),
        let part = Self.inBlock[String(rest[rest.index(after: dot)...])]
      else { return nil }
      self = .block(layer, part)
      return
    }
    guard let role = Self.outside[name] else { return nil }
    self = role
  }

  private static let outside: [String: ParameterRole] = [
    "wte.weight": .tokenEmbedding,
    "wpe.weight": .positionEmbedding,
    "ln_f.weight": .finalNormGain,
    "ln_f.bias": .finalNormBias,

    "embed_tokens.weight": .tokenEmbedding,
    "norm.weight": .finalNormGain,
    "lm_head.weight": .head,

    "embeddings.word_embeddings.weight": .tokenEmbedding,
    "embeddings.position_embeddings.weight": .positionEmbedding,
    "embeddings.token_type_embeddings.weight": .tokenTypeEmbedding,
    "embeddings.LayerNorm.weight": .embeddingNormGain,
    "embeddings.LayerNorm.bias": .embeddingNormBias,
    "pooler.dense.weight": .poolerWeight,
    "pooler.dense.bias": .poolerBias,
    "classifier.weight": .classifierWeight,
    "classifier.bias": .classifierBias,
    "classifier.dense.weight": .classifierDenseWeight,
    "classifier.dense.bias": .classifierDenseBias,
    "classifier.out_proj.weight": .classifierWeight,
    "classifier.out_proj.bias": .classifierBias,
  ]

  private static let inBlock: [String: InBlock] = [
    "ln_1.weight": .attentionNormGain,
    "ln_1.bias": .attentionNormBias,
    "attn.c_attn.weight": .queryKeyValueWeight,
    "attn.c_attn.bias": .queryKeyValueBias,
    "attn.c_proj.weight": .attentionOutputWeight,
    "attn.c_proj.bias": .attentionOutputBias,
    "ln_2.weight": .feedForwardNormGain,
    "ln_2.bias": .feedForwardNormBias,
    "mlp.c_fc.weight": .upWeight,
    "mlp.c_fc.bias": .upBias,
    "mlp.c_proj.weight": .downWeight,
    "mlp.c_proj.bias": .downBias,

    "input_layernorm.weight": .attentionNormGain,
    "self_attn.q_proj.weight": .queryWeight,
    "self_attn.q_proj.bias": .queryBias,
    "self_attn.k_proj.weight": .keyWeight,
    "self_attn.k_proj.bias": .keyBias,
    "self_attn.v_proj.weight": .valueWeight,
    "self_attn.v_proj.bias": .valueBias,
    "self_attn.o_proj.weight": .attentionOutputWeight,
    "self_attn.o_proj.bias": .attentionOutputBias,
    "post_attention_layernorm.weight": .feedForwardNormGain,
    "mlp.gate_proj.weight": .gateWeight,
    "mlp.gate_proj.bias": .gateBias,
    "mlp.up_proj.weight": .upWeight,
    "mlp.up_proj.bias": .upBias,
    "mlp.down_proj.weight": .downWeight,
    "mlp.down_proj.bias": .downBias,

    "attention.self.query.weight": .queryWeight,
    "attention.self.query.bias": .queryBias,
    "attention.self.key.weight": .keyWeight,
    "attention.self.key.bias": .keyBias,
    "attention.self.value.weight": .valueWeight,
    "attention.self.value.bias": .valueBias,
    "attention.output.dense.weight": .attentionOutputWeight,
    "attention.output.dense.bias": .attentionOutputBias,
    "attention.output.LayerNorm.weight": .attentionNormGain,
    "attention.output.LayerNorm.bias": .attentionNormBias,
    "intermediate.dense.weight": .upWeight,
    "intermediate.dense.bias": .upBias,
    "output.dense.weight": .downWeight,
    "output.dense.bias": .downBias,
    "output.LayerNorm.weight": .feedForwardNormGain,
    "output.LayerNorm.bias": .feedForwardNormBias,
  ]
}
