// Texts as an encoder reads them: its tokenizer's template round each, cut to a length. What is cut
// off is counted, so that nothing is lost silently.

import Diagnostics
import Tokenizers

struct EncoderTexts {
  private(set) var sequences: [[Int32]] = []
  /// Texts that were longer than `maximumLength`, and their tokens behind the cut.
  private(set) var cut = 0
  private(set) var cutTokens = 0
  let maximumLength: Int

  /// - Parameters:
  ///   - maximumLength: tokens, those of the template included.
  ///
  /// **Throws**: `encoder-tokenizer`, `encoder-length`.
  init(
    _ texts: [String], tokenizer: any Tokenizer, maximumLength: Int, context: Int
  ) throws(Diagnostic) {
    let frame = tokenizer.template.addedToOne
    guard frame > 0 else { throw .encoderTokenizer }
    guard maximumLength > frame, maximumLength <= context else {
      throw .encoderLength(maximumLength, shortest: frame + 1, context: context)
    }
    self.maximumLength = maximumLength
    for text in texts {
      var ids = tokenizer.encode(text)
      let surplus = ids.count + frame - maximumLength
      if surplus > 0 {
        cut += 1
        cutTokens += surplus
        ids.removeLast(surplus)
      }
      sequences.append(tokenizer.template.apply(ids).ids)
    }
  }

  /// For a log; nil if every text was read whole.
  var remark: String? {
    guard cut > 0 else { return nil }
    return "\(cut) of \(sequences.count) texts were cut to \(maximumLength) tokens "
      + "(\(cutTokens) tokens left out)"
  }
}

extension Diagnostic {
  static var encoderTokenizer: Diagnostic {
    Diagnostic(
      "encoder-tokenizer",
      "the encoder's tokenizer puts no special tokens round a text ([CLS] … [SEP], <s> … </s>)",
      help: "give tokenizer.json the post_processor that the encoder was trained with",
      consequence: .stageFailed)
  }

  static func encoderLength(_ length: Int, shortest: Int, context: Int) -> Diagnostic {
    Diagnostic(
      "encoder-length",
      "texts of \(length) tokens do not suit an encoder that reads \(shortest) to \(context)",
      help: "set max_length to at most \(context)", consequence: .stageFailed)
  }
}
