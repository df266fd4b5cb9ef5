// The one reader of tokenizers: which kind a file has, and who reads it. TokenizerJSON.swift reads
// byte-level BPE, SentencePieceFiles.swift that of Llama and Mistral, WordPieceFiles.swift WordPiece.

import CanonicalJSON
import Diagnostics

public enum TokenizerFile {
  /// Reads a tokenizer.json of any implemented kind.
  ///
  /// **Throws**: `json-syntax`, `tokenizer-unsupported` (models such as Unigram, unknown
  /// normalizers, pre-tokenizers, post-processors, decoders), `tokenizer-malformed`.
  public static func read(
    tokenizerJSON bytes: [UInt8], path: String = "tokenizer.json"
  ) throws(Diagnostic) -> any Tokenizer {
    let file = try JSONValue(parsing: SourceText(path: path, bytes: bytes))
    guard file.object != nil else { throw .tokenizerMalformed("is not a JSON object") }
    if file["model"]?["type"]?.string == "WordPiece" { return try WordPiece(file: file) }
    if SentencePieceBPE.isMeant(by: file) { return try SentencePieceBPE(file: file) }
    return try ByteLevelBPE(file: file)
  }
}
