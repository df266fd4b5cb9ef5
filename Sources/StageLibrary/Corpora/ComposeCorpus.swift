// The stage kind `compose-corpus`: grammar in, corpus out. The grammar is read and expanded in
// Corpora (Grammar.swift, Composition.swift).

import Corpora
import Diagnostics
import Scheduling

enum ComposeCorpusStage: StageBody {
  static let kind = "compose-corpus"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let parameters = stage.parameters
    let grammar = try Grammar.read(
      fileAt: grammarPath(stage),
      shown: stage.optionalInput("grammar") == nil
        ? "grammars/\(parameters.string("grammar")).yaml" : "grammar.yaml",
      warn: { stage.log($0.description) })
    let composition = try Composition(
      grammar: grammar, labels: parameters.strings("labels"),
      weights: parameters.numbers("weights"),
      leastSentences: parameters.integer("least_sentences"),
      mostSentences: parameters.integer("most_sentences"), seed: parameters.integer("seed"),
      idPrefix: parameters.optionalString("id_prefix"))
    let count = parameters.integer("documents")
    let corpus = try composition.corpus(count: count) {
      stage.progress(step: $0, of: count, unit: "documents")
    }
    try corpus.write(to: stage.output("corpus").folder)
    let labels = corpus.labelCounts.map { "\($0.count) \($0.label)" }.joined(separator: ", ")
    stage.log("composed \(count) documents: \(labels)")
  }

  private static func grammarPath(_ stage: StageContext) throws(Diagnostic) -> String {
    if let own = stage.optionalInput("grammar") { return try own.path("file") }
    return try stage.declaredFile("grammars/\(stage.parameters.string("grammar")).yaml")
  }
}
