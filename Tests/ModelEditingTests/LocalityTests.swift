// The locality term against sums written out, and its gradient against differences.

import Foundation
import Tensors
import Testing

@testable import ModelEditing

struct LocalityTests {
  private static let before: [[Double]] = [[0.3, -1.2, 0.9, 2.0], [1, 1, 1, 1], [-3, 0, 4, 0.5]]
  private static let after: [[Double]] = [[0.1, -0.7, 1.4, 1.2], [0, 2, -1, 0], [9, 9, 9, -9]]
  private static let marks = [true, true, false]

  /// Σ over marked rows of KL / 2, in double precision.
  private static func written(_ after: [[Double]]) -> Double {
    func softmax(_ row: [Double]) -> [Double] {
      let sum = row.reduce(0) { $0 + exp($1) }
      return row.map { exp($0) / sum }
    }
    var sum = 0.0
    for row in 0..<2 {
      let (p, q) = (softmax(before[row]), softmax(after[row]))
      sum += zip(p, q).reduce(0) { $0 + $1.0 * log($1.0 / $1.1) }
    }
    return sum / 2
  }

  private static func tensor(_ rows: [[Double]]) -> (Arena, Tensor) {
    var plan = ArenaPlan()
    let region = plan.add("logits", rows: rows.count, columns: rows[0].count)
    let arena = Arena(plan)
    for (row, values) in rows.enumerated() {
      for (column, value) in values.enumerated() { arena[region][row, column] = Float(value) }
    }
    return (arena, arena[region])
  }

  @Test func equalsTheSumWrittenOut() {
    let (first, second) = (Self.tensor(Self.before), Self.tensor(Self.after))
    let value = Locality.divergence(first.1, second.1, isLearnt: Self.marks, weight: 1)
    #expect(abs(value - Self.written(Self.after)) < 1e-6)
    let (same, copy) = (Self.tensor(Self.before), Self.tensor(Self.before))
    #expect(abs(Locality.divergence(same.1, copy.1, isLearnt: Self.marks, weight: 1)) < 1e-9)
  }

  @Test func gradientIsThatOfDifferences() {
    let (first, second) = (Self.tensor(Self.before), Self.tensor(Self.after))
    _ = Locality.divergence(first.1, second.1, isLearnt: Self.marks, weight: 0.7)
    for row in 0..<3 {
      for column in 0..<4 {
        var (up, down) = (Self.after, Self.after)
        up[row][column] += 1e-5
        down[row][column] -= 1e-5
        let slope = 0.7 * (Self.written(up) - Self.written(down)) / 2e-5
        #expect(abs(Double(second.1[row, column]) - slope) < 1e-6, "row \(row), column \(column)")
      }
    }
  }
}
