// The layers of a block as views into weights and gradients.

import Networks
import Tensors

/// Makes layers from a model's parameters; a frozen parameter has no gradient, which costs nothing.
struct LayerSource {
  let model: LanguageModel
  /// Of the model's own parameters; nil if all of them are frozen.
  var gradients: Arena?
  var adapter: LowRankAdapter?
  /// Of the adapter's parameters.
  var adapterGradients: Arena?

  init(
    model: LanguageModel, gradients: Arena? = nil, adapter: LowRankAdapter? = nil,
    adapterGradients: Arena? = nil
  ) {
    self.model = model
    self.gradients = gradients
    self.adapter = adapter
    self.adapterGradients = adapterGradients
  }

  private func gradient(_ role: ParameterRole) -> Tensor? {
    let parameter = model.table[role]
    return parameter.isTrainable ? gradients.map { $0[parameter.region] } : nil
  }

  /// With a bias only if the model has one, and with what the adapter adds.
  func linear(_ weight: ParameterRole, bias: ParameterRole? = nil) -> Linear {
    let bias = bias.flatMap { model.table.contains($0) ? $0 : nil }
    return Linear(
      weight: model.store(weight), bias: bias.map { model.tensor($0) },
      weightGradient: gradient(weight), biasGradient: bias.flatMap { gradient($0) },
      lowRank: adapter?.lowRank(
        module: model.table[weight].module, gradients: adapterGradients))
  }

  func norm(gain: ParameterRole, bias: ParameterRole) -> NormLayer {
    let epsilon = Float(model.specification.block.normEpsilon)
    switch model.specification.block.norm {
    case .layer:
      return .layer(
        LayerNorm(
          gain: model.tensor(gain), bias: model.tensor(bias), gainGradient: gradient(gain),
          biasGradient: gradient(bias), epsilon: epsilon))
    case .rms:
      return .rms(
        RMSNorm(gain: model.tensor(gain), gainGradient: gradient(gain), epsilon: epsilon))
    }
  }

  func embedding(_ role: ParameterRole) -> Embedding {
    Embedding(weight: model.store(role), gradient: gradient(role))
  }

  /// Before the first block.
  func embeddings() -> EmbeddingLayers {
    let table = model.table
    return EmbeddingLayers(
      tokens: embedding(.tokenEmbedding),
      positions: table.contains(.positionEmbedding) ? embedding(.positionEmbedding) : nil,
      positionOffset: Int32(model.specification.positionOffset),
      types: table.contains(.tokenTypeEmbedding) ? embedding(.tokenTypeEmbedding) : nil)
  }

  /// The output layer of a decoder, [V, C].
  func head() -> Linear {
    linear(model.specification.tiesHead ? .tokenEmbedding : .head)
  }

  /// Norms from the first in front of attention to the one behind the last block, in the order of the
  /// stream: with norms after the residual these are the embedding's, then each block's two.
  func norms() -> [NormLayer] {
    let inBlocks = (0..<model.specification.layers).flatMap { layer in
      [
        norm(gain: .block(layer, .attentionNormGain), bias: .block(layer, .attentionNormBias)),
        norm(gain: .block(layer, .feedForwardNormGain), bias: .block(layer, .feedForwardNormBias)),
      ]
    }
    switch model.specification.block.normPlacement {
    case .pre: return inBlocks + [norm(gain: .finalNormGain, bias: .finalNormBias)]
    case .post: return [norm(gain: .embeddingNormGain, bias: .embeddingNormBias)] + inBlocks
    }
  }

  func blocks() -> [BlockLayers] {
    let norms = norms()
    return (0..<model.specification.layers).map {
      BlockLayers(self, layer: $0, attentionNorm: norms[2 * $0], feedForwardNorm: norms[2 * $0 + 1])
    }
  }

  func finalNorm() -> NormLayer { norms().last! }
}

