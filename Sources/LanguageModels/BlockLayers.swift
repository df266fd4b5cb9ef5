// The layers of a block as views into weights and gradients.

import Networks
import Tensors

/// Makes layers from a model's parameters; a frozen parameter has no gradient, which costs nothing.
struct LayerSource {
  let model: LanguageModel
  let gradients: Arena?

  private func gradient(_ role: ParameterRole) -> Tensor? {
    let parameter = model.table[role]
    return parameter.isTrainable ? gradients.map { $0[parameter.region] } : nil
  }

  func linear(_ weight: ParameterRole, bias: ParameterRole) -> Linear {
    Linear(
      weight: .f32(model.tensor(weight)), bias: model.tensor(bias),
      weightGradient: gradient(weight), biasGradient: gradient(bias))
  }

  func norm(gain: ParameterRole, bias: ParameterRole) -> LayerNorm {
    LayerNorm(
      gain: model.tensor(gain), bias: model.tensor(bias), gainGradient: gradient(gain),
      biasGradient: gradient(bias), epsilon: Float(model.specification.block.normEpsilon))
  }

  func embedding(_ role: ParameterRole) -> Embedding {
    Embedding(table: model.tensor(role), gradient: gradient(role))
  }
}

/// One block's layers.
struct BlockLayers {
  let attentionNorm: LayerNorm
  /// [(H + 2G)·D, C]
  let queryKeyValue: Linear
  /// [C, H·D]
  let attentionOutput: Linear
  let feedForwardNorm: LayerNorm
  /// [F, C]
  let up: Linear
  /// [C, F]
  let down: Linear

  init(_ source: LayerSource, layer: Int) {
    func role(_ part: ParameterRole.InBlock) -> ParameterRole { .block(layer, part) }
    attentionNorm = source.norm(gain: role(.attentionNormGain), bias: role(.attentionNormBias))
    queryKeyValue = source.linear(role(.queryKeyValueWeight), bias: role(.queryKeyValueBias))
    attentionOutput = source.linear(
      role(.attentionOutputWeight), bias: role(.attentionOutputBias))
    feedForwardNorm = source.norm(
      gain: role(.feedForwardNormGain), bias: role(.feedForwardNormBias))
    up = source.linear(role(.upWeight), bias: role(.upBias))
    down = source.linear(role(.downWeight), bias: role(.downBias))
  }
}
