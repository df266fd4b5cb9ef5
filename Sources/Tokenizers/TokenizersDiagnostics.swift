// Every sentence this module says to a user, and the pages behind their ids.

import Diagnostics

extension Diagnostic {
  private static let help =
    "Plumb reads byte-level BPE tokenizers as GPT-2 and SmolLM have them"

  static func tokenizerUnsupported(_ part: String, _ name: String) -> Diagnostic {
    Diagnostic(
      "tokenizer-unsupported", "the tokenizer has the \(part) '\(name)', which is not implemented",
      help: help)
  }

  static func tokenizerMalformed(_ reason: String) -> Diagnostic {
    Diagnostic(
      "tokenizer-malformed", "the tokenizer file \(reason)",
      help: "save it again with the library it came from, or train one with 'train-tokenizer'")
  }

  static func mergesMalformed(_ reason: String, at span: SourceSpan? = nil) -> Diagnostic {
    Diagnostic("merges-malformed", "the merges file \(reason)", at: span)
  }
}

/// Pages behind `plumb explain ID`.
public let tokenizersExplanations: [(id: String, text: String)] = [
  (
    "tokenizer-unsupported",
    """
    A tokenizer.json describes a pipeline: normalizer, pre-tokenizer, model, post-processor, decoder.
    Plumb runs the one of GPT-2 (and SmolLM's, which isolates digits): model BPE, pre-tokenizer
    ByteLevel, no normalizer. Any other part would change the ids, so it is refused by its name
    instead of being skipped.
    """
  ),
  (
    "tokenizer-malformed",
    """
    The file is JSON but not a whole tokenizer: a merge names a token that the vocabulary lacks, two
    tokens share an id, a byte has no token (then some texts could not be written), or an entry has
    the wrong type. The message says which.
    """
  ),
  (
    "merges-malformed",
    """
    A merges.txt holds one merge a line, two tokens with one space between, best merge first; a first
    line '#version: …' is skipped. The place shows the line that is different.
    """
  ),
]