/// Token, position and token-type embeddings, added up.
struct EmbeddingLayers {
  let tokens: Embedding
  let positions: Embedding?
  let positionOffset: Int32
  let types: Embedding?

  /// - Parameters:
  ///   - positions: from 0 in each sequence.
  ///   - stream: `[N, C]`, overwritten.
  func forward(_ ids: [Int32], positions places: [Int32], into stream: Tensor) {
    tokens.forward(ids, into: stream)
    positions?.forward(rows(places), into: stream, accumulate: true)
    types?.forward([Int32](repeating: 0, count: ids.count), into: stream, accumulate: true)
  }

  func backward(_ dStream: Tensor, _ ids: [Int32], positions places: [Int32]) {
    tokens.backward(dStream, indices: ids)
    positions?.backward(dStream, indices: rows(places))
    types?.backward(dStream, indices: [Int32](repeating: 0, count: ids.count))
  }

  var isTrained: Bool {
    tokens.gradient != nil || positions?.gradient != nil || types?.gradient != nil
  }

  private func rows(_ positions: [Int32]) -> [Int32] {
    positionOffset == 0 ? positions : positions.map { $0 + positionOffset }
  }
}

/// Either normalisation.
enum NormLayer {
  case layer(LayerNorm)
  case rms(RMSNorm)

  /// - Parameters:
  ///   - x: `[N, C]`
  ///   - y: `[N, C]`, overwritten; may be `x` if no backward pass follows.
  ///   - statistics: `[N, statisticsWidth]`, overwritten; nil if no backward pass follows.
  func forward(_ x: Tensor, into y: Tensor, statistics: Tensor?) {
    switch self {
    case .layer(let norm): norm.forward(x, into: y, statistics: statistics)
    case .rms(let norm): norm.forward(x, into: y, statistics: statistics)
    }
  }

  /// - Parameter dx: `[N, C]`, overwritten, or added to if `accumulate`.
  func backward(
    _ dy: Tensor, x: Tensor, statistics: Tensor, dx: Tensor, accumulate: Bool = false
  ) {
    switch self {
    case .layer(let norm):
      norm.backward(dy, x: x, statistics: statistics, dx: dx, accumulate: accumulate)
    case .rms(let norm):
      norm.backward(dy, x: x, statistics: statistics, dx: dx, accumulate: accumulate)
    }
  }

  var isTrained: Bool {
    switch self {
    case .layer(let norm): norm.gainGradient != nil
    case .rms(let norm): norm.gainGradient != nil
    }
  }
}

extension BlockSpecification.Norm {
  /// Numbers a row that a norm keeps for its backward pass.
  var statisticsWidth: Int { self == .layer ? 2 : 1 }
}

/// Linear layers that read the same input and write side by side into one buffer: queries, keys and
/// values, or gate and up.
struct JoinedLinear {
  /// In the order of their columns.
  var parts: [Linear]
  /// Modules in the files, one for each part.
  let modules: [String]

  var outputs: Int { parts.reduce(0) { $0 + $1.outputs } }
  var isTrained: Bool { parts.contains { $0.isTrained } }

  /// - Parameters:
  ///   - x: `[N, in]`
  ///   - y: `[N, outputs]`, overwritten.
  ///   - then: called for finished pieces of the last part, columns counted from its first, when the
  ///     parts before are there; see `matmul`.
  func forward(
    _ x: Tensor, into y: Tensor, then: ((Range<Int>, Range<Int>) -> Void)? = nil
  ) {
    if parts.count > 1, then == nil, let plain {
      matmul(x, joined: plain, into: y)
      return
    }
    for (number, (part, columns)) in columns.enumerated() {
      part.forward(
        x, into: y.slice(columns: columns), then: number == parts.count - 1 ? then : nil)
    }
  }

