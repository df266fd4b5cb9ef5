// y = x·Wᵀ + b for decoding and prompts: our own kernels over weights packed once, in the form in which
// they are stored. Every output is one chain of fused multiply-adds along `in`, from the bias to the
// last, number by number or, where weights are codes of few bits, block by block. So the bits of a row
// depend neither on the other rows nor on the threads.

import Kernels
import Tensors

/// A frozen copy of one or several `Linear` with the same input, laid out in panels of 16 outputs; the
/// outputs of several follow each other.
///
/// Weights in blocks stay in few bits and are multiplied as integers with activations in 23-bit fixed
/// point, so a step of one sequence takes as long as its bytes take to read. Low-rank parts are added
/// without dropout.
///
/// **Cost**: memory of the stored weights once more.
public final class PackedLinear: @unchecked Sendable {
  // Unchecked: written only in `init`; after that many threads read.

  /// What single-precision weights become.
  public enum FloatStorage: String, Sendable, CaseIterable {
    case float32
    /// Rounded to nearest: 11 bits of mantissa, half the memory.
    case float16
    /// Rounded to nearest: 8 bits of mantissa, half the memory.
    case bfloat16

    fileprivate var format: PanelFormat {
      switch self {
      case .float32: .float32
      case .float16: .float16
      case .bfloat16: .bfloat16
      }
    }
  }

  public let inputs: Int
  public let outputs: Int
  private let parts: [Part]
  /// Numbers of the low-rank products of a row.
  private let rank: Int

  public convenience init(
    _ linear: Linear, floats: FloatStorage = .float32, in memory: PanelMemory = PanelMemory()
  ) {
    self.init([linear], floats: floats, in: memory)
  }

  /// - Parameters:
  ///   - linears: with the same number of inputs.
  ///   - floats: how weights in single precision are kept; a row of odd length stays as it is.
  ///   - memory: for the panels; one for all layers of a model makes it fast to read.
  public init(
    _ linears: [Linear], floats: FloatStorage = .float32, in memory: PanelMemory = PanelMemory()
  ) {
    precondition(!linears.isEmpty, "no linear layer has no outputs")
    inputs = linears[0].inputs
    var (outputs, rank) = (0, 0)
    parts = linears.map { linear in
      precondition(
        linear.inputs == linears[0].inputs,
        "layers of \(linear.inputs) and \(linears[0].inputs) inputs cannot be one")
      let part = Part(linear, firstOutput: outputs, firstRank: rank, floats, memory)
      outputs += linear.outputs
      rank += part.low.map { ($0.down.outputs + 15) & ~15 } ?? 0
      return part
    }
    (self.outputs, self.rank) = (outputs, rank)
  }

  /// Bytes of the panels.
  public var bytes: Int { parts.reduce(0) { $0 + $1.bytes } }

  /// Bytes that a weight would take.
  public static func bytes(_ weight: WeightStore, floats: FloatStorage = .float32) -> Int {
    (weight.outputs + 15) / 16 * Matrix.format(weight, floats).bytes(inputs: weight.inputs)
  }

  /// Rows that share the cached panels in one go.
  private static let rowBlock = 512

  /// - Parameters:
  ///   - x: `[M, in]`
  ///   - y: `[M, out]`, overwritten.
  public func forward(_ x: Tensor, into y: Tensor) {
    x.require(y.rows, inputs, "x", in: "PackedLinear.forward")
    y.require(x.rows, outputs, "y", in: "PackedLinear.forward")
    guard x.rows > 0 else { return }
    if rank == 0 {
      product(x, low: nil, into: y)
    } else {
      Scratch.with(x.rows * rank) { memory in
        let low = Tensor(memory, rows: x.rows, columns: rank)
        parallelFor(parts.count) { parts[$0].lower(x, into: low) }
        product(x, low: low, into: y)
      }
    }
  }

