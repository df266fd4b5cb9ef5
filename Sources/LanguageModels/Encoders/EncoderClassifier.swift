// An encoder with a classification head: attaching one, and logits of texts.

import Diagnostics
import ModelFiles
import Networks
import Randomness
import Tensors

extension ModelSpecification {
  /// What an encoder's classifier tells apart and what it reads; nil without one.
  public var classifier: (labels: [String], pooling: SequencePooling)? {
    guard case .encoder(let configuration) = family,
      case .classifier(let labels, let pooling) = configuration.head
    else { return nil }
    return (labels, pooling == .mean ? .mean : .first)
  }
}

extension LanguageModel {
  /// The same encoder with a new classifier that has learnt nothing: weights from N(0, σ) with the
  /// configuration's σ (0.02), each tensor from its own named stream, biases 0. BERT's pooler is kept
  /// where there is one.
  ///
  /// **Throws**: `encoder-needed`, `classifier-class-count`.
  public func withClassifier(
    labels: [String], pooling: SequencePooling, seed: Int
  ) throws(Diagnostic) -> LanguageModel {
    guard case .encoder(var configuration) = specification.family else { throw .encoderNeeded }
    guard labels.count >= 2 else { throw .classifierClassCount(labels.count) }
    var encoder = self
    if specification.classifier != nil {
      // An old classifier with as many classes has learnt something else.
      configuration.head = table.contains(.poolerWeight) ? .pooler : .none
      encoder = LanguageModel(ModelSpecification(configuration), copying: self, seed: seed)
    }
    configuration.head = .classifier(labels: labels, pooling: pooling == .mean ? .mean : .first)
    return LanguageModel(ModelSpecification(configuration), copying: encoder, seed: seed)
  }
}

/// Reads texts and says how likely each class is.
public final class EncoderClassifier {
  public let encoder: Encoder
  public let labels: [String]
  private let pooling: SequencePooling

  /// **Throws**: `encoder-needed`, `classifier-missing`.
  public init(_ model: LanguageModel, batchTokens: Int = 4096) throws(Diagnostic) {
    encoder = try Encoder(model, batchTokens: batchTokens)
    guard let classifier = model.specification.classifier else { throw .classifierMissing }
    (labels, pooling) = classifier
  }

  /// - Parameters:
  ///   - sequences: tokens of each text with the special ones, none longer than the context.
  ///   - progress: texts finished so far.
  /// - Returns: a row of K logits per text, in the order of `labels`.
  ///
  /// **Throws**: `encoder-sequence`, `token-outside-vocabulary`, `logits-not-finite`.
  public func logits(
    of sequences: [[Int32]], progress: (Int) throws(Diagnostic) -> Void = { _ in }
  ) throws(Diagnostic) -> [[Double]] {
    var rows = [[Double]](repeating: [], count: sequences.count)
    let batches = try encoder.batches(of: sequences)
    let head = ClassificationHead(encoder.model, capacity: batches.largest)
    try encoder.forEachBatch(batches, sequences, pooling: pooling) { numbers, pooled in
      let logits = head.forward(pooled)
      for (row, number) in numbers.enumerated() {
        rows[number] = (0..<logits.columns).map { Double(logits[row, $0]) }
      }
    } progress: { count throws(Diagnostic) in
      try progress(count)
    }
    guard rows.allSatisfy({ $0.allSatisfy(\.isFinite) }) else { throw .logitsNotFinite }
    return rows
  }
}
