// The gradient transform: the identity at first, its gradients against differences, the running norm
// against two passes.

import Foundation
import Randomness
import Tensors
import Testing

@testable import ModelEditing

struct EditNetworkTests {
  private static func network(modes: Int = 2) -> EditNetwork {
    EditNetwork(
      width: 9, rank: 3, modes: modes, capacity: 4,
      random: RandomStream(seed: 3, name: "edit-network"))
  }

  private static func input(_ rows: Int) -> (Arena, Tensor) {
    var plan = ArenaPlan()
    let region = plan.add("input", rows: rows, columns: 9)
    let arena = Arena(plan)
    for index in 0..<rows * 9 { arena[region].data[index] = 4 * small(4000 + index) }
    return (arena, arena[region])
  }

  @Test func beginsAsTheIdentity() {
    let network = Self.network()
    let (arena, input) = Self.input(4)
    withExtendedLifetime(arena) {
      let trace = EditNetwork.Trace(network)
      for mode in 0..<2 {
        #expect(network.forward(input, mode: mode, trace: trace).values == input.values)
      }
    }
  }

  /// L = Σ direction · output.
  @Test func gradientsAreThoseOfDifferences() {
    let network = Self.network()
    let weights = network.weights.everything
    for index in 0..<weights.count { weights.data[index] += small(9000 + index) }
    let (arena, input) = Self.input(3)
    let (other, direction) = Self.input(3)
    withExtendedLifetime((arena, other)) {
      let trace = EditNetwork.Trace(network)
      func loss() -> Double {
        let output = network.forward(input, mode: 1, trace: trace).values
        return output.indices.reduce(0) { $0 + Double(output[$1]) * Double(small(77 + $1)) }
      }
      _ = loss()
      for index in 0..<direction.count { direction.data[index] = small(77 + index) }
      network.backward(direction, trace: trace)
      var checked = 0
      for region in network.plan.regions {
        let (values, gradients) = (network.weights[region], network.gradients[region])
        for index in stride(from: 0, to: values.count, by: max(1, values.count / 7)) {
          let kept = values.data[index]
          values.data[index] = kept + 2e-3
          let up = loss()
          values.data[index] = kept - 2e-3
          let down = loss()
          values.data[index] = kept
          let slope = (up - down) / 4e-3
          #expect(
            abs(slope - Double(gradients.data[index])) < 2e-3 * max(1, abs(slope)),
            "\(region) at \(index): \(slope), not \(gradients.data[index])")
          if abs(slope) > 1e-3 { checked += 1 }
        }
      }
      #expect(checked > 20)
    }
  }

  @Test func anotherModeHasNoGradient() {
    let network = Self.network()
    let (arena, input) = Self.input(2)
    withExtendedLifetime(arena) {
      let trace = EditNetwork.Trace(network)
      let output = network.forward(input, mode: 0, trace: trace)
      network.backward(output, trace: trace)
      for layer in network.layers {
        #expect(network.gradients[layer.scale].slice(rows: 1..<2).values.allSatisfy { $0 == 0 })
        #expect(network.gradients[layer.shift].slice(rows: 0..<1).values.contains { $0 != 0 })
      }
    }
  }

  @Test func runningNormIsThatOfTwoPasses() {
    let rows = (0..<9).map { row in (0..<4).map { small(row * 31 + $0) * Float($0 + 1) } }
    var norm = RunningNorm(width: 4)
    var out = [Float](repeating: 0, count: 4)
    norm.apply(rows[0], into: &out)
    #expect(out == rows[0])
    for row in rows { norm.add(row) }
    norm.apply(rows[5], into: &out)
    for column in 0..<4 {
      let values = rows.map { Double($0[column]) }
      let mean = values.reduce(0, +) / 9
      let deviation = (values.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / 8).squareRoot()
      #expect(abs(Double(out[column]) - (values[5] - mean) / (deviation + 1e-7)) < 1e-5)
    }
  }
}
