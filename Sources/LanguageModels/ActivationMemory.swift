// The activations of a pass, planned before it: everything a backward pass needs, or one layer's
// worth where none follows.

import Tensors

/// Named places for the activations of up to `capacity` tokens.
final class ActivationMemory {
  /// What one block keeps for its backward pass. Norm outputs and the GELU are computed again
  /// instead: cheap to make, 6·C numbers per token and layer to keep.
  struct Block {
    /// [N, C], the residual stream that enters.
    let input: ArenaPlan.Region
    /// [N, 2], mean and inverse deviation.
    let attentionNorm: ArenaPlan.Region
    /// [N, (H + 2G)·D]
    let queryKeyValue: ArenaPlan.Region
    /// [N, H]
    let logSumExp: ArenaPlan.Region
    /// [N, H·D]
    let attended: ArenaPlan.Region
    /// [N, C], the residual stream after attention.
    let middle: ArenaPlan.Region
    /// [N, 2]
    let feedForwardNorm: ArenaPlan.Region
    /// [N, F], before the activation function.
    let inner: ArenaPlan.Region
  }

  let capacity: Int
  let keepsAll: Bool
  let blocks: [Block]
  /// [N, C], the residual stream that leaves the last block.
  let output: ArenaPlan.Region
  /// [N, 2]
  let finalNorm: ArenaPlan.Region
  /// [N, C], what the head reads; its gradient takes the same place.
  let hidden: ArenaPlan.Region
  /// [N, C]
  let norm: ArenaPlan.Region
  /// [N, C]
  let branch: ArenaPlan.Region
  /// [N, F]
  let activated: ArenaPlan.Region
  /// [N, C], backward only.
  let streamGradient: ArenaPlan.Region?
  /// [N, (H + 2G)·D], backward only.
  let queryKeyValueGradient: ArenaPlan.Region?
  /// [N, F], backward only.
  let activatedGradient: ArenaPlan.Region?
  private let arena: Arena

  /// - Parameter keepsAll: whether a backward pass follows.
  init(_ specification: ModelSpecification, capacity: Int, keepsAll: Bool) {
    self.capacity = capacity
    self.keepsAll = keepsAll
    var plan = ArenaPlan()
    let block = specification.block
    let width = specification.width
    func planBlock(stream: ArenaPlan.Region?) -> Block {
      Block(
        input: stream ?? plan.add("input", rows: capacity, columns: width),
        attentionNorm: plan.add("attention norm", rows: capacity, columns: 2),
        queryKeyValue: plan.add("qkv", rows: capacity, columns: block.attentionWidth),
        logSumExp: plan.add("log-sum-exp", rows: capacity, columns: block.heads),
        attended: plan.add("attended", rows: capacity, columns: block.heads * block.headSize),
        middle: stream ?? plan.add("middle", rows: capacity, columns: width),
        feedForwardNorm: plan.add("feed-forward norm", rows: capacity, columns: 2),
        inner: plan.add("inner", rows: capacity, columns: block.inner))
    }
    if keepsAll {
      blocks = (0..<specification.layers).map { _ in planBlock(stream: nil) }
      output = plan.add("output", rows: capacity, columns: width)
      streamGradient = plan.add("stream gradient", rows: capacity, columns: width)
      queryKeyValueGradient = plan.add(
        "qkv gradient", rows: capacity, columns: block.attentionWidth)
      activatedGradient = plan.add("inner gradient", rows: capacity, columns: block.inner)
    } else {
      let stream = plan.add("stream", rows: capacity, columns: width)
      let shared = planBlock(stream: stream)
      blocks = Array(repeating: shared, count: specification.layers)
      output = stream
      streamGradient = nil
      queryKeyValueGradient = nil
      activatedGradient = nil
    }
    finalNorm = plan.add("final norm", rows: capacity, columns: 2)
    hidden = plan.add("hidden", rows: capacity, columns: width)
    norm = plan.add("norm", rows: capacity, columns: width)
    branch = plan.add("branch", rows: capacity, columns: width)
    activated = plan.add("activated", rows: capacity, columns: block.inner)
    arena = Arena(plan)
  }

  /// The first `rows` rows of a place.
  func tensor(_ region: ArenaPlan.Region, rows: Int) -> Tensor {
    arena[region].slice(rows: 0..<rows)
  }

  /// Bytes for a capacity, without taking them.
  static func bytes(
    _ specification: ModelSpecification, capacity: Int, keepsAll: Bool
  ) -> Int {
    let block = specification.block
    let perLayer =
      2 * specification.width + 4 + block.attentionWidth + block.heads
      + block.heads * block.headSize + block.inner
    let kept = (keepsAll ? specification.layers : 1) * perLayer
    let shared = 5 * specification.width + 2 * block.inner + block.attentionWidth
    return 4 * capacity * (kept + shared)
  }
}
