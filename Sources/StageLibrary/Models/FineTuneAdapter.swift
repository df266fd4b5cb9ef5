// The stage kind `fine-tune-adapter`: a frozen model and a corpus in, low-rank matrices that learnt
// beside it out (Hu et al. 2021; on 4-bit weights Dettmers et al. 2023). The matrices are LanguageModels'
// LowRankAdapter, the loop is TrainingRun.swift's.

import Diagnostics
import LanguageModels
import ModelFiles
import Scheduling
import Tokenizers

enum FineTuneAdapterStage: StageBody {
  static let kind = "fine-tune-adapter"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let parameters = try FineTuneRecipe.apply(
      stage.optionalInput("recipe"), to: stage.parameters, log: stage.log)
    let input = stage.input("model")
    let tokenizer = try ModelTokenizer.read(input.bytes("tokenizer.json"))
    let model = try LanguageModel(
      files: input.files, storage: storage(parameters.string("storage")))
    let sequences = try TrainingRun.examples(stage, parameters, tokenizer, model.specification)

    let rank = parameters.integer("rank")
    var configuration = LowRankConfiguration(
      rank: rank, alpha: parameters.optionalNumber("alpha") ?? 2 * Double(rank),
      dropout: parameters.number("dropout"), targets: parameters.strings("targets"))
    configuration.usesRankStabilisedScale = parameters.boolean("rank_stabilised")
    let adapter = try LowRankAdapter(
      configuration, for: model.table, seed: parameters.integer("seed"))
    stage.log(
      "\(adapter.weightCount) weights in \(adapter.modules.count) layers learn beside "
        + "\(model.table.weightCount) frozen ones")

    // peft's habit: the frozen model itself drops nothing, the adapter's inputs do.
    let trainer = try Trainer(
      model, on: sequences, TrainingRun.settings(parameters, dropout: 0), adapter: adapter)
    try TrainingRun.run(trainer, stage)
    try adapter.write(
      to: stage.output("adapter").folder, baseName: parameters.optionalString("base_name"),
      base: model)
  }

  private static func storage(_ name: String) -> WeightStorage {
    switch name {
    case "as-stored": .asStored
    case "nf4": .nf4(doubleQuantised: true)
    default: .float32
    }
  }

  static func memory(for order: StageSizes) -> Int {
    let memory = ModelMemory(modelBytes: order.bytes(of: "model"))
    let tokens = max(
      order.parameters.integer("micro_batch_tokens"), order.parameters.integer("max_length"))
    return memory.trainingAdapter(tokens: tokens, rank: order.parameters.integer("rank"))
      + 12 * order.bytes(of: "corpus")
  }
}
