// Linear layers on frozen blocks and with low-rank parts.

import Kernels
import Networks
import Tensors
import Testing

@Suite(.serialized) struct LinearStorage {
  @Test(arguments: lowRank) func agreesWithPlainLoopsAndDifferences(_ op: OpCase) { op.check() }

  @Test(arguments: BlockFormat.allCases)
  func blocksComputeWithTheirExpansion(_ format: BlockFormat) {
    let (n, inputs, outputs) = (37, 256, 50)
    let matrix = QuantisedMatrix(tensor(outputs, inputs, seed: 1), as: format)
    check(matrix, n, format.rawValue)
    guard format == .nf4 else { return }
    let nested = QuantisedMatrix(
      tensor(outputs, inputs, seed: 1), as: format, doubleQuantised: true)
    check(nested, n, "NF4, double")
    #expect(nested.bytes < matrix.bytes)
  }

  private func check(_ matrix: QuantisedMatrix, _ n: Int, _ name: String) {
    let (inputs, outputs) = (matrix.columns, matrix.rows)
    let expanded = tensor(outputs, inputs)
    matrix.dequantise(into: expanded)
    let row = tensor(1, inputs)
    matrix.dequantise(rows: 7..<8, into: row)
    #expect(row.values == Array(expanded.values[7 * inputs..<8 * inputs]))
    let x = tensor(n, inputs, seed: 2)
    let dy = tensor(n, outputs, seed: 3)
    let bias = tensor(1, outputs, seed: 4)
    func run(_ weight: WeightStore) -> [[Float]] {
      let layer = Linear(weight: weight, bias: bias)
      let (y, dx) = (tensor(n, outputs), tensor(n, inputs, fill: 1))
      layer.forward(x, into: y)
      layer.backward(dy, x: x, dx: dx, accumulate: true)
      return [y.values, dx.values]
    }
    let right = run(.f32(expanded))
    let got = sameBits(name) { run(.blocks(matrix)) }
    for (a, b) in zip(got, right) {
      #expect(a.map(\.bitPattern) == b.map(\.bitPattern), "\(name): gradient through blocks")
    }
  }

  /// More rows than are expanded at a time: both products go on from tile to tile, bit for bit, and the
  /// low-rank part is added once.
  @Test func tilesMakeOneProduct() {
    let matrix = QuantisedMatrix(tensor(4000, 256, seed: 1), as: .q4_1)
    check(matrix, 20, "Q4_1 in tiles")
    let expanded = tensor(4000, 256)
    matrix.dequantise(into: expanded)
    let (x, dy) = (tensor(20, 256, seed: 2), tensor(20, 4000, seed: 3))
    func run(_ weight: WeightStore) -> [[Float]] {
      let (da, db) = (tensor(8, 256, fill: 0), tensor(4000, 8, fill: 0))
      let layer = Linear(
        weight: weight,
        lowRank: LowRank(
          a: tensor(8, 256, seed: 4), b: tensor(4000, 8, seed: 5), scale: 0.5, aGradient: da,
          bGradient: db))
      let (y, dx) = (tensor(20, 4000), tensor(20, 256))
      layer.forward(x, into: y)
      layer.backward(dy, x: x, dx: dx)
      return [y.values, dx.values, da.values, db.values]
    }
    #expect(run(.blocks(matrix)) == run(.f32(expanded)))
  }

  @Test func rowsComeInTheirOrder() {
    let source = tensor(6, 64, seed: 1)
    let stored = QuantisedMatrix(source, as: .q8_0)
    let bytes = UnsafeRawBufferPointer(start: stored.row(0), count: stored.bytes)
    let order = [4, 2, 0, 5, 3, 1]
    let shuffled = QuantisedMatrix(
      format: .q8_0, rows: 6, columns: 64, bytes: bytes, rowOrder: order, owner: stored)
    let (plain, got) = (tensor(6, 64), tensor(6, 64))
    stored.dequantise(into: plain)
    shuffled.dequantise(into: got)
    for (row, from) in order.enumerated() {
      #expect(got.slice(rows: row..<row + 1).values == plain.slice(rows: from..<from + 1).values)
    }
  }

  /// B = 0: not a bit moves, in columns of a wider buffer either.
  @Test func zeroBEqualsTheBase() {
    let (n, inputs, outputs) = (130, 96, 80)
    let x = tensor(n, inputs, seed: 1)
    let weight = WeightStore.f32(tensor(outputs, inputs, seed: 2))
    let part = LowRank(
      a: tensor(8, inputs, seed: 3), b: tensor(outputs, 8, fill: 0), scale: 2,
      dropout: Dropout(rate: 0.3, seed: 1, step: 1, site: 1))
    let (right, wide) = (tensor(n, outputs), tensor(n, outputs + 40, fill: 5))
    Linear(weight: weight).forward(x, into: right)
    Linear(weight: weight, lowRank: part).forward(x, into: wide.slice(columns: 16..<16 + outputs))
    #expect(wide.slice(columns: 16..<16 + outputs).values == right.values)
    #expect(wide.slice(columns: 0..<16).values.allSatisfy { $0 == 5 })
    #expect(wide.slice(columns: 16 + outputs..<outputs + 40).values.allSatisfy { $0 == 5 })
  }

