// A model from outside under the names that our readers look for: a folder in the Hugging Face layout,
// a GGUF file, or a folder that holds one. Used by ImportModel.swift and ImportEncoder.swift.

import CanonicalJSON
import Diagnostics
import Foundation
import ModelFiles
import Scheduling
import Tokenizers

struct ImportedModel {
  /// Logical name → path; weights under `model.safetensors`, an index with its shards, or `model.gguf`.
  let files: [String: String]
  let gguf: GGUFFile?
  let configuration: ModelConfiguration
  let matched: MatchedCheckpoint

  /// Reads the configuration and looks at the weights' names and shapes.
  ///
  /// **Throws**: `import-model`, and the diagnostics of ModelFiles.
  init(_ outside: [String: String]) throws(Diagnostic) {
    var files = try Self.named(outside)
    if let path = files["model.gguf"] {
      gguf = try GGUFFile(at: path)
      // What stands beside a GGUF file often says less than its own metadata.
      files["config.json"] = nil
    } else {
      gguf = nil
    }
    self.files = files
    configuration = try ModelConfiguration.read(files: files)
    matched = try Checkpoint(files: files).match(configuration.layout)
  }

  private static func named(_ outside: [String: String]) throws(Diagnostic) -> [String: String] {
    let names = outside.keys.sorted(by: bytesPrecede)
    if names == ["file"] {
      let path = outside["file"]!
      guard try isGGUF(path) else {
        throw .importModel(
          "the file is no GGUF file",
          help: "give the folder that holds config.json beside the weights")
      }
      return ["model.gguf": path]
    }
    if outside["model.safetensors"] != nil || outside["model.safetensors.index.json"] != nil {
      return outside
    }
    var files = outside
    let weights = names.filter { $0.hasSuffix(".safetensors") && !$0.contains("/") }
    if outside["config.json"] != nil, weights.count == 1 {
      files["model.safetensors"] = outside[weights[0]]
      return files
    }
    let ggufs = names.filter { $0.hasSuffix(".gguf") && !$0.contains("/") }
    if ggufs.count == 1 {
      files["model.gguf"] = outside[ggufs[0]]
      return files
    }
    let shown = names.prefix(12).joined(separator: ", ") + (names.count > 12 ? ", …" : "")
    if ggufs.count > 1 {
      throw .importModel(
        "the folder holds \(ggufs.count) GGUF files: \(ggufs.joined(separator: ", "))",
        help: "give one of them instead of the folder")
    }
    if names.contains(where: { $0.hasSuffix(".bin") || $0.hasSuffix(".pt") }) {
      throw .importModel(
        "the weights are pickled Python objects, which are not read here",
        help: "convert them: model.save_pretrained(folder, safe_serialization=True)")
    }
    throw .importModel(
      names.isEmpty ? "the folder is empty" : "no model is among the files \(shown)",
      help: "give a folder with config.json and model.safetensors, or a .gguf file")
  }

  private static func isGGUF(_ path: String) throws(Diagnostic) -> Bool {
    let file = try MappedFile(at: path)
    // The bytes are only there as long as the file is.
    return withExtendedLifetime(file) { file.bytes.starts(with: Array("GGUF".utf8)) }
  }

  // MARK: Writing

  /// Copies the weights as they are, under the names of a model's folder.
  ///
  /// **Throws**: `file-unwritable`.
  func copyWeights(to folder: String) throws(Diagnostic) {
    var names = ["model.safetensors"]
    if gguf != nil {
      names = ["model.gguf"]
    } else if files["model.safetensors"] == nil {
      let index = "model.safetensors.index.json"
      names = try ShardIndex(at: files[index]!).fileNames + [index]
    }
    for name in names {
      let path = folder + "/" + name
      do {
        try FileManager.default.createDirectory(
          atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
        try FileManager.default.copyItem(atPath: files[name]!, toPath: path)
      } catch {
        throw .importModel(
          "'\(name)' cannot be copied: \(error.localizedDescription)",
          help: "check the space on the disk")
      }
    }
  }

  /// `config.json` and, for decoders, `generation_config.json`.
  func writeConfiguration(to folder: String) throws(Diagnostic) {
    let json = configuration.json.setting("torch_dtype", .string(storedPrecision))
    try AtomicFile.write(Array(json.indentedText.utf8), to: folder + "/config.json")
    if let generation = configuration.generationJSON {
      try AtomicFile.write(
        Array(generation.indentedText.utf8), to: folder + "/generation_config.json")
    }
  }

  /// How transformers names the number format of the weights.
  private var storedPrecision: String {
    let types = Set((0..<matched.count).map { matched.stored($0).typeName })
    return switch types {
    case ["F16"]: "float16"
    case ["BF16"]: "bfloat16"
    default: "float32"
    }
  }

  /// `tokenizer_config.json` with the chat template, if the model has either.
  func tokenizerConfiguration() throws(Diagnostic) -> JSONValue? {
    if let gguf {
      guard let template = gguf.text("tokenizer.chat_template") else { return nil }
      var members: [(String, JSONValue)] = [
        ("chat_template", .string(template)), ("clean_up_tokenization_spaces", false),
        ("tokenizer_class", "PreTrainedTokenizerFast"),
      ]
      let vocabulary = try StoredVocabulary(gguf)
      for (name, id) in [
        ("bos_token", vocabulary.beginOfText), ("eos_token", vocabulary.endOfText),
        ("unk_token", vocabulary.unknown), ("pad_token", vocabulary.padding),
      ] {
        guard let id, let text = String(validating: vocabulary.tokens[id], as: UTF8.self) else {
          continue
        }
        members.append((name, .string(text)))
      }
      return .object(JSONObject(members))
    }
    var json: JSONValue?
    if let path = files["tokenizer_config.json"] {
      let bytes = try MappedFile(at: path).copy()
      json = try JSONValue(parsing: SourceText(path: path, bytes: bytes))
      guard json?.object != nil else {
        throw .importModel(
          "tokenizer_config.json is no JSON object", help: "fetch the model again")
      }
    }
    // Newer transformers keeps the template in a file of its own.
    if let path = files["chat_template.jinja"] {
      guard
        let template = String(validating: try MappedFile(at: path).copy(), as: UTF8.self)
      else {
        throw .importModel("chat_template.jinja is not UTF-8", help: "fetch the model again")
      }
      json = (json ?? .object([:])).setting("chat_template", .string(template))
    }
    return json
  }

  /// One line for the log for each thing that a reader should know.
  var description: [String] {
    var lines = ModelDescription(configuration, matched).summary
    if !matched.leftOut.isEmpty {
      lines.append(
        "left out: \(matched.leftOut.count) tensors of heads for other tasks ("
          + matched.leftOut.prefix(4).joined(separator: ", ") + ")")
    }
    return lines
  }
}

extension JSONValue {
  /// The object with a member set; the value itself if it is no object.
  func setting(_ name: String, _ value: JSONValue) -> JSONValue {
    guard let object else { return self }
    let others = object.members.filter { !bytesEqual($0.key, name) }.map { ($0.key, $0.value) }
    return .object(JSONObject(others + [(name, value)]))
  }
}

extension Diagnostic {
  static func importModel(_ what: String, help: String) -> Diagnostic {
    Diagnostic("import-model", what, help: help, consequence: .stageFailed)
  }
}
