// Which family a model folder is of.

import CanonicalJSON
import Diagnostics

/// A model's configuration, whatever its family.
public enum ModelConfiguration: Sendable, Equatable {
  case gpt2(GPT2Configuration)
  case llama(LlamaConfiguration)
  case encoder(EncoderConfiguration)

  /// Reads `config.json`, or `model.gguf`'s metadata where there is none.
  ///
  /// - Parameter files: logical name → path
  ///
  /// **Throws**: `model-file-missing`, `json-syntax`, `model-config`, `model-family`,
  /// `model-feature`, and what `GGUFFile.init` throws.
  public static func read(files: [String: String]) throws(Diagnostic) -> ModelConfiguration {
    if files["config.json"] == nil, let path = files["model.gguf"] {
      return .llama(try LlamaConfiguration(gguf: try GGUFFile(at: path)))
    }
    let (json, path) = try ConfigurationMembers.json(files: files)
    let configuration = try ModelConfiguration(json: json, shown: path)
    guard case .encoder(var encoder) = configuration else { return configuration }
    encoder.takeHead(from: try Checkpoint(files: files).names)
    return .encoder(encoder)
  }

  public init(json: JSONValue, shown: String) throws(Diagnostic) {
    let members = try ConfigurationMembers(json, shown: shown)
    switch try members.family(among: ["gpt2", "llama", "mistral", "bert", "roberta"]) {
    case "gpt2": self = .gpt2(try GPT2Configuration(json: json, shown: shown))
    case "llama", "mistral": self = .llama(try LlamaConfiguration(json: json, shown: shown))
    default: self = .encoder(try EncoderConfiguration(json: json, shown: shown))
    }
  }

  public var layout: CheckpointLayout {
    switch self {
    case .gpt2(let configuration): configuration.layout
    case .llama(let configuration): configuration.layout
    case .encoder(let configuration): configuration.layout
    }
  }

  /// `config.json` as we write it.
  public var json: JSONValue {
    switch self {
    case .gpt2(let configuration): configuration.json
    case .llama(let configuration): configuration.json
    case .encoder(let configuration): configuration.json
    }
  }

  /// `generation_config.json`; nil for encoders.
  public var generationJSON: JSONValue? {
    switch self {
    case .gpt2(let configuration): configuration.generationJSON
    case .llama(let configuration): configuration.generationJSON
    case .encoder: nil
    }
  }

  /// `model_type`
  public var familyName: String {
    switch self {
    case .gpt2: "gpt2"
    case .llama(let configuration): configuration.family.rawValue
    case .encoder(let configuration): configuration.kind.rawValue
    }
  }
}
