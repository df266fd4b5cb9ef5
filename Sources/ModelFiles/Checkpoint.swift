// The weights of a model folder, matched against the tensors a model expects before any memory is
// taken. Layouts of the model families are in GPT2Files.swift, LlamaFiles.swift, EncoderFiles.swift.

import CanonicalJSON
import Diagnostics
import Kernels

/// What a checkpoint must hold, and under which names.
public struct CheckpointLayout: Sendable {
  /// A tensor by its name without prefix and its shape in the file.
  public struct Tensor: Sendable, Equatable {
    public let name: String
    public let shape: [Int]
    /// The file holds [in, out] (Conv1D), we hold [out, in].
    public let isTransposed: Bool
    /// Whether the layout's prefix stands before the name; heads stand outside.
    public let isPrefixed: Bool
    /// What old files call it; never written.
    public let oldName: String?

    public init(
      name: String, shape: [Int], isTransposed: Bool = false, isPrefixed: Bool = true,
      oldName: String? = nil
    ) {
      self.name = name
      self.shape = shape
      self.isTransposed = isTransposed
      self.isPrefixed = isPrefixed
      self.oldName = oldName
    }
  }

  public let tensors: [Tensor]
  /// The prefix we write; in reading, all names carry it or none does.
  public let prefix: String
  /// Names, without prefix, of buffers that old files carry and that are no weights.
  public let ignored: Set<String>
  /// Full name of an output matrix that must equal the tensor it is tied to, where it is present.
  public let tied: (name: String, to: String)?
  /// How full names of tensors begin that belong to heads which this model does not have.
  public let leftOut: [String]

  public init(
    tensors: [Tensor], prefix: String, ignored: Set<String>, tied: (name: String, to: String)?,
    leftOut: [String] = []
  ) {
    self.leftOut = leftOut
    self.tensors = tensors
    self.prefix = prefix
    self.ignored = ignored
    self.tied = tied
  }

  /// The name of a tensor as we write it.
  public func fileName(of tensor: Tensor) -> String {
    tensor.isPrefixed ? prefix + tensor.name : tensor.name
  }
}

/// The tensors of a model folder: of one safetensors file, of several, or of a GGUF file.
public struct Checkpoint: Sendable {
  /// Names files in messages.
  public let shown: String
  /// Sorted by the bytes of their names.
  public let tensors: [StoredTensor]
  /// What goes into the names of shards: files that `tensors` lie in.
  public let fileCount: Int

  public var names: [String] { tensors.map(\.name) }

  /// Opens `model.safetensors`, or all that `model.safetensors.index.json` lists, or `model.gguf`.
  ///
  /// - Parameter files: logical name → path
  ///
  /// **Throws**: `model-file-missing`, `checkpoint-index`, and what `Safetensors.init` and
  /// `GGUFFile.init` throw.
  public init(files: [String: String]) throws(Diagnostic) {
    if let single = files["model.safetensors"] {
      try self.init([try Safetensors(at: single)], shown: single)
    } else if let index = files["model.safetensors.index.json"] {
      let shards = try ShardIndex(at: index).open(files: files)
      try self.init(shards, shown: index)
    } else if let single = files["model.gguf"] {
      try self.init(try GGUFFile(at: single))
    } else {
      throw .modelFileMissing("model.safetensors", among: files.keys.sorted(by: bytesPrecede))
    }
  }

  public init(_ parts: [Safetensors], shown: String) throws(Diagnostic) {
    var tensors: [StoredTensor] = []
    for part in parts { tensors += try NF4Files.tensors(of: part) }
    try self.init(tensors, shown: shown, fileCount: parts.count)
  }

  /// Under transformers' names where the architecture is known.
  public init(_ gguf: GGUFFile) throws(Diagnostic) {
    try self.init(try gguf.storedTensors(), shown: gguf.file.shown, fileCount: 1)
  }

  init(_ tensors: [StoredTensor], shown: String, fileCount: Int) throws(Diagnostic) {
    let sorted = tensors.sorted { bytesPrecede($0.name, $1.name) }
    for (tensor, next) in zip(sorted, sorted.dropFirst()) where bytesEqual(tensor.name, next.name) {
      throw .checkpointIndex(shown, because: "'\(tensor.name)' is there twice")
    }
    self.tensors = sorted
    self.shown = shown
    self.fileCount = fileCount
  }

  public subscript(name: String) -> StoredTensor? {
    tensors.named(name, by: \.name)
  }

  /// All weights are here with the right shapes, nothing unknown is: else one diagnostic that lists
  /// what differs. Nothing is read yet.
  ///
  /// **Throws**: `checkpoint-tensors`, `checkpoint-untied`, `safetensors-type`.
  public func match(_ layout: CheckpointLayout) throws(Diagnostic) -> MatchedCheckpoint {
    let isPrefixed = tensors.contains { $0.name.hasPrefix(layout.prefix) }
    let prefix = isPrefixed ? layout.prefix : ""
    var missing: [String] = []
    var misshapen: [String] = []
    var known = Set(layout.ignored.map { prefix + $0 })
    var matched: [MatchedCheckpoint.Item] = []
    for tensor in layout.tensors {
      let inFront = tensor.isPrefixed ? prefix : ""
      var name = inFront + tensor.name
      if let old = tensor.oldName, self[name] == nil, self[inFront + old] != nil {
        name = inFront + old
      }
      known.insert(name)
      guard let stored = self[name] else {
        missing.append(tensor.name)
        continue
      }
      if case .elements(let type) = stored.form, !type.isFloating {
        throw .safetensorsType(shown, tensor: stored.name, type: type.rawValue)
      }
      if stored.shape == tensor.shape {
        matched.append(MatchedCheckpoint.Item(stored: stored, tensor: tensor))
      } else {
        misshapen.append("\(tensor.name) is \(stored.shape), config.json asks for \(tensor.shape)")
      }
    }
    if let tied = layout.tied { known.insert(tied.name) }
    let others = tensors.map(\.name).filter { !known.contains($0) }
    let leftOut = others.filter { name in layout.leftOut.contains { name.hasPrefix($0) } }
    let unknown = others.filter { name in !layout.leftOut.contains { name.hasPrefix($0) } }
    guard missing.isEmpty, misshapen.isEmpty, unknown.isEmpty else {
      throw .checkpointTensors(shown, missing: missing, misshapen: misshapen, unknown: unknown)
    }
    if let tied = layout.tied, let copy = self[tied.name], let original = self[prefix + tied.to] {
      guard copy.hasSameValues(as: original) else {
        throw .checkpointUntied(shown, tied.name, from: prefix + tied.to)
      }
    }
    return MatchedCheckpoint(shown: shown, items: matched, leftOut: leftOut)
  }
}

