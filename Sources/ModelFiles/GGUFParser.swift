// GGUF, read to the letter: every count is checked against the bytes that are left before anything is
// allocated by it.

/// What can be wrong with a GGUF file, free of file names.
enum GGUFFault: Error {
  case malformed(String)
  case unknownType(tensor: String, type: String)
}

/// Reads little-endian values one after the other.
struct GGUFCursor {
  /// Longest string, bytes. Chat templates take some thousand.
  static let textLimit = 1 << 24

  let bytes: UnsafeRawBufferPointer
  private(set) var at: Int
  var left: Int { bytes.count - at }

  init(_ bytes: UnsafeRawBufferPointer, at: Int = 0) {
    self.bytes = bytes
    self.at = at
  }

  mutating func integer<T: FixedWidthInteger>(_: T.Type) throws(GGUFFault) -> T {
    guard left >= MemoryLayout<T>.size else {
      throw .malformed("it ends at byte \(bytes.count), in the middle of a number")
    }
    let value = T(littleEndian: bytes.loadUnaligned(fromByteOffset: at, as: T.self))
    at += MemoryLayout<T>.size
    return value
  }

  /// A count that something of `leastBytes` each must follow.
  mutating func count(of what: String, leastBytes: Int) throws(GGUFFault) -> Int {
    let claimed = try integer(UInt64.self)
    guard claimed <= UInt64(left / leastBytes) else {
      throw .malformed("it claims \(claimed) \(what), the \(left) bytes left hold no such number")
    }
    return Int(claimed)
  }

  mutating func string(limit: Int = textLimit) throws(GGUFFault) -> UnsafeRawBufferPointer {
    let length = try integer(UInt64.self)
    guard length <= UInt64(left) else {
      throw .malformed("a text claims \(length) bytes, \(left) are left")
    }
    guard length <= UInt64(limit) else {
      throw .malformed("a text claims \(length) bytes; the limit is \(limit)")
    }
    let text = UnsafeRawBufferPointer(rebasing: bytes[at..<at + Int(length)])
    at += Int(length)
    return text
  }

  mutating func skip(_ count: Int) { at += count }

  mutating func scalar(_ type: GGUFValueType) throws(GGUFFault) -> GGUFFile.Value {
    switch type {
    case .uint8: return .integer(Int(try integer(UInt8.self)))
    case .int8: return .integer(Int(try integer(Int8.self)))
    case .uint16: return .integer(Int(try integer(UInt16.self)))
    case .int16: return .integer(Int(try integer(Int16.self)))
    case .uint32: return .integer(Int(try integer(UInt32.self)))
    case .int32: return .integer(Int(try integer(Int32.self)))
    case .int64: return .integer(Int(try integer(Int64.self)))
    case .uint64:
      let value = try integer(UInt64.self)
      return Int(exactly: value).map { .integer($0) } ?? .large(value)
    case .float32:
      let value = Float(bitPattern: try integer(UInt32.self))
      // The shortest decimal: 1e-05, not 9.99999974e-06.
      return .number(Double(value.description) ?? Double(value))
    case .float64: return .number(Double(bitPattern: try integer(UInt64.self)))
    case .boolean:
      let value = try integer(UInt8.self)
      guard value <= 1 else { throw .malformed("a truth value is \(value), neither 0 nor 1") }
      return .boolean(value == 1)
    case .text: return .text([UInt8](try string()))
    case .array: throw .malformed("a list holds lists")
    }
  }
}

/// One pass over the file.
struct GGUFParser {
  /// Greatest alignment; the format knows none, and files use 32.
  static let alignmentLimit = 1 << 20

  private var cursor: GGUFCursor
  private(set) var version = 0
  private(set) var alignment = 32
  private(set) var metadata: [String: GGUFFile.Value] = [:]
  private(set) var tensors: [GGUFFile.Tensor] = []

  init(_ bytes: UnsafeRawBufferPointer) { cursor = GGUFCursor(bytes) }

  mutating func parse() throws(GGUFFault) {
    guard cursor.left >= 24 else {
      throw .malformed("it has \(cursor.left) bytes, and the header alone takes 24")
    }
    guard try cursor.integer(UInt32.self) == 0x4655_4747 else {
      throw .malformed("it does not begin with 'GGUF'")
    }
    let number = try cursor.integer(UInt32.self)
    guard number == 2 || number == 3 else {
      throw .malformed(
        number & 0xFFFF == 0
          ? "it is of version \(number): its bytes are in big-endian order"
          : "it is of version \(number); versions 2 and 3 are read")
    }
    version = Int(number)
    // A description takes at least its lengths, one size, type and offset; a pair a key and a byte.
    let tensorCount = try cursor.count(of: "tensors", leastBytes: 32)
    let pairCount = try cursor.count(of: "pairs of metadata", leastBytes: 13)
    try readMetadata(pairCount)
    try readAlignment()
    try readTensors(tensorCount)
  }

  private mutating func readMetadata(_ count: Int) throws(GGUFFault) {
    // Swift calls canonically equivalent texts equal; keys are bytes.
    var seen: Set<[UInt8]> = []
    for _ in 0..<count {
      let bytes = [UInt8](try cursor.string(limit: 1 << 16))
      guard let key = String(validating: bytes, as: UTF8.self), !key.isEmpty else {
        throw .malformed("a key of the metadata is empty or not valid UTF-8")
      }
      guard seen.insert(bytes).inserted, metadata[key] == nil else {
        throw .malformed("the key '\(shown(key))' stands twice")
      }
      metadata[key] = try value(of: key)
    }
  }

