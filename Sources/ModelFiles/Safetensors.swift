// safetensors, read to the letter: every number of the header is checked before it is used, so that
// a hostile file costs a diagnostic and nothing else. The writer is in SafetensorsWriter.swift.

import CanonicalJSON
import Diagnostics

/// An open safetensors file: names, types, shapes and places of its tensors.
///
/// **Source**: https://github.com/huggingface/safetensors (format description and reference checks).
public struct Safetensors: Sendable {
  /// One tensor as the header describes it.
  public struct Entry: Sendable {
    public let name: String
    public let type: ElementType
    public let shape: [Int]
    /// Bytes of the file.
    public let range: Range<Int>
    public var count: Int { range.count / type.byteCount }
  }

  /// The reference implementation's limit for the header.
  public static let headerLimit = 100_000_000

  public let file: MappedFile
  /// Sorted by the bytes of their names.
  public let entries: [Entry]
  /// The `__metadata__` member: text by name.
  public let metadata: [(key: String, value: String)]

  /// **Throws**: `file-unreadable`, `safetensors-malformed`, `safetensors-type`.
  public init(at path: String) throws(Diagnostic) { try self.init(try MappedFile(at: path)) }

  public init(_ file: MappedFile) throws(Diagnostic) {
    self.file = file
    let header: SafetensorsHeader
    do {
      header = try SafetensorsHeader(file.bytes)
    } catch {
      switch error {
      case .malformed(let reason): throw .safetensorsMalformed(file.shown, because: reason)
      case .unknownType(let tensor, let type):
        throw .safetensorsType(file.shown, tensor: tensor, type: type)
      }
    }
    entries = header.entries
    metadata = header.metadata
  }

  public subscript(name: String) -> Entry? {
    entries.named(name, by: \.name)
  }

  /// Reads a tensor as Float, whatever its type.
  ///
  /// - Parameters:
  ///   - destination: [count], row major as in the file
  public func read(_ entry: Entry, into destination: UnsafeMutableBufferPointer<Float>) {
    precondition(
      destination.count == entry.count,
      "'\(entry.name)' has \(entry.count) elements, the destination \(destination.count)")
    entry.type.convert(UnsafeRawBufferPointer(rebasing: file.bytes[entry.range]), to: destination)
  }

  public func floats(_ entry: Entry) -> [Float] {
    [Float](unsafeUninitializedCapacity: entry.count) { buffer, count in
      read(entry, into: UnsafeMutableBufferPointer(rebasing: buffer[..<entry.count]))
      count = entry.count
    }
  }
}

/// The header's checks, free of file names: what the tests attack.
struct SafetensorsHeader {
  enum Fault: Error {
    case malformed(String)
    case unknownType(tensor: String, type: String)
  }

  let entries: [Safetensors.Entry]
  let metadata: [(key: String, value: String)]

  init(_ bytes: UnsafeRawBufferPointer) throws(Fault) {
    guard bytes.count >= 8 else {
      throw .malformed("it has \(bytes.count) bytes, and the length of the header alone takes 8")
    }
    let declared = UInt64(littleEndian: bytes.loadUnaligned(as: UInt64.self))
    guard declared <= UInt64(Safetensors.headerLimit) else {
      throw .malformed("its header claims \(declared) bytes; the limit is 100,000,000")
    }
    let length = Int(declared)
    guard length <= bytes.count - 8 else {
      throw .malformed("its header claims \(length) bytes, the file has \(bytes.count - 8) left")
    }
    let text = UnsafeRawBufferPointer(rebasing: bytes[8..<8 + length])
    guard text.first == UInt8(ascii: "{") else { throw .malformed("its header is no JSON object") }
    guard text.last(where: { $0 != 0x20 }) == UInt8(ascii: "}") else {
      throw .malformed("its header is padded with something else than spaces")
    }
    let root: JSONValue
    do {
      // Object, entry, shape: three levels.
      root = try JSONValue(parsing: text.bindMemory(to: UInt8.self), depth: 4)
    } catch {
      throw .malformed("byte \(error.offset) of its header: \(error.reason)")
    }
    guard let members = root.object else { throw .malformed("its header is no JSON object") }

    var metadata: [(key: String, value: String)] = []
    var entries: [Safetensors.Entry] = []
    for (name, value) in members.sorted {
      if bytesEqual(name, "__metadata__") {
        metadata = try Self.metadata(value)
      } else {
        entries.append(try Self.entry(name, value, base: 8 + length, fileSize: bytes.count))
      }
    }
    try Self.checkCoverage(entries, base: 8 + length, fileSize: bytes.count)
    self.entries = entries
    self.metadata = metadata
  }

