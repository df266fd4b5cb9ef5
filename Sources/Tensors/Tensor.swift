// A matrix somewhere in memory that somebody else owns (Arena.swift, Scratch.swift). The letters in
// every shape comment of the learning code are the legend below.

/// A view of single-precision numbers: pointer and shape. It owns nothing and copies nothing.
///
/// Rows are `stride` numbers apart, so a range of columns is a view too (`q` inside `[q | k | v]`).
/// A vector is one row.
///
/// **Shapes**, one legend everywhere: B batch · T time · N packed tokens of a batch · C channels ·
/// F inner width of the feed-forward part · H query heads · G key/value heads · D head size ·
/// V vocabulary · L layers · M rows of a skinny product. Activations are `[N, C]`, row major;
/// weights are `[out, in]`.
public struct Tensor: @unchecked Sendable {
  // Unchecked: a pointer is not Sendable by itself. Views cross threads only inside `parallelFor`,
  // whose tiles write disjoint parts.

  public let data: UnsafeMutablePointer<Float>
  public let shape: Shape
  /// Distance between the first numbers of neighbouring rows.
  public let stride: Int

  @inlinable public var rows: Int { shape.rows }
  @inlinable public var columns: Int { shape.columns }
  @inlinable public var count: Int { shape.count }
  /// Whether the rows follow each other without gaps.
  @inlinable public var isContiguous: Bool { stride == columns || rows <= 1 }

  public init(
    _ data: UnsafeMutablePointer<Float>, rows: Int, columns: Int, stride: Int? = nil
  ) {
    let stride = stride ?? columns
    precondition(
      stride >= columns, "rows of \(columns) numbers cannot lie \(stride) numbers apart")
    self.data = data
    self.shape = Shape(rows, columns)
    self.stride = stride
  }

  /// A vector: one row.
  public init(_ data: UnsafeMutablePointer<Float>, count: Int) {
    self.init(data, rows: 1, columns: count)
  }

  @inlinable public func row(_ index: Int) -> UnsafeMutablePointer<Float> {
    data + index * stride
  }

  @inlinable public subscript(row: Int, column: Int) -> Float {
    get { data[row * stride + column] }
    nonmutating set { data[row * stride + column] = newValue }
  }

  /// The rows of a range, in place.
  public func slice(rows range: Range<Int>) -> Tensor {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= rows, "rows \(range) of \(shape) do not exist")
    return Tensor(
      data + range.lowerBound * stride, rows: range.count, columns: columns, stride: stride)
  }

  /// The columns of a range, in place: rows keep their distance.
  public func slice(columns range: Range<Int>) -> Tensor {
    precondition(
      range.lowerBound >= 0 && range.upperBound <= columns,
      "columns \(range) of \(shape) do not exist")
    return Tensor(data + range.lowerBound, rows: rows, columns: range.count, stride: stride)
  }

  /// The same numbers under another shape; only without gaps.
  public func reshaped(rows: Int, columns: Int) -> Tensor {
    precondition(isContiguous, "only a view without gaps can be reshaped")
    precondition(
      rows * columns == count, "\(shape) cannot be seen as \(Shape(rows, columns)): sizes differ")
    return Tensor(data, rows: rows, columns: columns)
  }

  /// Stops with both shapes if this is not the shape that the operation needs.
  @inlinable public func require(
    _ rows: Int, _ columns: Int, _ name: StaticString, in operation: StaticString
  ) {
    precondition(
      self.rows == rows && self.columns == columns,
      "\(operation): \(name) is \(shape), needed is \(Shape(rows, columns))")
  }

  public func fill(_ value: Float) {
    for index in 0..<rows { row(index).update(repeating: value, count: columns) }
  }

  public func copy(from other: Tensor) {
    precondition(shape == other.shape, "cannot copy \(other.shape) into \(shape)")
    for index in 0..<rows { row(index).update(from: other.row(index), count: columns) }
  }

  /// All numbers row by row; for tests and files, not for loops.
  public var values: [Float] {
    get { (0..<rows).flatMap { Array(UnsafeBufferPointer(start: row($0), count: columns)) } }
    nonmutating set {
      precondition(newValue.count == count, "\(newValue.count) numbers do not fill \(shape)")
      newValue.withUnsafeBufferPointer { source in
        guard let base = source.baseAddress else { return }
        for index in 0..<rows {
          row(index).update(from: base + index * columns, count: columns)
        }
      }
    }
  }
}

/// Rows and columns.
public struct Shape: Sendable, Hashable, CustomStringConvertible {
  public let rows: Int
  public let columns: Int

  @inlinable public var count: Int { rows * columns }
  public var description: String { "[\(rows), \(columns)]" }

  public init(_ rows: Int, _ columns: Int) {
    precondition(rows >= 0 && columns >= 0, "a shape [\(rows), \(columns)] cannot exist")
    let (_, overflow) = rows.multipliedReportingOverflow(by: columns)
    precondition(!overflow, "a shape [\(rows), \(columns)] is larger than memory")
    self.rows = rows
    self.columns = columns
  }
}
