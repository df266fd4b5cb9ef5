// model.safetensors.index.json: which tensor is in which file of a model too large for one.

import CanonicalJSON
import Diagnostics

/// The `weight_map` of a sharded checkpoint.
public struct ShardIndex: Sendable {
  public let shown: String
  /// File by tensor.
  let map: JSONObject
  /// Names of the files, sorted.
  public let fileNames: [String]

  /// **Throws**: `file-unreadable`, `json-syntax`, `checkpoint-index`.
  public init(at path: String) throws(Diagnostic) {
    let file = try MappedFile(at: path)
    guard file.bytes.count <= 1 << 26 else {
      throw .checkpointIndex(path, because: "it has \(file.bytes.count) bytes, the limit is 64 MiB")
    }
    try self.init(
      json: try JSONValue(parsing: SourceText(path: path, bytes: file.copy()), depth: 4),
      shown: path)
  }

  init(json: JSONValue, shown: String) throws(Diagnostic) {
    self.shown = shown
    guard let map = json["weight_map"]?.object, map.count > 0 else {
      throw .checkpointIndex(shown, because: "it has no weight_map")
    }
    var names: Set<String> = []
    for (tensor, value) in map.members {
      guard let name = value.string, Self.isInside(name) else {
        throw .checkpointIndex(shown, because: "'\(tensor)' is in no file inside the folder")
      }
      names.insert(name)
    }
    self.map = map
    fileNames = names.sorted(by: bytesPrecede)
  }

  private static func isInside(_ name: String) -> Bool {
    !name.isEmpty && !name.hasPrefix("/") && !name.utf8.contains(0)
      && !name.split(separator: "/", omittingEmptySubsequences: false)
        .contains { $0 == ".." || $0.isEmpty }
  }

  /// Opens all files; what they hold must be what the index says, tensor by tensor.
  ///
  /// **Throws**: `model-file-missing` naming the shard, `checkpoint-index`, and what
  /// `Safetensors.init` throws.
  func open(files: [String: String]) throws(Diagnostic) -> [Safetensors] {
    // Names first: a shard that is missing is the usual fault, and the cheapest to see.
    var paths: [String] = []
    for name in fileNames {
      guard let path = files[name] else {
        throw .modelFileMissing(name, among: files.keys.sorted(by: bytesPrecede))
      }
      paths.append(path)
    }
    var parts: [Safetensors] = []
    var found = 0
    for (name, path) in zip(fileNames, paths) {
      let part = try Safetensors(at: path)
      for entry in part.entries {
        guard let listed = map[entry.name]?.string else {
          throw .checkpointIndex(shown, because: "it does not list '\(entry.name)' of '\(name)'")
        }
        guard bytesEqual(listed, name) else {
          throw .checkpointIndex(
            shown, because: "it says that '\(entry.name)' is in '\(listed)', but it is in '\(name)'"
          )
        }
        found += 1
      }
      parts.append(part)
    }
    guard found == map.count else {
      let missing = map.sorted.first { pair in
        !zip(fileNames, parts).contains {
          bytesEqual($0, pair.value.string ?? "") && $1[pair.key] != nil
        }
      }
      throw .checkpointIndex(
        shown,
        because: "'\(missing?.key ?? "")' is not in '\(missing?.value.string ?? "")', where it "
          + "should be")
    }
    return parts
  }
}
