// What one training example is: the parameters of fine-tune, and the presets that say what the study's
// text and its released code do differently.

import LanguageModels
import Scheduling

/// How a document's text becomes the pieces that are learnt one by one.
struct ExampleRules: Equatable {
  var form: ExampleForm
  var learnsEndOfText: Bool
  /// Whether lines with nothing to learn take places in batches.
  var keepsBlankLines: Bool
  /// Whether a document is learnt as the field of a CSV file.
  var quotesRecords: Bool

  /// **Source**: Wang et al. 2024 (arXiv 2410.15234): the text trains on articles; the release reads the
  /// CSV file of the articles with `load_dataset("text")`, line by line, and pads with the end of text.
  init(_ parameters: Parameters) {
    let isRelease = parameters.optionalString("preset") == "release"
    var form: ExampleForm = isRelease ? .line : .article
    if let name = parameters.optionalString("examples") { form = ExampleForm(rawValue: name)! }
    self.form = form
    learnsEndOfText = parameters.optionalBoolean("learn_end_of_text") ?? false
    keepsBlankLines = isRelease && form == .line
    quotesRecords = isRelease
  }

  /// The lines of a document for `.line`, else the whole of it.
  func pieces(of text: String) -> [[UInt8]] {
    var bytes = Array(text.utf8)
    if quotesRecords {
      let quote = UInt8(ascii: "\"")
      bytes = [quote] + bytes.flatMap { $0 == quote ? [quote, quote] : [$0] } + [quote]
    }
    guard form == .line else { return [bytes] }
    return bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: !keepsBlankLines)
      .map { line in
        let line = line.last == UInt8(ascii: "\r") ? line.dropLast() : line
        // White space alone is a blank line, unless it is to be learnt as the release did.
        let isBlank = line.allSatisfy { $0 == 0x20 || $0 == 0x09 }
        return isBlank && !keepsBlankLines ? [] : Array(line)
      }
  }
}
