// The tokenizer that belongs to a model, whatever its kind.

import CanonicalJSON
import Diagnostics
import ModelFiles
import Tokenizers

public enum ModelTokenizer {
  /// Reads a tokenizer.json.
  ///
  /// **Throws**: the diagnostics of Tokenizers.
  public static func read(_ json: [UInt8]) throws(Diagnostic) -> any Tokenizer {
    try TokenizerFile.read(tokenizerJSON: json)
  }

  /// The chat template of a tokenizer_config.json; nil if it has none.
  ///
  /// **Throws**: `chat-template-unsupported`.
  static func chatTemplate(_ configuration: JSONValue) throws(Diagnostic) -> ChatTemplate? {
    try ChatTemplate.read(tokenizerConfigJSON: configuration.canonicalBytes)
  }

  /// Makes the tokenizer of a GGUF file.
  ///
  /// **Throws**: the diagnostics of Tokenizers.
  static func make(_ vocabulary: StoredVocabulary) throws(Diagnostic) -> any Tokenizer {
    try GGUFVocabulary(
      model: vocabulary.model, pre: vocabulary.preTokenizer, tokens: vocabulary.tokens,
      types: vocabulary.types.isEmpty ? nil : vocabulary.types, merges: vocabulary.merges,
      beginOfText: vocabulary.beginOfText, endOfText: vocabulary.endOfText,
      addsBegin: vocabulary.addsBeginOfText ?? false, addsEnd: vocabulary.addsEndOfText ?? false,
      chatTemplate: vocabulary.chatTemplate
    ).tokenizer()
  }
}
