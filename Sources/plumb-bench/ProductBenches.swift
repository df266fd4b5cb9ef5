// Matrix products in the shapes that models have: linear layers in all three orientations, low-rank
// parts, the head with its loss.

import Kernels
import Networks
import Tensors

extension OperationBenches {
  /// Layers of GPT-2 124M, SmolLM2-135M and MiniLM.
  private static let shapes: [(inputs: Int, outputs: Int)] = [
    (768, 2304), (768, 768), (768, 3072), (3072, 768), (576, 576), (576, 192), (576, 3072),
    (1536, 576), (384, 384), (384, 1536), (1536, 384),
  ]

  static func products() -> [Bench] {
    shapes.flatMap { inputs, outputs in orientations(inputs, outputs) }
      + orientations(2048, 2048, rows: 2048)
      + [512, 2048, 4096].map { rows in forward(768, 3072, rows: rows) }
      + [lowRank(quantised: nil), lowRank(quantised: .q4_1)].flatMap { $0 }
  }

  private static func orientations(
    _ inputs: Int, _ outputs: Int, rows n: Int = tokens
  ) -> [Bench] {
    let memory = Buffers()
    let x = memory.filled(n, inputs)
    let y = memory.filled(n, outputs)
    let weight = memory.filled(outputs, inputs)
    let operations = 2 * Double(n * inputs * outputs)
    let name = "\(inputs)→\(outputs)"
    return [
      memory.bench("product X·Wᵀ, \(name)", operations: operations) {
        matmul(x, weight, .second, into: y)
      },
      memory.bench("product dY·W, \(name)", operations: operations) {
        matmul(y, weight, .none, into: x)
      },
      memory.bench("product dYᵀ·X, \(name)", operations: operations) {
        matmul(y, x, .first, into: weight)
      },
    ]
  }

  private static func forward(_ inputs: Int, _ outputs: Int, rows: Int) -> Bench {
    let memory = Buffers()
    let x = memory.filled(rows, inputs)
    let y = memory.filled(rows, outputs)
    let layer = memory.linear(inputs: inputs, outputs: outputs)
    return memory.bench(
      "linear \(inputs)→\(outputs), N \(rows)", operations: 2 * Double(rows * inputs * outputs)
    ) { layer.forward(x, into: y) }
  }

  /// A frozen layer with r 16 beside it; operations of both are counted.
  private static func lowRank(quantised format: BlockFormat?) -> [Bench] {
    let memory = Buffers()
    let (n, inputs, outputs, rank) = (tokens, 576, 1536, 16)
    let x = memory.filled(n, inputs)
    let dx = memory.filled(n, inputs)
    let y = memory.filled(n, outputs)
    let weight = memory.filled(outputs, inputs)
    let store: WeightStore =
      format.map { .blocks(QuantisedMatrix(weight, as: $0)) } ?? .f32(weight)
    let layer = Linear(
      weight: store,
      lowRank: LowRank(
        a: memory.filled(rank, inputs), b: memory.filled(outputs, rank), scale: 2,
        aGradient: memory.filled(rank, inputs), bGradient: memory.filled(outputs, rank)))
    let base = 2 * Double(n * inputs * outputs)
    let low = 2 * Double(n * rank * (inputs + outputs))
    let name = "\(format?.rawValue ?? "fp32") \(inputs)→\(outputs) with r \(rank)"
    return [
      memory.bench("linear \(name)", operations: base + low) { layer.forward(x, into: y) },
      memory.bench("linear \(name), backward", operations: base + 2 * low) {
        layer.backward(y, x: x, dx: dx)
      },
    ]
  }

  static func head() -> [Bench] {
    [(768, 50257), (576, 49152)].flatMap { width, vocabulary in
      let memory = Buffers()
      // Fewer rows than in training: the share is what counts.
      let rows = 512
      let hidden = memory.filled(rows, width)
      let dHidden = memory.filled(rows, width)
      let trained = Linear(
        weight: .f32(memory.filled(vocabulary, width)),
        weightGradient: memory.filled(vocabulary, width))
      let frozen = Linear(weight: trained.weight)
      let targets = (0..<rows).map { Int32($0 * 31 % vocabulary) }
      let product = 2 * Double(rows * width * vocabulary)
      func bench(_ name: String, _ factor: Double, _ head: Linear) -> Bench {
        memory.bench(
          "\(name), C \(width), V \(vocabulary)", operations: factor * product, tokens: rows
        ) {
          _ = HeadLoss.forwardBackward(
            hidden: hidden, head: head, targets: targets, supervisedCount: rows, dHidden: dHidden)
        }
      }
      return [bench("head and loss", 3, trained), bench("frozen head and loss", 2, frozen)]
    }
  }
}
