// A frozen weight matrix in blocks of few bits, in the file it was mapped from or in memory of its own.

import Kernels
import Tensors

/// A weight matrix `[out, in]` stored in blocks along its rows. Nothing writes to it.
public final class QuantisedMatrix: @unchecked Sendable {
  // Unchecked: pointers are not Sendable; the bytes never change while `owner` lives.

  public let format: BlockFormat
  public let rows: Int
  public let columns: Int
  /// Bytes of one row.
  public let rowBytes: Int
  private let start: UnsafeRawPointer
  private let order: [Int32]?
  private let owner: AnyObject
  /// Scales of the blocks in 8 bits, of which the rows then hold none; only NF4.
  public let nestedScales: NestedScales?

  /// A view of bytes that somebody else owns, such as a mapped file.
  ///
  /// - Parameters:
  ///   - bytes: `rows` rows of whole blocks, aligned or not.
  ///   - rowOrder: row r of the matrix is row `rowOrder[r]` of the bytes.
  ///   - owner: keeps the bytes alive.
  public init(
    format: BlockFormat, rows: Int, columns: Int, bytes: UnsafeRawBufferPointer,
    rowOrder: [Int]? = nil, owner: AnyObject
  ) {
    precondition(
      format.fits(columns: columns),
      "rows of \(columns) numbers are no whole \(format.rawValue) blocks")
    rowBytes = format.bytes(columns: columns)
    precondition(
      bytes.count == rows * rowBytes,
      "\(bytes.count) bytes are no [\(rows), \(columns)] matrix in \(format.rawValue)")
    if let rowOrder {
      precondition(
        rowOrder.count == rows && rowOrder.allSatisfy { 0..<rows ~= $0 },
        "an order of \(rowOrder.count) rows is none of \(rows)")
    }
    self.format = format
    self.rows = rows
    self.columns = columns
    start = bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 64)!
    order = rowOrder.map { $0.map { Int32($0) } }
    self.owner = owner
    nestedScales = nil
  }

  /// NF4 with double quantisation.
  ///
  /// - Parameters:
  ///   - codes: `[rows, columns / 2]`, two elements a byte, the first in the high half.
  ///   - scales: one for each 64 elements in their order.
  public init(
    rows: Int, columns: Int, codes: UnsafeRawBufferPointer, scales: NestedScales, owner: AnyObject
  ) {
    precondition(
      BlockFormat.nf4.fits(columns: columns) && codes.count == rows * columns / 2
        && scales.codes.count == rows * columns / normalFloat4Block,
      "\(codes.count) bytes and \(scales.codes.count) scales are no [\(rows), \(columns)] matrix")
    format = .nf4
    self.rows = rows
    self.columns = columns
    rowBytes = columns / 2
    start = codes.baseAddress ?? UnsafeRawPointer(bitPattern: 64)!
    order = nil
    self.owner = owner
    nestedScales = scales
  }

  /// Quantises a matrix into memory of its own.
  ///
  /// - Parameters:
  ///   - matrix: `[out, in]`, finite, rows of whole blocks.
  ///   - doubleQuantised: NF4's scales are stored in 8 bits as well.
  public convenience init(
    _ matrix: Tensor, as format: BlockFormat, doubleQuantised: Bool = false
  ) {
    if doubleQuantised, format == .nf4 {
      self.init(QuantisedMatrix(matrix, as: .nf4))
      return
    }
    let size = format.bytes(columns: matrix.columns)
    let memory = ByteMemory(count: matrix.rows * size)
    self.init(
      format: format, rows: matrix.rows, columns: matrix.columns,
      bytes: UnsafeRawBufferPointer(memory.bytes), owner: memory)
    parallelRows(of: matrix) { rows in
      for row in rows {
        quantise(
          format, matrix.row(row), into: memory.bytes.baseAddress! + row * size,
          count: matrix.columns)
      }
    }
  }

  /// The same codes with their scales quantised.
  private convenience init(_ single: QuantisedMatrix) {
    let blocks = single.rows * single.columns / normalFloat4Block
    let memory = ByteMemory(count: blocks * 32)
    let scales = [Float](unsafeUninitializedCapacity: blocks) { scales, count in
      count = blocks
      for block in 0..<blocks {
        let source = single.start + block * BlockFormat.nf4.bytesPerBlock
        scales[block] = source.loadUnaligned(as: Float.self)
        (memory.bytes.baseAddress! + block * 32).copyMemory(from: source + 4, byteCount: 32)
      }
    }
    self.init(
      rows: single.rows, columns: single.columns,
      codes: UnsafeRawBufferPointer(rebasing: memory.bytes[..<(blocks * 32)]),
      scales: NestedScales(scales), owner: memory)
  }

  /// Bytes of codes and scales.
  public var bytes: Int { rows * rowBytes + (nestedScales?.bytes ?? 0) }

  /// The blocks of one row; with nested scales, their codes alone.
  @inline(__always)
  public func row(_ index: Int) -> UnsafeRawPointer {
    start + (order.map { Int($0[index]) } ?? index) * rowBytes
  }

  /// Expands some rows in the calling thread.
  ///
  /// - Parameter target: `[rows.count, in]`, overwritten.
  public func dequantise(rows range: Range<Int>, into target: Tensor) {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= rows, "rows \(range) of \(rows) do not exist")
    target.require(range.count, columns, "target", in: "QuantisedMatrix.dequantise")
    if let nestedScales {
      let blocks = columns / normalFloat4Block
      for index in range {
        for block in 0..<blocks {
          expandNF4Codes(
            row(index) + block * 32, scale: nestedScales[index * blocks + block],
            into: target.row(index - range.lowerBound) + block * normalFloat4Block)
        }
      }
      return
    }
    if order == nil, target.isContiguous {
      Kernels.dequantise(
        format, row(range.lowerBound), into: target.data, count: range.count * columns)
      return
    }
    for index in range {
      Kernels.dequantise(
        format, row(index), into: target.row(index - range.lowerBound), count: columns)
    }
  }

  /// Expands everything, in parallel.
  public func dequantise(into target: Tensor) {
    target.require(rows, columns, "target", in: "QuantisedMatrix.dequantise")
    parallelRows(of: target) { dequantise(rows: $0, into: target.slice(rows: $0)) }
  }
}

