// One table of cases, three uses: an op against plain loops in Double, its backward pass against
// central differences of those loops, and both with one thread against two, bit by bit.

import Foundation
import Randomness
import Tensors
import Testing

/// Memory for tests; it lives until the process ends.
func tensor(_ rows: Int, _ columns: Int, seed: Int = 0, fill: Float? = nil) -> Tensor {
  let data = UnsafeMutablePointer<Float>.allocate(capacity: max(1, rows * columns))
  var stream = RandomStream(seed: seed, name: "tests")
  for index in 0..<rows * columns { data[index] = fill ?? Float(stream.uniform() * 2 - 1) }
  return Tensor(data, rows: rows, columns: columns)
}

/// Runs `body` with 1 and with 2 threads and requires equal bits.
func sameBits(_ name: String, _ body: () -> [[Float]]) -> [[Float]] {
  Parallelism.threads = 1
  let one = body()
  Parallelism.threads = 2
  let two = body()
  for (index, (a, b)) in zip(one, two).enumerated() {
    #expect(
      a.map(\.bitPattern) == b.map(\.bitPattern), "\(name): output \(index) depends on threads")
  }
  return one
}

/// An op as a function of some matrices.
struct OpCase: Sendable {
  let name: String
  /// Shapes of the matrices that it is differentiated by.
  let inputs: [Shape]
  let output: Shape
  /// Plain loops.
  let plain: @Sendable ([[Double]]) -> [Double]
  let forward: @Sendable ([Tensor]) -> Tensor
  /// Gradients of all inputs, given that of the output.
  let backward: @Sendable ([Tensor], Tensor) -> [Tensor]
  /// Relative to the greatest number of the right answer.
  var forwardTolerance = 3e-6
  var gradientTolerance = 2e-5

  func check() {
    let inputs = inputs.enumerated().map { tensor($1.rows, $1.columns, seed: $0 + 1) }
    let dy = tensor(output.rows, output.columns, seed: 99)
    let exact = inputs.map { $0.values.map(Double.init) }
    let results = sameBits(name) {
      [forward(inputs).values] + backward(inputs, dy).map(\.values)
    }
    compare("forward", results[0], plain(exact), tolerance: forwardTolerance)
    let weights = dy.values.map(Double.init)
    var stream = RandomStream(seed: 5, name: name)
    for (index, gradient) in results.dropFirst().enumerated() {
      let count = gradient.count
      let sample = count <= 60 ? Array(0..<count) : stream.sample(60, of: count)
      let step = 1e-5
      let slopes = sample.map { element in
        var sides: [Double] = []
        for side in [step, -step] {
          var moved = exact
          moved[index][element] += side
          sides.append(zip(plain(moved), weights).reduce(0) { $0 + $1.0 * $1.1 })
        }
        return (sides[0] - sides[1]) / (2 * step)
      }
      compare(
        "gradient of input \(index)", sample.map { gradient[$0] }, slopes,
        tolerance: gradientTolerance)
    }
  }

  private func compare(_ what: String, _ got: [Float], _ right: [Double], tolerance: Double) {
    #expect(got.count == right.count, "\(name), \(what)")
    let size = max(1e-3, right.map(abs).max() ?? 0)
    let worst = zip(got, right).map { abs(Double($0) - $1) }.max() ?? 0
    #expect(
      worst <= tolerance * size && got.allSatisfy(\.isFinite),
      "\(name), \(what): off by \(worst) at size \(size)")
  }
}
