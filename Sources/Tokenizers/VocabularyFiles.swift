// The older pair of files of GPT-2: `vocab.json` (spelling → id) and `merges.txt`. The newer single
// file is read in TokenizerJSON.swift.

import CanonicalJSON
import Diagnostics

extension ByteLevelBPE {
  /// Reads `vocab.json` (or `encoder.json`) and `merges.txt` (or `vocab.bpe`).
  ///
  /// `<|endoftext|>` becomes a special token if the vocabulary has it.
  ///
  /// **Throws**: `json-syntax`, `merges-malformed`, `tokenizer-malformed`.
  public convenience init(vocabularyJSON: [UInt8], mergesText: [UInt8]) throws(Diagnostic) {
    let file = try JSONValue(parsing: SourceText(path: "vocab.json", bytes: vocabularyJSON))
    let vocabulary = try VocabularyTable(file)
    let source = SourceText(path: "merges.txt", bytes: mergesText)
    var merges: [(left: Int32, right: Int32, merged: Int32)] = []
    var start = 0
    for (number, line) in mergesText.split(separator: 0x0A, omittingEmptySubsequences: false)
      .enumerated()
    {
      let range = start..<start + line.count
      start += line.count + 1
      let line = line.last == 0x0D ? line.dropLast() : line
      if line.isEmpty || number == 0 && line.starts(with: Array("#version".utf8)) { continue }
      guard let text = String(validating: line, as: UTF8.self), let halves = mergeHalves(text)
      else {
        throw .mergesMalformed(
          "has a line that is not two tokens and one space",
          at: SourceSpan(source: source, range: range))
      }
      merges.append(try vocabulary.merge(halves.0, halves.1, rank: merges.count))
    }
    var added: [AddedToken] = []
    if let id = file[Self.endOfTextContent]?.integer {
      added = [AddedToken(id: Int32(id), content: Self.endOfTextContent, isSpecial: true)]
    }
    self.init(
      tokens: try vocabulary.tokens(except: added), merges: merges, addedTokens: added)
  }
}
