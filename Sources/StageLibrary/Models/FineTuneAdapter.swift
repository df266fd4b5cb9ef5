// The stage kind `fine-tune-adapter`: a frozen model and a corpus in, low-rank matrices that learnt
// beside it out (Hu et al. 2021; on 4-bit weights Dettmers et al. 2023). The matrices are LanguageModels'
// LowRankAdapter, their training is AdapterTraining.swift's.

import Diagnostics
import LanguageModels
import Scheduling
import Tokenizers

enum FineTuneAdapterStage: StageBody {
  static let kind = "fine-tune-adapter"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let parameters = try FineTuneRecipe.apply(
      stage.optionalInput("recipe"), to: stage.parameters, log: stage.log)
    let tokenizer = try ModelTokenizer.read(stage.input("model").bytes("tokenizer.json"))
    let model = try stage.storedModel()
    let (sequences, totalTokens) = try TrainingRun.examples(
      stage, parameters, tokenizer, model.specification)
    try AdapterTraining.run(stage, parameters, model, on: sequences, totalTokens: totalTokens)
  }

  static func memory(for order: StageSizes) -> Int {
    AdapterTraining.memory(
      for: order, texts: order.bytes(of: "corpus") + order.bytes(of: "budget"))
  }
}
