// Encoders for the tests: tiny ones whose weights are a formula that make_encoder_parity.py computes
// too, and the passes that a trainer makes of them.

import CanonicalJSON
import ModelFiles
import Networks
import Tensors

@testable import LanguageModels

func tinyEncoderConfiguration(
  kind: EncoderConfiguration.Kind = .bert, head: EncoderConfiguration.Head = .none,
  layers: Int = 2
) -> EncoderConfiguration {
  var tiny = EncoderConfiguration()
  tiny.kind = kind
  tiny.vocabularySize = 53
  tiny.width = 16
  tiny.layers = layers
  tiny.heads = 2
  tiny.inner = 24
  (tiny.hiddenDropout, tiny.attentionDropout) = (0, 0)
  switch kind {
  case .bert: (tiny.positions, tiny.typeVocabularySize, tiny.padToken) = (24, 2, 0)
  case .roberta:
    (tiny.positions, tiny.typeVocabularySize, tiny.padToken) = (26, 1, 1)
    tiny.layerNormEpsilon = 1e-5
  }
  tiny.head = head
  return tiny
}

/// An encoder that has learnt nothing.
func tinyEncoder(
  kind: EncoderConfiguration.Kind = .bert, head: EncoderConfiguration.Head = .none, seed: Int = 1
) throws -> LanguageModel {
  try LanguageModel(
    ModelSpecification(tinyEncoderConfiguration(kind: kind, head: head)), seed: seed)
}

/// The model of the parity script: large weights, so that every gradient has something to say.
func formulaEncoder(
  kind: EncoderConfiguration.Kind, pooling: EncoderConfiguration.Pooling
) throws -> LanguageModel {
  let model = try tinyEncoder(
    kind: kind, head: .classifier(labels: ["calm", "loud", "odd"], pooling: pooling))
  let names = model.table.parameters.map(\.name).sorted(by: bytesPrecede)
  for parameter in model.table.parameters {
    let number = UInt64(names.firstIndex(of: parameter.name)!)
    let isGain = parameter.name.hasSuffix("LayerNorm.weight")
    model.weights[parameter.region].values = (0..<parameter.count).map { index in
      let bits = mixed(number * 1_000_003 + UInt64(index)) >> 40
      return Float(Double(bits) * 0x1p-25 - 0.25 + (isGain ? 1 : 0))
    }
  }
  return model
}

/// Forward and backward as EncoderTrainer puts them together, with nothing around them.
struct EncoderPass {
  let stack: BlockStack
  let head: ClassificationHead
  let pooling: SequencePooling
  let gradients: Arena
  private let arena: Arena
  private let place: ArenaPlan.Region

  init(_ model: LanguageModel, _ texts: [LabelledSequence]) {
    let stack = BlockStack(
      model, capacity: texts.reduce(0) { $0 + $1.tokens.count }, trains: true)
    let gradients = stack.gradients!
    self.stack = stack
    self.gradients = gradients
    pooling = model.specification.classifier!.pooling
    head = ClassificationHead(model, capacity: texts.count) { gradients[model.table[$0].region] }
    var plan = ArenaPlan()
    place = plan.add("pooled", rows: texts.count, columns: model.specification.width)
    arena = Arena(plan)
  }

  func learn(_ texts: [LabelledSequence], weights: [Double] = [0.5, 1, 2.25]) -> Double {
    let loss = ClassificationLoss(weights: weights)
    let batch = Batch(texts.map { TokenSequence($0.tokens) })
    let hidden = stack.forward(batch)
    let pooled = arena[place].slice(rows: 0..<texts.count)
    pooling.forward(hidden, segments: batch.segments, into: pooled)
    let logits = head.forward(pooled)
    let weight = loss.totalWeight(of: texts.map(\.label))
    let sum = loss.forwardBackward(logits, labels: texts.map(\.label), totalWeight: weight)
    head.backward(logits, dPooled: pooled)
    pooling.backward(pooled, segments: batch.segments, into: hidden)
    stack.backward(hidden, batch)
    return sum / weight
  }
}
