// What a person wants to know about an adapter: its form, where it stands, what it was trained beside.
// Read from adapter_config.json and the names and sizes of the tensors.

import CanonicalJSON
import Diagnostics
import ModelFiles

/// A folder of peft in figures.
public struct AdapterDescription: Sendable {
  public let configuration: LowRankConfiguration
  public let weights: Int
  public let bytes: Int
  /// Adapted layers by the last part of their names, such as `q_proj`, with how many there are.
  public let layers: [(name: String, count: Int)]
  /// Where peft finds the base model, and our checksum of the weights it was trained beside.
  public let baseName: String?
  public let baseChecksum: String?

  /// Whether files are those of an adapter and not of a model.
  public static func fits(_ files: [String: String]) -> Bool {
    files[PEFTFiles.configurationName] != nil && files["config.json"] == nil
  }

  /// **Throws**: what keeps the adapter from being read.
  public init(files: [String: String]) throws(Diagnostic) {
    let peft = try PEFTFiles(files: files)
    configuration = peft.configuration
    baseName = peft.baseName
    baseChecksum = peft.baseChecksum
    weights = peft.tensors.entries.reduce(0) { $0 + $1.count }
    bytes = peft.tensors.entries.reduce(0) { $0 + $1.range.count }
    var counts: [String: Int] = [:]
    for entry in peft.tensors.entries {
      guard let end = entry.name.firstRange(of: ".lora_A") else { continue }
      let module = entry.name[..<end.lowerBound]
      counts[String(module.split(separator: ".").last ?? module), default: 0] += 1
    }
    layers = counts.sorted { bytesPrecede($0.key, $1.key) }.map { ($0.key, $0.value) }
  }

  /// Name and text of each fact.
  public var rows: [(name: String, text: String)] {
    let factor = configuration.usesRankStabilisedScale ? "alpha / √rank" : "alpha / rank"
    let others = configuration.rankExceptions.count + configuration.alphaExceptions.count
    var rows: [(name: String, text: String)] = [
      ("rank", "\(configuration.rank)" + (others > 0 ? ", \(others) exceptions" : "")),
      ("alpha", "\(configuration.alpha), matrices times \(factor)"),
      ("dropout", "\(configuration.dropout)"),
      (
        "layers",
        layers.map { "\($0.count) \($0.name)" }.joined(separator: ", ")
      ),
    ]
    if let baseName, !baseName.isEmpty { rows.append(("base model", baseName)) }
    rows.append(
      ("trained beside", baseChecksum.map { "weights with the checksum \($0)" } ?? "not noted"))
    return rows
  }

  public var json: JSONValue {
    .object([
      "family": "LoRA adapter", "rank": .integer(configuration.rank),
      "alpha": .number(configuration.alpha), "dropout": .number(configuration.dropout),
      "rank_stabilised": .boolean(configuration.usesRankStabilisedScale),
      "weights": .integer(weights), "bytes": .integer(bytes),
      "layers": .object(JSONObject(layers.map { ($0.name, .integer($0.count)) })),
      "base_model": baseName.map { .string($0) } ?? .null,
      "base_checksum": baseChecksum.map { .string($0) } ?? .null,
    ])
  }
}