/// A checkpoint whose tensors are known to be the expected ones; only `Checkpoint.match` makes one.
public struct MatchedCheckpoint: Sendable {
  struct Item: Sendable {
    let stored: StoredTensor
    let tensor: CheckpointLayout.Tensor
  }

  /// Rows of blocks as they lie in the file.
  public struct Blocks: Sendable {
    public let format: BlockFormat
    public let rows: Int
    public let columns: Int
    public let file: MappedFile
    /// Bytes of the file.
    public let range: Range<Int>
    /// Row number in `bytes` by row number in transformers' order; nil where they are the same.
    public let rowOrder: [Int]?
    /// `rows` · `format.bytes(columns:)` bytes; valid while `file` lives.
    public var bytes: UnsafeRawBufferPointer { UnsafeRawBufferPointer(rebasing: file.bytes[range]) }
  }

  public let shown: String
  let items: [Item]
  /// Names of tensors of the file that this model does not use: heads for other tasks.
  public let leftOut: [String]

  public var count: Int { items.count }

  /// Where the tensor with this number of the layout lies.
  public func stored(_ number: Int) -> StoredTensor { items[number].stored }

  /// Reads every tensor as Float, transposed where the layout says so.
  ///
  /// - Parameter destination: where the tensor with this number of the layout goes, [count].
  ///
  /// **Throws**: `checkpoint-not-finite`.
  public func read(
    into destination: (Int) -> UnsafeMutableBufferPointer<Float>
  ) throws(Diagnostic) {
    for number in items.indices { try read(number, into: destination(number)) }
  }

  /// Reads the tensor with this number of the layout.
  ///
  /// **Throws**: `checkpoint-not-finite`.
  public func read(
    _ number: Int, into target: UnsafeMutableBufferPointer<Float>
  ) throws(Diagnostic) {
    let item = items[number]
    if item.tensor.isTransposed {
      let flipped = item.stored.floats().withUnsafeBufferPointer {
        transposed($0, rows: item.tensor.shape[0], columns: item.tensor.shape[1])
      }
      precondition(
        target.count == flipped.count,
        "'\(item.tensor.name)' has \(flipped.count) values, the destination \(target.count)")
      _ = target.update(fromContentsOf: flipped)
    } else {
      item.stored.read(into: target)
    }
    if let place = firstNotFinite(UnsafeBufferPointer(target)) {
      throw .checkpointNotFinite(
        shown, tensor: item.tensor.name, index: place, value: target[place])
    }
  }

  /// In which blocks the tensor with this number can be used as it is stored; nil if it cannot. No
  /// value is looked at.
  public func blockFormat(_ number: Int) -> BlockFormat? {
    let stored = items[number].stored
    guard stored.shape.count == 2, !items[number].tensor.isTransposed, stored.count > 0 else {
      return nil
    }
    return switch stored.form {
    case .elements(.float16): .float16
    case .elements(.bfloat16): .bfloat16
    case .elements, .gathered: nil
    case .blocks(let format): format
    }
  }

  /// The tensor with this number as it is stored, if that is a matrix in blocks or in 16 bits; nil
  /// otherwise. Every value has been looked at.
  ///
  /// **Throws**: `checkpoint-not-finite`.
  public func block(_ number: Int) throws(Diagnostic) -> Blocks? {
    guard let format = blockFormat(number) else { return nil }
    let item = items[number]
    let stored = item.stored
    let blocks = Blocks(
      format: format, rows: stored.shape[0], columns: stored.shape[1], file: stored.file,
      range: stored.range, rowOrder: stored.rowOrder)
    try requireFinite(blocks, item.tensor.name)
    return blocks
  }

  private func requireFinite(_ blocks: Blocks, _ name: String) throws(Diagnostic) {
    let rowBytes = blocks.format.bytes(columns: blocks.columns)
    var row = [Float](repeating: 0, count: blocks.columns)
    for number in 0..<blocks.rows {
      let place = row.withUnsafeMutableBufferPointer { row in
        dequantise(
          blocks.format, blocks.bytes.baseAddress! + number * rowBytes, into: row.baseAddress!,
          count: row.count)
        return firstNotFinite(UnsafeBufferPointer(row))
      }
      if let place {
        throw .checkpointNotFinite(
          shown, tensor: name, index: number * blocks.columns + place, value: row[place])
      }
    }
  }
}

/// The first element that is NaN or infinite.
public func firstNotFinite(_ values: UnsafeBufferPointer<Float>) -> Int? {
  // A sum of zeros unless something is not finite: one pass that vectorises, then a search.
  var sum: Float = 0
  for value in values { sum += value * 0 }
  return sum == 0 ? nil : values.firstIndex { !$0.isFinite }
}
