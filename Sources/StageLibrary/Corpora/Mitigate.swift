// The stage kind `mitigate`: real and written corpora in, what the next generation learns from out.
// The strategies are a pure function in Corpora (Mitigation.swift).

import Corpora
import Diagnostics
import ModelFiles
import Scheduling

enum MitigateStage: StageBody {
  static let kind = "mitigate"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let parameters = stage.parameters
    let mitigation = Mitigation(
      strategy: parameters.choice("strategy"), round: parameters.integer("round"),
      seed: parameters.integer("seed"), preserveFraction: parameters.number("preserve_fraction"),
      mixFraction: parameters.optionalNumber("mix_fraction"),
      budget: parameters.choice("budget"),
      overfitEpochs: parameters.integer("overfit_epochs"),
      overfitWeightDecay: parameters.number("overfit_weight_decay"))
    let real = try Corpus.read(files: stage.input("real").files)
    var synthetic: [Corpus] = []
    for item in stage.inputs("synthetic") { synthetic.append(try Corpus.read(files: item.files)) }

    guard mitigation.round == 0 || !synthetic.isEmpty else {
      throw .nothingWritten(round: mitigation.round)
    }

    let mixed = try mitigation.mix(real: real, synthetic: synthetic)
    try mixed.write(to: stage.output("corpus").folder)
    try mitigation.budgetDocuments(mixed: mixed, real: real, synthetic: synthetic)
      .write(to: stage.output("budget").folder)
    try AtomicFile.write(
      mitigation.recipe.canonicalBytes + [0x0A], to: stage.output("recipe").path("recipe.json"))
    stage.log(
      "\(mitigation.strategy.rawValue): \(mixed.documents.count) documents from "
        + "\(real.documents.count) real ones and \(synthetic.count) written corpora")
  }
}

extension Diagnostic {
  /// Without this, a forgotten reference would train every generation on the real corpus, and the
  /// drift curves would be those of no loop at all.
  static func nothingWritten(round: Int) -> Diagnostic {
    Diagnostic(
      "nothing-written", "round \(round) has no written corpus to learn from",
      help: "bind 'synthetic' to the corpora so far: write[generation=0..<generation].corpus",
      consequence: .stageFailed)
  }
}
