// Looking inside: neuron statistics and probes read activations here, without the model knowing.

import Tensors

/// A place in the model whose activations can be read.
public enum ActivationSite: Sendable, Hashable {
  /// Token plus position embedding, [N, C].
  case embedding
  /// Attention's output before it joins the residual stream, [N, C].
  case attentionOutput(layer: Int)
  /// The inner units of the feed-forward part after the activation function, [N, F].
  case feedForwardInner(layer: Int)
  /// A block's output, the residual stream, [N, C].
  case blockOutput(layer: Int)
  /// After the last norm, [N, C].
  case finalNorm
}

/// Sees each activation of a forward pass in the order of computation.
public protocol ActivationObserver: AnyObject {
  /// - Parameter activation: valid during the call only; row n belongs to `batch.tokens[n]`. An
  ///   observer may write into it, and the model goes on with what it wrote.
  func observe(_ activation: Tensor, at site: ActivationSite, of batch: Batch)
}
