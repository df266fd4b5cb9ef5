// The stage kind `train-tokenizer`: corpus in, tokenizer.json out. Merges are learnt in Tokenizers
// (BytePairTrainer.swift).

import Corpora
import Diagnostics
import ModelFiles
import Scheduling
import Tokenizers

enum TrainTokenizerStage: StageBody {
  static let kind = "train-tokenizer"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let wanted = stage.parameters.integer("vocabulary_size")
    var trainer = BytePairTrainer(
      vocabularySize: wanted, minimumCount: stage.parameters.integer("minimum_count"))
    var bytes = 0
    try Corpus.forEachDocument(files: stage.input("corpus").files) { document in
      bytes += document.text.utf8.count
      trainer.count(Array(document.text.utf8))
    }
    let tokenizer = trainer.train { stage.progress(step: $0, of: $1, unit: "merges") }
    try AtomicFile.write(
      tokenizer.tokenizerJSON, to: stage.output("tokenizer").path("tokenizer.json"))
    stage.log("learnt \(tokenizer.vocabularySize) tokens from \(bytes) bytes")
    if tokenizer.vocabularySize < wanted {
      stage.log("the corpus has no more pairs that occur often enough for \(wanted) tokens")
    }
  }
}
