// What an editor of weights needs of a backward pass: the two factors whose outer products are a
// matrix's gradient.

import Tensors

/// Sees inputs and output gradients of the feed-forward layers that learn, as a backward pass comes by.
public protocol GradientObserver: AnyObject {
  /// The gradient of the layer's weight is Σₙ gradientₙ·inputₙᵀ.
  ///
  /// - Parameters:
  ///   - input: [N, in]; valid during the call only, as `gradient` is.
  ///   - gradient: [N, out], of the layer's output.
  ///   - module: as `Parameter.module` names the layer.
  func observe(input: Tensor, gradient: Tensor, of module: String)
}
