// Where a classifier's training gets the vectors of its texts: from an encoder that learns with it, or
// once and for all from one that stays as it is.

import Networks
import Tensors

/// Vectors of training and validation texts, and the way of their gradients.
final class EncoderSource {
  /// Of the whole model; nil if the encoder is frozen.
  let gradients: Arena?
  /// Most texts of a run.
  let capacity: Int
  let validationGroups: [[Int]]
  private let texts: [LabelledSequence]
  private let validation: [LabelledSequence]
  private let pooling: SequencePooling
  private let settings: EncoderTrainingSettings
  private let stack: BlockStack
  private let tokenCapacity: Int
  private let places: Arena
  /// [S, C], the vectors of the current run.
  private let pooled: Tensor
  /// [texts, C] and [validation, C] of a frozen encoder.
  private let frozen: (texts: Tensor, validation: Tensor)?
  private var batch: Batch?
  private var hidden: Tensor?
  private var masks: DropoutMasks?

  init(
    _ model: LanguageModel, _ texts: [LabelledSequence], _ validation: [LabelledSequence],
    _ settings: EncoderTrainingSettings
  ) {
    guard let classifier = model.specification.classifier else {
      preconditionFailure("a model without a classifier learns no classes")
    }
    pooling = classifier.pooling
    self.texts = texts
    self.validation = validation
    self.settings = settings
    let learns = settings.scope == .everything
    let lengths = texts.map(\.tokens.count)
    let all = lengths + validation.map(\.tokens.count)
    tokenCapacity = min(max(settings.microBatchTokens, all.max() ?? 1), all.reduce(0, +))
    let budget = tokenCapacity
    stack = BlockStack(model, capacity: tokenCapacity, trains: learns)
    gradients = learns ? stack.gradients : nil
    validationGroups =
      EncoderBatches(lengths: validation.map(\.tokens.count), budget: budget).groups
    capacity = max(
      min(settings.batch, texts.count), validationGroups.map(\.count).max() ?? 1)
    var plan = ArenaPlan()
    let width = model.specification.width
    let region = plan.add("pooled", rows: capacity, columns: width)
    let kept = learns ? 0 : 1
    let textRegion = plan.add("texts", rows: kept * texts.count, columns: width)
    let otherRegion = plan.add("validation", rows: kept * validation.count, columns: width)
    places = Arena(plan)
    pooled = places[region]
    frozen = learns ? nil : (places[textRegion], places[otherRegion])
    guard let frozen else { return }
    read(
      texts, in: EncoderBatches(lengths: lengths, budget: budget).groups, into: frozen.texts)
    read(validation, in: validationGroups, into: frozen.validation)
  }

  /// Cuts the texts of a step into what is computed at a time.
  func runs(of numbers: [Int]) -> [[Int]] {
    if frozen != nil { return [numbers] }
    return Batch.runs(of: numbers.map { texts[$0].tokens.count }, atMost: tokenCapacity).map {
      Array(numbers[$0])
    }
  }

  /// - Parameter firstRow: row of the run's first token in the whole step.
  /// - Returns: [S, C], valid until the next call; may be overwritten.
  func forward(_ run: [Int], step: Int, firstRow: Int) -> Tensor {
    let pooled = pooled.slice(rows: 0..<run.count)
    if let frozen {
      for (row, number) in run.enumerated() {
        pooled.slice(rows: row..<row + 1).copy(from: frozen.texts.slice(rows: number..<number + 1))
      }
      return pooled
    }
    let batch = Batch(run.map { TokenSequence(texts[$0].tokens) })
    masks =
      settings.dropout.isNone
      ? nil
      : DropoutMasks(
        rates: settings.dropout, seed: settings.seed, step: step, firstRow: firstRow)
    let hidden = stack.forward(batch, dropout: masks)
    pooling.forward(hidden, segments: batch.segments, into: pooled)
    (self.batch, self.hidden) = (batch, hidden)
    return pooled
  }

  /// Adds into the encoder's gradients, after `forward`.
  ///
  /// - Parameter dPooled: [S, C]
  func backward(_ dPooled: Tensor) {
    guard frozen == nil, let batch, let hidden else { return }
    pooling.backward(dPooled, segments: batch.segments, into: hidden)
    stack.backward(hidden, batch, dropout: masks)
  }

  /// - Parameter group: one of `validationGroups`.
  /// - Returns: [S, C], valid until the next call.
  func validate(_ group: [Int]) -> Tensor {
    let pooled = pooled.slice(rows: 0..<group.count)
    if let frozen {
      for (row, number) in group.enumerated() {
        pooled.slice(rows: row..<row + 1).copy(
          from: frozen.validation.slice(rows: number..<number + 1))
      }
      return pooled
    }
    let batch = Batch(group.map { TokenSequence(validation[$0].tokens) })
    pooling.forward(stack.forward(batch), segments: batch.segments, into: pooled)
    return pooled
  }

  private func read(_ texts: [LabelledSequence], in groups: [[Int]], into vectors: Tensor) {
    for group in groups {
      let batch = Batch(group.map { TokenSequence(texts[$0].tokens) })
      Scratch.with(group.count * vectors.columns) { place in
        let rows = Tensor(place, rows: group.count, columns: vectors.columns)
        pooling.forward(stack.forward(batch), segments: batch.segments, into: rows)
        for (row, number) in group.enumerated() {
          vectors.slice(rows: number..<number + 1).copy(from: rows.slice(rows: row..<row + 1))
        }
      }
    }
  }
}
