// The table of ops: odd sizes, tails that are no multiple of 16, ragged segments, single tokens.

import Foundation
import Kernels
import Networks
import Tensors
import Testing

/// Everything that changes the number of threads runs in here, one after the other.
@Suite(.serialized) struct Ops {
  @Test(arguments: linear + norms + activations + lookups + attention + heads)
  func agreesWithPlainLoopsAndDifferences(_ op: OpCase) { op.check() }
}

extension OpCase: CustomTestStringConvertible {
  var testDescription: String { name }
}

private let linear: [OpCase] = [
  (1, 1, 1), (5, 17, 3), (37, 33, 19), (130, 64, 48), (600, 100, 130),
].map { n, inputs, outputs in
  OpCase(
    name: "Linear \(n)×\(inputs)→\(outputs)",
    inputs: [Shape(n, inputs), Shape(outputs, inputs), Shape(1, outputs)],
    output: Shape(n, outputs),
    plain: { v in
      (0..<n * outputs).map { index in
        let (row, o) = (index / outputs, index % outputs)
        return (0..<inputs).reduce(v[2][o]) {
          $0 + v[0][row * inputs + $1] * v[1][o * inputs + $1]
        }
      }
    },
    forward: { t in
      let y = tensor(n, outputs)
      Linear(weight: .f32(t[1]), bias: t[2]).forward(t[0], into: y)
      return y
    },
    backward: { t, dy in
      let dx = tensor(n, inputs, fill: 0)
      let dw = tensor(outputs, inputs, fill: 0)
      let db = tensor(1, outputs, fill: 0)
      Linear(weight: .f32(t[1]), bias: t[2], weightGradient: dw, biasGradient: db)
        .backward(dy, x: t[0], dx: dx)
      return [dx, dw, db]
    })
}

private let norms: [OpCase] = [(1, 5), (7, 16), (19, 37), (300, 130)].flatMap { n, c in
  [
    OpCase(
      name: "LayerNorm \(n)×\(c)", inputs: [Shape(n, c), Shape(1, c), Shape(1, c)],
      output: Shape(n, c),
      plain: { v in
        (0..<n).flatMap { row in
          let x = v[0][row * c..<(row + 1) * c]
          let mean = x.reduce(0, +) / Double(c)
          let variance = x.reduce(0) { $0 + ($1 - mean) * ($1 - mean) } / Double(c)
          return x.enumerated().map {
            ($1 - mean) / (variance + 1e-5).squareRoot() * v[1][$0] + v[2][$0]
          }
        }
      },
      forward: { t in
        let y = tensor(n, c)
        LayerNorm(gain: t[1], bias: t[2]).forward(t[0], into: y, statistics: nil)
        return y
      },
      backward: { t, dy in
        let (dx, dg, db) = (
          tensor(n, c, fill: 0), tensor(1, c, fill: 0), tensor(1, c, fill: 0)
        )
        let norm = LayerNorm(gain: t[1], bias: t[2], gainGradient: dg, biasGradient: db)
        let statistics = tensor(n, 2)
        norm.forward(t[0], into: tensor(n, c), statistics: statistics)
        norm.backward(dy, x: t[0], statistics: statistics, dx: dx, accumulate: true)
        return [dx, dg, db]
      }),
    OpCase(
      name: "RMSNorm \(n)×\(c)", inputs: [Shape(n, c), Shape(1, c)], output: Shape(n, c),
      plain: { v in
        (0..<n).flatMap { row in
          let x = v[0][row * c..<(row + 1) * c]
          let mean = x.reduce(0) { $0 + $1 * $1 } / Double(c)
          return x.enumerated().map { $1 / (mean + 1e-5).squareRoot() * v[1][$0] }
        }
      },
      forward: { t in
        let y = tensor(n, c)
        RMSNorm(gain: t[1]).forward(t[0], into: y, statistics: nil)
        return y
      },
      backward: { t, dy in
        let (dx, dg) = (tensor(n, c), tensor(1, c, fill: 0))
        let norm = RMSNorm(gain: t[1], gainGradient: dg)
        let statistics = tensor(n, 1)
        norm.forward(t[0], into: tensor(n, c), statistics: statistics)
        dx.copy(from: dy)
        norm.backward(dx, x: t[0], statistics: statistics, dx: dx)
        return [dx, dg]
      }),
  ]
}

