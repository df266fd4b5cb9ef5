// A model in several safetensors files with an index, as transformers writes models too large for one.

import CanonicalJSON
import Diagnostics

extension Safetensors {
  /// Writes `model.safetensors`, or where that would be larger than `maximumBytes`,
  /// `model-00001-of-0000N.safetensors` … and `model.safetensors.index.json`.
  ///
  /// Tensors are packed in their order; one that is larger than the limit gets a file of its own.
  ///
  /// - Returns: names of the files, the index last.
  ///
  /// **Throws**: `file-unwritable`.
  @discardableResult
  public static func write(
    _ tensors: [TensorToWrite], metadata: [(String, String)] = [], toFolder folder: String,
    maximumBytes: Int
  ) throws(Diagnostic) -> [String] {
    let shards = shards(tensors.map(\.byteCount), maximumBytes: maximumBytes)
    guard shards.count > 1 else {
      try write(tensors, metadata: metadata, to: folder + "/model.safetensors")
      return ["model.safetensors"]
    }
    func digits(_ number: Int) -> String {
      String(repeating: "0", count: max(0, 5 - "\(number)".count)) + "\(number)"
    }
    var names: [String] = []
    var map: [(String, JSONValue)] = []
    for (number, range) in shards.enumerated() {
      let name = "model-\(digits(number + 1))-of-\(digits(shards.count)).safetensors"
      try write(Array(tensors[range]), metadata: metadata, to: folder + "/" + name)
      names.append(name)
      map += tensors[range].map { ($0.name, .string(name)) }
    }
    let index = JSONValue.object([
      "metadata": .object(["total_size": .integer(tensors.reduce(0) { $0 + $1.byteCount })]),
      "weight_map": .object(JSONObject(map)),
    ])
    // Last: who finds an index finds all files of it.
    let name = "model.safetensors.index.json"
    try AtomicFile.write(Array(index.indentedText.utf8), to: folder + "/" + name)
    return names + [name]
  }

  /// Runs of sizes, each of at most `maximumBytes` or of one item.
  static func shards(_ sizes: [Int], maximumBytes: Int) -> [Range<Int>] {
    var shards: [Range<Int>] = []
    var start = 0
    var filled = 0
    for (index, size) in sizes.enumerated() {
      if index > start, size > maximumBytes - filled {
        shards.append(start..<index)
        start = index
        filled = 0
      }
      filled += size
    }
    if start < sizes.count || sizes.isEmpty { shards.append(start..<sizes.count) }
    return shards
  }
}