  @Test func gradientsOfStridedOutputsAndAccumulation() {
    let (n, inputs, outputs, rank) = (67, 48, 40, 4)
    let x = tensor(n, inputs, seed: 1)
    let wide = tensor(n, outputs + 23, seed: 9)
    let dy = wide.slice(columns: 7..<7 + outputs)
    func run(_ dy: Tensor) -> [[Float]] {
      let (da, db) = (tensor(rank, inputs, fill: 1), tensor(outputs, rank, fill: 1))
      let dx = tensor(n, inputs, fill: 1)
      Linear(
        weight: .f32(tensor(outputs, inputs, seed: 2)),
        lowRank: LowRank(
          a: tensor(rank, inputs, seed: 3), b: tensor(outputs, rank, seed: 4), scale: 0.5,
          aGradient: da, bGradient: db)
      ).backward(dy, x: x, dx: dx, accumulate: true)
      return [da.values, db.values, dx.values]
    }
    let copy = tensor(n, outputs)
    copy.copy(from: dy)
    #expect(sameBits("strided low rank") { run(dy) } == run(copy))
    // Added to what was there: all were 1.
    let zero = tensor(n, outputs, fill: 0)
    #expect(run(zero).allSatisfy { $0.allSatisfy { $0 == 1 } })
  }

  @Test func mergedProductIsTheSame() {
    let (n, inputs, outputs) = (20, 64, 48)
    let x = tensor(n, inputs, seed: 1)
    let weight = tensor(outputs, inputs, seed: 2)
    let part = LowRank(
      a: tensor(16, inputs, seed: 3), b: tensor(outputs, 16, seed: 4), scale: 0.25)
    let (right, got) = (tensor(n, outputs), tensor(n, outputs))
    Linear(weight: .f32(weight), lowRank: part).forward(x, into: right)
    part.addProduct(to: weight)
    Linear(weight: .f32(weight)).forward(x, into: got)
    let size = right.values.map(abs).max()!
    for (a, b) in zip(got.values, right.values) { #expect(abs(a - b) <= 1e-5 * size) }
  }
}

/// x, W, b, A, B; W is frozen and its gradient not asked for.
private let lowRank: [OpCase] = [
  (1, 5, 3, 1, 0), (9, 33, 19, 4, 0), (130, 64, 48, 16, 0), (70, 100, 130, 17, 0),
  (300, 40, 70, 8, 0.3), (33, 200, 16, 64, 0.5),
].map { n, inputs, outputs, rank, rate in
  let scale = 1.5
  let dropout =
    rate > 0 ? Dropout(rate: Float(rate), seed: 3, step: 4, site: 5, firstRow: 2) : nil
  // The mask as numbers.
  let ones = tensor(n, inputs, fill: 1)
  dropout?.apply(to: ones)
  let mask = ones.values.map(Double.init)
  let weight = tensor(outputs, inputs, seed: 50)
  let w = weight.values.map(Double.init)
  return OpCase(
    name: "LowRank \(n)×\(inputs)→\(outputs), rank \(rank), dropout \(rate)",
    inputs: [Shape(n, inputs), Shape(rank, inputs), Shape(outputs, rank)],
    output: Shape(n, outputs),
    plain: { v in
      (0..<n).flatMap { row in
        let x = v[0][row * inputs..<(row + 1) * inputs]
        let dropped = zip(x, mask[row * inputs..<(row + 1) * inputs]).map { $0 * $1 }
        let t = (0..<rank).map { r in
          (0..<inputs).reduce(0.0) { $0 + dropped[$1] * v[1][r * inputs + $1] }
        }
        return (0..<outputs).map { o in
          let base = zip(x, w[o * inputs..<(o + 1) * inputs]).reduce(0.0) { $0 + $1.0 * $1.1 }
          return base + scale * (0..<rank).reduce(0.0) { $0 + t[$1] * v[2][o * rank + $1] }
        }
      }
    },
    forward: { t in
      let y = tensor(n, outputs)
      Linear(
        weight: .f32(weight),
        lowRank: LowRank(a: t[1], b: t[2], scale: Float(scale), dropout: dropout)
      ).forward(t[0], into: y)
      return y
    },
    backward: { t, dy in
      let dx = tensor(n, inputs)
      let (da, db) = (tensor(rank, inputs, fill: 0), tensor(outputs, rank, fill: 0))
      Linear(
        weight: .f32(weight),
        lowRank: LowRank(
          a: t[1], b: t[2], scale: Float(scale), aGradient: da, bGradient: db, dropout: dropout)
      ).backward(dy, x: t[0], dx: dx)
      return [dx, da, db]
    })
}
