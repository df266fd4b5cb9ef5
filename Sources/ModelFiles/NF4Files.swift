// NF4 matrices as bitsandbytes stores them: codes beside their scales, and a JSON text inside a tensor.
// Blocks run along the flattened matrix and may cross rows. The codes' rules are in Kernels.

import CanonicalJSON
import Diagnostics
import Kernels

/// A matrix in 4-bit codes with the scales of its blocks, perhaps in 8 bits themselves.
public struct NF4Matrix: Sendable, Equatable {
  public enum Scales: Sendable, Equatable {
    /// One for each block.
    case single([Float])
    /// Places in `map` for each block; a second scale for each 256 of them; the mean taken off before.
    case nested(codes: [UInt8], magnitudes: [Float], map: [Float], offset: Float)
  }

  public static let block = 64
  public static let nestedBlock = 256

  /// [out, in]
  public let shape: [Int]
  /// Two elements a byte, the first in the high half.
  public let codes: [UInt8]
  public let scales: Scales
  /// What the 16 codes mean.
  public let map: [Float]

  public init(shape: [Int], codes: [UInt8], scales: Scales, map: [Float] = normalFloat4) {
    let count = shape.reduce(1, *)
    let blocks = (count + Self.block - 1) / Self.block
    precondition(
      shape.count == 2 && codes.count == (count + 1) / 2 && map.count == 16,
      "\(codes.count) bytes are no codes of a matrix \(shape)")
    switch scales {
    case .single(let scales):
      precondition(scales.count == blocks, "\(scales.count) scales for \(blocks) blocks")
    case .nested(let codes, let magnitudes, let map, _):
      precondition(
        codes.count == blocks && map.count == 256
          && magnitudes.count == (blocks + Self.nestedBlock - 1) / Self.nestedBlock,
        "\(codes.count) scales with \(magnitudes.count) scales of their own for \(blocks) blocks")
    }
    self.shape = shape
    self.codes = codes
    self.scales = scales
    self.map = map
  }

  public var count: Int { shape.reduce(1, *) }

  /// - Returns: the numbers, row major.
  public func expanded() -> [Float] {
    [Float](unsafeUninitializedCapacity: count) { buffer, filled in
      expand(into: UnsafeMutableBufferPointer(rebasing: buffer[..<count]))
      filled = count
    }
  }

  /// - Parameter target: [out · in], row major, overwritten.
  func expand(into target: UnsafeMutableBufferPointer<Float>) {
    precondition(
      target.count == count, "\(count) numbers do not fit a memory for \(target.count)")
    let scales: [Float] =
      switch scales {
      case .single(let scales): scales
      case .nested(let codes, let magnitudes, let map, let offset):
        codes.enumerated().map { map[Int($1)] * magnitudes[$0 / Self.nestedBlock] + offset }
      }
    codes.withUnsafeBufferPointer { codes in
      for index in 0..<target.count {
        let byte = codes[index / 2]
        target[index] =
          map[Int(index % 2 == 0 ? byte >> 4 : byte & 15)] * scales[index / Self.block]
      }
    }
  }
}

/// Matrices of a safetensors file that bitsandbytes quantised.
public enum NF4Files {
  private static let stateSuffix = ".quant_state.bitsandbytes__nf4"

  /// Names of the quantised matrices, such as `model.layers.0.mlp.up_proj.weight`.
  public static func names(in file: Safetensors) -> [String] {
    file.entries.map(\.name).filter { $0.hasSuffix(stateSuffix) }
      .map { String($0.dropLast(stateSuffix.count)) }
  }

  /// The tensors of a file, those of each quantised matrix gathered into one.
  ///
  /// **Throws**: as `read`.
  static func tensors(of file: Safetensors) throws(Diagnostic) -> [StoredTensor] {
    let names = names(in: file)
    guard !names.isEmpty else { return file.entries.map { StoredTensor($0, in: file.file) } }
    var parts = Set<String>()
    var gathered: [StoredTensor] = []
    for name in names {
      let matrix = try read(name, in: file)
      for suffix in ["", ".quant_map", ".absmax", ".nested_absmax", ".nested_quant_map"] {
        parts.insert(name + suffix)
      }
      parts.insert(name + stateSuffix)
      gathered.append(
        StoredTensor(
          name: name, shape: matrix.shape, form: .gathered(matrix), file: file.file,
          range: file[name]!.range, interleavedHeads: nil))
    }
    return gathered
      + file.entries.filter { !parts.contains($0.name) }.map { StoredTensor($0, in: file.file) }
  }

