// Which sequences each optimizer step takes: known for the whole run before it starts, so that the
// schedule knows its length and a resumed run its place.

import Randomness

/// The order of an epoch and its cuts into steps.
struct EpochPlan {
  /// Sequence numbers in the order of this epoch.
  let order: [Int]
  /// Runs of `order`, one per optimizer step.
  let steps: [Range<Int>]

  /// - Parameters:
  ///   - supervised: supervised tokens of each sequence.
  init(supervised: [Int], epoch: Int, batching: Batching, seed: Int) {
    var order = Array(supervised.indices)
    var stream = RandomStream(seed: seed, name: "batch-order/epoch-\(epoch)")
    stream.shuffle(&order)
    self.order = order
    switch batching {
    case .tokens(let budget):
      steps = Batch.runs(of: order.map { supervised[$0] }, atMost: budget)
    case .documents(let count):
      precondition(count >= 1, "a step of \(count) documents learns nothing")
      steps = stride(from: 0, to: order.count, by: count).map {
        $0..<min(order.count, $0 + count)
      }
    }
  }
}

extension TrainingSettings {
  /// Optimizer steps of a run: those of all epochs, or as many as reach the total of tokens.
  ///
  /// - Parameter supervised: supervised tokens of each sequence, not all 0.
  func stepCount(supervised: [Int]) -> Int {
    var steps = 0
    var learnt = 0
    var epoch = 0
    while totalTokens.map({ learnt < $0 }) ?? (epoch < epochs) {
      let plan = EpochPlan(supervised: supervised, epoch: epoch, batching: batching, seed: seed)
      for step in plan.steps {
        learnt += plan.order[step].reduce(0) { $0 + supervised[$1] }
        steps += 1
        if let totalTokens, learnt >= totalTokens { break }
      }
      epoch += 1
    }
    return steps
  }
}
