// The activations of a pass, planned before it: everything a backward pass needs, or one layer's
// worth where none follows.

import Tensors

/// Named places for the activations of up to `capacity` tokens.
final class ActivationMemory {
  /// What one block keeps for its backward pass. Norm outputs and the activation function are
  /// computed again instead: cheap to make, 2·C + F numbers per token and layer to keep.
  struct Block {
    /// [N, C], the stream that enters, before the norm that attention reads.
    let input: ArenaPlan.Region
    /// [N, 2] or [N, 1]
    let attentionNorm: ArenaPlan.Region
    /// [N, (H + 2G)·D], queries and keys turned if positions are rotary.
    let queryKeyValue: ArenaPlan.Region
    /// [N, H]
    let logSumExp: ArenaPlan.Region
    /// [N, H·D]
    let attended: ArenaPlan.Region
    /// [N, C], the stream after attention, before the norm that the feed-forward part reads.
    let middle: ArenaPlan.Region
    /// [N, 2] or [N, 1]
    let feedForwardNorm: ArenaPlan.Region
    /// [N, F] or [N, 2F], before the activation function; its gradient takes the same place.
    let inner: ArenaPlan.Region
  }

  let capacity: Int
  let keepsAll: Bool
  let blocks: [Block]
  /// [N, C], the stream that leaves the last block, before the last norm.
  let output: ArenaPlan.Region
  /// [N, 2] or [N, 1]
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
  /// [N, F] or [N, H·D], whichever is wider, backward only.
  let branchGradient: ArenaPlan.Region?
  private let plan: ArenaPlan
  private let arena: Arena

  /// - Parameter keepsAll: whether a backward pass follows.
  convenience init(_ specification: ModelSpecification, capacity: Int, keepsAll: Bool) {
    self.init(specification, capacity: capacity, keepsAll: keepsAll, takesMemory: true)
  }

  private init(
    _ specification: ModelSpecification, capacity: Int, keepsAll: Bool, takesMemory: Bool
  ) {
    self.capacity = capacity
    self.keepsAll = keepsAll
    var plan = ArenaPlan()
    let block = specification.block
    let width = specification.width
    let statistics = block.norm.statisticsWidth
    func planBlock(stream: ArenaPlan.Region?) -> Block {
      Block(
        input: stream ?? plan.add("input", rows: capacity, columns: width),
        attentionNorm: plan.add("attention norm", rows: capacity, columns: statistics),
        queryKeyValue: plan.add("qkv", rows: capacity, columns: block.attentionWidth),
        logSumExp: plan.add("log-sum-exp", rows: capacity, columns: block.heads),
        attended: plan.add("attended", rows: capacity, columns: block.heads * block.headSize),
        middle: stream ?? plan.add("middle", rows: capacity, columns: width),
        feedForwardNorm: plan.add("feed-forward norm", rows: capacity, columns: statistics),
        inner: plan.add("inner", rows: capacity, columns: block.feedForwardWidth))
    }
    if keepsAll {
      blocks = (0..<specification.layers).map { _ in planBlock(stream: nil) }
      output = plan.add("output", rows: capacity, columns: width)
      streamGradient = plan.add("stream gradient", rows: capacity, columns: width)
      queryKeyValueGradient = plan.add(
        "qkv gradient", rows: capacity, columns: block.attentionWidth)
      branchGradient = plan.add(
        "branch gradient", rows: capacity,
        columns: max(block.inner, block.heads * block.headSize))
    } else {
      let stream = plan.add("stream", rows: capacity, columns: width)
      let shared = planBlock(stream: stream)
      blocks = Array(repeating: shared, count: specification.layers)
      output = stream
      streamGradient = nil
      queryKeyValueGradient = nil
      branchGradient = nil
    }
    finalNorm = plan.add("final norm", rows: capacity, columns: statistics)
    hidden = plan.add("hidden", rows: capacity, columns: width)
    norm = plan.add("norm", rows: capacity, columns: width)
    branch = plan.add("branch", rows: capacity, columns: width)
    activated = plan.add("activated", rows: capacity, columns: block.inner)
    self.plan = plan
    arena = Arena(takesMemory ? plan : ArenaPlan())
  }

  /// The first `rows` rows of a place.
  func tensor(_ region: ArenaPlan.Region, rows: Int) -> Tensor {
    arena[region].slice(rows: 0..<rows)
  }

  /// Bytes taken.
  var bytes: Int { arena.plan.bytes }

  /// Bytes for a capacity, without taking them: from the very plan that would be taken.
  static func bytes(
    _ specification: ModelSpecification, capacity: Int, keepsAll: Bool
  ) -> Int {
    ActivationMemory(
      specification, capacity: capacity, keepsAll: keepsAll, takesMemory: false
    ).plan.bytes
  }
}
