// How a row of weights is stored in blocks of few bits. The loops are in QuantisedBlocksDequantise.swift,
// QuantisedBlocksQuantise.swift and QuantisedBlocksNF4.swift.

/// A storage form of frozen weights, under the name GGUF gives it (NF4: bitsandbytes').
///
/// d and m are IEEE half-precision numbers; all is little-endian. In blocks of 32, element j is the
/// low half of byte j and element j + 16 the high half.
///
/// | format | bytes / elements | layout | value |
/// |---|---|---|---|
/// | Q4_0 | 18 / 32 | d, 16 bytes | d·(q − 8) |
/// | Q4_1 | 20 / 32 | d, m, 16 bytes | d·q + m |
/// | Q5_0 | 22 / 32 | d, 32 fifth bits, 16 bytes | d·(q − 16) |
/// | Q5_1 | 24 / 32 | d, m, 32 fifth bits, 16 bytes | d·q + m |
/// | Q8_0 | 34 / 32 | d, 32 signed bytes | d·q |
/// | Q6_K | 210 / 256 | 128 low halves, 64 upper pairs, 16 signed scales, d | d·scale·(q − 32) |
/// | NF4 | 36 / 64 | greatest magnitude (single precision), 32 bytes | code book[q]·magnitude |
///
/// **Source**: ggml's `ggml-common.h` for all but NF4. NF4's codes are those of Dettmers et al. 2023
/// ("QLoRA"), the first element of a pair in the high half; that the scale lies in front of its codes
/// is our own layout.
// swift-format-ignore: AlwaysUseLowerCamelCase
public enum BlockFormat: String, Sendable, CaseIterable {
  case float16 = "F16"
  case bfloat16 = "BF16"
  case q4_0 = "Q4_0"
  case q4_1 = "Q4_1"
  case q5_0 = "Q5_0"
  case q5_1 = "Q5_1"
  case q8_0 = "Q8_0"
  case q6_K = "Q6_K"
  case nf4 = "NF4"

  /// A row must be a multiple of it.
  public var elementsPerBlock: Int {
    switch self {
    case .float16, .bfloat16: 1
    case .q4_0, .q4_1, .q5_0, .q5_1, .q8_0: 32
    case .q6_K: 256
    case .nf4: 64
    }
  }

  public var bytesPerBlock: Int {
    switch self {
    case .float16, .bfloat16: 2
    case .q4_0: 18
    case .q4_1: 20
    case .q5_0: 22
    case .q5_1: 24
    case .q8_0: 34
    case .q6_K: 210
    case .nf4: 36
    }
  }

  /// Whether rows of this length consist of whole blocks.
  public func fits(columns: Int) -> Bool { columns % elementsPerBlock == 0 }

  /// Bytes of one row.
  public func bytes(columns: Int) -> Int { columns / elementsPerBlock * bytesPerBlock }
}

/// Expands whole blocks, of one row or of many that follow each other. Any bytes have a value; it may
/// be NaN or infinite, which is for the caller to check.
///
/// - Parameters:
///   - source: `format.bytes(columns: count)` bytes, aligned or not.
///   - target: `[count]`, overwritten.
///   - count: a multiple of `format.elementsPerBlock`.
public func dequantise(
  _ format: BlockFormat, _ source: UnsafeRawPointer, into target: UnsafeMutablePointer<Float>,
  count: Int
) {
  let blocks = count / format.elementsPerBlock
  switch format {
  case .float16: expandFloat16(source, into: target, count)
  case .bfloat16: expandBFloat16(source, into: target, count)
  case .q4_0: expandQ4(source, into: target, blocks: blocks, hasMinimum: false)
  case .q4_1: expandQ4(source, into: target, blocks: blocks, hasMinimum: true)
  case .q5_0: expandQ5(source, into: target, blocks: blocks, hasMinimum: false)
  case .q5_1: expandQ5(source, into: target, blocks: blocks, hasMinimum: true)
  case .q8_0: expandQ8(source, into: target, blocks: blocks)
  case .q6_K: expandQ6K(source, into: target, blocks: blocks)
  case .nf4: expandNF4(source, into: target, blocks: blocks)
  }
}

/// Stores numbers in whole blocks with the reference quantiser of each format.
///
/// - Parameters:
///   - values: `[count]`, finite.
///   - target: `format.bytes(columns: count)` bytes, overwritten.
///   - count: a multiple of `format.elementsPerBlock`.
public func quantise(
  _ format: BlockFormat, _ values: UnsafePointer<Float>, into target: UnsafeMutableRawPointer,
  count: Int
) {
  let blocks = count / format.elementsPerBlock
  for block in 0..<blocks {
    let x = values + block * format.elementsPerBlock
    let y = target + block * format.bytesPerBlock
    switch format {
    case .float16: y.storeBytes(of: Float16(x[0]).bitPattern, as: UInt16.self)
    case .bfloat16: y.storeBytes(of: roundedToBFloat16(x[0]), as: UInt16.self)
    case .q4_0: quantiseSymmetric(x, into: y, bits: 4)
    case .q4_1: quantiseWithMinimum(x, into: y, bits: 4)
    case .q5_0: quantiseSymmetric(x, into: y, bits: 5)
    case .q5_1: quantiseWithMinimum(x, into: y, bits: 5)
    case .q8_0: quantiseQ8(x, into: y)
    case .q6_K: quantiseQ6K(x, into: y)
    case .nf4: quantiseNF4(x, into: y)
    }
  }
}
