// Texts to vectors: an encoder run over packed batches of whole texts. Classes come from
// EncoderClassifier.swift, training from EncoderTrainer.swift.

import Diagnostics
import Networks
import Tensors

/// One vector per text.
public struct Embeddings: Sendable, Equatable {
  /// C
  public let width: Int
  /// [S, C], row major.
  public let values: [Float]

  public var count: Int { width == 0 ? 0 : values.count / width }
  public subscript(index: Int) -> ArraySlice<Float> {
    values[index * width..<(index + 1) * width]
  }
}

/// BERT, RoBERTa or MiniLM with memory to read texts.
///
/// ```swift
/// let encoder = try Encoder(LanguageModel(folder: path))
/// let vectors = try encoder.embed(texts.map { tokenizer.encodeWithTemplate($0) })
/// ```
///
/// A text's bits depend on no other text and on no number of threads; where there is no fused
/// multiply-add, products are OpenBLAS's and may differ by 1e-5.
public final class Encoder {
  public let model: LanguageModel
  /// Most tokens computed at a time.
  public let batchTokens: Int

  /// **Throws**: `encoder-needed` if the model is a decoder.
  public init(_ model: LanguageModel, batchTokens: Int = 4096) throws(Diagnostic) {
    guard model.specification.isEncoder else { throw .encoderNeeded }
    precondition(batchTokens >= 1, "batches of \(batchTokens) tokens hold no text")
    self.model = model
    self.batchTokens = batchTokens
  }

  /// - Parameters:
  ///   - sequences: tokens of each text with the special ones, none longer than the context.
  ///   - isNormalised: whether vectors have length 1, as all-MiniLM-L6-v2's.
  ///   - progress: texts finished so far.
  ///
  /// **Throws**: `encoder-sequence`, `token-outside-vocabulary`.
  public func embed(
    _ sequences: [[Int32]], pooling: SequencePooling = .mean, isNormalised: Bool = true,
    progress: (Int) throws(Diagnostic) -> Void = { _ in }
  ) throws(Diagnostic) -> Embeddings {
    let width = model.specification.width
    var values = [Float](repeating: 0, count: sequences.count * width)
    try forEachBatch(try batches(of: sequences), sequences, pooling: pooling) { numbers, pooled in
      if isNormalised { normaliseRows(pooled) }
      values.withUnsafeMutableBufferPointer { buffer in
        for (row, number) in numbers.enumerated() {
          (buffer.baseAddress! + number * width).update(from: pooled.row(row), count: width)
        }
      }
    } progress: { count throws(Diagnostic) in
      try progress(count)
    }
    return Embeddings(width: width, values: values)
  }

  /// **Throws**: `encoder-sequence`, `token-outside-vocabulary`.
  func batches(of sequences: [[Int32]]) throws(Diagnostic) -> EncoderBatches {
    try model.requireReadable(sequences)
    return EncoderBatches(lengths: sequences.map(\.count), budget: batchTokens)
  }

  /// Runs all sequences.
  ///
  /// - Parameter body: numbers of a batch's sequences and their vectors, [S, C], valid in the call.
  func forEachBatch(
    _ batches: EncoderBatches, _ sequences: [[Int32]], pooling: SequencePooling,
    _ body: ([Int], Tensor) -> Void, progress: (Int) throws(Diagnostic) -> Void
  ) throws(Diagnostic) {
    let stack = BlockStack(model, capacity: batches.capacity, trains: false)
    var plan = ArenaPlan()
    let place = plan.add("pooled", rows: batches.largest, columns: model.specification.width)
    let arena = Arena(plan)
    var finished = 0
    for group in batches.groups {
      let batch = Batch(group.map { TokenSequence(sequences[$0]) })
      let pooled = arena[place].slice(rows: 0..<group.count)
      pooling.forward(stack.forward(batch), segments: batch.segments, into: pooled)
      body(group, pooled)
      finished += group.count
      try progress(finished)
    }
  }
}
