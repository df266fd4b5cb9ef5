// A decoder: blocks with an output layer. Its logits are norm(x_L)·Eᵀ, or with a matrix of its own.

import Diagnostics
import Networks
import Tensors

/// A decoder with memory to run it: forward passes and, if asked for, backward passes.
public final class Transformer {
  public let stack: BlockStack
  private let head: Linear

  public var model: LanguageModel { stack.model }
  /// Most tokens that one batch may have.
  public var capacity: Int { stack.capacity }
  /// Of the model's own parameters; nil where they are frozen. Backward passes add to it.
  public var gradients: Arena? { stack.gradients }
  /// Sees activations of forward passes.
  public var observer: (any ActivationObserver)? {
    get { stack.observer }
    set { stack.observer = newValue }
  }

  /// Sees the feed-forward layers that learn in backward passes.
  public var gradientObserver: (any GradientObserver)? {
    get { stack.gradientObserver }
    set { stack.gradientObserver = newValue }
  }

  /// - Parameters:
  ///   - model: no encoder.
  ///   - capacity: tokens.
  ///   - trains: whether backward passes will be asked for.
  ///   - adapter: added to the layers it names; with `trains`, it alone learns.
  public init(
    _ model: LanguageModel, capacity: Int, trains: Bool, adapter: LowRankAdapter? = nil
  ) {
    precondition(!model.specification.isEncoder, "an encoder has no output layer for tokens")
    stack = BlockStack(model, capacity: capacity, trains: trains, adapter: adapter)
    head = LayerSource(
      model: model, gradients: stack.gradients, adapter: adapter,
      adapterGradients: stack.adapterGradients
    ).head()
  }

  /// Bytes beside the model itself, if nothing or all of it learns: what `init` will take, and the
  /// logits of a loss.
  public static func bytes(
    _ specification: ModelSpecification, capacity: Int, trains: Bool
  ) -> Int {
    BlockStack.bytes(specification, capacity: capacity, trainedBytes: trains ? nil : 0)
      + lossBytes(specification, capacity: capacity)
  }

  /// Bytes of the logits that a loss has at a time; none of an encoder.
  static func lossBytes(_ specification: ModelSpecification, capacity: Int) -> Int {
    specification.isEncoder
      ? 0
      : HeadLoss.bytes(
        rows: capacity, width: specification.width, vocabulary: specification.vocabulary)
  }

  /// Runs the blocks.
  ///
  /// - Returns: [N, C], after the last norm; valid until the next pass.
  @discardableResult
  public func forward(_ batch: Batch, dropout: DropoutMasks? = nil) -> Tensor {
    stack.forward(batch, dropout: dropout)
  }

  /// Loss without gradients.
  ///
  /// - Returns: the sums, and −log p of each token's successor, 0 where it is not supervised.
  public func evaluate(_ batch: Batch) -> (total: HeadLoss.Total, tokenLosses: [Float]) {
    let hidden = forward(batch)
    var losses = [Float](repeating: 0, count: batch.tokenCount)
    let total = losses.withUnsafeMutableBufferPointer { buffer in
      HeadLoss.forward(
        hidden: hidden, head: head, targets: batch.targets,
        tokenLosses: buffer.baseAddress.map { Tensor($0, count: buffer.count) })
    }
    return (total, losses)
  }

  /// All logits of a batch; for tests and small vocabularies.
  ///
  /// - Parameter logits: [N, V], overwritten.
  public func logits(_ batch: Batch, into logits: Tensor) {
    head.forward(forward(batch), into: logits)
  }

  /// Logits of some rows of a batch.
  ///
  /// - Parameter logits: [rows, V], overwritten.
  public func logits(_ batch: Batch, rows: Range<Int>, into logits: Tensor) {
    head.forward(forward(batch).slice(rows: rows), into: logits)
  }

  /// Forward, a loss of the caller's own over all logits, backward: adds to the adapter's gradients.
  ///
  /// - Precondition: an adapter learns, the model is frozen.
  /// - Parameters:
  ///   - logits: [N, V], overwritten.
  ///   - loss: puts the gradient of its result in the place of the logits.
  /// - Returns: what `loss` gives.
  public func learn(_ batch: Batch, logits: Tensor, loss: (Tensor) -> Double) -> Double {
    precondition(
      stack.adapterGradients != nil, "a loss over logits is for adapters beside a frozen model")
    let hidden = forward(batch)
    head.forward(hidden, into: logits)
    let value = loss(logits)
    head.backward(logits, x: hidden, dx: hidden)
    stack.backward(hidden, batch)
    return value
  }

  /// Forward, loss, backward: adds the gradients of Σ loss / `supervisedCount` to `gradients`, or to
  /// the adapter's.
  ///
  /// - Parameter supervisedCount: supervised tokens of the whole optimizer step.
  public func learn(
    _ batch: Batch, supervisedCount: Int, dropout: DropoutMasks? = nil
  ) -> HeadLoss.Total {
    let hidden = forward(batch, dropout: dropout)
    let total = HeadLoss.forwardBackward(
      hidden: hidden, head: head, targets: batch.targets, supervisedCount: supervisedCount,
      dHidden: hidden)
    stack.backward(hidden, batch, dropout: dropout)
    return total
  }
}
