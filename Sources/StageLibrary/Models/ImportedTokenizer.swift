// The tokenizer of a model from outside, as tokenizer.json, read once so that a stage far behind does
// not stumble over it.

import CanonicalJSON
import Diagnostics
import ModelFiles
import Scheduling
import Tokenizers

struct ImportedTokenizer {
  /// The bytes of tokenizer.json.
  let json: [UInt8]
  let vocabularySize: Int
  private let source: String

  var description: String { "\(vocabularySize) tokens, from \(source)" }

  /// - Parameter given: a tokenizer from the store, which goes before the model's own.
  ///
  /// **Throws**: `import-model`, and the diagnostics of Tokenizers.
  init(_ model: ImportedModel, given: InputArtifact?) throws(Diagnostic) {
    let tokenizer: any Tokenizer
    if let given {
      json = try given.bytes("tokenizer.json")
      tokenizer = try ModelTokenizer.read(json)
      source = "the input 'tokenizer'"
    } else if let path = model.files["tokenizer.json"] {
      json = try MappedFile(at: path).copy()
      tokenizer = try ModelTokenizer.read(json)
      source = "tokenizer.json"
    } else if let gguf = model.gguf {
      tokenizer = try ModelTokenizer.make(StoredVocabulary(gguf))
      json = tokenizer.tokenizerJSON
      source = "the GGUF file"
    } else if let vocabulary = model.files["vocab.json"], let merges = model.files["merges.txt"] {
      tokenizer = try ByteLevelBPE(
        vocabularyJSON: try MappedFile(at: vocabulary).copy(),
        mergesText: try MappedFile(at: merges).copy())
      json = tokenizer.tokenizerJSON
      source = "vocab.json and merges.txt"
    } else if let vocabulary = model.files["vocab.txt"] {
      // Uncased unless the model says otherwise, as transformers has it.
      let lowercases = try model.tokenizerConfiguration()?["do_lower_case"]?.boolean ?? true
      tokenizer = try WordPiece(
        vocabularyText: try MappedFile(at: vocabulary).copy(), lowercases: lowercases)
      json = tokenizer.tokenizerJSON
      source = "vocab.txt"
    } else {
      throw .importModel(
        "the model has no tokenizer.json",
        help: "save it with the model (tokenizer.save_pretrained), or give the input 'tokenizer'")
    }
    vocabularySize = tokenizer.vocabularySize
    let rows = model.configuration.vocabularySize
    guard vocabularySize <= rows else {
      throw .importModel(
        "the tokenizer has \(vocabularySize) tokens, the model knows \(rows)",
        help: "take the tokenizer that belongs to the model")
    }
  }
}

extension ModelConfiguration {
  var vocabularySize: Int {
    switch self {
    case .gpt2(let configuration): configuration.vocabularySize
    case .llama(let configuration): configuration.vocabularySize
    case .encoder(let configuration): configuration.vocabularySize
    }
  }
}