  /// Weights and biases if all of them are in single precision, with nothing beside them.
  private var plain: [(b: Tensor, bias: Tensor?)]? {
    var result: [(b: Tensor, bias: Tensor?)] = []
    for part in parts {
      guard case .f32(let weight) = part.weight, part.lowRank == nil else { return nil }
      result.append((weight, part.bias))
    }
    return result
  }

  /// - Parameters:
  ///   - dy: `[N, outputs]`
  ///   - dx: `[N, in]`, overwritten with the sum over all parts; nil if nobody below learns.
  func backward(_ dy: Tensor, x: Tensor, dx: Tensor?) {
    for (number, (part, columns)) in columns.enumerated() {
      part.backward(dy.slice(columns: columns), x: x, dx: dx, accumulate: number > 0)
    }
  }

  /// Parts with their columns.
  var columns: [(Linear, Range<Int>)] {
    var start = 0
    return parts.map { part in
      defer { start += part.outputs }
      return (part, start..<start + part.outputs)
    }
  }
}

extension Linear {
  /// Whether anything of it learns.
  var isTrained: Bool {
    weightGradient != nil || biasGradient != nil || lowRank?.aGradient != nil
      || lowRank?.bGradient != nil
  }
}

/// One block's layers.
struct BlockLayers {
  /// The norm whose output attention reads: the block's own, or with norms after the residual the
  /// one behind the block below.
  let attentionNorm: NormLayer
  /// [(H + 2G)·D, C]
  var queryKeyValue: JoinedLinear
  /// [C, H·D]
  var attentionOutput: Linear
  /// The norm whose output the feed-forward part reads.
  let feedForwardNorm: NormLayer
  /// [F, C], or [2·F, C] as `[gate | up]`
  var up: JoinedLinear
  /// [C, F]
  var down: Linear
  private let attentionOutputModule: String
  let downModule: String

  init(
    _ source: LayerSource, layer: Int, attentionNorm: NormLayer, feedForwardNorm: NormLayer
  ) {
    typealias Part = ParameterRole.InBlock
    let table = source.model.table
    func linear(_ weight: Part, _ bias: Part) -> Linear {
      source.linear(.block(layer, weight), bias: .block(layer, bias))
    }
    func joined(_ parts: [(Part, Part)]) -> JoinedLinear {
      let present = parts.filter { table.contains(.block(layer, $0.0)) }
      return JoinedLinear(
        parts: present.map { linear($0, $1) },
        modules: present.map { table[.block(layer, $0.0)].module })
    }
    self.attentionNorm = attentionNorm
    self.feedForwardNorm = feedForwardNorm
    queryKeyValue = joined([
      (.queryKeyValueWeight, .queryKeyValueBias), (.queryWeight, .queryBias),
      (.keyWeight, .keyBias), (.valueWeight, .valueBias),
    ])
    attentionOutput = linear(.attentionOutputWeight, .attentionOutputBias)
    up = joined([(.gateWeight, .gateBias), (.upWeight, .upBias)])
    down = linear(.downWeight, .downBias)
    attentionOutputModule = table[.block(layer, .attentionOutputWeight)].module
    downModule = table[.block(layer, .downWeight)].module
  }

  /// The same layers with the adapter's dropout of one pass.
  func masked(_ dropout: (_ module: String) -> Dropout?) -> BlockLayers {
    var layers = self
    for part in queryKeyValue.parts.indices {
      layers.queryKeyValue.parts[part].lowRank?.dropout = dropout(queryKeyValue.modules[part])
    }
    layers.attentionOutput.lowRank?.dropout = dropout(attentionOutputModule)
    for part in up.parts.indices {
      layers.up.parts[part].lowRank?.dropout = dropout(up.modules[part])
    }
    layers.down.lowRank?.dropout = dropout(downModule)
    return layers
  }

  var attentionIsTrained: Bool { queryKeyValue.isTrained || attentionOutput.isTrained }
  var feedForwardIsTrained: Bool { up.isTrained || down.isTrained }
}
