// Products of codes with activations in fixed point: against sums in double precision, the same bits in
// every batch and without special instructions, and strange activations.

import Foundation
import Kernels
import Networks
import Tensors
import Testing

private let formats: [BlockFormat] = [.q4_0, .q4_1, .q5_0, .q8_0, .q6_K]

extension Ops {
  /// The error is that of rounding in single precision: activations of 16 bits would fail.
  @Test(arguments: formats, [(256, 5), (512, 64), (768, 145)])
  func fixedPointEqualsDoublePrecision(format: BlockFormat, size: (inputs: Int, outputs: Int)) {
    let (inputs, outputs) = size
    let matrix = QuantisedMatrix(tensor(outputs, inputs, seed: 1), as: format)
    let weights = tensor(outputs, inputs)
    matrix.dequantise(into: weights)
    let packed = PackedLinear(Linear(weight: .blocks(matrix)))
    for rows in [1, 3, 66] {
      let x = tensor(rows, inputs, seed: 2)
      // Some activations stand out, as in real models.
      for row in 0..<rows { x[row, (row * 37) % inputs] *= 300 }
      let y = tensor(rows, outputs)
      packed.forward(x, into: y)
      for row in 0..<rows {
        for output in 0..<outputs {
          var (sum, bound) = (0.0, 0.0)
          for start in stride(from: 0, to: inputs, by: 32) {
            var (greatest, magnitudes) = (0.0, 0.0)
            for k in start..<start + 32 {
              let (a, w) = (Double(x[row, k]), Double(weights[output, k]))
              sum += a * w
              greatest = max(greatest, abs(a))
              magnitudes += abs(w)
            }
            bound += greatest * magnitudes * 0x1p-22
          }
          #expect(abs(Double(y[row, output]) - sum) <= bound, "\(rows) rows: \(row), \(output)")
        }
      }
    }
  }

  @Test(arguments: formats) func fixedPointRowsIgnoreTheirNeighbours(format: BlockFormat) {
    let (inputs, outputs) = (512, 200)
    let packed = PackedLinear(
      Linear(weight: .blocks(QuantisedMatrix(tensor(outputs, inputs, seed: 1), as: format))))
    let (x, all) = (tensor(140, inputs, seed: 2), tensor(140, outputs))
    _ = sameBits("PackedLinear \(format)") {
      packed.forward(x, into: all)
      return [all.values]
    }
    for rows in [0..<1, 63..<65, 70..<73, 60..<67, 100..<140] {
      let some = tensor(rows.count, outputs)
      packed.forward(x.slice(rows: rows), into: some)
      let expected = all.slice(rows: rows).values.map(\.bitPattern)
      #expect(some.values.map(\.bitPattern) == expected, "rows \(rows)")
    }
  }

  /// Processors without products of bytes compute the same bits.
  @Test(arguments: formats) func fixedPointNeedsNoInstruction(format: BlockFormat) {
    let (rows, inputs, panels) = (70, 512, 5)
    let codes = PanelFormat(format, inputs: inputs)
    let x = tensor(rows, inputs, seed: 4)
    for row in 0..<rows {
      for k in 0..<inputs { x[row, k] *= Float(1 << (k / 32 * 2)) * 1e-6 }
    }
    for (row, strange) in [
      0, Float.nan, .infinity, Float(bitPattern: 7), -0x1.fffffep100, 0x1p-120,
    ].enumerated() {
      for k in 32..<64 { x[row, k] = strange }
    }
    let matrix = QuantisedMatrix(tensor(16 * panels, inputs, seed: 1), as: format)
    var memory = [UInt64](repeating: 0, count: panels * codes.bytes(inputs: inputs) / 8 + 512)
    memory.withUnsafeMutableBytes { memory in
      for panel in 0..<panels {
        let place = codes.place(panel, of: panels, inputs: inputs)
        #expect(
          packPanel(
            codes, format, (0..<16).map { matrix.row(panel * 16 + $0) }, inputs: inputs,
            to: memory.baseAddress! + place.offset, runStep: place.runStep))
      }
    }
    func compute(isPortable: Bool) -> (activations: [UInt32], sums: [UInt32]) {
      var fixed = [UInt32](repeating: 0, count: FixedPointRows.count(rows: rows, inputs: inputs))
      var sums = (0..<rows * panels * 16).map { Float($0) }
      var scratch = [Float](repeating: 0, count: fixedPointScratch)
      FixedPointRows.pack(
        x.data, step: x.stride, rows: 0..<rows, of: rows, inputs: inputs, to: &fixed,
        isPortable: isPortable)
      fixedPointProduct(
        fixed, of: rows, rows: 0..<rows, codes, panels: memory, range: 0..<panels, of: panels,
        into: &sums, cStep: panels * 16, k: inputs, scratch: &scratch, isPortable: isPortable)
      return (fixed, sums.map { $0.isNaN ? 0 : $0.bitPattern })
    }
    let (own, portable) = (compute(isPortable: false), compute(isPortable: true))
    #expect(own.activations == portable.activations)
    #expect(own.sums == portable.sums)
    #expect(own.sums.count { $0 == 0 } == 2 * panels * 16)
  }

  /// What is not finite makes its own row NaN and no other.
  @Test(arguments: [Float.nan, .infinity, -.infinity]) func fixedPointKeepsNaN(strange: Float) {
    let packed = PackedLinear(
      Linear(weight: .blocks(QuantisedMatrix(tensor(20, 64, seed: 1), as: .q4_1))))
    let (x, y) = (tensor(3, 64, seed: 2), tensor(3, 20))
    x[1, 40] = strange
    packed.forward(x, into: y)
    #expect(y.slice(rows: 1..<2).values.allSatisfy { $0.isNaN })
    #expect(y.slice(rows: 0..<1).values.allSatisfy { $0.isFinite })
    #expect(y.slice(rows: 2..<3).values.allSatisfy { $0.isFinite })
  }
}