  /// **Throws**: `nf4-malformed`, `checkpoint-not-finite`.
  public static func read(_ name: String, in file: Safetensors) throws(Diagnostic) -> NF4Matrix {
    let shown = file.file.shown
    func fail(_ reason: String) -> Diagnostic {
      .nf4Malformed(shown, tensor: name, because: reason)
    }
    func entry(_ suffix: String, _ type: ElementType) throws(Diagnostic) -> Safetensors.Entry {
      guard let entry = file[name + suffix] else { throw fail("'\(name + suffix)' is missing") }
      guard entry.type == type else {
        throw fail("'\(name + suffix)' is \(entry.type.rawValue), not \(type.rawValue)")
      }
      return entry
    }
    func bytes(_ suffix: String, _ count: Int) throws(Diagnostic) -> [UInt8] {
      let entry = try entry(suffix, .uint8)
      guard entry.count == count else {
        throw fail("'\(name + suffix)' has \(entry.count) bytes, needed are \(count)")
      }
      return Array(file.file.bytes[entry.range])
    }
    func floats(_ suffix: String, _ count: Int) throws(Diagnostic) -> [Float] {
      let entry = try entry(suffix, .float32)
      guard entry.count == count else {
        throw fail("'\(name + suffix)' has \(entry.count) numbers, needed are \(count)")
      }
      let values = file.floats(entry)
      if let place = values.firstIndex(where: { !$0.isFinite }) {
        throw .checkpointNotFinite(
          shown, tensor: name + suffix, index: place, value: values[place])
      }
      return values
    }

    let stateEntry = try entry(stateSuffix, .uint8)
    guard stateEntry.count <= 1 << 16 else { throw fail("its state has \(stateEntry.count) bytes") }
    let text = Array(file.file.bytes[stateEntry.range])
    let state: JSONValue
    do {
      state = try text.withUnsafeBufferPointer { buffer throws(JSONFault) in
        try JSONValue(parsing: buffer, depth: 4)
      }
    } catch { throw fail("its state is no JSON") }
    guard state["quant_type"] == "nf4" else { throw fail("its quant_type is not nf4") }
    guard state["blocksize"]?.integer == NF4Matrix.block else {
      throw fail("its blocksize is not \(NF4Matrix.block)")
    }
    guard let sizes = state["shape"]?.array, sizes.count == 2,
      let rows = sizes[0].integer, let columns = sizes[1].integer, rows > 0, columns > 0
    else { throw fail("its shape is no pair of sizes") }
    let (count, overflow) = rows.multipliedReportingOverflow(by: columns)
    // The codes must be in the file before anything is made of that size.
    guard !overflow, count / 2 <= file.file.bytes.count else {
      throw fail("a matrix of \(rows) × \(columns) has more codes than the file has bytes")
    }
    let blocks = (count + NF4Matrix.block - 1) / NF4Matrix.block
    let codes = try bytes("", (count + 1) / 2)
    let map = try floats(".quant_map", 16)
    let isNested = file[name + ".nested_absmax"] != nil
    guard isNested else {
      return NF4Matrix(
        shape: [rows, columns], codes: codes, scales: .single(try floats(".absmax", blocks)),
        map: map)
    }
    guard state["nested_blocksize"]?.integer == NF4Matrix.nestedBlock,
      let offset = state["nested_offset"]?.double, abs(offset) <= 3e38
    else { throw fail("its nested scales have another block size or no offset") }
    return NF4Matrix(
      shape: [rows, columns], codes: codes,
      scales: .nested(
        codes: try bytes(".absmax", blocks),
        magnitudes: try floats(
          ".nested_absmax", (blocks + NF4Matrix.nestedBlock - 1) / NF4Matrix.nestedBlock),
        map: try floats(".nested_quant_map", 256), offset: Float(offset)),
      map: map)
  }

  /// Writes matrices and nothing else; equal matrices give equal bytes.
  ///
  /// - Parameter dtype: to what bitsandbytes expands them, such as `float32`.
  ///
  /// **Throws**: `file-unwritable`.
  public static func write(
    _ matrices: [(name: String, matrix: NF4Matrix)], dtype: String = "float32", to path: String
  ) throws(Diagnostic) {
    var parts: [(name: String, type: ElementType, shape: [Int], bytes: [UInt8])] = []
    func add(_ name: String, _ values: [Float]) {
      parts.append(
        (name, .float32, [values.count], values.withUnsafeBytes { Array($0) }))
    }
    for (name, matrix) in matrices {
      parts.append((name, .uint8, [matrix.codes.count, 1], matrix.codes))
      add(name + ".quant_map", matrix.map)
      var state: [(String, JSONValue)] = [
        ("quant_type", "nf4"), ("blocksize", .integer(NF4Matrix.block)), ("dtype", .string(dtype)),
        ("shape", .array(matrix.shape.map { .integer($0) })),
      ]
      switch matrix.scales {
      case .single(let scales): add(name + ".absmax", scales)
      case .nested(let codes, let magnitudes, let map, let offset):
        parts.append((name + ".absmax", .uint8, [codes.count], codes))
        add(name + ".nested_absmax", magnitudes)
        add(name + ".nested_quant_map", map)
        state += [
          ("nested_blocksize", .integer(NF4Matrix.nestedBlock)), ("nested_dtype", "float32"),
          ("nested_offset", .number(Double(offset))),
        ]
      }
      let text = Array(JSONValue.object(JSONObject(state)).canonicalText.utf8)
      parts.append((name + stateSuffix, .uint8, [text.count], text))
    }
    // Four-byte numbers first, then by name.
    parts.sort {
      $0.type.byteCount != $1.type.byteCount
        ? $0.type.byteCount > $1.type.byteCount : bytesPrecede($0.name, $1.name)
    }
    var members: [(String, JSONValue)] = [("__metadata__", .object(["format": "pt"]))]
    var offset = 0
    for part in parts {
      members.append(
        (
          part.name,
          .object([
            "dtype": .string(part.type.rawValue),
            "shape": .array(part.shape.map { .integer($0) }),
            "data_offsets": [.integer(offset), .integer(offset + part.bytes.count)],
          ])
        ))
      offset += part.bytes.count
    }
    var header = JSONValue.object(JSONObject(members)).canonicalBytes
    while header.count % 8 != 0 { header.append(0x20) }
    var file = try AtomicFile(at: path)
    try file.write(withUnsafeBytes(of: UInt64(header.count).littleEndian) { Array($0) } + header)
    for part in parts { try file.write(part.bytes) }
    try file.commit()
  }
}
