// The stage kind `fine-tune`: model and corpus in, the model after training and its history out. What
// it shares with fine-tune-adapter is in TrainingRun.swift, what a recipe may change in
// FineTuneRecipe.swift.

import Diagnostics
import LanguageModels
import ModelFiles
import Scheduling
import Tokenizers

enum FineTuneStage: StageBody {
  static let kind = "fine-tune"

  static func run(_ stage: StageContext) throws(Diagnostic) {
    let parameters = try FineTuneRecipe.apply(
      stage.optionalInput("recipe"), to: stage.parameters, log: stage.log)
    let input = stage.input("model")
    let tokenizerJSON = try input.bytes("tokenizer.json")
    // Every weight learns, so blocks of a quantised file are expanded.
    let model = try LanguageModel(files: input.files)
    let (sequences, totalTokens) = try TrainingRun.examples(
      stage, parameters, try ModelTokenizer.read(tokenizerJSON), model.specification)
    let trainer = try Trainer(
      model, on: sequences,
      TrainingRun.settings(
        parameters, dropout: parameters.number("dropout"), totalTokens: totalTokens))
    let kept = TrainingPath.places(parameters.integer("snapshots"), of: trainer.totalSteps)
    try TrainingRun.run(trainer, stage, keeping: kept)
    try TrainingPath.write(
      kept, of: trainer.totalSteps, from: stage.resumeFolder, to: stage.output("path").folder)
    let folder = stage.output("model").folder
    try model.write(to: folder, tokenizerJSON: tokenizerJSON)
    // It holds the chat template.
    if let path = input.files["tokenizer_config.json"] {
      try AtomicFile.write(MappedFile(at: path).copy(), to: folder + "/tokenizer_config.json")
    }
  }

  static func memory(for order: StageSizes) -> Int {
    ModelMemory(order).training(
      tokens: max(
        order.parameters.integer("micro_batch_tokens"), order.parameters.integer("max_length")))
      + 12 * (order.bytes(of: "corpus") + order.bytes(of: "budget"))
  }
}