private let activations: [OpCase] = [(1, 3), (9, 33), (500, 70)].flatMap { n, f in
  let pointwise: [(String, GELU, @Sendable (Double) -> Double)] = [
    (
      "tanh", .tanh,
      { 0.5 * $0 * (1 + tanh((2 / .pi).squareRoot() * ($0 + 0.044715 * $0 * $0 * $0))) }
    ),
    ("erf", .erf, { 0.5 * $0 * (1 + erf($0 / 2.0.squareRoot())) }),
  ]
  return pointwise.map { name, op, function in
    OpCase(
      name: "GELU \(name) \(n)×\(f)", inputs: [Shape(n, f)], output: Shape(n, f),
      // Times 6, so that both flat ends are visited.
      plain: { $0[0].map { function($0 * 6) } },
      forward: { t in
        let y = tensor(n, f)
        op.forward(times(t[0], 6), into: y)
        return y
      },
      backward: { t, dy in
        let dx = tensor(n, f)
        dx.copy(from: dy)
        op.backward(dx, x: times(t[0], 6), dx: dx)
        return [times(dx, 6)]
      })
  } + [
    OpCase(
      name: "SwiGLU \(n)×\(f)", inputs: [Shape(n, f), Shape(n, f)], output: Shape(n, f),
      plain: { v in zip(v[0], v[1]).map { $0 / (1 + exp(-$0)) * $1 } },
      forward: { t in
        let y = tensor(n, f)
        SwiGLU.forward(gate: t[0], up: t[1], into: y)
        return y
      },
      backward: { t, dy in
        let (a, b) = (tensor(n, f), tensor(n, f))
        SwiGLU.backward(dy, gate: t[0], up: t[1], dGate: a, dUp: b)
        return [a, b]
      })
  ]
}

private func times(_ x: Tensor, _ factor: Float) -> Tensor {
  let y = tensor(x.rows, x.columns)
  y.values = x.values.map { $0 * factor }
  return y
}

private let lookups: [OpCase] = [(1, 1, 3), (50, 7, 19), (900, 40, 33)].map { n, rows, c in
  let indices = (0..<n).map { Int32($0 * $0 % rows) }
  return OpCase(
    name: "Embedding \(n) of \(rows)×\(c)", inputs: [Shape(rows, c)], output: Shape(n, c),
    plain: { v in indices.flatMap { v[0][Int($0) * c..<(Int($0) + 1) * c] } },
    forward: { t in
      let y = tensor(n, c, fill: 0)
      Embedding(table: t[0]).forward(indices, into: y, accumulate: true)
      return y
    },
    backward: { t, dy in
      let gradient = tensor(rows, c, fill: 0)
      Embedding(table: t[0], gradient: gradient).backward(dy, indices: indices)
      return [gradient]
    })
}

private struct AttentionShape: Sendable {
  var lengths: [Int]
  var heads: Int
  var groups: Int
  var size: Int
  var causal = true
  var dropout: Float = 0
  var window: Int?
}

