// The weights of a model folder, matched against the tensors a model expects before any memory is
// taken. Layouts of the model families are in GPT2Files.swift.

import CanonicalJSON
import Diagnostics

/// What a checkpoint must hold, and under which names.
public struct CheckpointLayout: Sendable {
  /// A tensor by its name without prefix and its shape in the file.
  public struct Tensor: Sendable, Equatable {
    public let name: String
    public let shape: [Int]
    /// The file holds [in, out] (Conv1D), we hold [out, in].
    public let isTransposed: Bool

    public init(name: String, shape: [Int], isTransposed: Bool = false) {
      self.name = name
      self.shape = shape
      self.isTransposed = isTransposed
    }
  }

  public let tensors: [Tensor]
  /// The prefix we write; in reading, all names carry it or none does.
  public let prefix: String
  /// Full names of buffers that old files carry and that are no weights.
  public let ignored: Set<String>
  /// Full name of an output matrix that must equal the tensor it is tied to, where it is present.
  public let tied: (name: String, to: String)?

  public init(
    tensors: [Tensor], prefix: String, ignored: Set<String>, tied: (name: String, to: String)?
  ) {
    self.tensors = tensors
    self.prefix = prefix
    self.ignored = ignored
    self.tied = tied
  }
}

/// The safetensors file or files of a model folder.
public struct Checkpoint: Sendable {
  /// Names files in messages.
  public let shown: String
  private let parts: [Safetensors]
  /// Tensor name → part, for names in byte order.
  private let index: [String: Int]

  /// Opens `model.safetensors`, or all that `model.safetensors.index.json` lists.
  ///
  /// - Parameter files: logical name → path
  ///
  /// **Throws**: `model-file-missing`, `checkpoint-index`, and what `Safetensors.init` throws.
  public init(files: [String: String]) throws(Diagnostic) {
    if let single = files["model.safetensors"] {
      try self.init([try Safetensors(at: single)], shown: single)
      return
    }
    guard let indexPath = files["model.safetensors.index.json"] else {
      throw .modelFileMissing("model.safetensors", among: files.keys.sorted(by: bytesPrecede))
    }
    let index = try MappedFile(at: indexPath)
    let json = try JSONValue(
      parsing: SourceText(path: indexPath, bytes: index.copy()), depth: 4)
    guard let map = json["weight_map"]?.object, map.count > 0 else {
      throw .checkpointIndex(indexPath, because: "it has no weight_map")
    }
    var names: Set<String> = []
    for (tensor, value) in map.members {
      guard let name = value.string, !name.hasPrefix("/"),
        !name.split(separator: "/", omittingEmptySubsequences: false).contains("..")
      else {
        throw .checkpointIndex(indexPath, because: "'\(tensor)' is in no file inside the folder")
      }
      names.insert(name)
    }
    var parts: [Safetensors] = []
    for name in names.sorted(by: bytesPrecede) {
      guard let path = files[name] else {
        throw .modelFileMissing(name, among: files.keys.sorted(by: bytesPrecede))
      }
      parts.append(try Safetensors(at: path))
    }
    try self.init(parts, shown: indexPath)
  }

  public init(_ parts: [Safetensors], shown: String) throws(Diagnostic) {
    self.parts = parts
    self.shown = shown
    var index: [String: Int] = [:]
    for (number, part) in parts.enumerated() {
      for entry in part.entries {
        guard index.updateValue(number, forKey: entry.name) == nil else {
          throw .checkpointIndex(shown, because: "'\(entry.name)' is in two files")
        }
      }
    }
    self.index = index
  }

  private func find(_ name: String) -> (part: Safetensors, entry: Safetensors.Entry)? {
    guard let part = index[name], let entry = parts[part][name] else { return nil }
    return (parts[part], entry)
  }

  /// All weights are here with the right shapes, nothing unknown is: else one diagnostic that lists
  /// what differs. Nothing is read yet.
  ///
  /// **Throws**: `checkpoint-tensors`, `checkpoint-untied`, `safetensors-type`.
  public func match(_ layout: CheckpointLayout) throws(Diagnostic) -> MatchedCheckpoint {
    let isPrefixed = index.keys.contains { $0.hasPrefix(layout.prefix) }
    let prefix = isPrefixed ? layout.prefix : ""
    var missing: [String] = []
    var misshapen: [String] = []
    var known = Set(layout.ignored.map { prefix + $0 })
    var matched: [MatchedCheckpoint.Item] = []
    for tensor in layout.tensors {
      known.insert(prefix + tensor.name)
      guard let (part, entry) = find(prefix + tensor.name) else {
        missing.append(tensor.name)
        continue
      }
      guard entry.type.isFloating else {
        throw .safetensorsType(shown, tensor: entry.name, type: entry.type.rawValue)
      }
      if entry.shape == tensor.shape {
        matched.append(MatchedCheckpoint.Item(part: part, entry: entry, tensor: tensor))
      } else {
        misshapen.append("\(tensor.name) is \(entry.shape), config.json asks for \(tensor.shape)")
      }
    }
    if let tied = layout.tied { known.insert(tied.name) }
    let unknown = index.keys.filter { !known.contains($0) }.sorted(by: bytesPrecede)
    guard missing.isEmpty, misshapen.isEmpty, unknown.isEmpty else {
      throw .checkpointTensors(shown, missing: missing, misshapen: misshapen, unknown: unknown)
    }
    if let tied = layout.tied, let copy = find(tied.name), let original = find(prefix + tied.to) {
      guard copy.entry.shape == original.entry.shape,
        copy.part.floats(copy.entry).elementsEqual(original.part.floats(original.entry))
      else { throw .checkpointUntied(shown, tied.name, from: prefix + tied.to) }
    }
    return MatchedCheckpoint(shown: shown, items: matched)
  }
}

/// A checkpoint whose tensors are known to be the expected ones; only `Checkpoint.match` makes one.
public struct MatchedCheckpoint: Sendable {
  struct Item: Sendable {
    let part: Safetensors
    let entry: Safetensors.Entry
    let tensor: CheckpointLayout.Tensor
  }

  let shown: String
  let items: [Item]

  /// Reads every tensor as Float, transposed where the layout says so.
  ///
  /// - Parameter destination: where the tensor with this number of the layout goes, [count].
  ///
  /// **Throws**: `checkpoint-not-finite`.
  public func read(
    into destination: (Int) -> UnsafeMutableBufferPointer<Float>
  ) throws(Diagnostic) {
    for (number, item) in items.enumerated() {
      let target = destination(number)
      if item.tensor.isTransposed {
        let values = item.part.floats(item.entry)
        let flipped = values.withUnsafeBufferPointer {
          transposed($0, rows: item.tensor.shape[0], columns: item.tensor.shape[1])
        }
        precondition(
          target.count == flipped.count,
          "'\(item.tensor.name)' has \(flipped.count) values, the destination \(target.count)")
        _ = target.update(fromContentsOf: flipped)
      } else {
        item.part.read(item.entry, into: target)
      }
      if let place = firstNotFinite(UnsafeBufferPointer(target)) {
        throw .checkpointNotFinite(
          shown, tensor: item.tensor.name, index: place, value: target[place])
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