  private mutating func type(of key: String) throws(GGUFFault) -> GGUFValueType {
    let number = try cursor.integer(UInt32.self)
    guard let type = GGUFValueType(rawValue: number) else {
      throw .malformed("'\(shown(key))' is of type \(number); types 0 to 12 exist")
    }
    return type
  }

  private mutating func value(of key: String) throws(GGUFFault) -> GGUFFile.Value {
    let type = try type(of: key)
    guard type == .array else { return try cursor.scalar(type) }
    let element = try self.type(of: key)
    guard element != .array else { throw .malformed("'\(shown(key))' is a list of lists") }
    let count = try cursor.count(
      of: "elements of '\(shown(key))'", leastBytes: element.leastBytes)
    let start = cursor.at
    switch element {
    case .text: for _ in 0..<count { _ = try cursor.string() }
    case .boolean: for _ in 0..<count { _ = try cursor.scalar(.boolean) }
    default: cursor.skip(count * element.leastBytes)
    }
    return .array(.init(element: element, count: count, range: start..<cursor.at))
  }

  private mutating func readAlignment() throws(GGUFFault) {
    guard let value = metadata["general.alignment"] else { return }
    guard case .integer(let number) = value, number >= 8, number <= Self.alignmentLimit,
      number & (number - 1) == 0
    else {
      throw .malformed("general.alignment is no power of two from 8 to \(Self.alignmentLimit)")
    }
    alignment = number
  }

  private func aligned(_ offset: Int) throws(GGUFFault) -> Int {
    let (sum, overflow) = offset.addingReportingOverflow(alignment - 1)
    guard !overflow else { throw .malformed("its tensors have more bytes than can be counted") }
    return sum & ~(alignment - 1)
  }

  private mutating func readTensors(_ count: Int) throws(GGUFFault) {
    struct Described {
      let name: String
      let dimensions: [Int]
      let type: GGUFTensorType
      let begin: Int
      let bytes: Int
    }
    var described: [Described] = []
    var seen: Set<[UInt8]> = []
    // The end of the tensor before, relative to the start of the data.
    var end = 0
    for _ in 0..<count {
      let bytes = [UInt8](try cursor.string(limit: 63))
      guard let name = String(validating: bytes, as: UTF8.self), !name.isEmpty else {
        throw .malformed("a tensor's name is empty or not valid UTF-8")
      }
      guard seen.insert(bytes).inserted else {
        throw .malformed("the tensor '\(shown(name))' is there twice")
      }
      let dimensions = try self.dimensions(of: name)
      let number = try cursor.integer(UInt32.self)
      guard let type = GGUFTensorType(number: number) else {
        throw .unknownType(tensor: shown(name), type: GGUFTensorType.name(of: number))
      }
      guard dimensions[0] % type.elementsPerBlock == 0 else {
        throw .malformed(
          "rows of tensor '\(shown(name))' have \(dimensions[0]) elements, no multiple of the "
            + "\(type.elementsPerBlock) of a \(type.name) block")
      }
      var size = dimensions[0] / type.elementsPerBlock
      for factor in [type.bytesPerBlock] + dimensions.dropFirst() {
        let (product, overflow) = size.multipliedReportingOverflow(by: factor)
        guard !overflow else {
          throw .malformed("tensor '\(shown(name))' has more bytes than can be counted")
        }
        size = product
      }
      let offset = try cursor.integer(UInt64.self)
      let expected = try aligned(end)
      guard offset == UInt64(expected) else {
        throw .malformed(
          "tensor '\(shown(name))' begins at byte \(offset) of the data, not at \(expected) after "
            + "the one before")
      }
      let (sum, overflow) = expected.addingReportingOverflow(size)
      guard !overflow, sum <= cursor.bytes.count else {
        throw .malformed(
          "tensor '\(shown(name))' of \(size) bytes does not fit into a file of "
            + "\(cursor.bytes.count)")
      }
      end = sum
      described.append(
        Described(name: name, dimensions: dimensions, type: type, begin: expected, bytes: size))
    }
    guard !described.isEmpty else { return }

    let base = try aligned(cursor.at)
    let left = cursor.bytes.count - base
    guard end <= left else {
      throw .malformed("its tensors take \(end) bytes, after the header it has \(max(0, left))")
    }
    guard left - end < alignment else {
      throw .malformed("\(left - end) bytes follow the last tensor")
    }
    tensors = described.map {
      GGUFFile.Tensor(
        name: $0.name, dimensions: $0.dimensions, type: $0.type,
        range: base + $0.begin..<base + $0.begin + $0.bytes)
    }
  }

  private mutating func dimensions(of name: String) throws(GGUFFault) -> [Int] {
    let count = try cursor.integer(UInt32.self)
    guard (1...4).contains(count) else {
      throw .malformed("tensor '\(shown(name))' has \(count) dimensions; 1 to 4 are possible")
    }
    var dimensions: [Int] = []
    var product = 1
    for _ in 0..<count {
      let size = try cursor.integer(UInt64.self)
      let (next, overflow) = product.multipliedReportingOverflow(by: Int(exactly: size) ?? -1)
      guard let size = Int(exactly: size), !overflow else {
        throw .malformed("tensor '\(shown(name))' has more elements than can be counted")
      }
      product = next
      dimensions.append(size)
    }
    return dimensions
  }

  /// A name for a message: short, on one line.
  private func shown(_ name: String) -> String {
    String(
      String.UnicodeScalarView(
        name.unicodeScalars.prefix(64).map { $0.value < 0x20 || $0.value == 0x7F ? "?" : $0 }))
  }
}
