// What turns a sequence's vector into logits over classes. BERT: pooler (dense, tanh) on [CLS], then
// the classifier; RoBERTa: dense, tanh, classifier on <s>; sentence encoders: the classifier alone on
// the mean. Dropout stands where transformers puts it.
//
//   a = tanh(p·Wᵀ + b)      z = a·Uᵀ + c          da = dz·U, dp = (da∘(1 − a²))·W

import Foundation
import Networks
import Tensors

/// Which masks a head draws in training: a function of seed, step and the sequence's place in it.
struct HeadDropout {
  var rate: Double
  var seed: Int
  var step: Int
  /// Place of this batch's first sequence in the whole step.
  var firstRow: Int

  enum Site: Int { case features, activated }

  func mask(at site: Site) -> Dropout? {
    guard rate > 0 else { return nil }
    // Far from the sites of the blocks (DropoutMasks).
    return Dropout(
      rate: Float(rate), seed: seed, step: step, site: 1 << 24 | site.rawValue, firstRow: firstRow)
  }
}

/// A classification head with memory to run it.
final class ClassificationHead {
  /// The head's parameters among a model's, first to last.
  static func roles(of specification: ModelSpecification) -> [ParameterRole] {
    guard case .encoder(let configuration) = specification.family,
      case .classifier(_, let pooling) = configuration.head
    else { return [] }
    let dense: [ParameterRole] =
      switch (pooling, configuration.kind) {
      case (.mean, _): []
      case (.first, .bert): [.poolerWeight, .poolerBias]
      case (.first, .roberta): [.classifierDenseWeight, .classifierDenseBias]
      }
    return dense + [.classifierWeight, .classifierBias]
  }

  let classCount: Int
  private let dense: Linear?
  private let output: Linear
  /// RoBERTa drops before its dense layer, too.
  private let dropsFeatures: Bool
  /// [S, C], what the dense layer reads.
  private let features: Tensor
  /// [S, C], after tanh; the features where there is no dense layer.
  private let activated: Tensor
  /// [S, C], what the classifier reads: `activated` after dropout.
  private let read: Tensor
  /// [S, C], backward only.
  private let dRead: Tensor
  /// [S, K]
  private let logits: Tensor
  private let arena: Arena

  /// - Parameters:
  ///   - capacity: most sequences of a batch.
  ///   - gradient: where a parameter's gradient is added; nil: it is frozen.
  init(
    _ model: LanguageModel, capacity: Int, gradient: (ParameterRole) -> Tensor? = { _ in nil }
  ) {
    func linear(_ weight: ParameterRole, _ bias: ParameterRole) -> Linear {
      Linear(
        weight: .f32(model.tensor(weight)), bias: model.tensor(bias),
        weightGradient: gradient(weight), biasGradient: gradient(bias))
    }
    let roles = Self.roles(of: model.specification)
    precondition(roles.contains(.classifierWeight), "a model without a classifier has no classes")
    output = linear(.classifierWeight, .classifierBias)
    classCount = output.outputs
    dense = roles.count == 4 ? linear(roles[0], roles[1]) : nil
    dropsFeatures = roles.contains(.classifierDenseWeight)
    var plan = ArenaPlan()
    let width = output.inputs
    let places = ["features", "activated", "read", "gradient"].map {
      plan.add($0, rows: capacity, columns: width)
    }
    let last = plan.add("logits", rows: capacity, columns: classCount)
    arena = Arena(plan)
    (features, activated) = (arena[places[0]], arena[places[1]])
    (read, dRead) = (arena[places[2]], arena[places[3]])
    logits = arena[last]
  }

  /// - Parameter pooled: `[S, C]`, unchanged.
  /// - Returns: `[S, K]`, valid until the next call.
  func forward(_ pooled: Tensor, dropout: HeadDropout? = nil) -> Tensor {
    func place(_ tensor: Tensor) -> Tensor { tensor.slice(rows: 0..<pooled.rows) }
    let (features, activated, read) = (place(features), place(activated), place(read))
    if let dense {
      features.copy(from: pooled)
      if dropsFeatures { dropout?.mask(at: .features)?.apply(to: features) }
      dense.forward(features, into: activated)
      parallelRows(of: activated) { rows in
        for row in rows {
          let values = activated.row(row)
          for column in 0..<activated.columns { values[column] = tanh(values[column]) }
        }
      }
    } else {
      activated.copy(from: pooled)
    }
    read.copy(from: activated)
    dropout?.mask(at: .activated)?.apply(to: read)
    let logits = place(logits)
    output.forward(read, into: logits)
    return logits
  }

  /// Adds into the gradients of the head; call it after `forward` on the same sequences.
  ///
  /// - Parameters:
  ///   - dLogits: `[S, K]`
  ///   - dPooled: `[S, C]`, overwritten; nil if nobody below learns.
  func backward(_ dLogits: Tensor, dropout: HeadDropout? = nil, dPooled: Tensor?) {
    func place(_ tensor: Tensor) -> Tensor { tensor.slice(rows: 0..<dLogits.rows) }
    let (activated, gradient) = (place(activated), place(dRead))
    output.backward(dLogits, x: place(read), dx: gradient)
    dropout?.mask(at: .activated)?.apply(to: gradient)
    guard let dense else {
      dPooled?.copy(from: gradient)
      return
    }
    for row in 0..<gradient.rows {
      let (values, target) = (activated.row(row), gradient.row(row))
      for column in 0..<gradient.columns { target[column] *= 1 - values[column] * values[column] }
    }
    dense.backward(gradient, x: place(features), dx: dPooled)
    if dropsFeatures, let dPooled { dropout?.mask(at: .features)?.apply(to: dPooled) }
  }
}