  private func product(_ x: Tensor, low: Tensor?, into y: Tensor) {
    let panels = parts.reduce(0) { $0 + $1.weight.panelCount }
    // About 16 tiles, so that threads end together, each of whole groups of panels.
    let sizes = parts.map { part in
      let format = part.weight.format
      let group =
        format.isFixedPoint
        ? (x.rows == 1 ? 1 : 4) : x.rows >= PackedRows.least ? 3 : format == .float32 ? 6 : 4
      return max(group, min(64 / group * group, (panels / 16 + group - 1) / group * group))
    }
    let tiles = zip(parts, sizes).map { ($0.weight.panelCount + $1 - 1) / $1 }
    let perBlock = tiles.reduce(0, +)
    let blocks = (x.rows + Self.rowBlock - 1) / Self.rowBlock
    withPackedRows(x) { packed, fixed in
      parallelFor(perBlock * blocks) { tile in
        var index = tile % perBlock
        var part = 0
        while index >= tiles[part] {
          index -= tiles[part]
          part += 1
        }
        let first = tile / perBlock * Self.rowBlock
        let rows = first..<min(x.rows, first + Self.rowBlock)
        let end = min(parts[part].weight.panelCount, (index + 1) * sizes[part])
        parts[part].forward(
          Rows(x: x, packed: packed, fixed: fixed, range: rows), low: low?.slice(rows: rows),
          panels: index * sizes[part]..<end, into: y.slice(rows: rows))
      }
    }
  }

  /// Rows are packed once for all panels: many for those of numbers, all for those of codes.
  private func withPackedRows(
    _ x: Tensor,
    _ body: (_ packed: UnsafeMutablePointer<Float>?, _ fixed: UnsafeMutablePointer<Float>?) -> Void
  ) {
    let isPacked =
      x.rows >= PackedRows.least && parts.contains { !$0.weight.format.isFixedPoint }
    let isFixed = parts.contains { $0.weight.format.isFixedPoint }
    let groups = (x.rows + 15) / 16
    let packedCount = isPacked ? PackedRows.count(rows: x.rows, inputs: inputs) : 0
    let fixedCount = isFixed ? FixedPointRows.count(rows: x.rows, inputs: inputs) : 0
    guard packedCount + fixedCount > 0 else { return body(nil, nil) }
    Scratch.with(packedCount + fixedCount) { memory in
      let (packed, fixed) = (memory, memory + packedCount)
      parallelFor(groups) { group in
        let rows = group * 16..<min(x.rows, group * 16 + 16)
        if isPacked {
          PackedRows.pack(
            x.row(rows.lowerBound), step: x.stride, count: rows.count, inputs: inputs,
            group: group, of: groups, to: packed)
        }
        if isFixed {
          FixedPointRows.pack(
            x.row(rows.lowerBound), step: x.stride, rows: rows, of: x.rows, inputs: inputs,
            to: fixed)
        }
      }
      body(isPacked ? packed : nil, isFixed ? fixed : nil)
    }
  }
}

/// The rows of a tile.
private struct Rows {
  let x: Tensor
  /// All rows of x for the kernel of many rows.
  var packed: UnsafeMutablePointer<Float>?
  /// All rows of x in fixed point, where a weight is of codes.
  var fixed: UnsafeMutablePointer<Float>?
  let range: Range<Int>
}

/// One of the layers.
private struct Part {
  let weight: Matrix
  let bias: Tensor?
  let low: (down: Matrix, up: Matrix, scale: Float, place: Int)?
  private let arena: Arena?
  private let firstOutput: Int

  init(
    _ linear: Linear, firstOutput: Int, firstRank: Int, _ floats: PackedLinear.FloatStorage,
    _ memory: PanelMemory
  ) {
    self.firstOutput = firstOutput
    weight = Matrix(linear.weight, floats, memory)
    low = linear.lowRank.map { part in
      (
        down: Matrix(.f32(part.a), .float32, memory),
        up: Matrix(.f32(part.b), .float32, memory),
        scale: part.scale, place: firstRank
      )
    }
    guard let source = linear.bias else {
      (arena, bias) = (nil, nil)
      return
    }
    var plan = ArenaPlan()
    let region = plan.add("bias", count: linear.outputs)
    let arena = Arena(plan)
    arena[region].copy(from: source)
    (self.arena, bias) = (arena, arena[region])
  }

