// y = x·Wᵀ + b for a few rows (decoding): our own kernel over weights packed once. Every output is
// one chain of fused multiply-adds along `in`, from the bias to the last, so the bits of a row
// depend neither on the other rows nor on the threads.

import Kernels
import Tensors

/// A frozen copy of a `Linear`, laid out for products with few rows: panels of 16 outputs, each
/// `[in, 16]`.
///
/// **Cost**: memory of the weight once more; M = 1 runs at memory speed.
public final class PackedLinear: @unchecked Sendable {
  // Unchecked: written only in `init`; after that many threads read.

  public let inputs: Int
  public let outputs: Int
  private let panelCount: Int
  private let arena: Arena
  private let panels: UnsafeMutablePointer<Float>
  private let bias: Tensor?

  public init(_ linear: Linear) {
    inputs = linear.inputs
    outputs = linear.outputs
    panelCount = (outputs + 15) / 16
    var plan = ArenaPlan()
    let panelRegion = plan.add("panels", rows: panelCount, columns: inputs * 16)
    let biasRegion = plan.add("bias", count: linear.bias == nil ? 0 : outputs)
    let arena = Arena(plan)
    self.arena = arena
    panels = arena[panelRegion].data
    bias = linear.bias == nil ? nil : arena[biasRegion]
    if let source = linear.bias { arena[biasRegion].copy(from: source) }
    let (panels, inputs, outputs) = (panels, inputs, outputs)
    let store = linear.weight
    parallelFor(panelCount) { panel in
      let first = panel * 16
      let count = min(16, outputs - first)
      let target = panels + panel * inputs * 16
      switch store {
      case .f32(let weight):
        transpose(
          weight.row(first), fromStep: weight.stride, rows: count, columns: inputs, to: target,
          toStep: 16)
      case .blocks(let matrix):
        Scratch.with(16 * inputs) { memory in
          let rows = Tensor(memory, rows: count, columns: inputs)
          matrix.dequantise(rows: first..<first + count, into: rows)
          transpose(
            memory, fromStep: inputs, rows: count, columns: inputs, to: target, toStep: 16)
        }
      }
    }
  }

  /// - Parameters:
  ///   - x: `[M, in]`
  ///   - y: `[M, out]`, overwritten.
  public func forward(_ x: Tensor, into y: Tensor) {
    x.require(y.rows, inputs, "x", in: "PackedLinear.forward")
    y.require(x.rows, outputs, "y", in: "PackedLinear.forward")
    let m = x.rows
    guard m > 0 else { return }
    // Tiles of whole panels; the last panel may be wider than y and goes through scratch.
    let whole = outputs / 16
    let perTile = max(4, min(64, (1 << 18) / max(1, inputs * 16)) & ~3)
    let a = Multiplier(x.data, rowStep: x.stride, columnStep: 1)
    let size = inputs * 16
    parallelFor(whole, by: perTile) { range in
      let first = range.lowerBound * 16
      fill(y.data + first, step: y.stride, rows: m, first: first, width: range.count * 16)
      panelProduct(
        a, panels: panels + range.lowerBound * size, panelStep: size, panelCount: range.count,
        into: y.data + first, cStep: y.stride, m: m, k: inputs, accumulate: true)
    }
    if whole < panelCount {
      let first = whole * 16
      let width = outputs - first
      Scratch.with(m * 16) { scratch in
        fill(scratch, step: 16, rows: m, first: first, width: width)
        panelProduct(
          a, panels: panels + whole * size, panelStep: size, panelCount: 1, into: scratch,
          cStep: 16, m: m, k: inputs, accumulate: true)
        copyRows(
          scratch, fromStep: 16, rows: m, columns: width, to: y.data + first, toStep: y.stride,
          clearing: false)
      }
    }
  }

  /// Every chain begins with the bias.
  private func fill(
    _ target: UnsafeMutablePointer<Float>, step: Int, rows: Int, first: Int, width: Int
  ) {
    for row in 0..<rows {
      if let bias {
        (target + row * step).update(from: bias.data + first, count: width)
      } else {
        (target + row * step).update(repeating: 0, count: width)
      }
    }
  }
}
