// How fast this machine is, for forecasts: one matrix product and one pass over memory, measured once a
// process on one thread. Results never depend on it.

import Foundation
import Tensors

enum MachineSpeed {
  /// Operations per second of a product of single-precision matrices.
  static let operations: Double = {
    let size = 384
    var plan = ArenaPlan()
    let regions = ["a", "b", "c"].map { plan.add($0, rows: size, columns: size) }
    let arena = Arena(plan)
    for region in regions { arena[region].fill(0.5) }
    let threads = Parallelism.threads
    Parallelism.threads = 1
    defer { Parallelism.threads = threads }
    let best = fastest(of: 6) {
      matmul(arena[regions[0]], arena[regions[1]], .second, into: arena[regions[2]])
    }
    return 2 * pow(Double(size), 3) / best
  }()

  /// Bytes per second that are read from memory.
  static let bytes: Double = {
    let count = 1 << 19
    let values = UnsafeMutableBufferPointer<SIMD16<Float>>.allocate(capacity: count)
    defer { values.deallocate() }
    values.initialize(repeating: SIMD16(repeating: 1))
    var sink: Float = 0
    let best = fastest(of: 3) {
      var sums = SIMD16<Float>()
      for value in values { sums += value }
      sink += sums.sum()
    }
    precondition(sink > 0, "a sum of \(count) ones is \(sink)")
    return Double(values.count * MemoryLayout<SIMD16<Float>>.stride) / best
  }()

  private static func fastest(of times: Int, _ work: () -> Void) -> Double {
    let clock = ContinuousClock()
    return (0..<times).map { _ in clock.measure(work) / .seconds(1) }.min() ?? 1
  }

  // Shares of the two that whole stages reach are assumed: former runs of a pipeline correct them.

  /// Seconds for learning tokens with all weights: 6 operations a weight and token.
  static func learning(_ tokens: Int, weights: Int) -> Double {
    6 * Double(weights) * Double(tokens) / (0.6 * operations)
  }

  /// Beside frozen weights there is no gradient of theirs: 4 operations.
  static func learningAdapter(_ tokens: Int, weights: Int) -> Double {
    4 * Double(weights) * Double(tokens) / (0.6 * operations)
  }

  static func reading(_ tokens: Int, weights: Int) -> Double {
    2 * Double(weights) * Double(tokens) / (0.6 * operations)
  }

  /// Tokens one by one for several sequences at a time: all weights are read for each, and counted with.
  static func writing(_ tokens: Int, weights: Int, sequences: Int, beams: Int = 1) -> Double {
    let steps = Double(tokens) / Double(max(1, sequences / beams))
    let work = 2 * Double(weights) * Double(tokens * beams) / (0.35 * operations)
    return steps * 4 * Double(weights) / (0.7 * bytes) + work
  }
}
