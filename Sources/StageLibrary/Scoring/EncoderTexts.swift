// Texts as an encoder reads them: its tokenizer's template round each, in one window or a few, cut to a
// length. What is cut off is counted, so that nothing is lost silently.

import Diagnostics
import Foundation
import Statistics
import Tokenizers

struct EncoderTexts {
  /// The windows of all texts, in order.
  private(set) var sequences: [[Int32]] = []
  /// Where each text's windows begin, and the end.
  private(set) var starts: [Int] = [0]
  /// Texts that were longer than their windows, and their tokens behind the cut.
  private(set) var cut = 0
  private(set) var cutTokens = 0
  let maximumLength: Int

  /// - Parameters:
  ///   - maximumLength: tokens of a window, those of the template included.
  ///   - windows: most windows of a text; its tokens are spread over as many as it needs.
  ///
  /// **Throws**: `encoder-tokenizer`, `encoder-length`.
  init(
    _ texts: [String], tokenizer: any Tokenizer, maximumLength: Int, windows: Int = 1,
    context: Int
  ) throws(Diagnostic) {
    let frame = tokenizer.template.addedToOne
    guard frame > 0 else { throw .encoderTokenizer }
    guard maximumLength > frame, maximumLength <= context else {
      throw .encoderLength(maximumLength, shortest: frame + 1, context: context)
    }
    self.maximumLength = maximumLength
    for text in texts {
      var ids = tokenizer.encode(text)
      let room = maximumLength - frame
      let surplus = ids.count - windows * room
      if surplus > 0 {
        cut += 1
        cutTokens += surplus
        ids.removeLast(surplus)
      }
      // Windows of equal length: a last one of three tokens would say little and count as much.
      let count = max(1, (ids.count + room - 1) / room)
      for window in 0..<count {
        let range = ids.count * window / count..<ids.count * (window + 1) / count
        sequences.append(tokenizer.template.apply(Array(ids[range])).ids)
      }
      starts.append(sequences.count)
    }
  }

  /// How many texts there are.
  var count: Int { starts.count - 1 }

  /// The windows of a text.
  func windows(of text: Int) -> Range<Int> { starts[text]..<starts[text + 1] }

  /// From logits of windows to those of texts: log of the mean of the windows' probabilities, and of one
  /// window its own.
  func combined(_ logits: [[Double]]) -> [[Double]] {
    (0..<count).map { text in
      let windows = windows(of: text)
      if windows.count == 1 { return logits[windows.lowerBound] }
      var mean = [Double](repeating: 0, count: logits[windows.lowerBound].count)
      for window in windows {
        for (index, p) in Statistics.probabilities(logits: logits[window]).enumerated() {
          mean[index] += p / Double(windows.count)
        }
      }
      return mean.map { log(max($0, 1e-300)) }
    }
  }

  /// For a log; nil if every text was read whole.
  var remark: String? {
    guard cut > 0 else { return nil }
    let length = starts.count - 1 == sequences.count ? "" : "windows of "
    return "\(cut) of \(count) texts were cut to \(length)\(maximumLength) tokens "
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