/// Scales of NF4 blocks in 8 bits each (Dettmers et al. 2023, "double quantisation").
public struct NestedScales: Sendable {
  /// Places in `map`.
  public let codes: [UInt8]
  /// One for each 256 scales.
  public let magnitudes: [Float]
  /// The mean of all scales, taken off before.
  public let offset: Float
  /// 256 numbers; files bring their own.
  public let map: [Float]

  public init(codes: [UInt8], magnitudes: [Float], offset: Float, map: [Float] = dynamicMap) {
    precondition(
      map.count == 256
        && magnitudes.count == (codes.count + doubleQuantisationBlock - 1)
          / doubleQuantisationBlock,
      "\(magnitudes.count) second scales and a map of \(map.count) for \(codes.count) scales")
    self.codes = codes
    self.magnitudes = magnitudes
    self.offset = offset
    self.map = map
  }

  public init(_ scales: [Float]) {
    var codes = [UInt8](repeating: 0, count: scales.count)
    let groups = (scales.count + doubleQuantisationBlock - 1) / doubleQuantisationBlock
    var magnitudes = [Float](repeating: 0, count: groups)
    let offset = scales.withUnsafeBufferPointer { scales in
      codes.withUnsafeMutableBufferPointer { codes in
        magnitudes.withUnsafeMutableBufferPointer { magnitudes in
          guard let source = scales.baseAddress, let target = codes.baseAddress,
            let second = magnitudes.baseAddress
          else { return Float(0) }
          return quantiseScales(source, scales.count, codes: target, magnitudes: second)
        }
      }
    }
    self.init(codes: codes, magnitudes: magnitudes, offset: offset)
  }

  @inline(__always)
  public subscript(block: Int) -> Float {
    map[Int(codes[block])] * magnitudes[block / doubleQuantisationBlock] + offset
  }

  /// Without the map, which all share.
  var bytes: Int { codes.count + 4 * (magnitudes.count + 1) }
}

/// Memory that lives as long as somebody refers to it.
final class ByteMemory: @unchecked Sendable {
  // Unchecked: written before it is shared, read only after.
  let bytes: UnsafeMutableRawBufferPointer

  init(count: Int) {
    bytes = .allocate(byteCount: max(1, count), alignment: 64)
  }

  deinit { bytes.deallocate() }
}
