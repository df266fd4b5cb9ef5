// GGUF: metadata, then descriptions of tensors, then their bytes. The checks are in GGUFParser.swift,
// what the tensors of a Llama are called in GGUFLlama.swift.

import CanonicalJSON
import Diagnostics
import Kernels

/// An open GGUF file, version 2 or 3.
///
/// **Source**: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md
public struct GGUFFile: Sendable {
  /// A value of the metadata.
  public enum Value: Sendable {
    case integer(Int)
    /// A number above `Int.max`.
    case large(UInt64)
    case number(Double)
    case boolean(Bool)
    /// Bytes that should be UTF-8; nobody has checked.
    case text([UInt8])
    case array(Array)
  }

  /// A list that stays in the file until someone asks for it; all of it lies inside the file.
  public struct Array: Sendable {
    let element: GGUFValueType
    public let count: Int
    let range: Range<Int>
  }

  /// A tensor as the file describes it.
  public struct Tensor: Sendable {
    public let name: String
    /// Fastest first: a matrix of shape [rows, columns] has the dimensions [columns, rows].
    public let dimensions: [Int]
    /// F32 and the block formats.
    public let type: GGUFTensorType
    /// Bytes of the file.
    public let range: Range<Int>
    /// Slowest first.
    public var shape: [Int] { dimensions.reversed() }
  }

  public let file: MappedFile
  public let version: Int
  public let alignment: Int
  /// In the order of the file.
  public let tensors: [Tensor]
  let metadata: [String: Value]
  /// Keys of the metadata, sorted by their bytes.
  public let keys: [String]

  /// **Throws**: `file-unreadable`, `gguf-malformed`, `gguf-type`.
  public init(at path: String) throws(Diagnostic) { try self.init(try MappedFile(at: path)) }

  public init(_ file: MappedFile) throws(Diagnostic) {
    var parser = GGUFParser(file.bytes)
    do {
      try parser.parse()
    } catch {
      switch error {
      case .malformed(let reason): throw .ggufMalformed(file.shown, because: reason)
      case .unknownType(let tensor, let type):
        throw .ggufType(file.shown, tensor: tensor, type: type)
      }
    }
    self.file = file
    version = parser.version
    alignment = parser.alignment
    tensors = parser.tensors
    metadata = parser.metadata
    keys = parser.metadata.keys.sorted(by: bytesPrecede)
  }

  public subscript(key: String) -> Value? { metadata[key] }

  // One value: nil where the key is missing or holds something else.

  public func integer(_ key: String) -> Int? {
    if case .integer(let value) = metadata[key] { value } else { nil }
  }

  /// A whole number counts too.
  public func number(_ key: String) -> Double? {
    switch metadata[key] {
    case .number(let value): value
    case .integer(let value): Double(value)
    default: nil
    }
  }

  public func boolean(_ key: String) -> Bool? {
    if case .boolean(let value) = metadata[key] { value } else { nil }
  }

  /// nil also where the bytes are not UTF-8.
  public func text(_ key: String) -> String? {
    guard case .text(let bytes) = metadata[key] else { return nil }
    return String(validating: bytes, as: UTF8.self)
  }

  // Lists: nil where the key is missing or holds something else.

  /// The bytes of each string.
  public func texts(_ key: String) -> [[UInt8]]? {
    guard case .array(let array) = metadata[key], array.element == .text else { return nil }
    var cursor = GGUFCursor(file.bytes, at: array.range.lowerBound)
    var result: [[UInt8]] = []
    result.reserveCapacity(array.count)
    for _ in 0..<array.count {
      // Opening the file has read it once.
      guard let text = try? cursor.string() else { return nil }
      result.append([UInt8](text))
    }
    return result
  }

  public func integers(_ key: String) -> [Int]? {
    guard case .array(let array) = metadata[key], array.element.isInteger else { return nil }
    var cursor = GGUFCursor(file.bytes, at: array.range.lowerBound)
    var result: [Int] = []
    result.reserveCapacity(array.count)
    for _ in 0..<array.count {
      guard let value = try? cursor.scalar(array.element), case .integer(let number) = value else {
        return nil
      }
      result.append(number)
    }
    return result
  }

  public func numbers(_ key: String) -> [Double]? {
    guard case .array(let array) = metadata[key], array.element.isNumber else { return nil }
    var cursor = GGUFCursor(file.bytes, at: array.range.lowerBound)
    var result: [Double] = []
    result.reserveCapacity(array.count)
    for _ in 0..<array.count {
      switch try? cursor.scalar(array.element) {
      case .number(let number): result.append(number)
      case .integer(let number): result.append(Double(number))
      default: return nil
      }
    }
    return result
  }
}
