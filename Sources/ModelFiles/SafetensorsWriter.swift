// Writes safetensors: equal tensors give equal bytes, and the file appears whole or not at all. Models
// in several files are written by ShardedWriter.swift.

import CanonicalJSON
import Diagnostics

/// A tensor to be written, in single precision or rounded to 16 bits.
public struct TensorToWrite {
  public let name: String
  /// What the file holds.
  public let type: ElementType
  public let shape: [Int]
  /// Row major, one element per product of `shape`.
  public let values: UnsafeBufferPointer<Float>
  /// Our matrix is the file's transposed: `shape` is the file's [rows, columns], `values` is
  /// [columns, rows]. GPT-2's Conv1D needs this.
  public let isTransposed: Bool

  public init(
    name: String, shape: [Int], values: UnsafeBufferPointer<Float>, isTransposed: Bool = false,
    type: ElementType = .float32
  ) {
    precondition(
      [.float32, .float16, .bfloat16].contains(type), "'\(name)' cannot be written as \(type)")
    precondition(
      shape.reduce(1, *) == values.count,
      "'\(name)' of shape \(shape) cannot hold \(values.count) values")
    precondition(
      !isTransposed || shape.count == 2, "'\(name)' of shape \(shape) cannot be transposed")
    self.name = name
    self.shape = shape
    self.values = values
    self.isTransposed = isTransposed
    self.type = type
  }

  /// Bytes in the file.
  var byteCount: Int { values.count * type.byteCount }

  func write(to file: inout AtomicFile) throws(Diagnostic) {
    guard isTransposed else {
      try Self.write(values, as: type, to: &file)
      return
    }
    let flipped = transposed(values, rows: shape[1], columns: shape[0])
    try flipped.withUnsafeBufferPointer { buffer throws(Diagnostic) in
      try Self.write(buffer, as: type, to: &file)
    }
  }

  private static func write(
    _ values: UnsafeBufferPointer<Float>, as type: ElementType, to file: inout AtomicFile
  ) throws(Diagnostic) {
    guard type != .float32 else {
      try file.write(UnsafeRawBufferPointer(values))
      return
    }
    // A piece at a time: no second copy of the model.
    let piece = 1 << 20
    for start in stride(from: 0, to: values.count, by: piece) {
      let part = values[start..<min(start + piece, values.count)]
      let bits: [UInt16] = part.map { type == .float16 ? Float16($0).bitPattern : bfloat16Bits($0) }
      try bits.withUnsafeBufferPointer { buffer throws(Diagnostic) in
        try file.write(UnsafeRawBufferPointer(buffer))
      }
    }
  }
}

/// The upper half of a number's bits, rounded to nearest, ties to even. NaN stays NaN.
func bfloat16Bits(_ value: Float) -> UInt16 {
  let bits = value.bitPattern
  if value.isNaN { return UInt16(truncatingIfNeeded: bits >> 16) | 0x40 }
  return UInt16(truncatingIfNeeded: (bits + 0x7FFF + (bits >> 16 & 1)) >> 16)
}

extension ElementType {
  /// What a file of this type gives back for a number.
  public func rounded(_ value: Float) -> Float {
    switch self {
    case .float16: Float(Float16(value))
    case .bfloat16: Float(bitPattern: UInt32(bfloat16Bits(value)) << 16)
    default: value
    }
  }
}

extension Safetensors {
  /// Writes tensors in the order of the reference writer (widest type first, then name).
  ///
  /// - Parameter metadata: text beside the tensors; `format: pt`, which transformers insists on, is
  ///   added where it is missing.
  ///
  /// **Throws**: `file-unwritable`.
  public static func write(
    _ tensors: [TensorToWrite], metadata: [(String, String)] = [], to path: String
  ) throws(Diagnostic) {
    let sorted = tensors.sorted {
      $0.type.byteCount != $1.type.byteCount
        ? $0.type.byteCount > $1.type.byteCount : bytesPrecede($0.name, $1.name)
    }
    var file = try AtomicFile(at: path)
    try file.write(header(sorted, metadata: metadata))
    for tensor in sorted { try tensor.write(to: &file) }
    try file.commit()
  }

  static func header(_ sorted: [TensorToWrite], metadata: [(String, String)]) -> [UInt8] {
    var texts = metadata.map { ($0.0, JSONValue.string($0.1)) }
    if !metadata.contains(where: { $0.0 == "format" }) { texts.append(("format", "pt")) }
    var members: [(String, JSONValue)] = [("__metadata__", .object(JSONObject(texts)))]
    var offset = 0
    for tensor in sorted {
      let end = offset + tensor.byteCount
      members.append(
        (
          tensor.name,
          .object([
            "dtype": .string(tensor.type.rawValue),
            "shape": .array(tensor.shape.map { .integer($0) }),
            "data_offsets": [.integer(offset), .integer(end)],
          ])
        ))
      offset = end
    }
    var text = JSONValue.object(JSONObject(members)).canonicalBytes
    while text.count % 8 != 0 { text.append(0x20) }
    precondition(text.count <= headerLimit, "a header of \(text.count) bytes is beyond the limit")
    return withUnsafeBytes(of: UInt64(text.count).littleEndian) { Array($0) } + text
  }
}

/// - Parameter matrix: [rows, columns]
/// - Returns: [columns, rows]
func transposed(_ matrix: UnsafeBufferPointer<Float>, rows: Int, columns: Int) -> [Float] {
  precondition(
    matrix.count == rows * columns, "\(matrix.count) values are no \(rows) × \(columns) matrix")
  return [Float](unsafeUninitializedCapacity: matrix.count) { out, count in
    count = matrix.count
    // Blocks keep both sides in the cache.
    let block = 32
    for top in stride(from: 0, to: rows, by: block) {
      for left in stride(from: 0, to: columns, by: block) {
        for row in top..<min(top + block, rows) {
          for column in left..<min(left + block, columns) {
            out[column * rows + row] = matrix[row * columns + column]
          }
        }
      }
    }
  }
}
