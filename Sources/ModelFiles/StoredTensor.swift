// A tensor where it lies in a file, whatever the file's format: safetensors or GGUF. Matrices of
// bitsandbytes lie in several tensors at once and are gathered first (NF4Files.swift).

import CanonicalJSON
import Kernels

/// Name, shape and bytes of a tensor in a mapped file; nothing of it is read yet.
public struct StoredTensor: Sendable {
  public enum Form: Sendable, Equatable {
    /// One number after the other.
    case elements(ElementType)
    /// Rows of blocks (`shape` has two members then).
    case blocks(BlockFormat)
    /// Codes and scales of bitsandbytes, whose blocks may cross rows.
    case gathered(NF4Matrix)
  }

  /// As transformers calls it.
  public let name: String
  /// Slowest first, as transformers gives it.
  public let shape: [Int]
  public let form: Form
  public let file: MappedFile
  /// Bytes of the file.
  public let range: Range<Int>
  /// GGUF files of Llama hold the rows of queries and keys so that the channels of a pair are
  /// neighbours: in this many heads. nil: rows are in the order of transformers.
  public let interleavedHeads: Int?

  /// From the bytes, which the readers have checked: the sizes of an empty tensor may multiply to any
  /// number before the 0 comes.
  public var count: Int {
    switch form {
    case .elements(let type): range.count / type.byteCount
    case .blocks(let format): range.count / format.bytesPerBlock * format.elementsPerBlock
    case .gathered(let matrix): matrix.count
    }
  }
  public var bytes: UnsafeRawBufferPointer {
    UnsafeRawBufferPointer(rebasing: file.bytes[range])
  }
  /// The name of the number format: `F32`, `Q4_1`.
  public var typeName: String {
    switch form {
    case .elements(let type): type.rawValue
    case .blocks(let format): format.rawValue
    case .gathered: BlockFormat.nf4.rawValue
    }
  }

  init(_ entry: Safetensors.Entry, in file: MappedFile) {
    name = entry.name
    shape = entry.shape
    form = .elements(entry.type)
    self.file = file
    range = entry.range
    interleavedHeads = nil
  }

  init(
    name: String, shape: [Int], form: Form, file: MappedFile, range: Range<Int>,
    interleavedHeads: Int?
  ) {
    self.name = name
    self.shape = shape
    self.form = form
    self.file = file
    self.range = range
    self.interleavedHeads = interleavedHeads
  }

  /// Row number in the file by row number in transformers' order; nil where they are the same.
  ///
  /// Row h·d + k·d/2 + i (half k, pair i of head h) lies at h·d + 2i + k.
  public var rowOrder: [Int]? {
    guard let interleavedHeads else { return nil }
    let size = shape[0] / interleavedHeads
    return (0..<shape[0]).map { row in
      let channel = row % size
      return row - channel + 2 * (channel % (size / 2)) + channel / (size / 2)
    }
  }

  /// Reads the tensor as Float, rows in transformers' order.
  ///
  /// - Parameter destination: [count]
  public func read(into destination: UnsafeMutableBufferPointer<Float>) {
    precondition(
      destination.count == count,
      "'\(name)' has \(count) elements, the destination \(destination.count)")
    guard count > 0 else { return }
    guard let order = rowOrder else {
      convert(bytes, into: destination)
      return
    }
    let columns = count / shape[0]
    let rowBytes = range.count / shape[0]
    for (row, place) in order.enumerated() {
      convert(
        UnsafeRawBufferPointer(rebasing: bytes[place * rowBytes..<(place + 1) * rowBytes]),
        into: UnsafeMutableBufferPointer(
          rebasing: destination[row * columns..<(row + 1) * columns]))
    }
  }

  private func convert(
    _ source: UnsafeRawBufferPointer, into destination: UnsafeMutableBufferPointer<Float>
  ) {
    switch form {
    case .elements(let type): type.convert(source, to: destination)
    case .blocks(let format):
      dequantise(
        format, source.baseAddress!, into: destination.baseAddress!, count: destination.count)
    case .gathered(let matrix): matrix.expand(into: destination)
    }
  }

  public func floats() -> [Float] {
    let count = self.count
    return [Float](unsafeUninitializedCapacity: count) { buffer, filled in
      read(into: UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
      filled = count
    }
  }

  /// The same numbers, whatever their types; a row at a time, so that it takes no memory.
  func hasSameValues(as other: StoredTensor) -> Bool {
    guard shape == other.shape else { return false }
    if form == other.form, interleavedHeads == other.interleavedHeads {
      return bytes.elementsEqual(other.bytes)
    }
    return floats() == other.floats()
  }
}

extension Array {
  /// The element of this name in a list that is sorted by the bytes of names.
  func named(_ name: String, by path: KeyPath<Element, String>) -> Element? {
    var low = 0
    var high = count
    while low < high {
      let middle = (low + high) / 2
      if bytesPrecede(self[middle][keyPath: path], name) { low = middle + 1 } else { high = middle }
    }
    guard low < count, bytesEqual(self[low][keyPath: path], name) else { return nil }
    return self[low]
  }
}