private let attention: [OpCase] = [
  AttentionShape(lengths: [1], heads: 1, groups: 1, size: 4),
  AttentionShape(lengths: [5, 1, 17], heads: 2, groups: 2, size: 8),
  AttentionShape(lengths: [33, 2, 40], heads: 4, groups: 2, size: 16),
  AttentionShape(lengths: [290], heads: 1, groups: 1, size: 5),
  AttentionShape(lengths: [7, 300], heads: 2, groups: 1, size: 3, causal: false),
  AttentionShape(lengths: [64, 32, 31], heads: 3, groups: 1, size: 32),
  AttentionShape(lengths: [5, 40], heads: 2, groups: 1, size: 7, dropout: 0.3),
  AttentionShape(lengths: [9, 40, 3], heads: 2, groups: 1, size: 16, window: 7),
  AttentionShape(lengths: [620], heads: 1, groups: 1, size: 3, dropout: 0.2, window: 100),
  AttentionShape(lengths: [300], heads: 1, groups: 1, size: 8, window: 1),
].map { shape in
  let segments = Segments(lengths: shape.lengths)
  let n = segments.tokenCount
  let (h, g, d) = (shape.heads, shape.groups, shape.size)
  let dropout = Dropout(rate: shape.dropout, seed: 3, step: 2, site: 1)
  let op = Attention(
    heads: h, keyValueHeads: g, headSize: d, isCausal: shape.causal, window: shape.window,
    dropout: dropout)
  // q, k and v lie side by side in one buffer, as a model has them.
  let packed: @Sendable ([Tensor]) -> [Tensor] = { t in
    let buffer = tensor(n, (h + 2 * g) * d)
    let parts = [0..<h * d, h * d..<(h + g) * d, (h + g) * d..<(h + 2 * g) * d]
      .map { buffer.slice(columns: $0) }
    for (part, source) in zip(parts, t) { part.copy(from: source) }
    return parts
  }
  return OpCase(
    name: "Attention \(shape)", inputs: [Shape(n, h * d), Shape(n, g * d), Shape(n, g * d)],
    output: Shape(n, h * d),
    plain: { v in
      var out = [Double](repeating: 0, count: n * h * d)
      for index in 0..<segments.count {
        for head in 0..<h {
          let group = head / (h / g)
          for i in segments[index] {
            let start = segments[index].lowerBound
            let seen =
              shape.causal
              ? max(start, i - (shape.window ?? n) + 1)..<i + 1 : segments[index]
            let weights = seen.map { j in
              exp(
                (0..<d).reduce(0.0) {
                  $0 + v[0][(i * h + head) * d + $1] * v[1][(j * g + group) * d + $1]
                } / Double(d).squareRoot())
            }
            let total = weights.reduce(0, +)
            let mask = tensor(1, seen.upperBound - start, fill: 1)
            if shape.dropout > 0 {
              RandomMask(seed: 3, site: 1, step: 2).apply(
                to: mask.data, row: UInt32(i * h + head), firstColumn: 0,
                threshold: UInt32(Double(shape.dropout) * 0x1p32),
                scale: 1 / (1 - shape.dropout), mask.count)
            }
            for (place, j) in seen.enumerated() {
              let p = weights[place] / total * Double(mask[0, j - start])
              for c in 0..<d {
                out[(i * h + head) * d + c] += p * v[2][(j * g + group) * d + c]
              }
            }
            mask.data.deallocate()
          }
        }
      }
      return out
    },
    forward: { t in
      let o = tensor(n, h * d)
      let parts = packed(t)
      op.forward(
        q: parts[0], k: parts[1], v: parts[2], segments: segments, into: o, logSumExp: nil)
      return o
    },
    backward: { t, dy in
      let (o, lse, parts) = (tensor(n, h * d), tensor(n, h), packed(t))
      op.forward(
        q: parts[0], k: parts[1], v: parts[2], segments: segments, into: o, logSumExp: lse)
      let gradients = packed(t)
      op.backward(
        dy, q: parts[0], k: parts[1], v: parts[2], o: o, logSumExp: lse, segments: segments,
        dQ: gradients[0], dK: gradients[1], dV: gradients[2])
      return gradients
    })
}

private let heads: [OpCase] = [(3, 5, 4), (300, 19, 37), (700, 33, 100)].map { n, c, v in
  let targets = (0..<n).map { $0 % 7 == 2 ? HeadLoss.unsupervised : Int32($0 * 31 % v) }
  let supervised = targets.count { $0 >= 0 }
  return OpCase(
    name: "HeadLoss \(n)×\(c)→\(v)", inputs: [Shape(n, c), Shape(v, c)], output: Shape(1, 1),
    plain: { x in
      var loss = 0.0
      for (row, target) in targets.enumerated() where target >= 0 {
        let z = (0..<v).map { o in
          (0..<c).reduce(0.0) { $0 + x[0][row * c + $1] * x[1][o * c + $1] }
        }
        loss += log(z.map { exp($0) }.reduce(0, +)) - z[Int(target)]
      }
      return [loss / Double(supervised)]
    },
    forward: { t in
      let losses = tensor(1, n)
      let total = HeadLoss.forward(
        hidden: t[0], head: Linear(weight: .f32(t[1])), targets: targets, tokenLosses: losses)
      #expect(total.count == supervised)
      #expect(abs(total.negativeLogLikelihood - losses.values.reduce(0) { $0 + Double($1) }) < 1e-3)
      return tensor(1, 1, fill: Float(total.negativeLogLikelihood / Double(supervised)))
    },
    backward: { t, dy in
      let (dx, dw) = (tensor(n, c), tensor(v, c, fill: 0))
      dx.copy(from: t[0])
      _ = HeadLoss.forwardBackward(
        hidden: dx, head: Linear(weight: .f32(t[1]), weightGradient: dw), targets: targets,
        supervisedCount: supervised, dHidden: dx)
      return [times(dx, dy[0, 0]), times(dw, dy[0, 0])]
    }, gradientTolerance: 5e-5)
}
