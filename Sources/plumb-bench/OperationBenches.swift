// What `plumb-bench ops` times, in groups, and the memory that they work in. Tokens are N = 1,024
// unless a name says otherwise.

import Foundation
import Networks
import Tensors

enum OperationBenches {
  /// Each group's memory is there only while it is measured.
  static func groups(_ files: OperationFiles) throws -> [() throws -> [Bench]] {
    [products, head, attention, layers, storage, decoding, { try tokenizing(files) }]
  }

  static let tokens = 1024
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

  func linear(inputs: Int, outputs: Int, learns: Bool = true) -> Linear {
    Linear(
      weight: .f32(filled(outputs, inputs)), bias: filled(1, outputs),
      weightGradient: learns ? filled(outputs, inputs) : nil,
      biasGradient: learns ? filled(1, outputs) : nil)
  }

  /// A bench whose tensors point into this memory.
  func bench(
    _ name: String, operations: Double = 0, floats: Int = 0, bytes: Int = 0, tokens: Int = 0,
    _ body: @escaping () -> Void
  ) -> Bench {
    Bench(
      name: name, operations: operations, bytes: Double(4 * floats + bytes),
      tokens: Double(tokens),
      body: {
        body()
        withExtendedLifetime(self) {}
      })
  }
}
