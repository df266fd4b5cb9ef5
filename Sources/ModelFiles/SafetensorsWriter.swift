// Writes safetensors: equal tensors give equal bytes, and the file appears whole or not at all.

import CanonicalJSON
import Diagnostics

/// A tensor to be written as F32.
public struct TensorToWrite {
  public let name: String
  public let shape: [Int]
  /// Row major, one element per product of `shape`.
  public let values: UnsafeBufferPointer<Float>
  /// Our matrix is the file's transposed: `shape` is the file's [rows, columns], `values` is
  /// [columns, rows]. GPT-2's Conv1D needs this.
  public let isTransposed: Bool

  public init(
    name: String, shape: [Int], values: UnsafeBufferPointer<Float>, isTransposed: Bool = false
  ) {
    precondition(
      shape.reduce(1, *) == values.count,
      "'\(name)' of shape \(shape) cannot hold \(values.count) values")
    precondition(
      !isTransposed || shape.count == 2, "'\(name)' of shape \(shape) cannot be transposed")
    self.name = name
    self.shape = shape
    self.values = values
    self.isTransposed = isTransposed
  }
}

extension Safetensors {
  /// Writes tensors in the order of the reference writer (alignment, then name: all are F32 here).
  ///
  /// - Parameter metadata: text beside the tensors; `format: pt`, which transformers insists on, is
  ///   added where it is missing.
  ///
  /// **Throws**: `file-unwritable`.
  public static func write(
    _ tensors: [TensorToWrite], metadata: [(String, String)] = [], to path: String
  ) throws(Diagnostic) {
    let sorted = tensors.sorted { bytesPrecede($0.name, $1.name) }
    var file = try AtomicFile(at: path)
    try file.write(header(sorted, metadata: metadata))
    for tensor in sorted {
      if tensor.isTransposed {
        let flipped = transposed(
          tensor.values, rows: tensor.shape[1], columns: tensor.shape[0])
        try flipped.withUnsafeBufferPointer { buffer throws(Diagnostic) in
          try file.write(UnsafeRawBufferPointer(buffer))
        }
      } else {
        try file.write(UnsafeRawBufferPointer(tensor.values))
      }
    }
    try file.commit()
  }

  static func header(_ sorted: [TensorToWrite], metadata: [(String, String)]) -> [UInt8] {
    var texts = metadata.map { ($0.0, JSONValue.string($0.1)) }
    if !metadata.contains(where: { $0.0 == "format" }) { texts.append(("format", "pt")) }
    var members: [(String, JSONValue)] = [("__metadata__", .object(JSONObject(texts)))]
    var offset = 0
    for tensor in sorted {
      let end = offset + 4 * tensor.values.count
      members.append(
        (
          tensor.name,
          .object([
            "dtype": "F32", "shape": .array(tensor.shape.map { .integer($0) }),
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
