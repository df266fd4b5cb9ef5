// The number formats inside tensors, and their way to Float.

/// A tensor's element type, under the name safetensors gives it.
public enum ElementType: String, Sendable, CaseIterable {
  case float32 = "F32"
  case float16 = "F16"
  case bfloat16 = "BF16"
  case float64 = "F64"
  case int64 = "I64"
  case int32 = "I32"
  case uint8 = "U8"
  case bool = "BOOL"

  public var byteCount: Int {
    switch self {
    case .float64, .int64: 8
    case .float32, .int32: 4
    case .float16, .bfloat16: 2
    case .uint8, .bool: 1
    }
  }

  /// Whether values of this type are weights.
  public var isFloating: Bool {
    switch self {
    case .float32, .float16, .bfloat16, .float64: true
    case .int64, .int32, .uint8, .bool: false
    }
  }

  /// Converts little-endian elements, aligned or not, to Float.
  ///
  /// - Parameters:
  ///   - source: `count` × `byteCount` bytes
  ///   - destination: [count]
  func convert(
    _ source: UnsafeRawBufferPointer, to destination: UnsafeMutableBufferPointer<Float>
  ) {
    let count = destination.count
    precondition(
      source.count == count * byteCount,
      "\(source.count) bytes of \(rawValue) do not fill \(count) elements")
    switch self {
    case .float32:
      UnsafeMutableRawBufferPointer(destination).copyMemory(from: source)
    case .float16:
      for i in 0..<count {
        destination[i] = Float(
          Float16(bitPattern: source.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self)))
      }
    case .bfloat16:
      for i in 0..<count {
        destination[i] = Float(
          bitPattern: UInt32(source.loadUnaligned(fromByteOffset: 2 * i, as: UInt16.self)) << 16)
      }
    case .float64:
      for i in 0..<count {
        destination[i] = Float(source.loadUnaligned(fromByteOffset: 8 * i, as: Double.self))
      }
    case .int64:
      for i in 0..<count {
        destination[i] = Float(source.loadUnaligned(fromByteOffset: 8 * i, as: Int64.self))
      }
    case .int32:
      for i in 0..<count {
        destination[i] = Float(source.loadUnaligned(fromByteOffset: 4 * i, as: Int32.self))
      }
    case .uint8, .bool:
      for i in 0..<count { destination[i] = Float(source[i]) }
    }
  }
}

/// What rounding to 16 bits does to whole tensors: loops over all weights of a model.
extension ElementType {
  /// The first number that this type cannot hold.
  public func firstOutOfRange(_ values: UnsafeBufferPointer<Float>) -> Int? {
    self == .float32 ? nil : values.firstIndex { !rounded($0).isFinite }
  }

  /// Compares what came back from a file with what went into it.
  ///
  /// - Returns: the first number that is not the rounded one, and the greatest change by rounding.
  public func compare(
    _ values: UnsafeBufferPointer<Float>, with read: UnsafeBufferPointer<Float>
  ) -> (firstDifferent: Int?, greatest: Float) {
    precondition(
      values.count == read.count, "\(read.count) numbers were read, \(values.count) written")
    var greatest: Float = 0
    for index in values.indices {
      guard rounded(values[index]) == read[index] else { return (index, greatest) }
      greatest = max(greatest, abs(values[index] - read[index]))
    }
    return (nil, greatest)
  }
}
