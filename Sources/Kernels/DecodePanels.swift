// Weights laid out for decoding: panels of 16 outputs, in single precision or still in few bits. A panel
// is read once for all rows of a step, so what few bits save in memory is saved in time.

/// How a panel of 16 outputs is stored. A *run* is a stretch along the inputs that is stored together.
///
/// | format | run | bytes of a run | layout |
/// |---|---|---|---|
/// | float32 | 1 | 64 | 16 numbers |
/// | float16, bfloat16 | 2 | 64 | 16 words: two inputs each, the first in the low half |
/// | nibbles | 32 | 320 | d, m (16 half-precision numbers each), 4 × 16 words of 8 inputs each |
/// | bytes | 32 | 576 | d (16 numbers), 8 × 16 words of 4 inputs each |
/// | shortBytes | 16 | 320 | d (16 numbers), 4 × 16 words of 4 inputs each |
///
/// Inputs of a word go from its low bits to its high bits; of eight, the first four are the low halves
/// of its bytes, the others the high halves.
public enum PanelFormat: Sendable, Equatable {
  case float32
  case float16
  case bfloat16
  /// d·q + m, q of 4 bits: Q4_0, Q4_1.
  case nibbles
  /// d·(q − 128), q of 8 bits: Q8_0, Q5_0.
  case bytes
  /// d·(q − 32), q of 8 bits: Q6_K.
  case shortBytes

  /// Whether activations in fixed point are multiplied with codes (FixedPointProduct.swift).
  public var isFixedPoint: Bool {
    switch self {
    case .float32, .float16, .bfloat16: false
    case .nibbles, .bytes, .shortBytes: true
    }
  }

  /// Inputs that are stored together.
  public var run: Int {
    switch self {
    case .float32: 1
    case .float16, .bfloat16: 2
    case .nibbles, .bytes: 32
    case .shortBytes: 16
    }
  }

  public var bytesPerRun: Int {
    switch self {
    case .float32, .float16, .bfloat16: 64
    case .nibbles, .shortBytes: 320
    case .bytes: 576
    }
  }

  /// Bytes of a panel of this many inputs, whole runs.
  public func bytes(inputs: Int) -> Int { inputs / run * bytesPerRun }

  /// Panels that lie side by side: a tile of many rows in single precision, what one row takes at a time
  /// in 16 bits. Sums of codes do not wait for each other: there, each panel is a stream of its own.
  public var together: Int {
    switch self {
    case .float32: 3
    case .float16, .bfloat16: 4
    case .nibbles, .bytes, .shortBytes: 1
    }
  }

  /// Where a panel lies in the memory of all: runs of neighbouring panels lie side by side, so that a
  /// product reads one long stream.
  ///
  /// - Returns: bytes to its first run, and from run to run.
  public func place(_ panel: Int, of count: Int, inputs: Int) -> (offset: Int, runStep: Int) {
    let first = panel / together * together
    return (
      first * bytes(inputs: inputs) + (panel - first) * bytesPerRun,
      min(together, count - first) * bytesPerRun
    )
  }

  /// The panels that hold these blocks without another rounding; float32 where there are none.
  public init(_ blocks: BlockFormat, inputs: Int) {
    switch blocks {
    case .float16: self = .float16
    case .bfloat16: self = .bfloat16
    case .q4_0, .q4_1: self = .nibbles
    case .q5_0, .q8_0: self = .bytes
    case .q6_K: self = .shortBytes
    case .q5_1, .nf4: self = .float32
    }
    if inputs % run != 0 { self = .float32 }
  }
}

/// Fills a panel from rows in single precision.
///
/// - Parameters:
///   - format: float32, float16 or bfloat16; the latter two round to nearest, ties to even.
///   - rows: `[count, inputs]`, `step` apart; missing outputs of the panel stay 0.
///   - panel: first run, all bits 0; the next is `runStep` bytes behind.
public func packPanel(
  _ format: PanelFormat, _ rows: UnsafePointer<Float>, step: Int, count: Int, inputs: Int,
  to panel: UnsafeMutableRawPointer, runStep: Int
) {
  if format == .float32 {
    let target = panel.assumingMemoryBound(to: Float.self)
    transpose(rows, fromStep: step, rows: count, columns: inputs, to: target, toStep: runStep / 4)
    return
  }
  let isBrain = format == .bfloat16
  for k in 0..<inputs {
    for lane in 0..<16 {
      let value = lane < count ? rows[lane * step + k] : 0
      panel.storeBytes(
        of: isBrain ? roundedToBFloat16(value) : Float16(value).bitPattern,
        toByteOffset: k / 2 * runStep + lane * 4 + k % 2 * 2, as: UInt16.self)
    }
  }
}

