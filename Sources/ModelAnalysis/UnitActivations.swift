// The mean activation of every unit over a corpus: sums are kept, activations are not, so memory does
// not grow with the corpus.

import Diagnostics
import LanguageModels
import Tensors

/// What is averaged over.
public enum ActivationMean: Sendable, Equatable {
  /// All tokens of all documents, each cut after `longest` tokens.
  case tokens(longest: Int)
  /// Documents of exactly `length` places, as the study's code has it: longer ones are cut, and the
  /// empty places behind shorter ones count as zeros.
  case zeroPadded(length: Int)

  var longest: Int {
    switch self {
    case .tokens(let longest): longest
    case .zeroPadded(let length): length
    }
  }
}

/// Means of activations and what they are over.
public struct UnitActivations: Sendable, Equatable {
  /// One per unit.
  public let means: [Double]
  /// Tokens that the model read.
  public let tokens: Int

  /// Runs a model over documents.
  ///
  /// Residual units are read from the block's output (the residual stream behind block l), hidden
  /// units behind the activation function.
  ///
  /// - Parameters:
  ///   - documents: tokens of each; empty ones are zeros in a padded mean and nothing else.
  ///   - batchTokens: tokens computed at a time.
  ///   - progress: documents finished so far.
  ///
  /// **Throws**: `neuron-corpus-empty`, `token-outside-vocabulary`, `neurons-not-finite`,
  /// `model-is-an-encoder`.
  public init(
    of model: LanguageModel, layout: UnitLayout, over documents: [[Int32]],
    mean: ActivationMean, batchTokens: Int = 2048,
    progress: (Int) throws(Diagnostic) -> Void = { _ in }
  ) throws(Diagnostic) {
    try model.specification.requireDecoder()
    let longest = min(mean.longest, model.specification.context)
    let sequences = documents.lazy.filter { !$0.isEmpty }.map { Array($0.prefix(longest)) }
    let kept = Array(sequences)
    guard !kept.isEmpty else { throw .neuronCorpusEmpty }
    for tokens in kept { try model.requireKnown(tokens) }
    let lengths = kept.map(\.count)
    let capacity = max(batchTokens, lengths.max()!)
    let transformer = Transformer(model, capacity: capacity, trains: false)
    let sums = ActivationSums(layout)
    transformer.observer = sums
    for run in Batch.runs(of: lengths, atMost: capacity) {
      transformer.forward(Batch(kept[run].map { TokenSequence($0) }))
      try progress(run.upperBound)
    }
    tokens = lengths.reduce(0, +)
    let divisor =
      switch mean {
      case .tokens: Double(tokens)
      case .zeroPadded(let length): Double(documents.count) * Double(length)
      }
    means = sums.sums.map { $0 / divisor }
    guard means.allSatisfy(\.isFinite) else { throw .neuronsNotFinite("activations") }
  }
}

/// Adds up activations as they come by.
private final class ActivationSums: ActivationObserver {
  let layout: UnitLayout
  var sums: [Double]

  init(_ layout: UnitLayout) {
    self.layout = layout
    sums = Array(repeating: 0, count: layout.count)
  }

  func observe(_ activation: Tensor, at site: ActivationSite, of batch: Batch) {
    let layer: Int
    switch (site, layout.kind) {
    case (.blockOutput(let number), .residual), (.feedForwardInner(let number), .hidden):
      layer = number
    default: return
    }
    let width = layout.width
    precondition(
      activation.columns == width, "activations \(activation.shape) are not \(layout)")
    sums.withUnsafeMutableBufferPointer { sums in
      let target = sums.baseAddress! + layer * width
      for row in 0..<activation.rows {
        let values = activation.row(row)
        for column in 0..<width { target[column] += Double(values[column]) }
      }
    }
  }
}