  var bytes: Int { weight.bytes + (low.map { $0.down.bytes + $0.up.bytes } ?? 0) }

  /// t = s·x·Aᵀ, in whole panels.
  func lower(_ x: Tensor, into t: Tensor) {
    guard let low else { return }
    let place = t.data + low.place
    let width = low.down.panelCount * 16
    for row in 0..<x.rows { (place + row * t.stride).update(repeating: 0, count: width) }
    low.down.add(
      Rows(x: x, range: 0..<x.rows), panels: 0..<low.down.panelCount, to: place, step: t.stride)
    for row in 0..<x.rows { scale(place + row * t.stride, by: low.scale, width) }
  }

  /// Some panels of the product, its bias and its low-rank part.
  func forward(_ rows: Rows, low t: Tensor?, panels: Range<Int>, into y: Tensor) {
    let whole = panels.lowerBound..<min(panels.upperBound, weight.outputs / 16)
    if !whole.isEmpty {
      let first = whole.lowerBound * 16
      chains(
        rows, t, whole, into: y.data + firstOutput + first, step: y.stride,
        width: whole.count * 16)
    }
    guard panels.upperBound * 16 > weight.outputs else { return }
    // The last panel is wider than y.
    let first = weight.outputs & ~15
    let width = weight.outputs - first
    Scratch.with(y.rows * 16) { part in
      chains(rows, t, panels.upperBound - 1..<panels.upperBound, into: part, step: 16, width: width)
      copyRows(
        part, fromStep: 16, rows: y.rows, columns: width, to: y.data + firstOutput + first,
        toStep: y.stride, clearing: false)
    }
  }

  private func chains(
    _ rows: Rows, _ t: Tensor?, _ panels: Range<Int>, into target: UnsafeMutablePointer<Float>,
    step: Int, width: Int
  ) {
    // Sums of many rows of codes begin at 0 by themselves: what they fill is written once.
    let isFresh = bias == nil && rows.range.count > 1 && weight.format.isFixedPoint
    for row in 0..<rows.range.count where !isFresh {
      if let bias {
        (target + row * step).update(from: bias.data + panels.lowerBound * 16, count: width)
      } else {
        (target + row * step).update(repeating: 0, count: width)
      }
    }
    weight.add(rows, panels: panels, to: target, step: step, held: !isFresh)
    guard let low, let t else { return }
    let columns = low.place..<low.place + low.up.inputs
    low.up.add(
      Rows(x: t.slice(columns: columns), range: 0..<t.rows), panels: panels, to: target, step: step)
  }
}

/// A weight in panels.
private struct Matrix {
  let inputs: Int
  let outputs: Int
  let panelCount: Int
  let format: PanelFormat
  private let arena: Arena
  private let panels: UnsafeMutableRawPointer

  static func format(_ weight: WeightStore, _ floats: PackedLinear.FloatStorage) -> PanelFormat {
    switch weight {
    case .f32(let tensor): tensor.columns % floats.format.run == 0 ? floats.format : .float32
    case .blocks(let matrix): PanelFormat(matrix.format, inputs: matrix.columns)
    }
  }

  init(_ weight: WeightStore, _ floats: PackedLinear.FloatStorage, _ memory: PanelMemory) {
    let format = Self.format(weight, floats)
    if format != .float32, let packed = Matrix(weight, as: format, memory) {
      self = packed
    } else {
      // Few forms of blocks, and numbers that the panels' form cannot hold, are expanded.
      self = Matrix(weight, as: .float32, memory)!
    }
  }