/// Fills a panel from up to 16 rows of blocks.
///
/// - Parameters:
///   - format: `PanelFormat(blocks, inputs:)`.
///   - rows: first byte of each row.
///   - panel: first run, all bits 0; the next is `runStep` bytes behind.
/// - Returns: false if the panel's form cannot hold a number of the blocks exactly.
public func packPanel(
  _ format: PanelFormat, _ blocks: BlockFormat, _ rows: [UnsafeRawPointer], inputs: Int,
  to panel: UnsafeMutableRawPointer, runStep: Int
) -> Bool {
  var fits = true
  let count = inputs / blocks.elementsPerBlock
  for (lane, row) in rows.enumerated() {
    switch blocks {
    case .float16, .bfloat16:
      for k in 0..<inputs {
        let bits = (row + 2 * k).loadUnaligned(as: UInt16.self)
        panel.storeBytes(
          of: bits, toByteOffset: k / 2 * runStep + lane * 4 + k % 2 * 2, as: UInt16.self)
      }
    case .q4_0, .q4_1:
      for block in 0..<count {
        let source = row + block * blocks.bytesPerBlock
        let run = panel + block * runStep
        fits = packNibbles(source, hasMinimum: blocks == .q4_1, run, lane) && fits
      }
    case .q5_0:
      for block in 0..<count { packFives(row + block * 22, panel + block * runStep, lane) }
    case .q8_0:
      for block in 0..<count { packBytes(row + block * 34, panel + block * runStep, lane) }
    case .q6_K:
      for block in 0..<count {
        packSixes(row + block * 210, panel + block * 16 * runStep, runStep, lane)
      }
    case .q5_1, .nf4: fits = false
    }
  }
  return fits
}

@inline(__always)
private func half(_ p: UnsafeRawPointer) -> Float {
  Float(Float16(bitPattern: p.loadUnaligned(as: UInt16.self)))
}

private func packNibbles(
  _ source: UnsafeRawPointer, hasMinimum: Bool, _ run: UnsafeMutableRawPointer, _ lane: Int
) -> Bool {
  let d = source.loadUnaligned(as: UInt16.self)
  run.storeBytes(of: d, toByteOffset: 2 * lane, as: UInt16.self)
  // Eight times a half-precision number is one, unless it is too large.
  let m =
    hasMinimum
    ? Float16(bitPattern: (source + 2).loadUnaligned(as: UInt16.self))
    : -8 * Float16(bitPattern: d)
  run.storeBytes(of: m.bitPattern, toByteOffset: 32 + 2 * lane, as: UInt16.self)
  let codes = source + (hasMinimum ? 4 : 2)
  for k in 0..<32 {
    let byte = (codes + k % 16).load(as: UInt8.self)
    let code = UInt32(k < 16 ? byte & 15 : byte >> 4)
    let shift = UInt32(8 * (k % 4) + k % 8 / 4 * 4)
    add(code &<< shift, run + 64 + (k / 8 * 16 + lane) * 4)
  }
  return m.isFinite
}

private func packFives(
  _ source: UnsafeRawPointer, _ run: UnsafeMutableRawPointer, _ lane: Int
) {
  // Codes in the upper bits of their byte: d/8·(8q − 128).
  run.storeBytes(of: half(source) / 8, toByteOffset: 4 * lane, as: Float.self)
  let fifth = (source + 2).loadUnaligned(as: UInt32.self)
  for k in 0..<32 {
    let byte = (source + 6 + k % 16).load(as: UInt8.self)
    let code = UInt32(k < 16 ? byte & 15 : byte >> 4) | (fifth &>> UInt32(k) & 1) << 4
    add((code << 3) &<< UInt32(8 * (k % 4)), run + 64 + (k / 4 * 16 + lane) * 4)
  }
}

private func packBytes(
  _ source: UnsafeRawPointer, _ run: UnsafeMutableRawPointer, _ lane: Int
) {
  run.storeBytes(of: half(source), toByteOffset: 4 * lane, as: Float.self)
  for k in 0..<32 {
    let code = UInt32((source + 2 + k).load(as: UInt8.self) ^ 0x80)
    add(code &<< UInt32(8 * (k % 4)), run + 64 + (k / 4 * 16 + lane) * 4)
  }
}

/// A block of 256 as 16 runs.
private func packSixes(
  _ source: UnsafeRawPointer, _ runs: UnsafeMutableRawPointer, _ runStep: Int, _ lane: Int
) {
  let d = half(source + 208)
  for run in 0..<16 {
    let scale = Float((source + 192 + run).load(as: Int8.self))
    runs.storeBytes(of: d * scale, toByteOffset: run * runStep + 4 * lane, as: Float.self)
  }
  for k in 0..<256 {
    // Halves of 128; in each, runs of 32 take their low and high bits from shared bytes.
    let (side, part, place) = (k / 128, k % 128 / 32, k % 32)
    let low = (source + side * 64 + part % 2 * 32 + place).load(as: UInt8.self)
    let high = (source + 128 + side * 32 + place).load(as: UInt8.self)
    let code = UInt32(part < 2 ? low & 15 : low >> 4) | UInt32(high >> UInt8(2 * part) & 3) << 4
    add(
      code &<< UInt32(8 * (k % 4)), runs + k / 16 * runStep + 64 + (k % 16 / 4 * 16 + lane) * 4)
  }
}

@inline(__always)
private func add(_ bits: UInt32, _ word: UnsafeMutableRawPointer) {
  word.storeBytes(of: word.load(as: UInt32.self) | bits, as: UInt32.self)
}
