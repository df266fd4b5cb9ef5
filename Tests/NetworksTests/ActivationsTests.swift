// Activations in the place of their inputs: vector code of its own, the same bits.

import Kernels
import Networks
import Tensors
import Testing

@Suite struct ActivationsTests {
  private static let shapes = [
    Shape(1, 1), Shape(3, 15), Shape(2, 16), Shape(5, 70), Shape(9, 2048),
  ]

  /// Numbers from −8 to 8, so that both tails are met.
  private func wide(_ shape: Shape, seed: Int) -> Tensor {
    let result = tensor(shape.rows, shape.columns, seed: seed)
    result.values = result.values.map { $0 * 8 }
    return result
  }

  private func copy(_ other: Tensor) -> Tensor {
    let result = tensor(other.rows, other.columns)
    result.copy(from: other)
    return result
  }

  private func bits(_ tensor: Tensor) -> [UInt32] { tensor.values.map(\.bitPattern) }

  @Test(arguments: shapes, [GELU.tanh, GELU.erf])
  func geluInPlaceEqualsGELU(_ shape: Shape, _ form: GELU) {
    let (x, dy) = (wide(shape, seed: 1), wide(shape, seed: 2))
    let (y, dx) = (copy(x), copy(x))
    form.forward(x, into: y)
    form.backward(dy, x: x, dx: dx)
    let inPlace = copy(x)
    form.forward(inPlace, into: inPlace)
    #expect(bits(inPlace) == bits(y))
    #expect(bits(y) != bits(x))
    let overGradient = copy(dy)
    form.backward(overGradient, x: x, dx: overGradient)
    #expect(bits(overGradient) == bits(dx))
    let overInput = copy(x)
    form.backward(dy, x: overInput, dx: overInput)
    #expect(bits(overInput) == bits(dx))
  }

  @Test(arguments: shapes)
  func swiGLUInPlaceEqualsSwiGLU(_ shape: Shape) {
    let (gate, up, dy) = (wide(shape, seed: 1), wide(shape, seed: 2), wide(shape, seed: 3))
    let (dGate, dUp) = (copy(gate), copy(up))
    SwiGLU.backward(dy, gate: gate, up: up, dGate: dGate, dUp: dUp)
    let (a, b) = (copy(gate), copy(up))
    SwiGLU.backward(dy, gate: a, up: b, dGate: a, dUp: b)
    #expect(bits(a) == bits(dGate) && bits(b) == bits(dUp))
    #expect(bits(a) != bits(gate))
    let over = copy(dy)
    SwiGLU.backward(over, gate: gate, up: up, dGate: a, dUp: over)
    #expect(bits(a) == bits(dGate) && bits(over) == bits(dUp))
  }

  /// A piece of a row has the bits that it has in the row.
  @Test(arguments: [0..<1, 3..<20, 16..<64, 5..<200])
  func piecesEqualTheWhole(_ columns: Range<Int>) {
    let x = wide(Shape(1, 200), seed: 1)
    let whole = copy(x)
    let piece = copy(x)
    let kernels: [(UnsafePointer<Float>, UnsafeMutablePointer<Float>, Int) -> Void] = [
      { geluTanh($0, $1, $2) }, { geluErf($0, $1, $2) }, { expVector($0, $1, $2) },
    ]
    for kernel in kernels {
      kernel(x.data, whole.data, 200)
      kernel(x.data + columns.lowerBound, piece.data + columns.lowerBound, columns.count)
      #expect(
        bits(whole.slice(columns: columns)) == bits(piece.slice(columns: columns)))
    }
  }
}
