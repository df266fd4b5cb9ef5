// Attention, and what is bound by memory: norms, activations, rotary positions, the optimizer's step.

import Networks
import Tensors

extension OperationBenches {
  static func attention() -> [Bench] {
    [
      ("12 heads", Attention(heads: 12, headSize: 64), 128),
      ("12 heads", Attention(heads: 12, headSize: 64), 512),
      ("12 heads", Attention(heads: 12, headSize: 64), 1024),
      ("9 heads on 3", Attention(heads: 9, keyValueHeads: 3, headSize: 64), 512),
      (
        "9 heads on 3, window 128",
        Attention(heads: 9, keyValueHeads: 3, headSize: 64, window: 128), 1024
      ),
      ("12 heads of 32, all visible", Attention(heads: 12, headSize: 32, isCausal: false), 128),
    ].flatMap { attention($0.0, $0.1, length: $0.2) }
  }

  /// Operations: two products over the pairs that see each other, backward five.
  private static func attention(_ name: String, _ layer: Attention, length: Int) -> [Bench] {
    let memory = Buffers()
    let n = tokens
    let width = layer.heads * layer.headSize
    let narrow = layer.keyValueHeads * layer.headSize
    let joined = memory.filled(n, width + 2 * narrow)
    let dJoined = memory.filled(n, width + 2 * narrow)
    func parts(_ tensor: Tensor) -> (q: Tensor, k: Tensor, v: Tensor) {
      (
        tensor.slice(columns: 0..<width), tensor.slice(columns: width..<width + narrow),
        tensor.slice(columns: width + narrow..<width + 2 * narrow)
      )
    }
    let (q, k, v) = parts(joined)
    let (dQ, dK, dV) = parts(dJoined)
    let output = memory.filled(n, width)
    let dOutput = memory.filled(n, width)
    let logSumExp = memory.filled(n, layer.heads)
    let segments = Segments(lengths: [Int](repeating: length, count: n / length))
    let seen = (0..<length).reduce(0) {
      $0 + (layer.isCausal ? min($1 + 1, layer.window ?? length) : length)
    }
    let product = 2 * Double(n / length * seen * width)
    return [
      memory.bench("attention, \(name), T \(length)", operations: 2 * product, tokens: n) {
        layer.forward(q: q, k: k, v: v, segments: segments, into: output, logSumExp: logSumExp)
      },
      memory.bench("attention backward, \(name), T \(length)", operations: 5 * product, tokens: n) {
        layer.backward(
          dOutput, q: q, k: k, v: v, o: output, logSumExp: logSumExp, segments: segments, dQ: dQ,
          dK: dK, dV: dV)
      },
    ]
  }

  /// Bytes are those that have to move once.
  static func layers() -> [Bench] {
    let memory = Buffers()
    let (n, c, f) = (tokens, 768, 3072)
    let (x, dx) = (memory.filled(n, c), memory.filled(n, c))
    let (wide, dWide, gate) = (memory.filled(n, f), memory.filled(n, f), memory.filled(n, f))
    let (dGate, dUp) = (memory.filled(n, f), memory.filled(n, f))
    let norm = LayerNorm(
      gain: memory.filled(1, c), bias: memory.filled(1, c), gainGradient: memory.filled(1, c),
      biasGradient: memory.filled(1, c))
    let rootNorm = RMSNorm(gain: memory.filled(1, c), gainGradient: memory.filled(1, c))
    let statistics = memory.filled(n, 2)
    let roots = memory.filled(n, 1)
    let y = memory.filled(n, c)
    norm.forward(x, into: y, statistics: statistics)
    rootNorm.forward(x, into: y, statistics: roots)
    let rotary = Rotary(
      inverseFrequencies: (0..<32).map { 1 / Float($0 + 1) }, positions: tokens)
    let positions = (0..<n).map { Int32($0) }
    let count = 1 << 24
    func many() -> Tensor { memory.filled(1, count) }
    let parameter = TrainedParameter(
      value: many(), gradient: many(), firstMoment: many(), secondMoment: many(), decays: true)
    parameter.secondMoment.fill(1e-4)
    let optimizer = AdamW()
    return [
      memory.bench("layer norm, C \(c)", floats: 2 * n * c, tokens: n) {
        norm.forward(x, into: y, statistics: statistics)
      },
      memory.bench("layer norm backward, C \(c)", floats: 3 * n * c, tokens: n) {
        norm.backward(y, x: x, statistics: statistics, dx: dx)
      },
      memory.bench("RMS norm, C \(c)", floats: 2 * n * c, tokens: n) {
        rootNorm.forward(x, into: y, statistics: roots)
      },
      memory.bench("RMS norm backward, C \(c)", floats: 3 * n * c, tokens: n) {
        rootNorm.backward(y, x: x, statistics: roots, dx: dx)
      },
      memory.bench("GELU, F \(f)", floats: 2 * n * f, tokens: n) {
        GELU.tanh.forward(wide, into: dWide)
      },
      memory.bench("GELU backward, F \(f)", floats: 3 * n * f, tokens: n) {
        GELU.tanh.backward(gate, x: wide, dx: dWide)
      },
      memory.bench("SwiGLU, F \(f)", floats: 3 * n * f, tokens: n) {
        SwiGLU.forward(gate: gate, up: wide, into: dWide)
      },
      memory.bench("SwiGLU backward, F \(f)", floats: 5 * n * f, tokens: n) {
        SwiGLU.backward(dWide, gate: gate, up: wide, dGate: dGate, dUp: dUp)
      },
      memory.bench("rotary positions, C \(c)", floats: 2 * n * c, tokens: n) {
        rotary.forward(x, positions: positions)
      },
      memory.bench("AdamW, 16.8 million weights", floats: 7 * count) {
        _ = optimizer.step([parameter], step: 1, learningRate: 1e-9, clipNorm: nil)
      },
      memory.bench("gradient norm, 16.8 million weights", floats: count) {
        _ = gradientNorm([parameter.gradient])
      },
    ]
  }
}