  private static func metadata(_ value: JSONValue) throws(Fault) -> [(key: String, value: String)] {
    guard let object = value.object else { throw .malformed("__metadata__ is no object") }
    var pairs: [(key: String, value: String)] = []
    for (key, value) in object.members {
      guard let text = value.string else {
        throw .malformed("__metadata__ may hold text only, and '\(key)' is none")
      }
      pairs.append((key, text))
    }
    return pairs
  }

  private static func entry(
    _ name: String, _ value: JSONValue, base: Int, fileSize: Int
  ) throws(Fault) -> Safetensors.Entry {
    guard let object = value.object else { throw .malformed("tensor '\(name)' is no object") }
    for key in object.keys where !["dtype", "shape", "data_offsets"].contains(key) {
      throw .malformed("tensor '\(name)' has the unknown member '\(key)'")
    }
    guard let typeName = object["dtype"]?.string else {
      throw .malformed("tensor '\(name)' has no dtype")
    }
    guard let type = ElementType(rawValue: typeName) else {
      throw .unknownType(tensor: name, type: typeName)
    }
    guard let sizes = object["shape"]?.array else {
      throw .malformed("tensor '\(name)' has no shape")
    }
    var shape: [Int] = []
    var bytes = type.byteCount
    for size in sizes {
      guard let size = size.integer, size >= 0 else {
        throw .malformed("tensor '\(name)' has a size that is no natural number")
      }
      let (product, overflow) = bytes.multipliedReportingOverflow(by: size)
      guard !overflow else {
        throw .malformed("tensor '\(name)' has more bytes than can be counted")
      }
      bytes = product
      shape.append(size)
    }
    guard let offsets = object["data_offsets"]?.array, offsets.count == 2,
      let begin = offsets[0].integer, let end = offsets[1].integer, begin >= 0, end >= begin
    else { throw .malformed("tensor '\(name)' has no pair of rising data_offsets") }
    guard end <= fileSize - base else {
      throw .malformed(
        "tensor '\(name)' ends at byte \(end) of the data, which has \(fileSize - base)")
    }
    guard end - begin == bytes else {
      throw .malformed(
        "tensor '\(name)' of type \(typeName) and shape \(shape) needs \(bytes) bytes, not "
          + "\(end - begin)")
    }
    return Safetensors.Entry(
      name: name, type: type, shape: shape, range: base + begin..<base + end)
  }

  /// No holes, no overlap, nothing after the last tensor: a second meaning cannot hide in the file.
  private static func checkCoverage(
    _ entries: [Safetensors.Entry], base: Int, fileSize: Int
  ) throws(Fault) {
    let placed = entries.sorted {
      ($0.range.lowerBound, $0.range.upperBound) < ($1.range.lowerBound, $1.range.upperBound)
    }
    var end = base
    for entry in placed {
      guard entry.range.lowerBound == end else {
        throw .malformed(
          "tensor '\(entry.name)' begins at byte \(entry.range.lowerBound - base) of the data, the "
            + "one before it ends at \(end - base)")
      }
      end = entry.range.upperBound
    }
    guard end == fileSize else {
      throw .malformed("\(fileSize - end) bytes follow the last tensor")
    }
  }
}
