import Foundation
import Tensors
import Testing

@testable import Networks

/// D/2 frequencies of base 10,000.
private func frequencies(_ headSize: Int) -> [Float] {
  (0..<headSize / 2).map { Float(pow(10_000, -2 * Double($0) / Double(headSize))) }
}

/// Every head of every row turned by plain loops in double precision.
private func turned(_ x: [Double], heads: Int, headSize: Int, positions: [Int32]) -> [Double] {
  var y = x
  let half = headSize / 2
  for (row, position) in positions.enumerated() {
    for head in 0..<heads {
      let start = (row * heads + head) * headSize
      for (i, frequency) in frequencies(headSize).enumerated() {
        let angle = Double(Float(position) * frequency)
        let (a, b) = (x[start + i], x[start + half + i])
        y[start + i] = a * cos(angle) - b * sin(angle)
        y[start + half + i] = b * cos(angle) + a * sin(angle)
      }
    }
  }
  return y
}

@Suite(.serialized) struct RotaryTests {
  /// Whole vectors, whole vectors and a rest, less than a vector.
  @Test(arguments: [(64, 3), (40, 2), (6, 5)])
  func turnsForwardAndBackward(headSize: Int, heads: Int) {
    let positions: [Int32] = [0, 1, 2, 0, 1, 2, 3, 500, 8191]
    let shape = Shape(positions.count, heads * headSize)
    OpCase(
      name: "Rotary \(headSize)", inputs: [shape], output: shape,
      plain: { turned($0[0], heads: heads, headSize: headSize, positions: positions) },
      forward: { inputs in
        let y = tensor(shape.rows, shape.columns)
        y.copy(from: inputs[0])
        Rotary(inverseFrequencies: frequencies(headSize), positions: 8192)
          .forward(y, positions: positions)
        return y
      },
      backward: { _, dy in
        let dx = tensor(shape.rows, shape.columns)
        dx.copy(from: dy)
        Rotary(inverseFrequencies: frequencies(headSize), positions: 8192)
          .backward(dx, positions: positions)
        return [dx]
      }
    ).check()
  }

  /// Queries and keys are columns of one buffer; what lies beside them stays as it is.
  @Test func turnsColumnsInPlace() {
    let rotary = Rotary(inverseFrequencies: frequencies(8), positions: 4)
    let wide = tensor(4, 40, seed: 3)
    let before = wide.values
    rotary.forward(wide.slice(columns: 8..<24), positions: [0, 1, 2, 3])
    for row in 0..<4 {
      for column in 0..<40 {
        let stays = !(8..<24).contains(column) || row == 0
        #expect((wide[row, column] == before[row * 40 + column]) == stays)
      }
    }
    rotary.backward(wide.slice(columns: 8..<24), positions: [0, 1, 2, 3])
    #expect(zip(wide.values, before).allSatisfy { abs($0 - $1) < 1e-6 })
  }
}
