// The stage kind `degrade-corpus`: the same documents, worse by a known amount. What happens to words
// is in Corpora (Degradation.swift).

import Corpora
import Diagnostics
import Scheduling

enum DegradeCorpusStage: StageBody {
  static let kind = "degrade-corpus"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let parameters = stage.parameters
    let corpus = try Corpus.read(files: stage.input("corpus").files)
    let mode = parameters.string("mode")
    let ways: [Degradation] =
      mode == "mixed" ? [.loop, .shuffle, .cut] : [parameters.choice("mode")]
    let amount = parameters.number("amount")
    let worse = corpus.degraded(ways, strength: amount, seed: parameters.integer("seed"))
    try worse.write(to: stage.output("corpus").folder)
    let changed = zip(worse.documents, corpus.documents).count { $0.text != $1.text }
    stage.log("\(mode) by \(amount): \(changed) of \(corpus.documents.count) documents changed")
  }

  static func memory(for order: StageSizes) -> Int {
    // Texts twice and every word of the corpus as a string of its own.
    128 << 20 + 12 * order.bytes(of: "corpus")
  }
}
