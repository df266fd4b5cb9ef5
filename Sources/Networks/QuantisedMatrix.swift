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
  }

  /// Quantises a matrix into memory of its own.
  ///
  /// - Parameter matrix: `[out, in]`, finite, rows of whole blocks.
  public convenience init(_ matrix: Tensor, as format: BlockFormat) {
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

  public var bytes: Int { rows * rowBytes }

  /// The blocks of one row.
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

/// Memory that lives as long as somebody refers to it.
final class ByteMemory: @unchecked Sendable {
  // Unchecked: written before it is shared, read only after.
  let bytes: UnsafeMutableRawBufferPointer

  init(count: Int) {
    bytes = .allocate(byteCount: max(1, count), alignment: 64)
  }

  deinit { bytes.deallocate() }
}
