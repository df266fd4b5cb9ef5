// Two corpora of statements, one of each leaning, as tokens of a model: what score-statements and
// project-bias ask about.

import Corpora
import Diagnostics
import LanguageModels
import ModelAnalysis
import Scheduling
import Tokenizers

/// The documents of the ports `left` and `right`, and what stands before each.
struct StatementCorpora {
  let left: [Document]
  let right: [Document]
  private let prompt: String

  /// **Throws**: what reading a corpus throws, `nothing-to-score`.
  init(_ stage: StageContext) throws(Diagnostic) {
    func read(_ port: String) throws(Diagnostic) -> [Document] {
      let documents = try Corpus.read(files: stage.input(port).files).documents
      guard !documents.isEmpty else { throw .nothingToScore(port) }
      return documents
    }
    left = try read("left")
    right = try read("right")
    prompt = stage.parameters.string("prompt")
  }

  /// - Returns: one set of sequences for each leaning, in the order of the documents.
  ///
  /// **Throws**: `statement-length`.
  func sequences(
    _ tokenizer: any Tokenizer, _ specification: ModelSpecification
  ) throws(Diagnostic) -> (left: StatementSequences, right: StatementSequences) {
    // A space at the prompt's end belongs to the statement's first word, as byte-level tokenizers see it.
    let isSpaced = prompt.hasSuffix(" ")
    let start = tokenizer.endOfText.map { [$0] } ?? []
    let beginning =
      prompt.isEmpty
      ? start : start + tokenizer.encode(Array((isSpaced ? prompt.dropLast() : prompt[...]).utf8))
    func sequences(_ documents: [Document]) throws(Diagnostic) -> StatementSequences {
      try StatementSequences(
        documents.map { tokenizer.encode(Array(((isSpaced ? " " : "") + $0.text).utf8)) },
        after: beginning, names: documents.map(\.id), for: specification)
    }
    return (try sequences(left), try sequences(right))
  }

  var count: Int { left.count + right.count }
}
