// Weights in few bits: back to numbers, and products of few rows with them, as decoding needs.

import Kernels
import Networks
import Tensors

extension OperationBenches {
  /// Bytes: the blocks that are read and the numbers that are written.
  static func storage() -> [Bench] {
    BlockFormat.allCases.map { format in
      let memory = Buffers()
      let source = memory.filled(768, 3072)
      let target = memory.filled(768, 3072)
      let matrix = QuantisedMatrix(source, as: format)
      return memory.bench(
        "dequantise \(format.rawValue), 2.4 million", floats: source.count, bytes: matrix.bytes
      ) { matrix.dequantise(into: target) }
    }
  }

  /// Bytes: the packed weights, read once however many rows there are. Several layers in turn, so
  /// that they come from memory, as those of a model do.
  static func decoding() -> [Bench] {
    let (inputs, outputs, layers) = (768, 3072, 24)
    let formats: [(String, BlockFormat?, PackedLinear.FloatStorage)] = [
      ("fp32", nil, .float32), ("fp16", nil, .float16), ("bf16", nil, .bfloat16),
      ("Q4_0", .q4_0, .float32), ("Q4_1", .q4_1, .float32), ("Q8_0", .q8_0, .float32),
      ("Q6_K", .q6_K, .float32), ("NF4", .nf4, .float32),
    ]
    return formats.flatMap { name, format, floats in
      let memory = Buffers()
      let weight = memory.filled(outputs, inputs)
      let store: WeightStore =
        format.map { .blocks(QuantisedMatrix(weight, as: $0)) } ?? .f32(weight)
      let packed = (0..<layers).map { _ in
        PackedLinear(Linear(weight: store), floats: floats)
      }
      return [1, 8, 32].map { rows in
        let x = memory.filled(rows, inputs)
        let y = memory.filled(rows, outputs)
        return memory.bench(
          "decoding \(name) \(inputs)→\(outputs), \(rows) row\(rows == 1 ? "" : "s")",
          operations: 2 * Double(layers * rows * inputs * outputs),
          bytes: layers * packed[0].bytes
        ) { for layer in packed { layer.forward(x, into: y) } }
      }
    }
  }
}