  private init?(_ weight: WeightStore, as format: PanelFormat, _ memory: PanelMemory) {
    (inputs, outputs, self.format) = (weight.inputs, weight.outputs, format)
    panelCount = (outputs + 15) / 16
    let size = format.bytes(inputs: inputs)
    let piece = memory.take(panelCount * size / 4)
    arena = piece.owner
    panels = UnsafeMutableRawPointer(piece.start)
    let (panels, panelCount, inputs, outputs) = (panels, panelCount, inputs, outputs)
    // Each panel notes in a place of its own whether it could be packed.
    let failures = ArenaFlags(panelCount)
    parallelFor(panelCount) { panel in
      let first = panel * 16
      let count = min(16, outputs - first)
      let place = format.place(panel, of: panelCount, inputs: inputs)
      let target = panels + place.offset
      switch weight {
      case .f32(let matrix):
        packPanel(
          format, matrix.row(first), step: matrix.stride, count: count, inputs: inputs, to: target,
          runStep: place.runStep)
      case .blocks(let matrix) where format == .float32:
        Scratch.with(16 * inputs) { memory in
          matrix.dequantise(
            rows: first..<first + count, into: Tensor(memory, rows: count, columns: inputs))
          packPanel(
            .float32, memory, step: inputs, count: count, inputs: inputs, to: target,
            runStep: place.runStep)
        }
      case .blocks(let matrix):
        let rows = (first..<first + count).map { matrix.row($0) }
        if !packPanel(
          format, matrix.format, rows, inputs: inputs, to: target,
          runStep: place.runStep)
        {
          failures.raise(panel)
        }
      }
    }
    if failures.isAnyRaised { return nil }
  }

  var bytes: Int { panelCount * format.bytes(inputs: inputs) }

  /// Goes on with the chains that `target` holds.
  ///
  /// - Parameter held: if not, `target` holds nothing and chains begin at 0; only many rows of codes.
  func add(
    _ rows: Rows, panels range: Range<Int>, to target: UnsafeMutablePointer<Float>, step: Int,
    held: Bool = true
  ) {
    if format.isFixedPoint, let fixed = rows.fixed {
      func add(_ scratch: UnsafeMutablePointer<Float>) {
        fixedPointProduct(
          fixed, of: rows.x.rows, rows: rows.range, format, panels: panels, range: range,
          of: panelCount, into: target, cStep: step, k: inputs, held: held, scratch: scratch)
      }
      if rows.range.count == 1 { add(target) } else { Scratch.with(fixedPointScratch, add) }
      return
    }
    if let packed = rows.packed {
      Scratch.with(PackedRows.depth * 48) { scratch in
        decodeProduct(
          packed: packed, groups: (rows.x.rows + 15) / 16, rows: rows.range, format,
          panels: panels, range: range, of: panelCount, into: target, cStep: step, k: inputs,
          scratch: scratch)
      }
      return
    }
    let a = Multiplier(
      rows.x.row(rows.range.lowerBound), rowStep: rows.x.stride, columnStep: 1)
    func add(_ scratch: UnsafeMutablePointer<Float>) {
      decodeProduct(
        a, format, panels: panels, range: range, of: panelCount, into: target, cStep: step,
        m: rows.range.count, k: inputs, scratch: scratch)
    }
    // One row of whole groups of panels needs no place to expand into.
    if rows.range.count == 1, range.lowerBound % format.together == 0,
      range.count % format.together == 0
    {
      add(target)
    } else {
      Scratch.with(PackedRows.depth * 48, add)
    }
  }
}

/// Marks that tiles set side by side.
private final class ArenaFlags: @unchecked Sendable {
  // Unchecked: tiles write different bytes, which are read after all of them.
  private let marks: UnsafeMutableBufferPointer<Bool>

  init(_ count: Int) {
    marks = .allocate(capacity: count)
    marks.initialize(repeating: false)
  }

  deinit { marks.deallocate() }

  func raise(_ index: Int) { marks[index] = true }
  var isAnyRaised: Bool { marks.contains(true) }
}
