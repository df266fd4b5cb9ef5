// adapter_model.safetensors: names of its tensors, and the folder as a whole in and out.

import CanonicalJSON
import Diagnostics

/// An opened adapter folder whose tensors are not yet read.
public struct PEFTFiles: Sendable {
  /// One of the two thin matrices of a module.
  public struct Factor: Sendable, Hashable {
    public enum Side: String, Sendable { case a = "lora_A", b = "lora_B" }
    /// Path of the module inside the base model, such as `transformer.h.0.attn.c_attn`.
    public let module: String
    public let side: Side

    public init(module: String, side: Side) {
      self.module = module
      self.side = side
    }

    public var name: String { "base_model.model.\(module).\(side.rawValue).weight" }
  }

  public static let configurationName = "adapter_config.json"
  public static let weightsName = "adapter_model.safetensors"
  /// Key of the safetensors metadata under which we name the base model's weights.
  public static let baseKey = "plumb.base"

  public let configuration: LowRankConfiguration
  /// `base_model_name_or_path`
  public let baseName: String?
  /// What we wrote about the base's weights; nil in the files of others.
  public let baseChecksum: String?
  public let tensors: Safetensors

  /// - Parameter files: logical name → path
  ///
  /// **Throws**: `model-file-missing`, `json-syntax`, `adapter-config`, `adapter-feature`, and what
  /// `Safetensors.init` throws.
  public init(files: [String: String]) throws(Diagnostic) {
    func path(_ name: String) throws(Diagnostic) -> String {
      guard let path = files[name] else {
        throw .adapterFileMissing(name, among: files.keys.sorted(by: bytesPrecede))
      }
      return path
    }
    let configurationPath = try path(Self.configurationName)
    let weightsPath = try path(Self.weightsName)
    let text = try MappedFile(at: configurationPath)
    guard text.bytes.count <= 1 << 24 else {
      throw .adapterConfiguration(
        configurationPath, "it has \(text.bytes.count) bytes, the limit is 16 MiB")
    }
    let json = try JSONValue(
      parsing: SourceText(path: configurationPath, bytes: text.copy()), depth: 16)
    configuration = try LowRankConfiguration(json: json, shown: configurationPath)
    baseName = json["base_model_name_or_path"]?.string
    tensors = try Safetensors(at: weightsPath)
    baseChecksum = tensors.metadata.first { $0.key == Self.baseKey }?.value
  }

  /// The tensors that the configuration and the base model ask for, and no others.
  ///
  /// - Parameter expected: every factor with its shape. `alternative` is the same factor's name for a
  ///   base without the family's prefix.
  /// - Returns: the entries in the order of `expected`.
  ///
  /// **Throws**: `adapter-tensors` with everything that differs, `adapter-feature`,
  /// `safetensors-type`.
  public func match(
    _ expected: [(factor: Factor, alternative: Factor, shape: [Int])]
  ) throws(Diagnostic) -> [Safetensors.Entry] {
    for entry in tensors.entries {
      for part in ["lora_embedding_", "lora_magnitude_vector", "modules_to_save"]
      where entry.name.contains(part) {
        throw .adapterFeature(tensors.file.shown, "a tensor", .string(entry.name))
      }
    }
    var found: [Safetensors.Entry] = []
    var known: Set<String> = []
    var missing: [String] = []
    var misshapen: [String] = []
    for (factor, alternative, shape) in expected {
      guard let entry = tensors[factor.name] ?? tensors[alternative.name] else {
        missing.append(factor.name)
        continue
      }
      known.insert(entry.name)
      guard entry.type.isFloating else {
        throw .safetensorsType(
          tensors.file.shown, tensor: entry.name, type: entry.type.rawValue)
      }
      if entry.shape == shape {
        found.append(entry)
      } else {
        misshapen.append("\(entry.name) is \(entry.shape), needed is \(shape)")
      }
    }
    let unknown = tensors.entries.map(\.name).filter { !known.contains($0) }
    guard missing.isEmpty, misshapen.isEmpty, unknown.isEmpty else {
      throw .adapterTensors(
        tensors.file.shown, missing: missing, misshapen: misshapen, unknown: unknown)
    }
    return found
  }

  /// **Throws**: `checkpoint-not-finite`.
  public func read(
    _ entry: Safetensors.Entry, into target: UnsafeMutableBufferPointer<Float>
  ) throws(Diagnostic) {
    tensors.read(entry, into: target)
    if let place = firstNotFinite(UnsafeBufferPointer(target)) {
      throw .checkpointNotFinite(
        tensors.file.shown, tensor: entry.name, index: place, value: target[place])
    }
  }

  /// Writes both files into an existing folder; equal adapters give equal bytes.
  ///
  /// - Parameter factors: with their `[rows, columns]` and numbers, row major.
  ///
  /// **Throws**: `file-unwritable`.
  public static func write(
    configuration: JSONValue,
    factors: [(factor: Factor, shape: [Int], values: UnsafeBufferPointer<Float>)],
    baseChecksum: String?, to folder: String
  ) throws(Diagnostic) {
    var metadata: [(String, String)] = []
    if let baseChecksum { metadata.append((baseKey, baseChecksum)) }
    try Safetensors.write(
      factors.map { TensorToWrite(name: $0.factor.name, shape: $0.shape, values: $0.values) },
      metadata: metadata, to: folder + "/" + weightsName)
    try AtomicFile.write(
      Array(configuration.indentedText.utf8), to: folder + "/" + configurationName)
  }
}
