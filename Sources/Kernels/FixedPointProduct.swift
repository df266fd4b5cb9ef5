// Products with panels of few bits. Activations are cut into 23-bit fixed point, 32 with one scale; their
// products with a block's codes are exact integers, and each block is added to its outputs by one fused
// multiply-add (in 4 bits a second one, for the minimum). So bits depend neither on the rows beside a row
// nor on the processor. Rounding: 2⁻²³ of a block's greatest activation, about what single precision
// loses in the same sum.

import CKernels

/// Rows of activations in fixed point.
public enum FixedPointRows {
  /// Inputs with one scale.
  public static let run = 32

  /// Numbers of 4 bytes that the rows take.
  public static func count(rows: Int, inputs: Int) -> Int { rows * inputs }

  /// Converts some rows. A NaN or an infinity makes its row's products NaN.
  ///
  /// - Parameters:
  ///   - x: `[rows.count, inputs]`, rows `step` apart; whole runs.
  ///   - rows: of `all`.
  ///   - target: `count(rows: all, inputs:)` numbers.
  ///   - isPortable: without special instructions; the bits are the same.
  public static func pack(
    _ x: UnsafePointer<Float>, step: Int, rows: Range<Int>, of all: Int, inputs: Int,
    to target: UnsafeMutableRawPointer, isPortable: Bool = false
  ) {
    let blocks = target.assumingMemoryBound(to: plumb_fixed_block.self)
    let fix = isPortable ? plumb_fix_rows_portable : plumb_fix_rows
    fix(x, step, rows.count, inputs / run, blocks + rows.lowerBound, all)
  }
}

/// Rows that are multiplied at a time: their activations stay in the second-level cache for all panels.
private let rowBlock = 64
/// Panels that many rows are multiplied with at a time: their sums stay in the first-level cache.
private let panelBlock = 4

/// C (+)= A·Wᵀ; what C holds is where the sums begin, if they are `held`.
///
/// - Parameters:
///   - a: rows as `FixedPointRows.pack` leaves them, `allRows` of `k` inputs.
///   - rows: of A and C.
///   - format: of codes.
///   - panels: `all` panels, each where `format.place` says.
///   - range: of the panels, those that are wanted.
///   - c: `[rows.count, range.count·16]`
///   - held: if not, sums begin at 0.
///   - scratch: `fixedPointScratch` numbers; unused for one row.
///   - isPortable: without special instructions; the bits are the same.
public func fixedPointProduct(
  _ a: UnsafeRawPointer, of allRows: Int, rows: Range<Int>, _ format: PanelFormat,
  panels: UnsafeRawPointer, range: Range<Int>, of all: Int, into c: UnsafeMutablePointer<Float>,
  cStep: Int, k: Int, held: Bool = true, scratch: UnsafeMutablePointer<Float>,
  isPortable: Bool = false
) {
  let multiply = isPortable ? plumb_fixed_product_portable : plumb_fixed_product
  let blocks = a.assumingMemoryBound(to: plumb_fixed_block.self)
  let codes =
    switch format {
    case .nibbles: PLUMB_NIBBLES
    case .bytes: PLUMB_BYTES
    case .shortBytes: PLUMB_SHORT_BYTES
    case .float32, .float16, .bfloat16: preconditionFailure("\(format) holds no codes")
    }
  for row in stride(from: 0, to: rows.count, by: rowBlock) {
    let count = min(rowBlock, rows.count - row)
    var panel = range.lowerBound
    while panel < range.upperBound {
      let width = count == 1 ? 1 : min(panelBlock, range.upperBound - panel)
      let place = format.place(panel, of: all, inputs: k)
      func add(_ sums: UnsafeMutablePointer<Float>) {
        multiply(
          codes, panels + place.offset, format.bytes(inputs: k), place.runStep, width,
          k / FixedPointRows.run, blocks + rows.lowerBound + row, allRows, count, sums, count * 16)
      }
      let target = c + row * cStep + (panel - range.lowerBound) * 16
      if count == 1 {
        if !held { target.update(repeating: 0, count: 16) }
        add(target)
      } else {
        // Rows of C may lie a power of two apart, which no cache holds.
        if !held { scratch.update(repeating: 0, count: width * count * 16) }
        for index in 0..<width where held {
          copyRows(
            target + index * 16, fromStep: cStep, rows: count, columns: 16,
            to: scratch + index * count * 16, toStep: 16, clearing: false)
        }
        add(scratch)
        for index in 0..<width {
          copyRows(
            scratch + index * count * 16, fromStep: 16, rows: count, columns: 16,
            to: target + index * 16, toStep: cStep, clearing: false)
        }
      }
      panel += width
    }
  }
}

/// Numbers of `fixedPointProduct`'s scratch.
public let fixedPointScratch = rowBlock * panelBlock * 16
