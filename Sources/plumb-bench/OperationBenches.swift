// The operations of one GPT-2 block, forward and backward, on the sizes of the quickstart and of the
// real GPT-2.

import Foundation
import Networks
import Tensors

enum OperationBenches {
  /// What OpenBLAS reaches here with the same threads: the measure for everything else.
  static func peak(runs: Int) -> Measurement { peakBench().measure(runs: runs) }

  static func peakBench() -> Bench {
    let n = 2048
    let memory = Buffers()
    let (a, b, c) = (memory.filled(n, n), memory.filled(n, n), memory.filled(n, n))
    return Bench(
      name: "peak: product 2048×2048×2048", operations: 2 * Double(n * n * n),
      body: {
        matmul(a, b, .second, into: c)
        memory.keep()
      })
  }

  /// Each group's memory is there only while it is measured.
  static var groups: [() -> [Bench]] {
    [
      { block(width: 128, heads: 4, vocabulary: 1024) },
      { block(width: 768, heads: 12, vocabulary: 50257) },
    ]
  }

  /// - Parameters: tokens N = 2,048 in sequences of 128.
  private static func block(width c: Int, heads: Int, vocabulary v: Int) -> [Bench] {
    let n = 2048
    let memory = Buffers()
    let x = memory.filled(n, c)
    let dx = memory.filled(n, c)
    let wide = memory.filled(n, 4 * c)
    let dWide = memory.filled(n, 4 * c)
    let qkv = memory.filled(n, 3 * c)
    let dQKV = memory.filled(n, 3 * c)
    let up = memory.linear(inputs: c, outputs: 4 * c)
    let norm = LayerNorm(
      gain: memory.filled(1, c), bias: memory.filled(1, c), gainGradient: memory.filled(1, c),
      biasGradient: memory.filled(1, c))
    let statistics = memory.filled(n, 2)
    let attention = Attention(heads: heads, headSize: c / heads)
    let segments = Segments(lengths: [Int](repeating: 128, count: n / 128))
    let output = memory.filled(n, c)
    let logSumExp = memory.filled(n, heads)
    func part(_ tensor: Tensor, _ index: Int) -> Tensor {
      tensor.slice(columns: index * c..<(index + 1) * c)
    }
    let (q, k, value) = (part(qkv, 0), part(qkv, 1), part(qkv, 2))
    let (dQ, dK, dV) = (part(dQKV, 0), part(dQKV, 1), part(dQKV, 2))
    attention.forward(
      q: q, k: k, v: value, segments: segments, into: output, logSumExp: logSumExp)
    norm.forward(x, into: output, statistics: statistics)
    // The head on fewer rows where the vocabulary is real: the share is what counts.
    let rows = v > 10_000 ? 256 : n
    let head = Linear(weight: .f32(memory.filled(v, c)), weightGradient: memory.filled(v, c))
    let hidden = x.slice(rows: 0..<rows)
    let dHidden = dx.slice(rows: 0..<rows)
    let targets = (0..<rows).map { Int32($0 * 31 % v) }
    let linear = 8 * Double(c * c * n)
    let scores = Double(n * 129 * c)
    let packed = PackedLinear(up)
    let one = x.slice(rows: 0..<1)
    let oneWide = wide.slice(rows: 0..<1)
    func bench(
      _ name: String, operations: Double = 0, tokens: Int = n, _ body: @escaping () -> Void
    ) -> Bench {
      Bench(
        name: "\(name), C \(c)", operations: operations, tokens: Double(tokens),
        body: {
          body()
          memory.keep()
        })
    }
    return [
      bench("linear C→4C", operations: linear) { up.forward(x, into: wide) },
      bench("linear C→4C backward", operations: 2 * linear) {
        up.backward(dWide, x: x, dx: dx)
      },
      bench("layer norm") { norm.forward(x, into: output, statistics: statistics) },
      bench("layer norm backward") {
        norm.backward(output, x: x, statistics: statistics, dx: dx)
      },
      bench("gelu, 4C") { GELU.tanh.forward(wide, into: dWide) },
      bench("gelu backward, 4C") { GELU.tanh.backward(dWide, x: wide, dx: dWide) },
      bench("attention", operations: 2 * scores) {
        attention.forward(
          q: q, k: k, v: value, segments: segments, into: output, logSumExp: logSumExp)
      },
      bench("attention backward", operations: 5 * scores) {
        attention.backward(
          x, q: q, k: k, v: value, o: output, logSumExp: logSumExp, segments: segments, dQ: dQ,
          dK: dK, dV: dV)
      },
      bench(
        "head and loss, V \(v)", operations: 6 * Double(rows * c * v), tokens: rows
      ) {
        _ = HeadLoss.forwardBackward(
          hidden: hidden, head: head, targets: targets, supervisedCount: rows, dHidden: dHidden)
      },
      bench("decoding C→4C, one row", operations: 8 * Double(c * c), tokens: 1) {
        packed.forward(one, into: oneWide)
      },
    ]
  }
}

/// Memory for benches: filled with small numbers, kept as long as the bench.
final class Buffers {
  private var arenas: [Arena] = []

  func filled(_ rows: Int, _ columns: Int) -> Tensor {
    var plan = ArenaPlan()
    let region = plan.add("buffer", rows: rows, columns: columns)
    let arena = Arena(plan)
    arenas.append(arena)
    let tensor = arena[region]
    for index in 0..<tensor.count {
      tensor.data[index] = Float((index &* 7919) % 1000) / 20_000 - 0.025
    }
    return tensor
  }

  func linear(inputs: Int, outputs: Int) -> Linear {
    Linear(
      weight: .f32(filled(outputs, inputs)), bias: filled(1, outputs),
      weightGradient: filled(outputs, inputs), biasGradient: filled(1, outputs))
  }

  /// Called inside a bench: its tensors point into memory that this object owns.
  func keep() { withExtendedLifetime(arenas) {} }
}
